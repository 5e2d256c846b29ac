"""Tests of quekka.broker.topic."""

import pytest

from quekka.broker.broker import BrokerCore
from quekka.errors import UnknownTopicOrPartitionError


def test_keyless_records_take_the_partitions_in_turn(core: BrokerCore) -> None:
    topic = core.topics.create("logs", partitions=3)
    assert [topic.next_partition() for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("index", [-1, 3, 1000])
def test_a_partition_that_is_not_there_is_named(core: BrokerCore, index: int) -> None:
    topic = core.topics.create("logs", partitions=3)
    with pytest.raises(UnknownTopicOrPartitionError, match=f"logs has no partition {index}: it has 3"):
        topic.partition(index)


def test_settings_show_every_name_with_the_value_in_effect(core: BrokerCore) -> None:
    settings = core.topics.create("logs", settings={"retention.ms": "5"}).settings()
    assert settings["retention.ms"] == "5"
    assert settings["segment.bytes"] == str(100 * 1024 * 1024)
    assert settings["cleanup.policy"] == "delete"
