"""Producers and readers for tests that press on a broker; a Ledger notes what was acknowledged.

A producer ends quietly when the broker goes away, because in half of these tests it is killed; what it had
sent and not seen acknowledged may or may not be stored. It never sends a record twice.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger import Ledger, Place, RecordId, identify, make_value
from wire_client import REPLY_TIMEOUT_S, WireClient, WireMessage

from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.log_verifier import LogVerifier

RECORDS_PER_TURN_MAX = 60


class Target(NamedTuple):
    """Where a workload goes."""

    host: str
    port: int
    topic: str
    partitions: int


class Lines:
    """One connection that sends bytes and reads reply lines; ConnectionError at its end, also in a line."""

    def __init__(self, target: Target) -> None:
        self._socket = socket.create_connection((target.host, target.port), timeout=REPLY_TIMEOUT_S)
        self._reader = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self) -> list[str]:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError(f"the connection ended in a reply: {line!r}")
        return line[:-2].decode().split(" ")

    def read_exactly(self, size_bytes: int) -> bytes:
        data = self._reader.read(size_bytes)
        if len(data) < size_bytes:
            raise ConnectionResetError(f"the connection ended after {len(data)} of {size_bytes} bytes")
        return data

    def close(self) -> None:
        self._reader.close()
        self._socket.close()


Turn = Callable[[Lines, Target, Sequence[tuple[RecordId, bytes]], random.Random], dict[RecordId, Place]]
"""Sends some records and returns where those are that were acknowledged."""


def publish_pipelined(
    lines: Lines, target: Target, records: Sequence[tuple[RecordId, bytes]], rng: random.Random
) -> dict[RecordId, Place]:
    """PUBLISH each, all before the first reply is read; half of the time the broker picks the partitions."""
    option = f" partition={rng.randrange(target.partitions)}" if rng.random() < 0.5 else ""
    lines.send(b"".join(b"PUBLISH %b %d%b\r\n%b" % _words(target, value, option) for _, value in records))
    return {identity: _place(lines.read()) for identity, _ in records}


def append_batch(
    lines: Lines, target: Target, records: Sequence[tuple[RecordId, bytes]], rng: random.Random
) -> dict[RecordId, Place]:
    """APPEND them as one record batch."""
    builder = BatchBuilder(int(time.time() * 1000))
    builder.append_values([value for _, value in records])
    batch = builder.build()
    partition = rng.randrange(target.partitions)
    lines.send(b"APPEND %b %d %d\r\n" % (target.topic.encode(), partition, len(batch)) + batch)
    base = _place(lines.read())
    return {
        identity: Place(base.partition, base.offset + index) for index, (identity, _) in enumerate(records)
    }


def _words(target: Target, value: bytes, option: str) -> tuple[bytes, int, bytes, bytes]:
    return target.topic.encode(), len(value), option.encode(), value


def _place(reply: Sequence[str]) -> Place:
    if reply[:2] == ["-ERR", "SHUTTING_DOWN"]:
        raise ConnectionAbortedError(" ".join(reply))
    assert reply[0] == "+OK", " ".join(reply)
    return Place(partition=int(reply[2]), offset=int(reply[1]))


class Worker(threading.Thread):
    """A thread whose failure is the test's failure, see `joined`."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"test-{name}")
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - raised again by `joined`, in the test's own thread
            self.error = error

    def work(self) -> None:
        """What it is for."""
        raise NotImplementedError


@contextmanager
def joined(workers: Sequence[Worker]) -> Iterator[None]:
    """Start them, wait for them at the end, however that came, and raise what one of them failed with."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error


class Producer(Worker):
    """Sends `records_count` records in turns of random size, from the number `first` on."""

    def __init__(
        self,
        number: int,
        turn: Turn,
        target: Target,
        ledger: Ledger,
        *,
        seed: int,
        records_count: int,
        first: int = 0,
    ) -> None:
        super().__init__(f"producer-{number}")
        self.next_number = first
        self._number = number
        self._turn = turn
        self._target = target
        self._ledger = ledger
        self._rng = random.Random(f"{seed}/{number}/{first}")
        self._end = first + records_count
        self._is_done = False

    def work(self) -> None:
        try:
            with closing(Lines(self._target)) as lines:
                while self.next_number < self._end:
                    self._take_turn(lines)
        except OSError:
            return  # the broker went away, see above
        except BaseException as error:
            self._ledger.note_failure(error)
            raise
        self._is_done = True

    @property
    def is_interrupted(self) -> bool:
        """The broker went away before everything was sent and acknowledged."""
        return not self._is_done

    def _take_turn(self, lines: Lines) -> None:
        count = min(self._rng.randint(1, RECORDS_PER_TURN_MAX), self._end - self.next_number)
        identities = [RecordId(self._number, self.next_number + index) for index in range(count)]
        self.next_number += count
        self._ledger.note_sent(identities)
        records = [(identity, make_value(identity, self._rng)) for identity in identities]
        self._ledger.note_acknowledged(self._turn(lines, self._target, records, self._rng))


def assert_logs_and_indexes_agree(data_dir: Path) -> None:
    """Nothing is wrong with any file of a data directory that no broker uses."""
    with LogVerifier(data_dir) as verifier:
        problems = list(verifier.verify(lambda _size_bytes: None))
    assert not problems, "\n".join(map(str, problems))


def read_messages(client: WireClient, topic: str, partition: int, offset: int = 0) -> list[WireMessage]:
    """All messages of a partition from an offset on, by FETCH."""
    found: list[WireMessage] = []
    while messages := client.ask_messages(f"FETCH {topic} {partition} {offset} 1000"):
        found += messages
        offset = messages[-1].offset + 1
    return found


def read_from(client: WireClient, topic: str, partition: int, offset: int) -> list[tuple[int, bytes]]:
    """All records of a partition from an offset on as (offset, value)."""
    return [(message.offset, message.value) for message in read_messages(client, topic, partition, offset)]


def read_partition(client: WireClient, topic: str, partition: int) -> list[tuple[int, bytes]]:
    """All records of a partition as (offset, value)."""
    return read_from(client, topic, partition, 0)


def read_all(client: WireClient, target: Target) -> dict[int, list[tuple[int, bytes]]]:
    """All records of all partitions."""
    return {
        partition: read_partition(client, target.topic, partition) for partition in range(target.partitions)
    }


def identities(messages: Sequence[WireMessage]) -> list[RecordId]:
    return [identify(message.value) for message in messages]
