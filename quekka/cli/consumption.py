"""The loop of quekka-consume: poll, write, flush when nothing is there for now, know when it is enough."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from quekka.cli.interruption import Interruption
from quekka.cli.output import RecordOutput
from quekka.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from quekka.client import Consumer, ConsumerRecord, TopicPartition

RECORDS_PER_POLL = 500
POLL_TIMEOUT_MS = 200
"""How long an interruption may go unnoticed."""
FLUSH_INTERVAL_S = 1.0
"""How much printing may be done twice after a crash, while records come without a pause."""


class Limits(NamedTuple):
    """When to end; None for a limit that is not there."""

    records_max: int | None
    timeout_s: float | None
    """Without a record."""
    end_offsets: "Mapping[TopicPartition, int] | None"
    """Nothing at or after them is printed, and nothing of a partition that was added since."""


class Consumption:
    """One run of the program, from the first poll to a limit."""

    def __init__(
        self, consumer: "Consumer", output: RecordOutput, limits: Limits, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._consumer = consumer
        self._output = output
        self._limits = limits
        self._clock = clock
        self._records_written = 0
        self._has_waited = False
        self._last_record_at_s = self._last_flush_at_s = clock.monotonic_s()

    def run(self) -> None:
        """Print until a limit is reached; KeyboardInterrupt after SIGINT, when all is out and committed."""
        with Interruption() as interruption:
            while not (interruption.happened or self._is_enough()):
                self._step()
            self._flush()
        if interruption.happened:
            raise KeyboardInterrupt

    def _step(self) -> None:
        polled = self._poll(0)
        if not polled:
            self._flush()
            self._output.check_reader()
            polled = self._poll(self._wait_ms())
            self._has_waited = True
        for partition, records in polled.items():
            self._write(partition, records)
        if self._clock.monotonic_s() - self._last_flush_at_s >= FLUSH_INTERVAL_S:
            self._flush()

    def _poll(self, timeout_ms: int) -> "dict[TopicPartition, list[ConsumerRecord]]":
        most = RECORDS_PER_POLL
        if self._limits.records_max is not None:
            most = min(most, self._limits.records_max - self._records_written)
        return self._consumer.poll(timeout_ms, most)

    def _write(self, partition: "TopicPartition", records: "list[ConsumerRecord]") -> None:
        self._last_record_at_s = self._clock.monotonic_s()
        end_offsets = self._limits.end_offsets
        if end_offsets is not None:
            end_offset = end_offsets.get(partition, 0)
            records = [record for record in records if record.offset < end_offset]
        if records:
            self._output.write(partition, records)
            self._records_written += len(records)

    def _flush(self) -> None:
        self._output.flush()
        self._last_flush_at_s = self._clock.monotonic_s()

    def _is_enough(self) -> bool:
        return (
            (self._limits.records_max is not None and self._records_written >= self._limits.records_max)
            or (self._limits.timeout_s is not None and self._silence_s() >= self._limits.timeout_s)
            or self._is_at_end()
        )

    def _is_at_end(self) -> bool:
        """Every partition that is ours has been read up to where it ended at the start.

        A member of a group has its share after a poll; one that got none, because the others have it all, has
        nothing to wait for.
        """
        end_offsets = self._limits.end_offsets
        if end_offsets is None:
            return False
        assigned = self._consumer.assignment()
        return bool(assigned or self._has_waited) and all(
            self._consumer.position(each) >= end_offsets.get(each, 0) for each in assigned
        )

    def _wait_ms(self) -> int:
        if self._limits.timeout_s is None:
            return POLL_TIMEOUT_MS
        return min(POLL_TIMEOUT_MS, 1 + int((self._limits.timeout_s - self._silence_s()) * 1000))

    def _silence_s(self) -> float:
        return self._clock.monotonic_s() - self._last_record_at_s
