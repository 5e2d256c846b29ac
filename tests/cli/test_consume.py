"""quekka-consume against a broker."""

import json
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
from click.testing import CliRunner, Result

import quekka
from quekka.cli.common import Exit
from quekka.cli.consume import main

Run = Callable[..., Result]
Shell = Callable[[str], "CompletedProcess[str]"]
BINARY = bytes(range(256))


@pytest.fixture
def admin(broker: quekka.Broker) -> Iterator[quekka.Admin]:
    with quekka.Admin(broker.address) as admin:
        admin.create_topic("t", partitions=2)
        yield admin


@pytest.fixture
def produce(broker: quekka.Broker, admin: quekka.Admin) -> Callable[..., None]:
    """Send values to a partition of `t`, with the times 1000, 2000, ..."""

    def send(*values: bytes | None, partition: int = 0, **options: Any) -> None:
        with quekka.Producer(broker.address) as producer:
            for number, value in enumerate(values, 1):
                producer.send("t", value, partition=partition, timestamp_ms=1000 * number, **options)

    return send


def committed(admin: quekka.Admin, group: str) -> list[int | None]:
    return [each.committed for each in admin.describe_group(group, "t").partitions]


def test_it_writes_what_is_there_and_ends(run: Run, produce: Any) -> None:
    produce(b"one", b"", b"two")
    result = run(main, "t")
    assert (result.exit_code, result.stdout, result.stderr) == (Exit.OK, "one\n\ntwo\n", "")


def test_an_empty_topic_is_no_output(run: Run, admin: quekka.Admin) -> None:
    result = run(main, "t")
    assert (result.exit_code, result.output) == (Exit.OK, "")


def test_it_reads_all_partitions(run: Run, produce: Any) -> None:
    produce(b"a", b"b")
    produce(b"c", partition=1)
    assert sorted(run(main, "t").stdout.split()) == ["a", "b", "c"]


def test_partitions_can_be_chosen(run: Run, produce: Any) -> None:
    produce(b"a")
    produce(b"b", partition=1)
    assert run(main, "t", "--partition", "1").stdout == "b\n"


def test_bytes_come_out_as_they_are(run: Run, produce: Any) -> None:
    produce(BINARY)
    assert run(main, "t").stdout_bytes == BINARY + b"\n"


@pytest.mark.parametrize(
    ("where", "values"),
    [
        ("earliest", "1 2 3"),
        ("1", "2 3"),
        ("3", ""),
        ("latest", ""),
        ("timestamp:1500", "2 3"),
        ("1970-01-01T00:00:02.001Z", "3"),
        ("timestamp:9999", ""),
    ],
)
def test_it_starts_from(run: Run, produce: Any, where: str, values: str) -> None:
    produce(b"1", b"2", b"3")
    assert run(main, "t", "--partition", "0", "--from", where).stdout.split() == values.split()


def test_an_offset_that_is_not_there_is_refused(run: Run, produce: Any) -> None:
    produce(b"1")
    result = run(main, "t", "--partition", "0", "--from", "5")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "OFFSET_OUT_OF_RANGE" in result.stderr


def test_max_ends_it(run: Run, produce: Any) -> None:
    produce(b"1", b"2", b"3")
    assert run(main, "t", "--max", "2", "--follow").stdout == "1\n2\n"


def test_timeout_ends_a_follower(run: Run, produce: Any) -> None:
    produce(b"1")
    assert run(main, "t", "--follow", "--timeout", "0.2").stdout == "1\n"


def test_a_template(run: Run, produce: Any) -> None:
    produce(b"v", key=b"k", headers=[("a", b"1")])
    result = run(main, "t", "--format", r"%t %p %o %k %v %h %T\n")
    assert result.stdout == "t 0 0 k v a=1 1000\n"


def test_a_null_is_written_as_asked(run: Run, produce: Any) -> None:
    produce(None, key=b"k")
    assert run(main, "t", "--null-value", "NULL", "--format", r"%k=%v\n").stdout == "k=NULL\n"


def test_json(run: Run, produce: Any) -> None:
    produce("zürich".encode(), key=b"\xff")
    record = json.loads(run(main, "t", "--format", "json").stdout)
    assert (record["value"], record["key"], record["offset"]) == ("zürich", {"base64": "/w=="}, 0)


def test_full_is_plain_in_a_pipe_and_coloured_on_demand(run: Run, produce: Any) -> None:
    produce(b"v")
    assert run(main, "t", "--format", "full").stdout == "t/0@0  1970-01-01T00:00:01.000Z  v\n"
    assert "\x1b[" in run(main, "t", "--format", "full", "--color", "always").stdout


def test_a_group_goes_on_where_it_was(run: Run, produce: Any, admin: quekka.Admin) -> None:
    produce(b"1", b"2", b"3")
    assert run(main, "t", "--group", "g", "--max", "2").stdout == "1\n2\n"
    assert committed(admin, "g") == [2, 0]
    assert run(main, "t", "--group", "g").stdout == "3\n"
    assert run(main, "t", "--group", "g").stdout == ""


@pytest.mark.parametrize(("where", "values"), [("latest", ""), ("1", "2 3"), ("timestamp:2500", "3")])
def test_a_new_group_starts_from(
    run: Run, produce: Any, admin: quekka.Admin, where: str, values: str
) -> None:
    admin.delete_topic("t")
    admin.create_topic("t")
    produce(b"1", b"2", b"3")
    assert run(main, "t", "--group", "g", "--from", where).stdout.split() == values.split()


def test_a_group_that_has_committed_does_not_start_anew(run: Run, produce: Any) -> None:
    produce(b"1", b"2", b"3")
    run(main, "t", "--group", "g", "--max", "1")
    assert run(main, "t", "--group", "g", "--from", "timestamp:0").stdout == "2\n3\n"


def test_what_is_not_there_is_not_found(run: Run, admin: quekka.Admin) -> None:
    for words in (["no"], ["no", "--group", "g"], ["t", "--partition", "2"]):
        result = run(main, *words)
        assert result.exit_code == Exit.NOT_FOUND
        assert "UNKNOWN_TOPIC_OR_PARTITION: " in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="no topic"),
        pytest.param(["t", "--from", "soon"], id="nowhere"),
        pytest.param(["t", "--format", "%z"], id="template"),
        pytest.param(["t", "--max", "0"], id="no records"),
        pytest.param(["t", "--timeout", "-1"], id="negative time"),
        pytest.param(["t", "--group", "g", "--partition", "0"], id="partition of a group"),
    ],
)
def test_wrong_usage_is_told_without_asking_a_broker(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["--server", "127.0.0.1:1", *words])
    assert result.exit_code == Exit.USAGE


def test_a_broker_that_is_not_there_is_unreachable() -> None:
    result = CliRunner().invoke(main, ["--server", "127.0.0.1:1", "t"])
    assert result.exit_code == Exit.BROKER_UNREACHABLE
    assert len(result.stderr.splitlines()) == 1


def test_a_follower_writes_each_record_as_it_comes(start: Any, produce: Any) -> None:
    program = start("consume", "t", "--follow")
    for value in (b"first", b"second"):
        produce(value)
        assert program.stdout.readline() == value + b"\n"
    program.interrupt()
    assert program.finish() == (Exit.INTERRUPTED, b"", "")


def test_an_interrupted_member_has_committed_what_it_wrote(
    start: Any, produce: Any, admin: quekka.Admin
) -> None:
    produce(b"1", b"2")
    program = start("consume", "t", "--follow", "--group", "g")
    assert [program.stdout.readline() for _ in range(2)] == [b"1\n", b"2\n"]
    program.interrupt()
    assert program.finish()[0] == Exit.INTERRUPTED
    assert committed(admin, "g")[0] == 2
    assert admin.describe_group("g").members == ()


def test_head_ends_it_quietly(shell: Shell, produce: Any) -> None:
    produce(*[b"%d" % number for number in range(50_000)])
    result = shell("quekka-consume t | head -1; exit ${PIPESTATUS[0]}")
    assert (result.returncode, result.stdout, result.stderr) == (Exit.BROKEN_PIPE, "0\n", "")


def test_head_ends_a_follower_that_waits(shell: Shell, produce: Any) -> None:
    produce(b"1")
    result = shell("quekka-consume -f t | head -1; exit ${PIPESTATUS[0]}")
    assert (result.returncode, result.stdout, result.stderr) == (Exit.BROKEN_PIPE, "1\n", "")


def test_what_a_broken_pipe_swallowed_is_read_again(shell: Shell, produce: Any, admin: quekka.Admin) -> None:
    produce(*[b"%d" % number for number in range(50_000)])
    shell("quekka-consume --group g t | head -1")
    (first, _) = committed(admin, "g")
    assert first is not None
    assert first < 50_000
    rest = shell("quekka-consume --group g t").stdout.splitlines()
    assert rest == [str(number) for number in range(first, 50_000)]


def test_a_topic_can_be_copied_as_json(shell: Shell, produce: Any, admin: quekka.Admin) -> None:
    produce(BINARY, "zürich ☃".encode(), None, key=b"\xfe", headers=[("a", b"\xff"), ("a", None)])
    admin.create_topic("copy", partitions=2)
    result = shell("quekka-consume --format json t | quekka-produce -q --format json copy")
    assert (result.returncode, result.stderr) == (0, "")
    original, copy = (shell(f"quekka-consume --format json {topic}").stdout for topic in ("t", "copy"))
    assert copy == original.replace('"topic": "t"', '"topic": "copy"')
    assert len(copy.splitlines()) == 3
