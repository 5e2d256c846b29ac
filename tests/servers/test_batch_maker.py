"""Messages become as few batches as the topic allows, and a bad one takes no other with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quekka.errors import QuekkaError
from quekka.formats.record_batch import iter_records, read_header
from quekka.protocols.text.connection import PublishRun
from quekka.protocols.text.request import Publish
from quekka.servers.batch_maker import BatchMaker
from quekka.storage.log_config import LogConfig

NOW_MS = 1_700_000_000_000


def run_of(*messages: tuple[Publish, bytes]) -> PublishRun:
    return PublishRun(
        "logs", -1, [asked for asked, _ in messages], [memoryview(value) for _, value in messages]
    )


def message(value: bytes, **fields: object) -> tuple[Publish, bytes]:
    return Publish("logs", len(value), **fields), value  # type: ignore[arg-type]


def make(
    run: PublishRun, indexes: range | list[int] | None = None, **settings: str
) -> tuple[list[bytearray], list[int], dict[int, QuekkaError]]:
    refused: dict[int, QuekkaError] = {}
    config = LogConfig.from_settings({name.replace("_", "."): value for name, value in settings.items()})
    maker = BatchMaker(run, config, NOW_MS)
    batches, accepted = maker.make(range(len(run.values)) if indexes is None else indexes, refused)
    return batches, list(accepted), refused


def values_of(batches: list[bytearray]) -> list[bytes | None]:
    return [record.value for batch in batches for record in iter_records(batch)]


def test_a_run_of_equal_requests_is_one_batch() -> None:
    asked = Publish("logs", 5)
    batches, accepted, refused = make(run_of(*[(asked, b"%05d" % number) for number in range(100)]))
    assert len(batches) == 1
    assert read_header(batches[0]).records_count == 100
    assert values_of(batches) == [b"%05d" % number for number in range(100)]
    assert accepted == list(range(100))
    assert not refused


def test_keys_headers_and_timestamps_are_those_of_the_requests() -> None:
    run = run_of(
        message(b"a"),
        message(b"b", key=b"k"),
        message(b"c", headers=(("h", b"1"),)),
        message(b"d", timestamp_ms=NOW_MS - 5),
        message(b""),
    )
    (batch,), _, _ = make(run)
    records = list(iter_records(batch))
    assert [record.value for record in records] == [b"a", b"b", b"c", b"d", b""]
    assert [record.key for record in records] == [None, b"k", None, None, None]
    assert records[2].headers == (("h", b"1"),)
    assert [record.timestamp_ms - NOW_MS for record in records] == [0, 0, 0, -5, 0]


def test_only_the_messages_asked_for_are_in_the_batch() -> None:
    run = run_of(*[(Publish("logs", 1), bytes((65 + number,))) for number in range(6)])
    assert values_of(make(run, [1, 3, 4])[0]) == [b"B", b"D", b"E"]
    mixed = run_of(*[message(bytes((65 + number,)), key=bytes((number,))) for number in range(6)])
    assert values_of(make(mixed, [0, 5])[0]) == [b"A", b"F"]


@pytest.mark.parametrize("keyed", [False, True])
def test_batches_stay_within_max_message_bytes(keyed: bool) -> None:
    fields = [{"key": b"k%d" % number} if keyed else {} for number in range(50)]
    run = run_of(*[message(b"x" * 100, **each) for each in fields])
    batches, accepted, refused = make(run, max_message_bytes="1000")
    assert len(batches) > 1
    assert max(map(len, batches)) <= 1000
    assert sum(read_header(batch).records_count for batch in batches) == 50
    assert accepted == list(range(50))
    assert not refused


def test_batches_stay_within_a_segment() -> None:
    run = run_of(*[(Publish("logs", 100), b"x" * 100)] * 50)
    batches, _, refused = make(run, segment_bytes="1024")
    assert max(map(len, batches)) <= 1024
    assert not refused


def test_a_message_that_is_too_large_is_refused_and_the_others_are_not() -> None:
    run = run_of(message(b"a"), message(b"x" * 2000), message(b"b"))
    batches, accepted, refused = make(run, max_message_bytes="1000")
    assert values_of(batches) == [b"a", b"b"]
    assert accepted == [0, 2]
    assert {index: error.code for index, error in refused.items()} == {1: "MESSAGE_TOO_LARGE"}


def test_a_message_just_small_enough_is_accepted() -> None:
    alone = len(make(run_of(message(b"x" * 500)))[0][0])
    assert make(run_of(message(b"x" * 500)), max_message_bytes=str(alone))[1] == [0]
    assert make(run_of(message(b"x" * 500)), max_message_bytes=str(alone - 1))[1] == []


def test_messages_the_topic_does_not_take_are_refused_one_by_one() -> None:
    run = run_of(message(b"a", key=b"k"), message(b"b"), message(b"c", key=b"l"))
    batches, accepted, refused = make(run, cleanup_policy="compact")
    assert values_of(batches) == [b"a", b"c"]
    assert accepted == [0, 2]
    assert refused[1].code == "INVALID_RECORD"


def test_a_timestamp_too_far_ahead_is_refused() -> None:
    run = run_of(message(b"a"), message(b"b", timestamp_ms=NOW_MS * 2))
    _, accepted, refused = make(run)
    assert accepted == [0]
    assert refused[1].code == "INVALID_TIMESTAMP"


def test_log_append_time_is_put_in() -> None:
    run = run_of(message(b"a", timestamp_ms=5))
    (batch,), _, _ = make(run, message_timestamp_type="LogAppendTime")
    assert read_header(batch).is_log_append_time
    assert next(iter_records(batch)).timestamp_ms == NOW_MS


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=300),
            st.none() | st.binary(max_size=50),
            st.dictionaries(st.text(max_size=5), st.binary(max_size=20), max_size=2),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(200, 1500),
)
def test_whatever_the_sizes_nothing_is_lost_and_no_batch_is_too_large(
    messages: list[tuple[bytes, bytes | None, dict[str, bytes]]], limit: int
) -> None:
    run = run_of(
        *[message(value, key=key, headers=tuple(headers.items())) for value, key, headers in messages]
    )
    batches, accepted, refused = make(run, max_message_bytes=str(limit))
    assert all(len(batch) <= limit for batch in batches)
    assert values_of(batches) == [messages[index][0] for index in accepted]
    assert sorted([*accepted, *refused]) == list(range(len(messages)))
    assert all(len(make(run, [index])[0][0]) > limit for index in refused)
