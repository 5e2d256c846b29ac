"""SUBSCRIBE, UNSUBSCRIBE, COMMIT, SEEK, GROUPS, GROUP, DELETEGROUP over the wire."""

from collections.abc import Callable

import pytest
from wire_client import WireClient

from quekka.embedded import Broker

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]


@pytest.fixture
def three(text_client: WireClient) -> WireClient:
    """A client of a broker with three messages."""
    for number in range(3):
        text_client.publish("logs", b"%d" % number)
    return text_client


def values(reply: str) -> dict[str, str]:
    """The name=value pairs of a reply."""
    assert reply.startswith("+OK "), reply
    return dict(word.split("=", 1) for word in reply.split(" ")[1:])


def polled(client: WireClient, line: str = "POLL logs group") -> list[bytes]:
    return [message.value for message in client.ask_messages(line)]


def test_a_lone_member_reads_all_partitions(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=3")
    assert text_client.ask("SUBSCRIBE logs group") == "+OK 0 1 2"
    assert text_client.ask("SUBSCRIBE logs group") == "+OK 0 1 2"
    assert text_client.ask("UNSUBSCRIBE logs group") == "+OK"
    assert text_client.ask("UNSUBSCRIBE logs group") == "+OK"


def test_members_share_the_partitions_out(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    first, second = client_of(broker), client_of(broker)
    first.ask("CREATE logs partitions=2")
    for partition in (0, 1):
        first.publish("logs", b"in %d" % partition, f"partition={partition}")
    assert first.ask("SUBSCRIBE logs group") == "+OK 0 1"
    assert second.ask("SUBSCRIBE logs group") == "+OK 1"
    assert (polled(first), polled(second)) == ([b"in 0"], [b"in 1"])
    first.ask("UNSUBSCRIBE logs group")
    assert polled(second) == [b"in 0"]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("", [b"0", b"1", b"2"]),
        (" from=latest", []),
        (" from=1", [b"1", b"2"]),
        (" from=timestamp:0", [b"0", b"1", b"2"]),
    ],
)
def test_a_new_group_starts_where_it_says(three: WireClient, start: str, expected: list[bytes]) -> None:
    three.ask(f"SUBSCRIBE logs group{start}")
    assert polled(three) == expected


def test_a_commit_is_the_offset_to_read_next(three: WireClient) -> None:
    assert three.ask("COMMIT logs group 1") == "+OK 1"
    three.ask("SUBSCRIBE logs group")
    assert polled(three) == [b"1", b"2"]
    assert three.ask("COMMIT logs group") == "+OK 3"
    assert three.ask("COMMIT logs group 0") == "+OK 0"
    three.ask("SUBSCRIBE logs group")
    assert polled(three) == [b"0", b"1", b"2"]


def test_seek_moves_the_position_and_commits_nothing(three: WireClient) -> None:
    assert three.ask("SEEK logs group latest") == "+OK 3"
    assert polled(three) == []
    assert three.ask("SEEK logs group 2") == "+OK 2"
    assert polled(three) == [b"2"]
    assert values(three.ask("GROUP group"))["logs/0.committed"] == "-1"


def test_a_group_is_shown_with_members_and_lag(three: WireClient) -> None:
    three.ask("SUBSCRIBE logs my%20group")
    polled(three, "POLL logs my%20group 2")
    shown = values(three.ask("GROUP my%20group"))
    member = shown.pop("member.0")
    assert member.startswith("text-127.0.0.1:")
    assert shown == {
        "group": "my%20group",
        "state": "Stable",
        "members": "1",
        "logs/0.committed": "0",
        "logs/0.position": "2",
        "logs/0.end": "3",
        "logs/0.lag": "3",
    }
    assert values(three.ask("GROUP my%20group other")).keys() == {"group", "state", "members", "member.0"}


def test_a_group_that_is_not_there_is_dead(three: WireClient) -> None:
    assert three.ask("GROUP nobody") == "+OK group=nobody state=Dead members=0"


def test_groups_are_listed_and_deleted(three: WireClient) -> None:
    assert three.ask("GROUPS") == "+OK"
    three.ask("COMMIT logs z%20z 1")
    three.ask("COMMIT logs a 1")
    assert three.ask("GROUPS") == "+OK a z%20z"
    assert three.ask("DELETEGROUP z%20z") == "+OK z%20z"
    assert three.ask("GROUPS") == "+OK a"


REFUSED = {
    "subscribe_no_topic": ("SUBSCRIBE other group", "UNKNOWN_TOPIC_OR_PARTITION"),
    "poll_no_topic": ("POLL other group", "UNKNOWN_TOPIC_OR_PARTITION"),
    "commit_no_topic": ("COMMIT other group 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "commit_no_partition": ("COMMIT logs group 0 partition=7", "UNKNOWN_TOPIC_OR_PARTITION"),
    "commit_beyond_the_end": ("COMMIT logs group 9", "OFFSET_OUT_OF_RANGE"),
    "commit_which_partition": ("COMMIT two group 0", "BAD_REQUEST"),
    "seek_no_topic": ("SEEK other group 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "seek_beyond_the_end": ("SEEK logs group 9", "OFFSET_OUT_OF_RANGE"),
    "seek_which_partition": ("SEEK two group 0", "BAD_REQUEST"),
    "delete_no_group": ("DELETEGROUP nobody", "GROUP_ID_NOT_FOUND"),
    "delete_group_with_members": ("DELETEGROUP busy", "NON_EMPTY_GROUP"),
    "poll_by_no_member": ("POLL logs taken", "UNKNOWN_MEMBER_ID"),
    "commit_by_no_member": ("COMMIT logs taken 0", "UNKNOWN_MEMBER_ID"),
    "seek_by_no_member": ("SEEK logs taken 0", "UNKNOWN_MEMBER_ID"),
    "commit_of_another_members_partition": ("COMMIT two shared 0 partition=0", "REBALANCE_IN_PROGRESS"),
    "seek_of_another_members_partition": ("SEEK two shared 0 partition=0", "REBALANCE_IN_PROGRESS"),
}


@pytest.mark.parametrize(("line", "word"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_its_word(
    start_broker: StartBroker, client_of: ClientOf, line: str, word: str
) -> None:
    broker = start_broker()
    other, client = client_of(broker), client_of(broker)
    for each in ("CREATE logs", "CREATE two partitions=2", "SUBSCRIBE logs taken", "SUBSCRIBE two shared"):
        other.ask(each)
    client.ask("SUBSCRIBE two shared")
    client.ask("SUBSCRIBE logs busy")
    assert client.ask(line).startswith(f"-ERR {word} ")
