"""Names, ids and epochs lead to a partition or to the error that says why not."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from quekka.embedded import Broker
from quekka.errors import KafkaStorageError, QuekkaError, UnknownTopicOrPartitionError
from quekka.servers.kafka_errors import FencedLeaderEpochError, UnknownLeaderEpochError, UnknownTopicIdError
from quekka.servers.kafka_handlers.places import find_partition, find_topic, find_topic_by_id
from quekka.servers.kafka_session import KafkaSession
from quekka.servers.peer import Peer


@pytest.fixture
def session(broker: Broker, make_peer: Callable[..., Peer]) -> KafkaSession:
    broker.core.topics.create("orders", 2)
    return KafkaSession(broker.core, make_peer())


@pytest.mark.parametrize("epoch", [-1, 0])
def test_a_partition_is_found(session: KafkaSession, epoch: int) -> None:
    assert find_partition(session, "orders", 1, epoch).index == 1


@pytest.mark.parametrize(
    ("topic", "index", "epoch", "kind"),
    [
        ("nowhere", 0, -1, UnknownTopicOrPartitionError),
        ("no topic", 0, -1, UnknownTopicOrPartitionError),
        ("orders", 2, -1, UnknownTopicOrPartitionError),
        ("orders", -1, -1, UnknownTopicOrPartitionError),
        ("orders", 0, 1, UnknownLeaderEpochError),
        ("orders", 0, -2, FencedLeaderEpochError),
    ],
    ids=["topic", "illegal_name", "partition", "negative", "newer_epoch", "older_epoch"],
)
def test_what_is_not_there_is_named(
    session: KafkaSession, topic: str, index: int, epoch: int, kind: type[QuekkaError]
) -> None:
    with pytest.raises(kind, match=topic):
        find_partition(session, topic, index, epoch)


def test_a_topic_that_could_not_be_loaded_is_no_unknown_one(
    session: KafkaSession, broker: Broker, tmp_path: Path
) -> None:
    (tmp_path / "data" / "topics" / "orders" / "topic.json").write_text("{")
    broker.stop()
    broker.start()
    again = KafkaSession(broker.core, session.peer)
    with pytest.raises(KafkaStorageError, match=r"topic orders is not served: .*not JSON"):
        find_partition(again, "orders", 0)


def test_a_topic_is_found_by_its_id(session: KafkaSession) -> None:
    topic = session.broker.topics.get("orders")
    assert find_topic_by_id(session, topic.topic_id) is topic
    with pytest.raises(UnknownTopicIdError, match="00000000-0000-0000-0000-000000000005"):
        find_topic_by_id(session, UUID(int=5))


def test_a_topic_is_found_by_its_name(session: KafkaSession) -> None:
    assert find_topic(session, "orders") is session.broker.topics.get("orders")
    for name in ("nowhere", "no topic", ""):
        with pytest.raises(UnknownTopicOrPartitionError):
            find_topic(session, name)
