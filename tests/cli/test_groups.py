"""quekka-groups against a broker."""

import json
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result
from wire_client import WireClient

import quekka
from quekka.cli.common import Exit
from quekka.cli.groups import main
from quekka.client import TopicPartition

Run = Callable[..., Result]


@pytest.fixture
def admin(broker: quekka.Broker) -> Iterator[quekka.Admin]:
    """A client, and a topic `t` with two partitions of three and no records, times 1000, 2000 and 3000."""
    with quekka.Admin(broker.address) as admin:
        admin.create_topic("t", partitions=2)
        with quekka.Producer(broker.address) as producer:
            for number in range(3):
                producer.send("t", b"%d" % number, partition=0, timestamp_ms=1000 * (number + 1))
        yield admin


@pytest.fixture
def group(admin: quekka.Admin) -> str:
    """A group that has committed offset 1 of t/0."""
    admin.alter_group_offsets("readers", {TopicPartition("t", 0): 1})
    return "readers"


@pytest.fixture
def member(broker: quekka.Broker, group: str) -> Iterator[quekka.Consumer]:
    """A live member of the group."""
    with quekka.Consumer("t", servers=broker.address, group_id=group, enable_auto_commit=False) as consumer:
        while not consumer.assignment():
            consumer.poll(100)
        yield consumer


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in click.unstyle(output).splitlines()]


def test_list_writes_names_in_order(run: Run, admin: quekka.Admin) -> None:
    for name in ("b", "a"):
        admin.alter_group_offsets(name, {TopicPartition("t", 0): 0})
    assert run(main, "list").output == "a\nb\n"


def test_describe_shows_what_was_committed_and_the_lag(run: Run, group: str) -> None:
    lines = rows(run(main, "describe", group).output)
    assert ["Group:", "readers"] in lines
    assert ["State:", "Empty"] in lines
    assert ["Members:", "none"] in lines
    assert ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG"] in lines
    assert ["t", "0", "1", "3", "2"] in lines


def test_describe_shows_a_dash_where_nothing_was_committed(
    run: Run, admin: quekka.Admin, text_client: WireClient
) -> None:
    assert len(text_client.ask_messages("POLL t nobody 1")) == 1
    lines = rows(run(main, "describe", "nobody", "--topic", "t").output)
    assert ["t", "0", "-", "3", "-"] in lines


def test_describe_shows_the_members(run: Run, group: str, member: quekka.Consumer) -> None:
    lines = rows(run(main, "describe", group).output)
    assert ["State:", "Stable"] in lines
    assert ["Members:", "none"] not in lines


def test_describe_json(run: Run, group: str) -> None:
    described = json.loads(run(main, "describe", group, "--json").output)
    assert (described["group"], described["state"], described["members"]) == ("readers", "Empty", [])
    assert described["partitions"][0]["lag"] == 2


def test_a_group_that_is_not_there_is_not_found(run: Run, admin: quekka.Admin) -> None:
    for words in (["describe", "no"], ["delete", "no"]):
        result = run(main, *words)
        assert result.exit_code == Exit.NOT_FOUND
        assert "GROUP_ID_NOT_FOUND: " in result.stderr


@pytest.mark.parametrize(
    ("where", "offset"),
    [
        ("earliest", 0),
        ("latest", 3),
        ("2", 2),
        ("timestamp:1500", 1),
        ("1970-01-01T00:00:02.500Z", 2),
    ],
)
def test_reset_offsets_moves_to(run: Run, admin: quekka.Admin, group: str, where: str, offset: int) -> None:
    result = run(main, "reset-offsets", group, "--topic", "t", "--partition", "0", "--to", where)
    assert rows(result.output) == [["TOPIC", "PARTITION", "BEFORE", "AFTER"], ["t", "0", "1", str(offset)]]
    assert admin.describe_group(group, "t").partitions[0].committed == offset


def test_reset_offsets_moves_all_partitions_of_a_new_group(run: Run, admin: quekka.Admin) -> None:
    result = run(main, "reset-offsets", "new", "--topic", "t", "--to", "latest")
    assert rows(result.output)[1:] == [["t", "0", "-", "3"], ["t", "1", "-", "0"]]
    assert [each.committed for each in admin.describe_group("new", "t").partitions] == [3, 0]


def test_a_dry_run_shows_the_same_and_moves_nothing(run: Run, admin: quekka.Admin, group: str) -> None:
    words = ["reset-offsets", group, "--topic", "t", "--to", "latest"]
    dry = run(main, *words, "--dry-run").output
    assert admin.describe_group(group, "t").partitions[0].committed == 1
    assert run(main, *words).output == dry


@pytest.mark.parametrize("option", [[], ["--dry-run"]], ids=["", "dry run"])
def test_reset_offsets_is_refused_while_there_are_members(
    run: Run, group: str, member: quekka.Consumer, option: list[str]
) -> None:
    result = run(main, "reset-offsets", group, "--topic", "t", "--to", "latest", *option)
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "NON_EMPTY_GROUP" in result.stderr
    assert result.stdout == ""


def test_reset_offsets_to_an_offset_that_is_not_there_moves_nothing(
    run: Run, admin: quekka.Admin, group: str
) -> None:
    result = run(main, "reset-offsets", group, "--topic", "t", "--to", "2")
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "OFFSET_OUT_OF_RANGE: t/1: " in result.stderr
    assert admin.describe_group(group, "t").partitions[0].committed == 1


def test_reset_offsets_of_a_topic_that_is_not_there_is_not_found(run: Run, group: str) -> None:
    result = run(main, "reset-offsets", group, "--topic", "no", "--to", "latest")
    assert result.exit_code == Exit.NOT_FOUND


def test_reset_offsets_to_nowhere_is_a_usage_error(run: Run, group: str) -> None:
    result = run(main, "reset-offsets", group, "--topic", "t", "--to", "soon")
    assert result.exit_code == Exit.USAGE
    assert "'soon' is none of earliest, latest" in result.stderr


def test_delete_forgets_the_group(run: Run, admin: quekka.Admin, group: str) -> None:
    assert run(main, "delete", group).output == ""
    assert admin.list_groups() == []


def test_delete_is_refused_while_there_are_members(run: Run, group: str, member: quekka.Consumer) -> None:
    result = run(main, "delete", group)
    assert result.exit_code == Exit.BROKER_REFUSED
    assert "NON_EMPTY_GROUP" in result.stderr


def test_a_group_with_a_name_of_any_bytes_is_shown_without_harm(run: Run, admin: quekka.Admin) -> None:
    admin.alter_group_offsets("zürich ☃ 100%", {TopicPartition("t", 0): 1})
    assert run(main, "list").output == "zürich ☃ 100%\n"
    assert ["t", "0", "1", "3", "2"] in rows(run(main, "describe", "zürich ☃ 100%").output)


def test_a_broker_that_is_not_there_is_unreachable() -> None:
    assert CliRunner().invoke(main, ["--server", "127.0.0.1:1", "list"]).exit_code == Exit.BROKER_UNREACHABLE
