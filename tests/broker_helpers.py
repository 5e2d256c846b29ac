"""A broker without sockets: the few calls with which tests fill and read it."""

from collections.abc import Callable

from quekka.broker.broker import BrokerCore
from quekka.broker.partition import Partition
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.formats.record_batch_builder import BatchBuilder

StartCore = Callable[..., BrokerCore]
"""What the fixture `start_core` gives."""


def batch_of(values: list[bytes], timestamp_ms: int, keys: list[bytes] | None = None) -> bytearray:
    """One record batch of values, with keys where given."""
    builder = BatchBuilder(timestamp_ms)
    for number, value in enumerate(values):
        builder.append(None if keys is None else keys[number], value)
    return builder.build()


def publish(core: BrokerCore, topic: str, *values: bytes, partition: int = 0) -> int:
    """Append values as one batch to a topic that may be new; the base offset."""
    target = core.topics.get_or_create(topic).partition(partition)
    batch = batch_of(list(values), core.clock.wall_ms())
    return target.append([batch], len(values)).wait()


def commit(core: BrokerCore, group: str, offsets: dict[tuple[str, int], int]) -> None:
    """Commit offsets for topics that may be new."""
    for topic, _ in offsets:
        core.topics.get_or_create(topic)
    core.groups.offsets.commit(group, offsets)


def values_of(partition: Partition, offset: int | None = None) -> list[bytes | None]:
    """All values from an offset (the log start) on."""
    view = partition.view()
    next_offset = view.log_start_offset if offset is None else offset
    values: list[bytes | None] = []
    while next_offset < view.log_end_offset:
        data = view.read(next_offset, 1 << 20).read()
        for position, header in iter_batches(data):
            values += [record.value for record in iter_records(data, position, from_offset=next_offset)]
            next_offset = header.next_offset
    return values
