"""DescribeLogDirs: the data directory and how large each partition in it is."""

import pytest
from broker_helpers import publish
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_35_describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, [("empty", [0]), ("orders", [0, 1])]),
        ([DescribableLogDirTopic("orders", [1, 7])], [("orders", [1])]),
        ([DescribableLogDirTopic("nowhere", [0])], []),
        ([], []),
    ],
    ids=["all", "some", "unknown", "none"],
)
def test_sizes_are_told(
    broker: Broker,
    wire: KafkaWire,
    version: int,
    asked: list[DescribableLogDirTopic] | None,
    expected: list[tuple[str, list[int]]],
) -> None:
    broker.core.topics.create("empty")
    broker.core.topics.create("orders", 2)
    publish(broker.core, "orders", b"x" * 100, partition=1)
    (result,) = wire.ask(35, version, DescribeLogDirsRequest(asked)).results
    assert (result.error_code, result.log_dir) == (0, str(broker.core.data_dir.path))
    told = [(topic.name, [row.partition_index for row in topic.partitions]) for topic in result.topics]
    assert told == expected
    sizes = {
        (topic.name, row.partition_index): row.partition_size
        for topic in result.topics
        for row in topic.partitions
    }
    size_bytes = broker.core.topics.get("orders").partition(1).view().size_bytes
    assert sizes.get(("orders", 1), size_bytes) == size_bytes > 100
    assert sizes.get(("orders", 0), 0) == 0
    assert (result.total_bytes > 0) == (version == 4)
    assert (result.usable_bytes > 0) == (version == 4)
