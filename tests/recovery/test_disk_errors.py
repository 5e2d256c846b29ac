"""Every call that the broker makes of the file system fails once, in a run with all that a broker does.

The run is made without a fault first, and the calls of each operation are counted. Then it is made again and
again, and each time one call of one operation fails as the table ERRORS has it. What must hold then:

- the broker is alive, and each request is answered, with an error that is documented where it failed
- what was acknowledged can be read, and is there after a restart with a disk that works again
- with the disk well again, appends go on without a restart, but for logs whose sync or cut has failed

    pytest tests/recovery/test_disk_errors.py -m campaign --rounds 300       # every call of every operation
"""

import errno
import random
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pytest
from kafka_wire import KafkaWire
from log_bench import batch_by
from power_promises import all_records
from wire_client import WireClient

from quekka.clock import ManualClock
from quekka.embedded import Broker
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest
from quekka.storage.faulty_files import OPERATIONS, FaultyFiles

CASES_PER_ROUND = 8
SETTLE_S = 0.3
"""How long something that may have failed in the background is waited for."""

SETTINGS = {
    "log.segment.bytes": "400",
    "log.index.interval.bytes": "100",
    "log.retention.check.interval.ms": "3000",
    "log.cleaner.backoff.ms": "3000",
    "log.open.files.max": "16",
    "offsets.topic.num.partitions": "1",
    "num.partitions": "1",
}
PRODUCE, INIT_PRODUCER_ID = 0, 22
KAFKA_STORAGE_ERROR = 56


class Failure(NamedTuple):
    """How a call fails."""

    error: int
    after_bytes: int = 0


ERRORS: dict[str, tuple[Failure, ...]] = {
    "writev": (Failure(errno.ENOSPC), Failure(errno.ENOSPC, 7), Failure(errno.EIO, 70), Failure(0, 5)),
    "create": (Failure(errno.ENOSPC), Failure(errno.EMFILE)),
    "open_append": (Failure(errno.EMFILE),),
    "open_read": (Failure(errno.EMFILE), Failure(errno.EIO)),
    "mkdir": (Failure(errno.ENOSPC),),
    "makedirs": (Failure(errno.ENOSPC),),
    "replace": (Failure(errno.ENOSPC), Failure(errno.EROFS)),
    "fsync_directory": (Failure(errno.EIO), Failure(errno.EMFILE)),
}
"""Other operations fail with EIO."""

CLOSING = {"fsync", "fdatasync", "fsync_directory", "ftruncate"}
"""After one of these has failed a log may take no more appends until it is opened anew."""

DOCUMENTED = {
    "KAFKA_STORAGE_ERROR",
    "UNKNOWN_TOPIC_OR_PARTITION",  # for a topic that could not be made
    "OFFSET_OUT_OF_RANGE",  # for records that were refused
}
UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE = 3, 14, 15
DOCUMENTED_CODES = {
    0, UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE,
    KAFKA_STORAGE_ERROR,
}  # fmt: skip
"""As in quekka-protocol(7): a producer id is had of the coordinator."""


class DiskRun:
    """The scripted run on one broker: each request once, in the same order."""

    def __init__(self, broker: Broker, clock: ManualClock) -> None:
        self.acknowledged: dict[tuple[str, int], dict[int, bytes]] = {}
        self.refused: list[str] = []
        self.deleted_before: dict[tuple[str, int], int] = {}
        self._broker = broker
        self._clock = clock
        self._text = WireClient(broker.host, broker.port)
        self._kafka = KafkaWire(broker.host, broker.port)

    def close(self) -> None:
        self._text.close()
        self._kafka.close()

    def run(self) -> None:
        self.ask("CREATE plain partitions=2")
        self.ask("CREATE synced partitions=1 flush.messages=1")
        self.ask("CREATE states partitions=1 cleanup.policy=compact min.cleanable.dirty.ratio=0.01")
        self.ask("CREATE aged partitions=1 retention.ms=5000")
        self.ask("CREATE passing partitions=1")
        for number in range(8):
            for topic in ("plain", "synced", "states", "aged", "passing"):
                self.publish(topic, 0, number, " key=k" if topic == "states" else "")
        self.pass_time(1100)
        self.produce("plain", 1, 4)
        self.ask("COMMIT plain readers 3 partition=0")
        self.ask("CONFIG plain retention.ms=100000000")
        self.ask("CONFIG plain partitions=3")
        self.publish("plain", 2, 100)
        self.read("plain", 0)
        self.delete_records("synced", 3)
        self.pass_time(7000)
        self.read("states", 0)
        self.ask("DELETE passing")
        self.forget("passing")
        self.publish("aged", 0, 101)
        self.pass_time(7000)
        self.publish("synced", 0, 102)

    def ask(self, line: str) -> str:
        reply = self._text.ask(line)
        self._check_reply(line, reply)
        return reply

    def _check_reply(self, line: str, reply: str) -> None:
        assert reply.startswith(("+", "-ERR ")), f"{line}: {reply!r}"
        if reply.startswith("-"):
            self.refused.append(f"{line}: {reply}")
            assert reply.split(" ")[1] in DOCUMENTED, f"{line}: {reply}"

    def publish(self, topic: str, partition: int, number: int, options: str = "") -> str:
        value = b"%b %d " % (topic.encode(), number) + b"." * 60
        line = f"PUBLISH {topic} {len(value)} partition={partition}{options}"
        reply = self._text.ask(line, value)
        self._check_reply(line, reply)
        if reply.startswith("+OK"):
            self._note(topic, partition, int(reply.split(" ")[1]), [value])
        return reply

    def produce(self, topic: str, partition: int, count: int) -> None:
        """An idempotent producer, which sends each batch twice when it is refused."""
        answer = self._kafka.ask(INIT_PRODUCER_ID, 1, InitProducerIdRequest(None, 60_000))
        assert answer.error_code in DOCUMENTED_CODES, answer
        if answer.error_code:
            return
        for sequence in range(count):
            data = bytes(batch_by(answer.producer_id, sequence, timestamp_ms=self._clock.wall_ms()))
            value = b"%d/%d" % (answer.producer_id, sequence)
            if not any(self._produce(topic, partition, data, value) for _ in range(2)):
                return

    def _produce(self, topic: str, partition: int, data: bytes, value: bytes) -> bool:
        place = TopicProduceData(topic, [PartitionProduceData(partition, memoryview(data))])
        response = self._kafka.ask(PRODUCE, 7, ProduceRequest(None, -1, 30_000, [place]))
        answer = response.responses[0].partition_responses[0]
        assert answer.error_code in DOCUMENTED_CODES, answer
        if not answer.error_code:
            self._note(topic, partition, answer.base_offset, [value])
        return not answer.error_code

    def _note(self, topic: str, partition: int, offset: int, values: Sequence[bytes]) -> None:
        noted = self.acknowledged.setdefault((topic, partition), {})
        assert offset not in noted, f"{topic}/{partition}: offset {offset} was acknowledged twice"
        noted.update(enumerate(values, start=offset))

    def read(self, topic: str, partition: int) -> None:
        self._text.send(f"FETCH {topic} {partition} 0 100")
        head = self._text.read_line()
        self._check_reply(f"FETCH {topic} {partition}", head)
        for _ in range(int(head.split(" ")[1]) if head.startswith("+MESSAGES") else 0):
            self._text.read_exactly(int(self._text.read_line().split(" ")[3]) + 2)

    def delete_records(self, topic: str, before: int) -> None:
        self.deleted_before[topic, 0] = before
        self.ask(f"DELETERECORDS {topic} 0 {before}")

    def forget(self, topic: str) -> None:
        """It was to be deleted, whether that succeeded or not."""
        for place in [place for place in self.acknowledged if place[0] == topic]:
            del self.acknowledged[place]

    def pass_time(self, step_ms: int) -> None:
        """Let what is due be done; where a disk fails nobody tells when that is."""
        self._clock.advance(ms=step_ms)
        give_up_at_s = monotonic() + SETTLE_S
        moment = threading.Event()
        while not self._is_settled() and monotonic() < give_up_at_s:
            moment.wait(0.002)

    def _is_settled(self) -> bool:
        return all(
            partition.log.recovery_point == partition.view().log_end_offset
            for topic in self._broker.core.topics.all()
            for partition in topic.partitions
        )

    # Afterwards, with the disk well again

    def check_alive(self) -> None:
        assert self._text.ask("PING").startswith("+"), "it does not answer"
        assert self._text.ask("STATS").startswith("+OK ")

    def check_goes_on(self, *, may_be_closed: bool) -> None:
        """All topics can be made and written to again."""
        for topic, partitions in (("plain", 2), ("synced", 1), ("states", 1), ("aged", 1), ("after", 1)):
            reply = self._text.ask(f"CREATE {topic} partitions={partitions}")
            assert reply.startswith(("+OK", "-ERR TOPIC_ALREADY_EXISTS")), f"CREATE {topic}: {reply}"
            reply = self.publish(topic, 0, 200, " key=k" if topic == "states" else "")
            if not reply.startswith("+OK"):
                assert may_be_closed, f"PUBLISH {topic}: {reply}"
                assert "takes no appends" in reply
        self.ask("DELETE after")
        self.forget("after")

    def check_stored(self, broker: Broker) -> None:
        """What was acknowledged is there, unless it was to be deleted."""
        for (name, index), noted in self.acknowledged.items():
            partition = broker.core.topics.get(name).partition(index)
            view = partition.view()
            found = {offset: value for offset, (_, value) in all_records(partition).items()}
            assert view.log_end_offset > max(noted), f"{partition} ends before {max(noted)}"
            wrong = {offset for offset, value in noted.items() if found.get(offset, value) != value}
            assert not wrong, f"{partition}: other records at {sorted(wrong)}"
            if name in ("plain", "synced"):
                start = self.deleted_before.get((name, index), 0)
                missing = {offset for offset in noted if offset >= start} - found.keys()
                assert not missing, f"{partition}: no records at {sorted(missing)}"


def counted_calls(directory: Path) -> dict[str, int]:
    """How often a run without a fault calls each operation, from when the broker is ready to its stop."""
    files, clock = FaultyFiles(), ManualClock()
    with Broker(directory / "counted", settings=SETTINGS, clock=clock, files=files) as broker:
        files.counts.clear()
        run = DiskRun(broker, clock)
        run.run()
        assert not run.refused
        run.check_goes_on(may_be_closed=False)
        run.close()
    return dict(files.counts)


def all_cases(calls: dict[str, int]) -> Iterator[tuple[str, int, Failure]]:
    for operation in sorted(OPERATIONS):
        for failure in ERRORS.get(operation, (Failure(errno.EIO),)):
            for on_call in range(1, calls.get(operation, 0) + 1):
                yield operation, on_call, failure


def run_case(directory: Path, operation: str, on_call: int, failure: Failure) -> bool:
    """One run with one fault; whether it was met."""
    files, clock = FaultyFiles(), ManualClock()
    broker = Broker(directory, settings=SETTINGS, clock=clock, files=files)
    broker.start()
    run: DiskRun | None = None
    try:
        run = DiskRun(broker, clock)
        fault = files.fail(operation, on_call=on_call, error=failure.error, after_bytes=failure.after_bytes)
        run.run()
        files.heal()
        run.check_alive()
        run.check_stored(broker)
        run.check_goes_on(may_be_closed=operation in CLOSING)
    finally:
        if run is not None:
            run.close()
        broker.stop()
    with Broker(directory, settings=SETTINGS, clock=clock) as again:
        run.check_stored(again)
    return fault.hits > 0


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_one_failing_call_costs_no_record_and_no_broker(
    tmp_path: Path, seed: int, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    calls = counted_calls(tmp_path)
    cases = list(all_cases(calls))
    chosen = random.Random(seed).sample(cases, min(len(cases), CASES_PER_ROUND * rounds))
    met = 0
    for number, (operation, on_call, failure) in enumerate(chosen):
        name = errno.errorcode.get(failure.error, "short write")
        print(f"call {on_call} of {operation}: {name} after {failure.after_bytes} bytes")
        met += run_case(tmp_path / f"case-{number}", operation, on_call, failure)
        caplog.clear()  # the errors in it hold files open
    print(f"{len(chosen)} of {len(cases)} faults, {met} met; calls: {calls}")
    assert met
