"""Lines become requests; every wrong one is refused with what was wrong in it."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quekka.errors import (
    BadRequestError,
    InvalidGroupIdError,
    InvalidRequiredAcksError,
    InvalidTopicError,
    QuekkaError,
    UnknownCommandError,
)
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec
from quekka.protocols.text import request
from quekka.protocols.text.line import (
    find_command,
    match_publish,
    read_length,
    read_request,
    split_line,
    wants_no_reply,
)

MIB = 1024 * 1024
READ_MAX = 57_671_680


def understand(line: bytes) -> request.Request:
    words = split_line(line)
    return read_request(find_command(words[0]), words)


LINES = {
    "publish": (b"PUBLISH logs 5", request.Publish("logs", 5)),
    "publish_any_case": (b"pUbLiSh logs 5", request.Publish("logs", 5)),
    "publish_many_spaces": (b"PUBLISH   logs  5 ", request.Publish("logs", 5)),
    "publish_all_options": (
        b"PUBLISH logs 5 acks=0 timestamp=17 key=user%2042 header.a=1 partition=2 header.b%3D=%ff",
        request.Publish("logs", 5, 2, b"user 42", (("a", b"1"), ("b=", b"\xff")), 17, 0),
    ),
    "publish_empty_key": (b"PUBLISH logs 0 key=", request.Publish("logs", 0, key=b"")),
    "publish_key_with_equals": (b"PUBLISH logs 0 key=a=b", request.Publish("logs", 0, key=b"a=b")),
    "append": (b"APPEND logs 3 61", request.Append("logs", 3, 61)),
    "append_acks": (b"APPEND logs 3 61 acks=1", request.Append("logs", 3, 61, 1)),
    "subscribe": (b"SUBSCRIBE logs g", request.Subscribe("logs", "g", EARLIEST)),
    "subscribe_from": (b"SUBSCRIBE logs g from=latest", request.Subscribe("logs", "g", LATEST)),
    "subscribe_from_time": (
        b"SUBSCRIBE logs g from=timestamp:17",
        request.Subscribe("logs", "g", OffsetSpec("timestamp", 17)),
    ),
    "unsubscribe": (b"UNSUBSCRIBE logs my%20group", request.Unsubscribe("logs", "my group")),
    "poll": (b"POLL logs g", request.Poll("logs", "g", 100, 0, MIB)),
    "poll_all": (b"POLL logs g 7 250 max_bytes=9", request.Poll("logs", "g", 7, 250, 9)),
    "poll_capped": (
        b"POLL logs g 99999999 99999999 max_bytes=999999999",
        request.Poll("logs", "g", 1_000_000, 300_000, READ_MAX),
    ),
    "poll_max_bytes_only": (b"POLL logs g max_bytes=9", request.Poll("logs", "g", 100, 0, 9)),
    "poll_group_with_equals": (b"POLL logs g=1 7", request.Poll("logs", "g=1", 7, 0, MIB)),
    "fetch": (b"FETCH logs 1 42", request.Fetch("logs", 1, 42, 100, 0, MIB)),
    "fetch_all": (b"FETCH logs 1 42 5 6 max_bytes=7", request.Fetch("logs", 1, 42, 5, 6, 7)),
    "read": (b"READ logs 1 42", request.Read("logs", 1, 42, 0, MIB)),
    "read_all": (b"READ logs 1 42 100 max_bytes=7", request.Read("logs", 1, 42, 100, 7)),
    "commit": (b"COMMIT logs g", request.Commit("logs", "g", None, None)),
    "commit_offset": (b"COMMIT logs g 0 partition=2", request.Commit("logs", "g", 0, 2)),
    "seek": (b"SEEK logs g latest", request.Seek("logs", "g", LATEST, None)),
    "seek_offset": (b"SEEK logs g 5 partition=1", request.Seek("logs", "g", OffsetSpec("offset", 5), 1)),
    "list_offsets": (b"LISTOFFSETS logs 0 earliest", request.ListOffsets("logs", 0, EARLIEST)),
    "create": (b"CREATE logs", request.Create("logs", None, {})),
    "create_all": (
        b"CREATE logs retention.ms=1000 partitions=3 cleanup.policy=compact,delete",
        request.Create("logs", 3, {"retention.ms": "1000", "cleanup.policy": "compact,delete"}),
    ),
    "create_empty_value": (b"CREATE logs retention.ms=", request.Create("logs", None, {"retention.ms": ""})),
    "config": (b"CONFIG logs", request.Config("logs", None, {})),
    "config_partitions": (b"CONFIG logs partitions=5", request.Config("logs", 5, {})),
    "delete": (b"DELETE logs", request.Delete("logs")),
    "delete_group": (b"DELETEGROUP my%20group", request.DeleteGroup("my group")),
    "delete_records": (b"DELETERECORDS logs 0 10", request.DeleteRecords("logs", 0, 10)),
    "topics": (b"TOPICS", request.Topics()),
    "info": (b"INFO logs", request.Info("logs", None)),
    "info_partition": (b"INFO logs partition=1", request.Info("logs", 1)),
    "groups": (b"GROUPS", request.Groups()),
    "group": (b"GROUP g", request.Group("g", None)),
    "group_topic": (b"GROUP g logs", request.Group("g", "logs")),
    "stats": (b"STATS", request.Stats()),
    "ping": (b"PING", request.Ping()),
    "help": (b"HELP", request.Help(None)),
    "help_command": (b"HELP poll", request.Help("POLL")),
    "quit": (b"QUIT", request.Quit()),
}


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES)
def test_a_line_is_understood(line: bytes, expected: request.Request) -> None:
    found = understand(line)
    assert found == expected
    assert type(found) is type(expected)


WRONG = {
    "unknown_command": (b"FOO logs", UnknownCommandError, "'FOO'"),
    "unknown_binary_command": (b"\xff\xfe", UnknownCommandError, "'%FF%FE'"),
    "missing_word": (b"POLL logs", BadRequestError, "POLL needs <group>"),
    "missing_all_words": (b"DELETE", BadRequestError, "DELETE needs <topic>"),
    "word_too_many": (b"TOPICS now", BadRequestError, "'now' is one word too many"),
    "word_after_option": (b"POLL logs g max_bytes=5 10", BadRequestError, "'10' is one word too many"),
    "third_optional_word": (b"POLL logs g 1 2 3", BadRequestError, "'3' is one word too many"),
    "unknown_option": (b"POLL logs g colour=red", BadRequestError, "POLL has no option colour="),
    "option_twice": (b"PUBLISH logs 5 key=a key=b", BadRequestError, "key= is given twice"),
    "header_twice": (b"PUBLISH logs 5 header.a=1 header.a=2", BadRequestError, "header.a= is given twice"),
    "header_without_a_name": (b"PUBLISH logs 5 header.=1", BadRequestError, "no option header.="),
    "config_twice": (
        b"CREATE logs retention.ms=1 retention.ms=1",
        BadRequestError,
        "retention.ms= is given twice",
    ),
    "config_without_a_name": (b"CREATE logs =1", BadRequestError, "no option ="),
    "option_value": (b"PUBLISH logs 5 partition=x", BadRequestError, "PUBLISH: partition=: 'x'"),
    "negative_partition": (b"FETCH logs -1 0", BadRequestError, "'-1'"),
    "max_zero": (b"POLL logs g 0", BadRequestError, "POLL: max: '0' is no whole number from 1"),
    "topic_name": (b"CREATE lo/gs", InvalidTopicError, "lo/gs"),
    "group_name_empty": (b"GROUP %", BadRequestError, "%25"),
    "group_name_long": (b"GROUP " + b"g" * 250, InvalidGroupIdError, "250"),
    "acks": (b"APPEND logs 0 61 acks=2", InvalidRequiredAcksError, "acks=2"),
    "place": (b"SEEK logs g tomorrow", BadRequestError, "tomorrow"),
    "percent": (b"PUBLISH logs 5 key=%zz", BadRequestError, "hexadecimal"),
    "not_ascii": (
        b"SUBSCRIBE logs caf\xc3\xa9",
        BadRequestError,
        "'caf%C3%A9' holds bytes that must be percent-encoded",
    ),
    "tab": (b"POLL logs\tg h", BadRequestError, "'logs%09g'"),
    "zero_byte": (b"POLL logs g\x00", BadRequestError, "'g%00'"),
    "header_value_is_bytes_but_its_name_is_text": (b"PUBLISH logs 5 header.%ff=1", BadRequestError, "UTF-8"),
}


@pytest.mark.parametrize(("line", "kind", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_line_is_refused_with_what_was_wrong(
    line: bytes, kind: type[QuekkaError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        understand(line)
    assert words in caught.value.message


@pytest.mark.parametrize("line", [b"", b" ", b"    "])
def test_an_empty_line_has_no_words(line: bytes) -> None:
    assert split_line(line) == []


def length_of(line: bytes) -> int:
    words = split_line(line)
    return read_length(find_command(words[0]), words)


@pytest.mark.parametrize(
    ("line", "length"),
    [
        (b"PUBLISH logs 5", 5),
        (b"PUBLISH lo/gs 5 key=%zz", 5),
        (b"PUBLISH logs 99999999999", 99999999999),
        (b"APPEND logs x 61", 61),
        (b"PING 7", 0),
    ],
)
def test_the_payload_length_is_found_though_the_rest_is_wrong(line: bytes, length: int) -> None:
    assert length_of(line) == length


@pytest.mark.parametrize(
    "line",
    [
        b"PUBLISH",
        b"PUBLISH logs",
        b"PUBLISH logs five",
        b"PUBLISH logs -5",
        b"APPEND logs 0",
        b"PUBLISH a 5x",
    ],
)
def test_a_payload_length_that_is_no_number_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequestError, match="payload length"):
        length_of(line)


@pytest.mark.parametrize(
    ("line", "silent"),
    [
        (b"PUBLISH lo/gs 5 acks=0", True),
        (b"PUBLISH lo/gs 5", False),
        (b"APPEND logs x 5 acks=0", True),
        (b"X acks=0", None),
    ],
)
def test_acks_0_is_seen_in_a_line_that_is_wrong_elsewhere(line: bytes, silent: bool | None) -> None:
    words = split_line(line)
    if silent is None:
        assert not wants_no_reply(find_command(b"PING"), words)
    else:
        assert wants_no_reply(find_command(words[0]), words) is silent


COMMON = st.builds(
    lambda command, topic, length, partition, key, end: (
        b" ".join([command, topic, length, *partition, *key]) + end
    ),
    st.sampled_from([b"PUBLISH", b"publish"]),
    st.from_regex(rb"[A-Za-z0-9._-]{1,6}|\.|\.\.", fullmatch=True),
    st.from_regex(rb"[0-9]{1,20}|-1|x", fullmatch=True),
    st.sampled_from([[], [b"partition=0"], [b"partition=9999999999"], [b"partition=x"]]),
    st.one_of(st.just([]), st.binary(max_size=5).map(lambda key: [b"key=" + key])),
    st.sampled_from([b"\n", b"\r\n"]),
)


@given(COMMON)
@example(b"PUBLISH .. 5\r\n")
@example(b"PUBLISH ..a 5\r\n")
@example(b"PUBLISH logs 5 partition=3 key=a=b\n")
@example(b"PUBLISH logs 0000000000000000000000005\n")
def test_the_short_way_for_publish_says_what_the_table_says(line: bytes) -> None:
    data = bytearray(b"??" + line + b"payload")
    found = match_publish(data, 2, len(data))
    if found is not None:
        raw, publish = found
        assert raw == line
        assert understand(line.rstrip(b"\r\n")) == publish


@pytest.mark.parametrize(
    "line", [b"PUBLISH logs 5\r\n", b"PUBLISH logs 5\n", b"PUBLISH logs 5 partition=1 key=x\r\n"]
)
def test_the_usual_publish_goes_the_short_way(line: bytes) -> None:
    assert match_publish(bytearray(line), 0, len(line)) is not None
    assert match_publish(bytearray(b"\r\n" + line), 0, 2 + len(line)) == (
        b"\r\n" + line,
        understand(line.strip()),
    )


@pytest.mark.parametrize(
    "line", [b"PUBLISH logs 5", b"PUBLISH logs 5 acks=0\n", b"PUBLISH logs 5 key=%41\n", b"PUBLISH . 5\n"]
)
def test_other_lines_go_through_the_table(line: bytes) -> None:
    assert match_publish(bytearray(line), 0, len(line)) is None


def test_bytes_beyond_the_received_ones_are_not_looked_at() -> None:
    data = bytearray(b"PUBLISH logs 5\r\n")
    assert match_publish(data, 0, len(data) - 1) is None


@given(st.binary(max_size=300).filter(lambda line: split_line(line) != []))
def test_garbage_is_refused_with_an_error_of_ours_and_nothing_else(line: bytes) -> None:
    for start in (b"", b"PUBLISH ", b"POLL a ", b"CREATE a ", b"SEEK a g "):
        with contextlib.suppress(QuekkaError):
            understand(start + line)
