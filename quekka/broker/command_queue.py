"""The bounded queue in front of a topic's writer thread.

The writer sleeps on a wake (wake.py) and is woken only when it does: under load, commands pass without a
system call. Invariants:

1. `_queued_bytes` is the sum of `size_bytes` over commands that were put and not yet released.
2. A command is put only while the queue is open, under `_mutex`; so who closes it knows what is the last one.
3. A single command larger than the bound is let in when nothing else is queued: it waits, it is never stuck.
4. While the queue is served it has a wake. Who puts a command while the writer is asleep sets it, once, and
   only after letting go of `_mutex`, which the writer needs first of all.
"""

import threading
from collections.abc import Callable

from quekka.broker.commands import Command
from quekka.broker.wake import Wake, WakePool
from quekka.deadline import Deadline
from quekka.errors import QuekkaError, ThrottlingError


class CommandQueue:
    """Commands for one writer.

    Threads: `put` and `close` by any; `take_all` and `release` by the writer that serves the queue.
    """

    def __init__(
        self, topic_name: str, bytes_max: Callable[[], int], wakes: WakePool, on_first: Callable[[], None]
    ) -> None:
        """`on_first` is called under the queue's lock when a command is put and nobody serves the queue."""
        self._topic_name = topic_name
        self._bytes_max = bytes_max
        self._on_first = on_first
        self._wakes = wakes
        self._mutex = threading.Lock()
        self._room = threading.Condition(self._mutex)
        self._queued_bytes = 0
        self._waiting_for_room = 0
        self._closed_by: QuekkaError | None = None
        self._commands: list[Command] = []
        self._served_with: Wake | None = None
        self._is_asleep = False

    def put(self, command: Command, size_bytes: int = 0, deadline: Deadline | None = None) -> None:
        """Queue `command`, after waiting for room where there is none.

        Raises ThrottlingError when there was no room before the deadline, and what `close` named once it is
        closed.
        """
        with self._mutex:
            if self._queued_bytes and self._queued_bytes + size_bytes > self._bytes_max():
                self._wait_for_room_locked(size_bytes, deadline)
            asleep = self._put_locked(command, size_bytes)
        if asleep is not None:
            asleep.set()

    def put_if_served(self, command: Command) -> bool:
        """Queue `command` unless that would start a thread only for it, or the queue is closed."""
        with self._mutex:
            if self._served_with is None or self._closed_by is not None:
                return False
            asleep = self._put_locked(command, 0)
        if asleep is not None:
            asleep.set()
        return True

    def close(self, last: Command, reason: QuekkaError) -> bool:
        """Every later `put` raises `reason`; `last` goes in as the last command if a thread serves the queue.

        False where nobody serves it (or it was closed before), so that nobody will ever carry out `last`.
        """
        with self._mutex:
            if self._closed_by is not None:
                return False
            is_served = self._served_with is not None
            asleep = self._put_locked(last, 0) if is_served else None
            self._closed_by = reason
            self._room.notify_all()
        if asleep is not None:
            asleep.set()
        return is_served

    def take_all(self) -> list[Command]:
        """All that is queued, in order; waits where that is nothing."""
        wake = self._served_with
        assert wake is not None
        while True:
            with self._mutex:
                if self._commands:
                    commands, self._commands = self._commands, []
                    return commands
                self._is_asleep = True
            wake.wait()

    def release(self, size_bytes: int) -> None:
        """Give back the room of commands that are done."""
        with self._mutex:
            self._queued_bytes -= size_bytes
            if self._waiting_for_room:
                self._room.notify_all()

    def leave(self) -> bool:
        """The serving thread wants to end: True when nothing is queued; the next `put` calls `on_first`."""
        with self._mutex:
            if self._commands or self._served_with is None:
                return False
            self._wakes.give_back(self._served_with)
            self._served_with = None
        return True

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    def _put_locked(self, command: Command, size_bytes: int) -> Wake | None:
        """The wake to set when the lock is let go of, if the writer sleeps."""
        assert self._mutex.locked()
        if self._closed_by is not None:
            raise type(self._closed_by)(self._closed_by.message)
        if self._served_with is None:
            self._served_with = self._wakes.take()
            self._start_serving_locked()
        self._queued_bytes += size_bytes
        self._commands.append(command)
        was_asleep, self._is_asleep = self._is_asleep, False
        return self._served_with if was_asleep else None

    def _start_serving_locked(self) -> None:
        try:
            self._on_first()
        except BaseException:
            self._served_with = None
            raise

    def _wait_for_room_locked(self, size_bytes: int, deadline: Deadline | None) -> None:
        assert self._mutex.locked()
        self._waiting_for_room += 1
        try:
            while (
                self._queued_bytes
                and self._queued_bytes + size_bytes > self._bytes_max()
                and self._closed_by is None
            ):
                if deadline is not None and deadline.expired():
                    raise ThrottlingError(
                        f"{self._topic_name}: {self._queued_bytes} bytes wait for its writer already "
                        f"(queued.max.request.bytes={self._bytes_max()})"
                    )
                self._room.wait(None if deadline is None else deadline.remaining_s())
        finally:
            self._waiting_for_room -= 1
