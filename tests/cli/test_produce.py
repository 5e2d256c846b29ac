"""quekka-produce against a broker."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from click.testing import CliRunner, Result

import quekka
from quekka.cli.common import Exit
from quekka.cli.produce import main
from quekka.client import ConsumerRecord, TopicPartition

Run = Callable[..., Result]
Shell = Callable[[str], "CompletedProcess[str]"]


@pytest.fixture
def admin(broker: quekka.Broker) -> Iterator[quekka.Admin]:
    """A client, and a topic `t` with two partitions."""
    with quekka.Admin(broker.address) as admin:
        admin.create_topic("t", partitions=2)
        yield admin


@pytest.fixture
def stored(broker: quekka.Broker, admin: quekka.Admin) -> Callable[..., list[ConsumerRecord]]:
    """All records of a partition of `t`, or `count` of them, as soon as they are there."""

    def read(partition: int = 0, count: int | None = None) -> list[ConsumerRecord]:
        end_offset = admin.list_offsets("t", partition, "latest") if count is None else count
        with quekka.Consumer(servers=broker.address, auto_offset_reset="earliest") as consumer:
            consumer.assign([TopicPartition("t", partition)])
            found: list[ConsumerRecord] = []
            while len(found) < end_offset:
                for records in consumer.poll(1000).values():
                    found += records
        return found

    return read


def values(records: list[ConsumerRecord]) -> list[bytes | None]:
    return [record.value for record in records]


def test_each_line_is_a_record(run: Run, stored: Any) -> None:
    result = run(main, "t", "--partition", "0", stdin=b"one\n\ntwo\nlast")
    assert (result.exit_code, result.stdout) == (Exit.OK, "")
    assert result.stderr == "4 records sent to t\n"
    assert values(stored()) == [b"one", b"", b"two", b"last"]


def test_no_input_is_no_record(run: Run, stored: Any) -> None:
    assert run(main, "t", stdin=b"").stderr == "0 records sent to t\n"
    assert stored() == []


def test_bytes_are_taken_as_they_are(run: Run, stored: Any) -> None:
    run(main, "t", "--partition", "0", stdin=bytes(set(range(256)) - {10}) + "\nzürich ☃\r\n".encode())
    assert values(stored()) == [bytes(set(range(256)) - {10}), "zürich ☃\r".encode()]


def test_quiet_says_nothing(run: Run, admin: quekka.Admin) -> None:
    assert run(main, "t", "--quiet", stdin=b"x\n").output == ""


def test_print_shows_partition_and_offset_of_each_line(run: Run, admin: quekka.Admin) -> None:
    result = run(main, "t", "--partition", "1", "--print", "-q", stdin=b"a\nb\n")
    assert result.stdout == "1 0\n1 1\n"


def test_keys_values_nulls_and_headers(run: Run, stored: Any) -> None:
    run(
        main, "t", "--partition", "1", "--key-separator", ":", "--null-value", "NULL",
        "--headers", "a=1", "--headers", "b=ü", stdin=b"k1:v:w\nk2:NULL\n",
    )  # fmt: skip
    headers = (("a", b"1"), ("b", "ü".encode()))
    assert [(each.key, each.value, each.headers) for each in stored(1)] == [
        (b"k1", b"v:w", headers),
        (b"k2", None, headers),
    ]


def test_json_lines(run: Run, stored: Any) -> None:
    lines = [
        {"value": "v", "key": "k", "partition": 1, "timestamp_ms": 5, "headers": {"a": "1"}},
        {"value": {"base64": "/wA="}},
    ]
    stdin = "".join(json.dumps(line) + "\n" for line in lines).encode()
    run(main, "t", "--format", "json", "--partition", "0", "--headers", "b=2", stdin=stdin)
    (first,) = stored(1)
    assert first == ConsumerRecord("t", 1, 0, 5, b"k", b"v", (("a", b"1"), ("b", b"2")))
    assert [(each.value, each.headers) for each in stored(0)] == [(b"\xff\x00", (("b", b"2"),))]


def test_files_are_read_one_after_the_other(run: Run, stored: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"{name}1\n{name}2\n")
    files = [str(tmp_path / "a"), "-", str(tmp_path / "b")]
    result = run(main, "t", *files, "--partition", "0", stdin=b"stdin\n")
    assert result.exit_code == Exit.OK
    assert values(stored()) == [b"a1", b"a2", b"stdin", b"b1", b"b2"]


def test_a_whole_file_is_one_record(run: Run, stored: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\n\x00\xff")
    (tmp_path / "b").write_bytes(b"")
    result = run(main, "t", "--whole-file", str(tmp_path / "a"), str(tmp_path / "b"), "--partition", "0")
    assert result.stderr == "2 records sent to t\n"
    assert values(stored()) == [b"one\ntwo\n\x00\xff", b""]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_compression_changes_nothing_that_is_read(run: Run, stored: Any, compression: str) -> None:
    lines = [b"%d" % number for number in range(1000)]
    options = ["--partition", "0", "--compression", compression]
    assert run(main, "t", *options, stdin=b"\n".join(lines)).exit_code == Exit.OK
    assert values(stored()) == lines


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acks(run: Run, stored: Any, acks: str) -> None:
    assert run(main, "t", "--partition", "0", "--acks", acks, stdin=b"x\n").exit_code == Exit.OK
    assert values(stored(count=1)) == [b"x"]


def test_a_record_that_is_refused_is_named_and_the_others_are_sent(
    run: Run, admin: quekka.Admin, stored: Any
) -> None:
    admin.alter_topic_configs("t", {"max.message.bytes": "200"})
    stdin = b"small\n" + b"x" * 1000 + b"\nsmall too\n"
    result = run(main, "t", "--partition", "0", "--linger-ms", "0", stdin=stdin)
    assert result.exit_code == Exit.RECORDS_FAILED
    first, last = result.stderr.splitlines()
    assert first.startswith("quekka-produce: line 2: MESSAGE_TOO_LARGE: ")
    assert last == "2 records sent to t, 1 failed"
    assert values(stored()) == [b"small", b"small too"]


def test_input_that_is_no_record_is_named_with_its_file_and_line(
    run: Run, stored: Any, tmp_path: Path
) -> None:
    path = tmp_path / "lines.json"
    path.write_text('{"value": "a"}\n{oops\n{"value": "b"}\n')
    result = run(main, "t", str(path), "--format", "json", "--partition", "0")
    assert result.exit_code == Exit.RECORDS_FAILED
    assert f"quekka-produce: {path}:2: INVALID_RECORD: not JSON" in result.stderr
    assert values(stored()) == [b"a", b"b"]


def test_a_partition_that_is_not_there_ends_it(run: Run, admin: quekka.Admin) -> None:
    result = run(main, "t", "--partition", "7", stdin=b"a\nb\n")
    assert result.exit_code == Exit.NOT_FOUND
    assert "line 1: UNKNOWN_TOPIC_OR_PARTITION: " in result.stderr
    assert "line 2" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="no topic"),
        pytest.param(["t", "/no/such/file"], id="no such file"),
        pytest.param(["t", "--headers", "a"], id="header without value"),
        pytest.param(["t", "--partition", "-1"], id="partition below 0"),
        pytest.param(["t", "--compression", "rar"], id="codec"),
        pytest.param(["t", "--format", "json", "--null-value", "x"], id="null value in json"),
        pytest.param(["t", "--format", "json", "--key-separator", ":"], id="separator in json"),
        pytest.param(["t", "--whole-file", "--key-separator", ":"], id="separator in a whole file"),
        pytest.param(["t", "--key-separator", ""], id="empty separator"),
    ],
)
def test_wrong_usage_is_told_without_asking_a_broker(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["--server", "127.0.0.1:1", *words])
    assert result.exit_code == Exit.USAGE


def test_a_broker_that_is_not_there_is_told_before_anything_is_read() -> None:
    result = CliRunner().invoke(main, ["--server", "127.0.0.1:1", "t"], input=b"x\n")
    assert result.exit_code == Exit.BROKER_UNREACHABLE
    assert len(result.stderr.splitlines()) == 1


def test_what_is_typed_is_sent_at_the_end_of_each_line(start: Any, admin: quekka.Admin) -> None:
    """Offsets asked for with --print come while input is open, whatever the linger time."""
    program = start("produce", "t", "--partition", "0", "--print", "--linger-ms", "60000")
    for number in range(3):
        program.write_line(b"typed")
        assert program.stdout.readline() == b"0 %d\n" % number
    assert program.finish() == (0, b"", "3 records sent to t\n")


def test_a_broker_that_goes_away_is_told_with_the_lines_that_were_lost(
    start: Any, broker: quekka.Broker, admin: quekka.Admin
) -> None:
    program = start("produce", "t", "--partition", "0", "--print", "--timeout", "0.5")
    program.write_line(b"sent")
    assert program.stdout.readline() == b"0 0\n"
    broker.stop()
    code, out, err = program.finish(b"lost\n")
    assert (code, out) == (Exit.BROKER_UNREACHABLE, b"")
    assert "quekka-produce: line 2: REQUEST_TIMED_OUT: " in err
    assert err.splitlines()[-1] == "1 records sent to t, 1 failed"


def test_a_closed_standard_input_is_told(shell: Shell, admin: quekka.Admin) -> None:
    result = shell("quekka-produce t <&-")
    assert (result.returncode, result.stderr) == (
        Exit.FILE_ERROR,
        "quekka-produce: standard input is closed\n",
    )


def test_an_interruption_sends_what_was_read_and_is_quiet(start: Any, stored: Any) -> None:
    program = start("produce", "t", "--partition", "0", "--print", "--linger-ms", "60000")
    program.write_line(b"typed")
    assert program.stdout.readline() == b"0 0\n"
    program.interrupt()
    assert program.finish() == (Exit.INTERRUPTED, b"", "")
    assert values(stored()) == [b"typed"]


def test_the_reader_of_the_offsets_may_go_away(shell: Shell, admin: quekka.Admin) -> None:
    result = shell("seq 100000 | quekka-produce --print -q t | head -1; exit ${PIPESTATUS[1]}")
    assert (result.returncode, result.stderr) == (Exit.BROKEN_PIPE, "")
    assert len(result.stdout.splitlines()) == 1


def test_many_lines_keep_their_order(shell: Shell, stored: Any) -> None:
    assert shell("seq 20000 | quekka-produce -q --partition 0 t").returncode == 0
    assert values(stored()) == [b"%d" % number for number in range(1, 20001)]
