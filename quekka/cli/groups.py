"""quekka-groups: list, describe, move and delete consumer groups."""

import dataclasses
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    ProgramGroup,
    broker_options,
    quekka_command,
    server_address,
    subcommand_options,
)
from quekka.cli.completion import complete_groups, complete_topics
from quekka.cli.parameters import OFFSET_HELP, OFFSET_METAVAR, offset_spec, topic_name
from quekka.cli.positions import find_offsets
from quekka.cli.table import facts, table
from quekka.errors import GroupIdNotFoundError, NonEmptyGroupError
from quekka.offset_spec import OffsetSpec

if TYPE_CHECKING:
    from quekka.client import Admin, GroupDescription

NO_SUCH_GROUP_STATE = "Dead"

group_argument = click.argument("group", shell_complete=complete_groups)


def _admin() -> "Admin":
    from quekka.client import Admin  # not before a command runs: --help needs no client

    return Admin(server_address())


@click.group("quekka-groups", cls=ProgramGroup, context_settings=CONTEXT_SETTINGS)
@broker_options
def main() -> None:
    """List, describe, move and delete consumer groups."""


@main.command("list")
@subcommand_options
@quekka_command
def list_command() -> None:
    """List the names of groups, one per line."""
    with _admin() as admin:
        for name in admin.list_groups():
            click.echo(name)


@main.command("describe", short_help="Show state, members, offsets and lag.")
@group_argument
@click.option(
    "--topic", metavar="TOPIC", type=topic_name, shell_complete=complete_topics, help="Only this topic."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@subcommand_options
@quekka_command
def describe_command(group: str, topic: str | None, as_json: bool) -> None:
    """Show state and members of GROUP, and for each partition what it committed and how far it lags."""
    with _admin() as admin:
        description = _describe(admin, group, topic)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(description), ensure_ascii=False))
        return
    for line in _lines_of(description):
        click.echo(line)


def _describe(admin: "Admin", group: str, topic: str | None = None) -> "GroupDescription":
    description = admin.describe_group(group, topic)
    if description.state == NO_SUCH_GROUP_STATE:
        raise GroupIdNotFoundError(f"there is no group {group!r}")
    return description


def _lines_of(description: "GroupDescription") -> Iterable[str]:
    yield from facts(
        [
            ("Group", description.group),
            ("State", description.state),
            ("Members", ", ".join(description.members) or "none"),
        ]
    )
    if description.partitions:
        yield ""
        yield from table(
            ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG"],
            [
                (each.topic, each.partition, each.committed, each.end_offset, each.lag)
                for each in description.partitions
            ],
        )


@main.command("reset-offsets", short_help="Move the committed offsets of a topic.")
@group_argument
@click.option(
    "--topic",
    metavar="TOPIC",
    type=topic_name,
    required=True,
    shell_complete=complete_topics,
    help="Whose offsets to move.",
)
@click.option(
    "--partition",
    "partitions",
    metavar="P",
    type=click.IntRange(min=0),
    multiple=True,
    help="Only this partition; may be repeated.  [default: all]",
)
@click.option(
    "--to", "where", metavar=OFFSET_METAVAR, type=offset_spec, required=True, help=f"{OFFSET_HELP}."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@subcommand_options
@quekka_command
def reset_offsets_command(
    group: str, topic: str, partitions: tuple[int, ...], where: OffsetSpec, dry_run: bool
) -> None:
    """Commit other offsets of a topic for GROUP, which must have no members; show them before and after."""
    from quekka.client import TopicPartition

    with _admin() as admin:
        before = admin.describe_group(group, topic)
        if before.members:
            members = ", ".join(before.members)
            raise NonEmptyGroupError(f"group {group!r} has members, stop them first: {members}")
        committed = {each.partition: each.committed for each in before.partitions}
        chosen = sorted(set(partitions)) or range(len(admin.describe_topic(topic).partitions))
        targets = find_offsets(admin, [TopicPartition(topic, each) for each in chosen], where)
        if not dry_run:
            admin.alter_group_offsets(group, targets)
    rows = [(topic, each, committed.get(each), offset) for (_, each), offset in targets.items()]
    for line in table(["TOPIC", "PARTITION", "BEFORE", "AFTER"], rows):
        click.echo(line)


@main.command("delete", short_help="Forget groups and their committed offsets.")
@click.argument("groups", metavar="GROUP...", nargs=-1, required=True, shell_complete=complete_groups)
@subcommand_options
@quekka_command
def delete_command(groups: tuple[str, ...]) -> None:
    """Forget each GROUP with the offsets it committed; it must have no members."""
    with _admin() as admin:
        for group in groups:
            admin.delete_group(group)
