from collections.abc import Callable, Iterator

import pytest
from wire_client import WireClient

from quekka import Admin, Broker, Producer
from quekka.client import TopicPartition
from quekka.client.addresses import parse_addresses
from quekka.client.connection import Connection
from quekka.client.membership import Membership
from quekka.errors import (
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    QuekkaError,
    RebalanceInProgressError,
    UnknownTopicOrPartitionError,
)
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec

Make = Callable[..., Membership]
FIRST, SECOND, THIRD = (TopicPartition("logs", number) for number in range(3))


@pytest.fixture
def make(broker: Broker) -> Iterator[Make]:
    made: list[Membership] = []

    def make_membership(group_id: str | None = "g", start: OffsetSpec = EARLIEST) -> Membership:
        made.append(Membership(Connection(parse_addresses(broker.address)), group_id, start))
        return made[-1]

    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=3)
    with Producer(broker.address) as producer:
        for number in range(5):
            producer.send("logs", b"%d" % number, partition=0, timestamp_ms=1000 + number)
    yield make_membership
    for each in made:
        each.connection.close()


def test_without_a_group_the_share_is_everything(make: Make) -> None:
    alone = make(group_id=None)
    assert alone.share(["logs"]) == {FIRST, SECOND, THIRD}
    assert not alone.has_group


def test_without_a_group_there_are_no_commits(make: Make) -> None:
    alone = make(group_id=None)
    for call in (lambda: alone.commit({FIRST: 1}), lambda: alone.committed(["logs"])):
        with pytest.raises(InvalidGroupIdError, match="group_id"):
            call()


def test_members_share_the_partitions_and_get_those_of_one_that_left(make: Make) -> None:
    one, other = make(), make()
    assert one.share(["logs"]) == {FIRST, SECOND, THIRD}
    both = one.share(["logs"]), other.share(["logs"])
    share = one.share(["logs"])
    assert share | other.share(["logs"]) == {FIRST, SECOND, THIRD}
    assert not share & other.share(["logs"]), both
    other.leave()
    assert one.share(["logs"]) == {FIRST, SECOND, THIRD}


def test_a_topic_that_is_not_wanted_any_more_is_left(make: Make, broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("events")
        one, other = make(), make()
        one.share(["logs", "events"])
        one.share(["events"])
        assert other.share(["logs"]) == {FIRST, SECOND, THIRD}
        assert one.share(["events"]) == {TopicPartition("events", 0)}


@pytest.mark.parametrize("group_id", ["g", None])
def test_a_topic_that_does_not_exist_has_no_partitions(make: Make, group_id: str | None) -> None:
    membership = make(group_id)
    assert membership.share(["nothing", "logs"]) == {FIRST, SECOND, THIRD}
    assert membership.unknown_topics == {"nothing"}
    assert membership.share(["logs"]) == {FIRST, SECOND, THIRD}
    assert membership.unknown_topics == set()


@pytest.mark.parametrize(("start", "expected"), [(EARLIEST, 0), (LATEST, 5)], ids=str)
def test_a_new_group_begins_where_it_is_told_and_that_is_committed(
    make: Make, start: OffsetSpec, expected: int
) -> None:
    membership = make(start=start)
    membership.share(["logs"])
    assert membership.committed(["logs"])[FIRST] == expected


def test_commits_are_kept_and_found(make: Make) -> None:
    membership = make()
    membership.share(["logs"])
    assert membership.commit({FIRST: 3, SECOND: 0}) == {}
    assert membership.committed(["logs", "nothing"])[FIRST] == 3
    assert make().committed(["logs"])[FIRST] == 3


def test_a_commit_for_anothers_partition_is_answered_as_refused(make: Make) -> None:
    one, other = make(), make()
    one.share(["logs"])
    others = other.share(["logs"])
    refused = one.commit(dict.fromkeys((FIRST, SECOND, THIRD), 0))
    assert set(refused) == others
    assert {type(error) for error in refused.values()} == {RebalanceInProgressError}


def test_offsets_are_found_by_word_and_time(make: Make) -> None:
    membership = make(group_id=None)
    where = {FIRST: OffsetSpec("timestamp", 1003), SECOND: LATEST, THIRD: EARLIEST}
    assert membership.offsets(where) == {FIRST: 3, SECOND: 0, THIRD: 0}
    with pytest.raises(UnknownTopicOrPartitionError):
        membership.offsets({TopicPartition("logs", 7): LATEST, FIRST: LATEST})
    assert membership.offsets({FIRST: LATEST}) == {FIRST: 5}, "all replies were read"


def test_leaving_while_the_broker_is_away_is_no_error(make: Make) -> None:
    membership = make()
    membership.share(["logs"])
    membership.connection.close()
    membership.leave()
    assert not membership.connection.is_open


def test_refusals_of_the_group_are_raised(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    membership = make()
    refusal = Connection.receive

    def refuse(connection: Connection) -> object:
        reply = refusal(connection)
        return type(reply)("ERR", "INCONSISTENT_GROUP_PROTOCOL the group has members of another kind")

    monkeypatch.setattr(Connection, "receive", refuse)
    with pytest.raises(InconsistentGroupProtocolError) as raised:
        membership.share(["logs"])
    assert isinstance(raised.value, QuekkaError)


def test_a_text_client_and_a_consumer_share_one_group(make: Make, text_client: WireClient) -> None:
    text_client.ask("SUBSCRIBE logs g")
    share = make().share(["logs"])
    assert 0 < len(share) < 3
