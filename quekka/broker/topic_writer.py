"""The one thread that changes a topic's files.

    connection threads --Command--> CommandQueue --> quekka-writer-<topic> --> LogWriter of each partition
                       <-Completion-------------------------'   '--> publishes views, fires signals

The writer takes all that is queued at once and serves it as a group, as LevelDB does in `DBImpl::Write`: one
writev for each partition, at most one fsync, one publication, then everybody hears of it. Under load the
group grows by itself, since commands gather while the previous group is written.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from quekka.broker.append_check import Answer, check_appends
from quekka.broker.command_queue import CommandQueue
from quekka.broker.commands import (
    AppendCommand,
    BeginFlushCommand,
    Command,
    DeleteRecordsCommand,
    FlushedCommand,
    ReplaceSegmentsCommand,
    RetentionCommand,
    RetireCommand,
    StopCommand,
)
from quekka.broker.completion import Completion, without_traceback
from quekka.deadline import Deadline
from quekka.errors import KafkaStorageError, QuekkaError

if TYPE_CHECKING:
    from quekka.broker.housekeeping import Housekeeping
    from quekka.broker.partition import Partition
    from quekka.storage.pending_producers import PendingProducers

logger = logging.getLogger(__name__)


class TopicWriter:
    """Serves a topic's commands on a thread that starts with the first one and retires when idle.

    Threads: `submit`, `submit_if_running`, `stop` by any; every method below them by `quekka-writer-<topic>`
    only.
    """

    def __init__(
        self,
        topic_name: str,
        bytes_max: Callable[[], int],
        housekeeping: "Housekeeping",
        write_checkpoints: Callable[[], bool],
    ) -> None:
        self._topic_name = topic_name
        self._housekeeping = housekeeping
        self._metrics = housekeeping.metrics
        self._write_checkpoints = write_checkpoints
        self.was_busy = False
        """Set by every group of commands; who looks for idle writers takes it back."""
        self.wakes = housekeeping.wakes
        self._queue = CommandQueue(topic_name, bytes_max, self.wakes, self._start_thread)
        self._thread: threading.Thread | None = None
        self._dirty: set[Partition] = set()
        self._refusing: dict[Partition, str] = {}
        """Partitions whose last append was refused, and why."""
        self._flush_is_due = False
        self._syncs_under_way = 0
        self._actions: dict[type, Callable[[Any], None]] = {
            BeginFlushCommand: self._begin_flush,
            DeleteRecordsCommand: self._delete_records,
            FlushedCommand: self._flushed,
            ReplaceSegmentsCommand: self._replace_segments,
            RetentionCommand: self._apply_retention,
        }

    def submit(self, command: Command, size_bytes: int = 0, deadline: Deadline | None = None) -> None:
        """Queue `command`; raises ThrottlingError (no room in time) or what the topic was stopped with."""
        self._queue.put(command, size_bytes, deadline)

    def submit_if_running(self, command: Command) -> bool:
        """Queue `command` if that starts no thread."""
        return self._queue.put_if_served(command)

    def stop(self, reason: QuekkaError) -> Completion[None]:
        """Queue the stop; whatever is submitted later is refused with `reason`."""
        done: Completion[None] = Completion()
        if not self._queue.close(StopCommand(done), reason):
            done.complete(None)
        return done

    def join(self) -> None:
        """Wait for the end of the thread, after `stop`."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def is_running(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    # The writer's own thread from here on.

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._writer_loop, name=f"quekka-writer-{self._topic_name}", daemon=True
        )
        thread.start()
        self._thread = thread  # not before: one that could not be started cannot be joined

    def _writer_loop(self) -> None:
        # What was served must not stay in a local here: it would keep its buffers while the writer sleeps.
        while self._serve(self._queue.take_all()):
            continue

    def _serve(self, commands: list[Command]) -> bool:
        """Carry out all commands; False when the thread has to end."""
        for command in self._gather(commands):
            if isinstance(command, list):
                self._append_group(command)
            elif isinstance(command, StopCommand):
                self._queue.leave()
                self._stop(command)
                return False
            elif isinstance(command, RetireCommand):
                if not self._dirty and not self._syncs_under_way and self._queue.leave():
                    return False
            else:
                self._act(command)
        return True

    def _gather(self, commands: list[Command]) -> Sequence[Command | list[AppendCommand]]:
        """Neighbouring appends as one list; the order of all else is kept.

        A RetireCommand counts only as the last: what was taken with it would be lost with the thread.
        """
        gathered: list[Command | list[AppendCommand]] = []
        appends: list[AppendCommand] = []
        for place, command in enumerate(commands, start=1):
            if isinstance(command, RetireCommand) and place < len(commands):
                continue
            if isinstance(command, AppendCommand):
                if not appends:
                    gathered.append(appends)
                appends.append(command)
            else:
                gathered.append(command)
                appends = []
        return gathered

    def _act(self, command: Any) -> None:
        try:
            self._actions[type(command)](command)
        except Exception as error:
            if not isinstance(error, QuekkaError):
                logger.exception("%s: %s failed", self._topic_name, type(command).__name__)
            done = getattr(command, "done", None)
            if done is not None:
                done.fail(error)
            elif isinstance(error, QuekkaError):
                logger.error("%s: %s: %s", self._topic_name, type(command).__name__, error.message)

    # Appends

    def _append_group(self, commands: list[AppendCommand]) -> None:
        """Append all, then tell everybody.

        Telling comes last: it wakes threads that want the GIL, and would wait for it while this one goes on.
        """
        by_partition = _by_partition(commands)
        answers: list[Answer] = []
        for partition, group in by_partition.items():
            try:
                if any([command.producers for command in group]):  # noqa: C419 (a generator costs more)
                    answers += self._append_checked(partition, group)
                else:
                    answers.append((group, self._append_to_partition(partition, group)))
            except Exception as error:  # noqa: BLE001 (logged and handed to those who wait)
                self._log_refusal(partition, group, error)
                answers.append((group, without_traceback(error)))
        self.was_busy = True
        self._queue.release(sum(command.size_bytes for command in commands))
        self._metrics.add_pair("append_groups", 1, "appends", len(commands))
        for partition in by_partition:
            partition.log_end.fire()
        for group, answer in answers:
            _answer(group, answer)

    def _append_checked(self, partition: "Partition", group: list[AppendCommand]) -> list[Answer]:
        """Append those that their producers' sequences allow; what to tell each."""
        checked = check_appends(partition.log.writer, group)
        for _, refusal in checked.refused:
            logger.info("%s: %s", partition, refusal.message)
        result: list[int] | Exception
        try:
            result = self._append_to_partition(partition, checked.accepted, checked.pending)
        except Exception as error:  # noqa: BLE001 (logged and handed to those who wait)
            self._log_refusal(partition, checked.accepted, error)
            result = without_traceback(error)
        return checked.answers(result)

    def _append_to_partition(
        self, partition: "Partition", group: list[AppendCommand], producers: "PendingProducers | None" = None
    ) -> list[int]:
        """Write, sync where the topic wants that before an answer, publish; the commands' base offsets."""
        log = partition.log
        writer = log.writer
        if len(group) == 1:
            offsets = writer.append(group[0].batches, producers)[:1]
        else:
            offsets = []
            batches = [batch for command in group for batch in command.batches]
            all_offsets = iter(writer.append(batches, producers))
            for command in group:
                offsets.append(next(all_offsets))
                for _ in command.batches[1:]:
                    next(all_offsets)
        if writer.unflushed_records >= log.config.flush_messages:
            writer.flush()
            self._metrics.add("fsyncs")
        # Also what is synced already: the checkpoint that says so is written at the next flush.ms.
        if partition not in self._dirty:
            self._mark_dirty(partition)
        writer.publish()
        if self._refusing:
            self._note_acceptance(partition)
        return offsets

    def _log_refusal(self, partition: "Partition", group: list[AppendCommand], error: Exception) -> None:
        """Say it once, not for every append while a disk is full."""
        if not isinstance(error, QuekkaError):
            logger.error("%s: %d appends failed", partition, len(group), exc_info=error)
        elif self._refusing.get(partition) != error.message:
            self._refusing[partition] = error.message
            logger.error("%s: appends are refused: %s", partition, error.message)

    def _note_acceptance(self, partition: "Partition") -> None:
        if self._refusing.pop(partition, None) is not None:
            logger.info("%s: appends are taken again", partition)

    # Flushing: the flusher syncs while the writer goes on, since a sync takes as long as many appends.

    def _mark_dirty(self, partition: "Partition") -> None:
        self._dirty.add(partition)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._housekeeping.flush_later(self, partition.log.config.flush_ms)

    def _begin_flush(self, _command: BeginFlushCommand) -> None:
        self._flush_is_due = False
        dirty, self._dirty = self._dirty, set()
        for partition in dirty:
            try:
                ticket = partition.log.writer.begin_flush()
            except KafkaStorageError as error:
                logger.error("%s: not flushed: %s", partition, error.message)
                if partition.log.writer.closed_reason is None:
                    self._mark_dirty(partition)
                continue
            try:
                self._housekeeping.sync_files(self, partition, ticket)
            except RuntimeError as error:  # no thread can be started
                logger.error("%s: not flushed: %s", partition, str(error))
                self._mark_dirty(partition)
                continue
            self._syncs_under_way += 1

    def _flushed(self, command: FlushedCommand) -> None:
        self._syncs_under_way -= 1
        command.partition.log.writer.finish_flush(command.ticket, command.error)
        self._metrics.add("fsyncs")
        self._write_checkpoints()

    def _flush_dirty(self) -> None:
        """Flush all that can be; raises the first KafkaStorageError when that was not all."""
        failure: KafkaStorageError | None = None
        dirty, self._dirty = self._dirty, set()
        for partition in dirty:
            try:
                partition.log.writer.flush()
            except KafkaStorageError as error:
                failure = failure or error
            self._metrics.add("fsyncs")
        self._write_checkpoints()
        if failure is not None:
            raise failure

    # Letting go

    def _delete_records(self, command: DeleteRecordsCommand) -> None:
        partition = command.partition
        writer = partition.log.writer
        before_offset = writer.log_end_offset if command.before_offset == -1 else command.before_offset
        writer.advance_log_start(before_offset)
        partition.log_end.fire()
        if not self._write_checkpoints():
            raise KafkaStorageError(f"{partition}: a crash may bring back the records before {before_offset}")
        writer.delete_segments_before(before_offset)
        command.done.complete(partition.log.view.log_start_offset)

    def _apply_retention(self, command: RetentionCommand) -> None:
        partition = command.partition
        writer = partition.log.writer
        if command.before_offset >= writer.log_end_offset:
            writer.roll()
        before = len(partition.log.view.segments)
        writer.advance_log_start(min(command.before_offset, writer.log_end_offset))
        partition.log_end.fire()
        # Before the files go: a power cut may take some of their names and leave others, and it may take the
        # new segment's, so only this tells where the log goes on. A full disk refuses it and needs the room.
        self._write_checkpoints()
        writer.delete_segments_before(command.before_offset)
        self._metrics.add("segments_deleted", before - len(partition.log.view.segments))

    def _replace_segments(self, command: ReplaceSegmentsCommand) -> None:
        partition = command.partition
        partition.log.writer.replace_segments(command.old_segments)
        self._metrics.add("segments_cleaned", len(command.old_segments))
        command.done.complete(None)

    # Stopping

    def _stop(self, command: StopCommand) -> None:
        try:
            self._flush_dirty()
        except KafkaStorageError as error:
            logger.error("%s: not all could be brought to disk: %s", self._topic_name, error.message)
            command.done.fail(error)
        except Exception as error:
            logger.exception("%s: stopping failed", self._topic_name)
            command.done.fail(error)
        else:
            command.done.complete(None)


def _by_partition(commands: list[AppendCommand]) -> "dict[Partition, list[AppendCommand]]":
    if len(commands) == 1:
        return {commands[0].partition: commands}
    groups: dict[Partition, list[AppendCommand]] = {}
    for command in commands:
        groups.setdefault(command.partition, []).append(command)
    return groups


def _answer(group: list[AppendCommand], answer: list[int] | Exception) -> None:
    if isinstance(answer, Exception):
        for command in group:
            command.done.fail(answer)
    else:
        for command, base_offset in zip(group, answer, strict=True):
            command.done.complete(base_offset)
