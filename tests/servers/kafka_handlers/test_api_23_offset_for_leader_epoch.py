"""OffsetForLeaderEpoch: the one epoch ends where the log ends."""

import pytest
from broker_helpers import publish
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize(
    ("partition", "current", "wanted", "expected"),
    [
        (0, -1, 0, (0, 0, 2)),
        (0, 0, 0, (0, 0, 2)),
        (0, 0, 1, (0, -1, -1)),
        (0, 1, 0, (75, -1, -1)),
        (0, -5, 0, (74, -1, -1)),
        (1, 0, 0, (3, -1, -1)),
    ],
    ids=["present", "known_leader", "other_epoch", "newer_leader", "older_leader", "no_such_partition"],
)
def test_the_end_of_an_epoch(
    broker: Broker,
    wire: KafkaWire,
    version: int,
    partition: int,
    current: int,
    wanted: int,
    expected: tuple[int, int, int],
) -> None:
    publish(broker.core, "orders", b"0", b"1")
    asked = OffsetForLeaderTopic("orders", [OffsetForLeaderPartition(partition, current, wanted)])
    (topic,) = wire.ask(23, version, OffsetForLeaderEpochRequest(topics=[asked])).topics
    (answer,) = topic.partitions
    assert answer.partition == partition
    assert (answer.error_code, answer.leader_epoch, answer.end_offset) == expected
