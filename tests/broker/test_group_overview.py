"""Tests of quekka.broker.group_overview."""

from broker_helpers import publish

from quekka.broker.broker import BrokerCore
from quekka.broker.classic_member import JoinRequest
from quekka.broker.group_overview import GroupOverview, overview, overviews
from quekka.offset_spec import OffsetSpec


def join(core: BrokerCore, group: str) -> str:
    """Make somebody the only member of a group of Kafka's protocol; the member id."""
    return core.groups.classic.join(
        JoinRequest(
            group,
            "",
            None,
            "client",
            "/127.0.0.1",
            10_000,
            10_000,
            "consumer",
            (("range", b""),),
            False,
            False,
        )
    ).member_id


def test_every_group_is_there_once_with_its_state_and_type(core: BrokerCore) -> None:
    publish(core, "t", b"a record")
    join(core, "b-kafka")
    core.groups.offsets.commit("b-kafka", {("t", 0): 1})
    core.groups.offsets.commit("c-committed", {("t", 0): 1})
    core.groups.subscribe(core.topics.get("t"), "a-text", "somebody", OffsetSpec.parse("earliest"))
    assert overviews(core.groups) == [
        GroupOverview("a-text", "Stable", "quekka-text"),
        GroupOverview("b-kafka", "CompletingRebalance", "consumer"),
        GroupOverview("c-committed", "Empty", ""),
    ]


def test_a_group_without_members_is_empty_and_its_last_kafka_members_are_remembered(core: BrokerCore) -> None:
    publish(core, "t", b"a record")
    core.groups.classic.leave("kafka", join(core, "kafka"), None)
    core.groups.subscribe(core.topics.get("t"), "text", "somebody", OffsetSpec.parse("earliest"))
    core.groups.disconnect("somebody")
    assert overview(core.groups, "kafka") == GroupOverview("kafka", "Empty", "consumer")
    assert overview(core.groups, "text") == GroupOverview("text", "Empty", "")
