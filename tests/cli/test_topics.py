"""quekka-topics against a broker."""

import json
import sys
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import click
import pytest
from click.testing import CliRunner, Result

import quekka
from quekka.cli import topics
from quekka.cli.common import Exit
from quekka.cli.topics import main
from quekka.client import TopicPartition

NOBODY = "127.0.0.1:1"
"""An address at which nobody listens."""

Run = Callable[..., Result]


@pytest.fixture
def admin(broker: quekka.Broker) -> Iterator[quekka.Admin]:
    with quekka.Admin(broker.address) as admin:
        yield admin


def produce(broker: quekka.Broker, topic: str, count: int) -> None:
    with quekka.Producer(broker.address) as producer:
        for number in range(count):
            producer.send(topic, b"%d" % number, partition=0)


def test_create_says_nothing_and_the_topic_is_there(run: Run, admin: quekka.Admin) -> None:
    result = run(main, "create", "orders", "--partitions", "3", "--config", "retention.ms=1000")
    assert (result.exit_code, result.output) == (Exit.OK, "")
    assert len(admin.describe_topic("orders").partitions) == 3
    assert admin.topic_configs("orders")["retention.ms"] == "1000"


def test_create_refuses_a_topic_that_exists(run: Run, admin: quekka.Admin) -> None:
    admin.create_topic("orders")
    result = run(main, "create", "orders")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert result.stderr.startswith("quekka-topics: TOPIC_ALREADY_EXISTS: ")
    assert len(result.stderr.splitlines()) == 1


def test_create_if_not_exists_leaves_a_topic_as_it_is(run: Run, admin: quekka.Admin) -> None:
    admin.create_topic("orders", partitions=2)
    assert run(main, "create", "orders", "--if-not-exists", "--partitions", "5").exit_code == Exit.OK
    assert len(admin.describe_topic("orders").partitions) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["t", "--config", "no.such=1"], "INVALID_CONFIG", id="unknown setting"),
        pytest.param(["t", "--config", "retention.ms=soon"], "INVALID_CONFIG", id="value"),
    ],
)
def test_create_shows_what_the_broker_refused(run: Run, words: list[str], code: str) -> None:
    result = run(main, "create", *words)
    assert result.exit_code == Exit.BROKER_REFUSED
    assert f" {code}: " in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["create"], id="no name"),
        pytest.param(["create", "bad name"], id="a name against the rules"),
        pytest.param(["create", "t", "--partitions", "0"], id="no partitions"),
        pytest.param(["create", "t", "--config", "retention.ms"], id="setting without value"),
        pytest.param(["alter", "t"], id="nothing to alter"),
        pytest.param(["delete-records", "t", "--before", "1"], id="no partition"),
        pytest.param(["nonsense"], id="no such command"),
    ],
)
def test_wrong_usage_is_told_without_asking_a_broker(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["--server", NOBODY, *words])
    assert result.exit_code == Exit.USAGE


def test_list_writes_names_in_order(run: Run, admin: quekka.Admin) -> None:
    for name in ("b", "a"):
        admin.create_topic(name)
    assert run(main, "list").output == "a\nb\n"


def test_list_all_has_the_brokers_own_topic_once_it_exists(
    run: Run, admin: quekka.Admin, broker: quekka.Broker
) -> None:
    produce(broker, "a", 1)
    assert run(main, "list", "--all").output == "a\n"
    admin.alter_group_offsets("g", {TopicPartition("a", 0): "earliest"})
    assert run(main, "list", "--all").output == "__consumer_offsets\na\n"


def test_describe_shows_partitions_and_settings(run: Run, broker: quekka.Broker, admin: quekka.Admin) -> None:
    admin.create_topic("orders", partitions=2, configs={"retention.ms": "1000"})
    produce(broker, "orders", 3)
    lines = [line.split() for line in click.unstyle(run(main, "describe", "orders").output).splitlines()]
    assert ["Topic:", "orders"] in lines
    assert ["PARTITION", "LOG-START-OFFSET", "LOG-END-OFFSET", "SEGMENTS", "SIZE"] in lines
    assert ["0", "0", "3"] in [line[:3] for line in lines]
    assert ["1", "0", "0"] in [line[:3] for line in lines]
    assert ["retention.ms", "1000"] in lines


def test_describe_json_is_one_object_per_topic(run: Run, broker: quekka.Broker, admin: quekka.Admin) -> None:
    admin.create_topic("a", partitions=2)
    admin.create_topic("b")
    produce(broker, "a", 3)
    lines = run(main, "describe", "a", "b", "--json").output.splitlines()
    first, second = (json.loads(line) for line in lines)
    assert (first["topic"], second["topic"], first["internal"]) == ("a", "b", False)
    assert [part["log_end_offset"] for part in first["partitions"]] == [3, 0]
    assert first["configs"] == admin.topic_configs("a")
    assert first["size_bytes"] == sum(part["size_bytes"] for part in first["partitions"]) > 0


def test_a_topic_that_is_not_there_is_not_found(run: Run) -> None:
    for words in (["describe", "no"], ["alter", "no", "--partitions", "2"], ["delete", "no"]):
        result = run(main, *words)
        assert result.exit_code == Exit.NOT_FOUND
        assert "UNKNOWN_TOPIC_OR_PARTITION: " in result.stderr


def test_alter_changes_resets_and_grows(run: Run, admin: quekka.Admin) -> None:
    default = (admin.create_topic("t"), admin.topic_configs("t"))[1]["retention.ms"]
    run(main, "alter", "t", "--config", "retention.ms=5", "--config", "segment.ms=7", "--partitions", "4")
    configs = admin.topic_configs("t")
    assert (configs["retention.ms"], configs["segment.ms"]) == ("5", "7")
    assert len(admin.describe_topic("t").partitions) == 4
    assert run(main, "alter", "t", "--delete-config", "retention.ms").exit_code == Exit.OK
    configs = admin.topic_configs("t")
    assert (configs["retention.ms"], configs["segment.ms"]) == (default, "7")


def test_alter_cannot_reset_a_setting_that_does_not_exist(run: Run, admin: quekka.Admin) -> None:
    admin.create_topic("t")
    result = run(main, "alter", "t", "--delete-config", "no.such", "--config", "retention.ms=5")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "INVALID_CONFIG: no.such" in result.stderr
    assert admin.topic_configs("t")["retention.ms"] != "5"


def test_alter_cannot_take_partitions_away(run: Run, admin: quekka.Admin) -> None:
    admin.create_topic("t", partitions=2)
    result = run(main, "alter", "t", "--partitions", "1")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "INVALID_PARTITIONS" in result.stderr


def test_delete_takes_several_and_asks_nothing_of_a_script(run: Run, admin: quekka.Admin) -> None:
    for name in ("a", "b", "c"):
        admin.create_topic(name)
    result = run(main, "delete", "a", "b")
    assert (result.exit_code, result.output) == (Exit.OK, "")
    assert admin.list_topics() == ["c"]


def test_delete_if_exists_passes_over_what_is_not_there(run: Run, admin: quekka.Admin) -> None:
    admin.create_topic("b")
    assert run(main, "delete", "--if-exists", "a", "b").exit_code == Exit.OK
    assert admin.list_topics() == []


@pytest.mark.parametrize(
    ("answer", "code", "left"), [(b"y\n", Exit.OK, []), (b"n\n", Exit.INTERRUPTED, ["t"])]
)
def test_delete_asks_at_a_terminal(
    run: Run, admin: quekka.Admin, monkeypatch: pytest.MonkeyPatch, answer: bytes, code: Exit, left: list[str]
) -> None:
    admin.create_topic("t")
    monkeypatch.setattr(topics, "_is_terminal", lambda: True)
    result = run(main, "delete", "t", stdin=answer)
    assert "Delete t with all records?" in result.stderr
    assert result.exit_code == code
    assert admin.list_topics() == left


def test_delete_does_not_ask_who_said_yes(
    run: Run, admin: quekka.Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.create_topic("t")
    monkeypatch.setattr(topics, "_is_terminal", lambda: True)
    assert run(main, "delete", "--yes", "t").output == ""
    assert admin.list_topics() == []


def test_delete_records_prints_the_new_log_start_offset(run: Run, broker: quekka.Broker) -> None:
    produce(broker, "t", 5)
    result = run(main, "delete-records", "t", "--partition", "0", "--before", "3")
    assert (result.exit_code, result.output) == (Exit.OK, "3\n")


def test_delete_records_after_the_end_is_refused(run: Run, broker: quekka.Broker) -> None:
    produce(broker, "t", 5)
    result = run(main, "delete-records", "t", "--partition", "0", "--before", "6")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "OFFSET_OUT_OF_RANGE" in result.stderr


def test_a_broker_that_is_not_there_is_one_line_with_its_address() -> None:
    result = CliRunner().invoke(main, ["--server", NOBODY, "list"])
    assert result.exit_code == Exit.BROKER_UNREACHABLE
    assert len(result.stderr.splitlines()) == 1
    assert NOBODY in result.stderr


def test_the_program_runs_from_a_clone_and_pipes(
    shell: Callable[[str], "CompletedProcess[str]"], admin: quekka.Admin
) -> None:
    for name in ("test-a", "test-b", "keep"):
        admin.create_topic(name)
    result = shell("quekka-topics list | grep ^test- | xargs quekka-topics delete --yes")
    assert (result.returncode, result.stderr) == (0, "")
    assert admin.list_topics() == ["keep"]


def test_a_full_disk_behind_standard_output_is_told(shell: Callable[[str], "CompletedProcess[str]"]) -> None:
    if sys.platform != "linux":
        pytest.skip("/dev/full is Linux")
    lines = ("create --help > /dev/full", "create t", "list > /dev/full")
    result = shell("; ".join(f"quekka-topics {line}" for line in lines))
    assert result.returncode == Exit.FILE_ERROR
    assert result.stderr == "quekka-topics: No space left on device\n" * 2
