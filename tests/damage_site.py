"""A data directory with something of everything, to be damaged, and what a broker must give back from it.

    plain            two partitions, PUBLISH: keys, headers, values of many sizes, several segments
    packed           one partition, APPEND: batches compressed with each codec
    once             one partition, Kafka's Produce: two idempotent producers, so snapshots
    keyed            one partition, compacted: holes, a tombstone, cleaned and uncleaned segments
    cut              one partition whose first records were deleted: a log start offset within a segment
    __consumer_offsets   what three groups have committed, again and again

Each is there twice: as a clean stop left it, and as `kill -9` would have, with a first part that was flushed
and a second one that was not.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from kafka_wire import KafkaWire
from log_bench import batch_by
from wire_client import WireClient, WireMessage

from quekka.embedded import Broker
from quekka.formats.compression import CODEC_NAMES
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.storage.log_cleaner import LogCleaner

SETTINGS = {
    "log.segment.bytes": "2000",
    "log.index.interval.bytes": "200",
    "log.flush.interval.ms": "86400000",
    "log.retention.ms": "-1",
    "offsets.topic.segment.bytes": "2000",
    "log.cleaner.min.cleanable.ratio": "0.01",
}
TOPICS = {"plain": 2, "packed": 1, "once": 1, "keyed": 1, "cut": 1}
GROUPS = ("readers", "writers", "others")
CUT_BEFORE = 37
PRODUCE = 0

Place = tuple[str, int]
"""Topic and partition."""
Records = dict[int, WireMessage]
"""By offset."""
Commits = dict[tuple[str, Place], int]


class Site(NamedTuple):
    """Two data directories of the same history, and what is in them."""

    clean: Path
    killed: Path
    records: Mapping[Place, Records]
    commits: Commits
    flushed: Mapping[Place, int]
    """Log end offset of each partition when all was flushed last: what `killed` trusts."""


def build(directory: Path, seed: int) -> Site:
    """Fill a broker twice, with a clean stop in between; its directory is copied before the second stop."""
    rng = Random(seed)
    clean, killed = directory / "clean", directory / "killed"
    with Broker(clean, settings=SETTINGS) as broker:
        with WireClient(broker.host, broker.port) as client:
            for topic, partitions in TOPICS.items():
                policy = " cleanup.policy=compact" if topic == "keyed" else ""
                assert client.ask(f"CREATE {topic} partitions={partitions}{policy}") == f"+OK {topic}"
        _fill(broker, rng, first=0)
        broker.core.topics.get("cut").partition(0).delete_records(CUT_BEFORE)
        _compact(broker)
        broker.core.producer_ids.next_id()
    with Broker(clean, settings=SETTINGS) as broker:
        flushed = {
            (topic.name, partition.index): partition.view().log_end_offset
            for topic in broker.core.topics.all()
            for partition in topic.partitions
        }
        _fill(broker, rng, first=40)
        records = {place: read_records(broker, place)[0] for place in flushed}
        commits = read_commits(broker)
        shutil.copytree(clean, killed)
    return Site(clean, killed, records, commits, flushed)


def _fill(broker: Broker, rng: Random, first: int) -> None:
    with WireClient(broker.host, broker.port) as client:
        for number in range(first, first + 40):
            for partition in (0, 1):
                value = b"plain %d %d " % (partition, number) + rng.randbytes(rng.randrange(120))
                client.publish("plain", value, f"partition={partition} key=k{number} header.n={number}")
            client.publish("cut", b"cut %d " % number + rng.randbytes(rng.randrange(120)))
            key = rng.randrange(8)
            client.publish("keyed", b"keyed %d " % number + bytes(rng.randrange(80)), f"key={key}")
            _append(client, number, rng)
            for group in rng.sample(GROUPS, 2):
                assert client.ask(f"COMMIT plain {group} {number} partition={number % 2}").startswith("+OK")
    with KafkaWire(broker.host, broker.port) as wire:
        for number in range(first, first + 40):
            for producer_id in (1000, 1001):
                _produce(wire, batch_by(producer_id, 3 * number, 3))


def _append(client: WireClient, number: int, rng: Random) -> None:
    builder = BatchBuilder(1_700_000_000_000 + number)
    for index in range(rng.randint(1, 6)):
        builder.append(b"key %d" % index, b"packed %d " % number * rng.randint(1, 20))
    batch = builder.build(codec=number % len(CODEC_NAMES))
    client.send_bytes(b"APPEND packed 0 %d\r\n%b" % (len(batch), batch))
    reply = client.read_line()
    assert reply.startswith("+OK"), reply


def _produce(wire: KafkaWire, batch: bytearray) -> None:
    topics = [TopicProduceData("once", [PartitionProduceData(0, batch)])]
    response = wire.ask(PRODUCE, 7, ProduceRequest(None, 1, 30_000, topics))
    assert response.responses[0].partition_responses[0].error_code == 0


def _compact(broker: Broker) -> None:
    """Compact as the cleaner's thread does, while nobody appends."""
    core = broker.core
    for topic in core.topics.all():
        if topic.config.cleanup_compact:
            log = topic.partition(0).log
            cleaner = LogCleaner(core._housekeeping._log_cleaner._files, 1000)
            for group in cleaner.clean(log, core.clock.wall_ms()):
                log.writer.replace_segments(group)


# Reading back


def read_records(broker: Broker, place: Place) -> tuple[Records, dict[int, str]]:
    """What FETCH gives of a partition, and the errors by offset; after an error the next offset is tried."""
    topic, partition = place
    found: Records = {}
    errors: dict[int, str] = {}
    with WireClient(broker.host, broker.port) as client:
        reply = client.ask(f"LISTOFFSETS {topic} {partition} earliest")
        if reply.startswith("-ERR"):
            return found, {-1: reply}
        offset, end = offsets_of(client, place)
        while offset < end:
            client.send(f"FETCH {topic} {partition} {offset} 100")
            head = client.read_line()
            if head == "+EMPTY":
                break
            if head.startswith("-ERR"):
                errors[offset] = head
                offset += 1
                continue
            for _ in range(int(head.split(" ")[1])):
                message = client._read_message()
                assert message.offset >= offset, f"{place}: offset {message.offset} came for {offset}"
                found[message.offset] = message
                offset = message.offset + 1
    return found, errors


def offsets_of(client: WireClient, place: Place) -> tuple[int, int]:
    """Log start and log end offset."""
    topic, partition = place
    words = [
        client.ask(f"LISTOFFSETS {topic} {partition} {where}").split(" ") for where in ("earliest", "latest")
    ]
    assert all(word[0] == "+OK" for word in words), words
    return int(words[0][1]), int(words[1][1])


def read_commits(broker: Broker) -> Commits:
    store = broker.core.groups.offsets
    return {
        (group, place): committed.offset
        for group in store.group_names()
        for place, committed in store.committed_by(group).items()
    }


class LogLines(logging.Handler):
    """What the broker logs while this is attached."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert record.exc_info is None, f"a traceback in the log: {self.format(record)}"
        self.lines.append((record.levelno, record.getMessage()))

    def warnings(self) -> list[str]:
        return [text for level, text in self.lines if level >= logging.WARNING]

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.lines)


@contextmanager
def log_lines() -> Iterator[LogLines]:
    lines = LogLines()
    logger = logging.getLogger("quekka")
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
