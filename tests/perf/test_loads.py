"""Names of loads and their parameters."""

import pytest

from perf.batches import batch_of, parse_size
from perf.errors import UnknownLoadError
from perf.loads import FAMILIES, find_load, names_in_all
from perf.loads.append import AppendLoad
from perf.loads.idle_connections import IdleConnectionsLoad
from perf.loads.latency import LatencyLoad, expected_lines
from perf.loads.poll import PollLoad
from quekka.formats.record_batch import iter_records, read_header, verify_crc

FOR_GROWTH = {"connections", "groups", "lookup", "partitions"}
"""What says something only beside its like, in perf/growth.py."""


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("append-64k", AppendLoad("append-64k", 65536)),
        ("append", AppendLoad("append", 1 << 20)),
        ("latency-10000", LatencyLoad("latency-10000", 10_000)),
        ("idle-connections-50", IdleConnectionsLoad("idle-connections-50", 50)),
        ("poll", PollLoad("poll", 1000)),
    ],
)
def test_the_name_holds_the_parameter(name: str, load: object) -> None:
    assert find_load(name) == load


@pytest.mark.parametrize(
    "name", ["", "pol", "poll-", "poll-x", "poll-1t", "append-0", "latency-0", "-1", "poll 1"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownLoadError):
        find_load(name)


def test_every_family_runs_with_all_under_names_that_exist() -> None:
    assert [find_load(name).name for name in names_in_all()] == names_in_all()
    assert {name for name, family in FAMILIES.items() if not family.in_all} == FOR_GROWTH


@pytest.mark.parametrize(
    ("text", "size"), [("1024", 1024), ("64k", 65536), ("1m", 1 << 20), ("10G", 10 << 30)]
)
def test_sizes_have_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5m", "1kb"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        parse_size(text)


@pytest.mark.parametrize("wanted_bytes", [2000, 65536, 1 << 20])
def test_a_batch_fills_its_size_and_does_not_pass_it(wanted_bytes: int) -> None:
    value = b"x" * 1024
    batch, count = batch_of(wanted_bytes, value, 1000)
    header = read_header(batch)
    verify_crc(batch, 0, header)
    assert wanted_bytes * 0.98 - len(value) < len(batch) <= wanted_bytes
    assert [record.value for record in iter_records(batch)] == [value] * count


@pytest.mark.parametrize(
    ("reply", "lines"),
    [(b"", None), (b"+MESSA", None), (b"+EMPTY\r\n", 1), (b"+MESSAGES 3\r\n0 1", 7)],
)
def test_lines_of_a_reply_are_known_from_its_first(reply: bytes, lines: int | None) -> None:
    assert expected_lines(bytearray(reply)) == lines
