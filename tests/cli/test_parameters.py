"""Option values that click has no type for."""

import time
from collections.abc import Iterator

import click
import pytest

from quekka.cli.parameters import name_value, offset_spec, topic_name
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec


@pytest.fixture
def berlin_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        pytest.param("earliest", EARLIEST, id="earliest"),
        pytest.param("latest", LATEST, id="latest"),
        pytest.param("42", OffsetSpec("offset", 42), id="offset"),
        pytest.param("20260131", OffsetSpec("offset", 20260131), id="digits are an offset, not a date"),
        pytest.param("timestamp:1700000000123", OffsetSpec("timestamp", 1700000000123), id="timestamp"),
        pytest.param("2023-11-14T22:13:20.123Z", OffsetSpec("timestamp", 1700000000123), id="utc"),
        pytest.param("2023-11-14 23:13:20+01:00", OffsetSpec("timestamp", 1700000000000), id="with zone"),
    ],
)
def test_where_to_start_can_be_written_as(text: str, spec: OffsetSpec) -> None:
    assert offset_spec(text) == spec


@pytest.mark.usefixtures("berlin_time")
def test_a_time_without_a_zone_is_local() -> None:
    assert offset_spec("2023-11-14T23:13:20") == OffsetSpec("timestamp", 1700000000000)


@pytest.mark.usefixtures("berlin_time")
def test_a_date_is_its_first_moment_here() -> None:
    assert offset_spec("2023-11-15") == OffsetSpec("timestamp", 1700002800000)


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "timestamp:", "1969-01-01T00:00:00Z", "2026-02-30", "99999999999999999999"]
)
def test_a_place_that_makes_no_sense_is_repeated_in_the_error(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is none of earliest, latest") as caught:
        offset_spec(text)
    assert repr(text) in caught.value.message


def test_a_topic_name_is_taken_as_it_is() -> None:
    assert topic_name("orders.v1_a-b") == "orders.v1_a-b"


@pytest.mark.parametrize("text", ["", ".", "..", "a b", "a/b", "zürich", "a" * 250])
def test_a_topic_name_against_the_rules_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no topic name"):
        topic_name(text)


@pytest.mark.parametrize(
    ("text", "pair"),
    [("a=1", ("a", "1")), ("a=", ("a", "")), ("a=b=c", ("a", "b=c")), ("ü=☃", ("ü", "☃"))],
)
def test_a_pair_is_split_at_its_first_equal_sign(text: str, pair: tuple[str, str]) -> None:
    assert name_value(text) == pair


@pytest.mark.parametrize("text", ["", "a", "=1"])
def test_a_pair_without_name_or_equal_sign_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not name=value"):
        name_value(text)
