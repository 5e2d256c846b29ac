"""Many producers and readers at once while segments roll, retention deletes and the broker restarts."""

from pathlib import Path

import pytest
from broker_kinds import RunningBroker, StartBroker
from ledger import Ledger, identify
from wire_client import WireClient
from workload import Producer, Target, Turn, Worker, append_batch, joined, publish_pipelined, read_all

TOPIC = "mixed"
PARTITIONS = 3
TURNS = (publish_pipelined, append_batch, publish_pipelined, append_batch)
RECORDS_PER_PRODUCER = 3000
TINY_SEGMENTS = {
    "log.segment.bytes": "65536",
    "log.index.interval.bytes": "500",
    "log.flush.interval.ms": "20",
}


class TailReader(Worker):
    """Reads a partition from its start while it grows, to its end after the producers are done."""

    def __init__(self, target: Target, partition: int, ledger: Ledger) -> None:
        super().__init__(f"tail-reader-{partition}")
        self.records: list[tuple[int, bytes]] = []
        self._target = target
        self._partition = partition
        self._ledger = ledger

    def work(self) -> None:
        with WireClient(self._target.host, self._target.port) as client:
            self._read_to_the_end(client)

    def _read_to_the_end(self, client: WireClient) -> None:
        offset = 0
        while True:
            # Asked before the read: what is empty after the producers were done is the end.
            was_finished = self._ledger.is_finished
            client.send(
                f"FETCH {self._target.topic} {self._partition} {offset} 500 {0 if was_finished else 100}"
            )
            head = client.read_line().split(" ")
            if head[:2] == ["-ERR", "OFFSET_OUT_OF_RANGE"]:
                offset = self._log_start(client)
                continue
            if head == ["+EMPTY"]:
                if was_finished:
                    return
                continue
            assert head[0] == "+MESSAGES", " ".join(head)
            self._take(client, int(head[1]))
            offset = self.records[-1][0] + 1

    def _take(self, client: WireClient, count: int) -> None:
        for _ in range(count):
            _, offset, _, length, *_ = client.read_line().split(" ")
            value = client.read_exactly(int(length) + 2)[:-2]
            identify(value)
            assert not self.records or int(offset) > self.records[-1][0], "offsets go back"
            self.records.append((int(offset), value))

    def _log_start(self, client: WireClient) -> int:
        return int(client.ask(f"LISTOFFSETS {self._target.topic} {self._partition} earliest").split(" ")[1])


def create_topic(broker: RunningBroker, settings: str = "") -> Target:
    with WireClient(broker.host, broker.port) as client:
        assert client.ask(f"CREATE {TOPIC} partitions={PARTITIONS} {settings}".rstrip()) == f"+OK {TOPIC}"
    return Target(broker.host, broker.port, TOPIC, PARTITIONS)


def make_producers(
    target: Target, ledger: Ledger, seed: int, firsts: list[int] | None = None
) -> list[Producer]:
    return [
        Producer(
            number,
            turn,
            target,
            ledger,
            seed=seed,
            records_count=RECORDS_PER_PRODUCER,
            first=firsts[number] if firsts else 0,
        )
        for number, turn in enumerate(TURNS)
    ]


def run_to_the_end(producers: list[Producer], readers: list[TailReader], ledger: Ledger) -> None:
    with joined(readers):
        try:
            with joined(producers):
                pass
        finally:
            ledger.note_finished()


def test_readers_see_all_that_is_acknowledged_once_and_in_order(start_broker: StartBroker, seed: int) -> None:
    broker = start_broker(TINY_SEGMENTS)
    target = create_topic(broker)
    ledger = Ledger()
    producers = make_producers(target, ledger, seed)
    readers = [TailReader(target, partition, ledger) for partition in range(PARTITIONS)]

    run_to_the_end(producers, readers, ledger)

    assert len(ledger.acknowledged) == RECORDS_PER_PRODUCER * len(producers)
    seen = {partition: reader.records for partition, reader in enumerate(readers)}
    ledger.check(seen)
    with WireClient(broker.host, broker.port) as client:
        assert read_all(client, target) == seen
    broker.stop()
    broker.start()
    with WireClient(broker.host, broker.port) as client:
        assert read_all(client, target) == seen


def test_retention_takes_whole_segments_from_the_front_and_never_from_under_a_reader(
    start_broker: StartBroker, seed: int, tmp_path: Path
) -> None:
    broker = start_broker({**TINY_SEGMENTS, "log.retention.check.interval.ms": "5"})
    target = create_topic(broker, "retention.bytes=100000")
    ledger = Ledger()
    producers = make_producers(target, ledger, seed)
    readers = [TailReader(target, partition, ledger) for partition in range(PARTITIONS)]

    run_to_the_end(producers, readers, ledger)

    places = {(place.partition, place.offset): identity for identity, place in ledger.acknowledged.items()}
    for partition, reader in enumerate(readers):
        for offset, value in reader.records:
            assert places[partition, offset] == identify(value)
    with WireClient(broker.host, broker.port) as client:
        for partition in range(PARTITIONS):
            start = int(client.ask(f"LISTOFFSETS {TOPIC} {partition} earliest").split(" ")[1])
            assert start > 0, "retention took nothing"
            assert client.ask(f"FETCH {TOPIC} {partition} {start - 1}").startswith("-ERR OFFSET_OUT_OF_RANGE")


def test_clean_restarts_under_load_lose_and_double_nothing(start_broker: StartBroker, seed: int) -> None:
    broker = start_broker(TINY_SEGMENTS)
    create_topic(broker)
    ledger = Ledger()
    firsts = [0] * len(TURNS)
    for restart in range(4):
        target = Target(broker.host, broker.port, TOPIC, PARTITIONS)
        producers = make_producers(target, ledger, seed + restart, firsts)
        with joined(producers):
            ledger.wait_for(len(ledger.acknowledged) + 1500)
            broker.stop()
        firsts = [producer.next_number for producer in producers]
        broker.start()
        with WireClient(broker.host, broker.port) as client:
            ledger.check(read_all(client, Target(broker.host, broker.port, TOPIC, PARTITIONS)))


@pytest.mark.parametrize("turn", [publish_pipelined, append_batch])
def test_each_producer_keeps_its_own_order_when_all_write_to_one_partition(
    start_broker: StartBroker, seed: int, turn: Turn
) -> None:
    broker = start_broker(TINY_SEGMENTS)
    with WireClient(broker.host, broker.port) as client:
        client.ask("CREATE one partitions=1")
    target = Target(broker.host, broker.port, "one", 1)
    ledger = Ledger()
    producers = [Producer(number, turn, target, ledger, seed=seed, records_count=1000) for number in range(8)]
    with joined(producers):
        pass
    with WireClient(broker.host, broker.port) as client:
        stored = read_all(client, target)
    assert len(stored[0]) == 8000
    ledger.check(stored)
