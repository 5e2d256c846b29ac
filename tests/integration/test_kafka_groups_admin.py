"""What the admin clients of confluent-kafka, kafka-python and aiokafka see and do of groups.

There are three groups: `members` has one consumer that has committed, `committed` has committed offsets only,
`text` has a member of the text protocol.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from broker_helpers import batch_of
from kafka_clients import ConfluentConsumer, EventLoop, poll_until
from wire_client import WireClient

from quekka.embedded import Broker

confluent_kafka = pytest.importorskip("confluent_kafka")

# kafka-python reads its message definitions with them, in the version for which it was written.
pytestmark = pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")

TOPIC = "logs"
WAIT_S = 30


@pytest.fixture(autouse=True)
def groups(broker: Broker, text_client: WireClient) -> Iterator[None]:
    topic = broker.core.topics.create(TOPIC, 2)
    for partition in topic.partitions:
        partition.append([batch_of([b"a", b"b", b"c"], 1)], 3).wait()
    broker.core.groups.offsets.commit("committed", {(TOPIC, 0): 1, (TOPIC, 1): 2})
    text_client.send(f"SUBSCRIBE {TOPIC} text")
    assert text_client.read_line() == "+OK 0 1"
    with ConfluentConsumer(broker.address, "members", TOPIC, "instance", client_id="me") as consumer:
        poll_until([consumer], lambda: consumer.assignment() == {0, 1})
        consumer.commit({1: 3})
        yield


def committed(broker: Broker, group: str) -> dict[tuple[str, int], int]:
    return {place: kept.offset for place, kept in broker.core.groups.offsets.committed_by(group).items()}


class TestConfluent:
    """confluent_kafka.admin.AdminClient."""

    @pytest.fixture
    def admin(self, broker: Broker) -> Iterator[Any]:
        from confluent_kafka.admin import AdminClient

        with AdminClient({"bootstrap.servers": broker.address, "log_level": 0}) as client:
            yield client

    def test_it_lists_groups(self, admin: Any) -> None:
        listed = admin.list_consumer_groups().result(WAIT_S)
        assert listed.errors == []
        assert {
            group.group_id: (group.state.name, group.is_simple_consumer_group) for group in listed.valid
        } == {
            "members": ("STABLE", False),
            "committed": ("EMPTY", True),
        }

    def test_it_lists_groups_in_a_state(self, admin: Any) -> None:
        from confluent_kafka import ConsumerGroupState

        listed = admin.list_consumer_groups(states={ConsumerGroupState.EMPTY}).result(WAIT_S)
        assert [group.group_id for group in listed.valid] == ["committed"]

    def test_it_describes_a_group_with_its_members(self, admin: Any) -> None:
        group = admin.describe_consumer_groups(["members"])["members"].result(WAIT_S)
        (member,) = group.members
        assert (group.state.name, group.partition_assignor) == ("STABLE", "range")
        assert (member.client_id, member.host, member.group_instance_id) == ("me", "/127.0.0.1", "instance")
        assert {place.partition for place in member.assignment.topic_partitions} == {0, 1}
        assert group.coordinator.id == 1

    def test_it_lists_and_alters_offsets(self, broker: Broker, admin: Any) -> None:
        from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

        asked = ConsumerGroupTopicPartitions("committed")
        found = admin.list_consumer_group_offsets([asked])["committed"].result(WAIT_S)
        assert {(p.topic, p.partition, p.offset) for p in found.topic_partitions} == {
            (TOPIC, 0, 1),
            (TOPIC, 1, 2),
        }
        change = ConsumerGroupTopicPartitions("committed", [TopicPartition(TOPIC, 0, 3)])
        admin.alter_consumer_group_offsets([change])["committed"].result(WAIT_S)
        assert committed(broker, "committed") == {(TOPIC, 0): 3, (TOPIC, 1): 2}

    def test_it_cannot_alter_the_offsets_of_a_group_with_members(self, broker: Broker, admin: Any) -> None:
        from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

        change = ConsumerGroupTopicPartitions("members", [TopicPartition(TOPIC, 1, 0)])
        try:
            altered = admin.alter_consumer_group_offsets([change])["members"].result(WAIT_S)
            error = altered.topic_partitions[0].error
        except KafkaException as refused:
            error = refused.args[0]
        assert error.code() == KafkaError.UNKNOWN_MEMBER_ID
        assert committed(broker, "members") == {(TOPIC, 1): 3}

    def test_it_deletes_what_has_no_members(self, broker: Broker, admin: Any) -> None:
        from confluent_kafka import KafkaError, KafkaException

        results = admin.delete_consumer_groups(["committed", "members", "text", "nobody"])
        assert results["committed"].result(WAIT_S) is None
        for name, code in (
            ("members", KafkaError.NON_EMPTY_GROUP),
            ("text", KafkaError.NON_EMPTY_GROUP),
            ("nobody", KafkaError.GROUP_ID_NOT_FOUND),
        ):
            with pytest.raises(KafkaException) as refused:
                results[name].result(WAIT_S)
            assert refused.value.args[0].code() == code
        assert broker.core.groups.names() == ["members", "text"]


class TestKafkaPython:
    """kafka.KafkaAdminClient."""

    @pytest.fixture
    def admin(self, broker: Broker) -> Iterator[Any]:
        kafka = pytest.importorskip("kafka")
        client = kafka.KafkaAdminClient(bootstrap_servers=broker.address)
        yield client
        client.close()

    def test_it_lists_groups(self, admin: Any) -> None:
        listed = {group["group_id"]: group for group in admin.list_groups()}
        assert {name: (group["protocol_type"], group["group_state"]) for name, group in listed.items()} == {
            "committed": ("", "Empty"),
            "members": ("consumer", "Stable"),
            "text": ("quekka-text", "Stable"),
        }

    def test_it_describes_groups(self, admin: Any) -> None:
        described = admin.describe_groups(["members", "text", "committed"])
        states = {name: (group["group_state"], len(group["members"])) for name, group in described.items()}
        assert states == {"members": ("Stable", 1), "text": ("Stable", 1), "committed": ("Empty", 0)}
        (member,) = described["members"]["members"]
        assert member["client_id"] == "me"
        assert member["member_assignment"]["assigned_partitions"] == [{"topic": TOPIC, "partitions": [0, 1]}]

    def test_it_lists_alters_and_deletes_offsets(self, broker: Broker, admin: Any) -> None:
        from kafka.structs import OffsetAndMetadata, TopicPartition

        zero, one = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
        found = admin.list_group_offsets("committed")["committed"]
        assert {place: offset.offset for place, offset in found.items()} == {zero: 1, one: 2}
        admin.alter_group_offsets("committed", {zero: OffsetAndMetadata(3, "a note", None)})
        admin.delete_group_offsets("committed", [one])
        assert committed(broker, "committed") == {(TOPIC, 0): 3}
        kept = broker.core.groups.offsets.committed("committed", TOPIC, 0)
        assert kept is not None
        assert kept.metadata == "a note"

    def test_it_removes_a_static_member(self, broker: Broker, admin: Any) -> None:
        from kafka.admin import MemberToRemove

        admin.remove_group_members("members", [MemberToRemove(group_instance_id="instance")])
        group = broker.core.groups.classic.find("members")
        assert group is not None
        assert group.static_members == {}

    def test_it_deletes_groups(self, broker: Broker, admin: Any) -> None:
        deleted = admin.delete_groups(["committed"])
        assert "committed" in str(deleted)
        assert broker.core.groups.names() == ["members", "text"]


class TestAiokafka:
    """aiokafka.admin.AIOKafkaAdminClient."""

    @pytest.fixture
    def ask(self, broker: Broker) -> Iterator[Callable[..., Any]]:
        """Call one of its methods by name and wait for the result."""
        admin_module = pytest.importorskip("aiokafka.admin")
        with ExitStack() as stack:
            loop = EventLoop()
            stack.callback(loop.close)

            async def make() -> Any:
                client = admin_module.AIOKafkaAdminClient(bootstrap_servers=broker.address)
                await client.start()
                return client

            client = loop.call(make())
            stack.callback(lambda: loop.call(client.close()))
            yield lambda name, *arguments: loop.call(getattr(client, name)(*arguments))

    def test_it_lists_groups(self, ask: Callable[..., Any]) -> None:
        assert sorted(ask("list_consumer_groups")) == [
            ("committed", ""),
            ("members", "consumer"),
            ("text", "quekka-text"),
        ]

    def test_it_describes_a_group(self, ask: Callable[..., Any]) -> None:
        (response,) = ask("describe_consumer_groups", ["members"])
        ((error, group, state, protocol_type, protocol, members, *_),) = response.groups
        assert (error, group, state, protocol_type, protocol) == (0, "members", "Stable", "consumer", "range")
        assert len(members) == 1

    def test_it_lists_offsets(self, ask: Callable[..., Any]) -> None:
        offsets = ask("list_consumer_group_offsets", "committed")
        assert {(place.topic, place.partition): at.offset for place, at in offsets.items()} == {
            (TOPIC, 0): 1,
            (TOPIC, 1): 2,
        }
