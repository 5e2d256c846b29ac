"""quekka-topics: create, list, describe, alter and delete topics, and delete their oldest records."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    Exit,
    ProgramGroup,
    broker_options,
    quekka_command,
    server_address,
    subcommand_options,
)
from quekka.cli.completion import complete_topics
from quekka.cli.parameters import name_value, topic_name
from quekka.cli.table import Cell, Size, facts, table
from quekka.errors import InvalidConfigError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from quekka.topic_name import OFFSETS_TOPIC

if TYPE_CHECKING:
    from quekka.client import Admin, PartitionDescription, TopicDescription

topic_argument = click.argument("topic", type=topic_name, shell_complete=complete_topics)
topics_argument = click.argument(
    "topics",
    metavar="TOPIC...",
    type=topic_name,
    nargs=-1,
    required=True,
    shell_complete=complete_topics,
)
config_option = click.option(
    "--config",
    "configs",
    metavar="NAME=VALUE",
    type=name_value,
    multiple=True,
    help="A setting of the topic, such as retention.ms=3600000; may be repeated.",
)


def _admin() -> "Admin":
    from quekka.client import Admin  # not before a command runs: --help needs no client

    return Admin(server_address())


@click.group("quekka-topics", cls=ProgramGroup, context_settings=CONTEXT_SETTINGS)
@broker_options
def main() -> None:
    """Create, list, describe, alter and delete topics."""


@main.command("create", short_help="Create a topic.")
@topic_argument
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="How many; else as the broker has it."
)
@config_option
@click.option("--if-not-exists", is_flag=True, help="Do nothing when there is such a topic.")
@subcommand_options
@quekka_command
def create_command(
    topic: str, partitions: int | None, configs: tuple[tuple[str, str], ...], if_not_exists: bool
) -> None:
    """Create TOPIC."""
    with _admin() as admin:
        try:
            admin.create_topic(topic, partitions=partitions, configs=dict(configs))
        except TopicAlreadyExistsError:
            if not if_not_exists:
                raise


@main.command("list")
@click.option("--all", "with_internal", is_flag=True, help="With the broker's own topics (__...).")
@subcommand_options
@quekka_command
def list_command(with_internal: bool) -> None:
    """List the names of topics, one per line."""
    with _admin() as admin:
        names = admin.list_topics()
        if with_internal and _exists(admin, OFFSETS_TOPIC):
            names = [OFFSETS_TOPIC, *names]
        for name in names:
            click.echo(name)


def _exists(admin: "Admin", topic: str) -> bool:
    try:
        admin.describe_topic(topic)
    except UnknownTopicOrPartitionError:
        return False
    return True


@main.command("describe", short_help="Show settings, partitions, offsets and sizes.")
@topics_argument
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object per topic.")
@subcommand_options
@quekka_command
def describe_command(topics: tuple[str, ...], as_json: bool) -> None:
    """Show the settings of each TOPIC, and its partitions with their offsets and sizes."""
    with _admin() as admin:
        for number, topic in enumerate(topics):
            description = admin.describe_topic(topic)
            configs = admin.topic_configs(topic)
            if as_json:
                click.echo(_json_of(description, configs))
                continue
            if number:
                click.echo()
            for line in _lines_of(description, configs):
                click.echo(line)


def _lines_of(description: "TopicDescription", configs: dict[str, str]) -> Iterable[str]:
    yield from facts(
        [
            ("Topic", description.name),
            ("Topic id", description.topic_id),
            ("Partitions", len(description.partitions)),
            ("Size", Size(description.size_bytes)),
        ]
    )
    yield ""
    yield from table(
        ["PARTITION", "LOG-START-OFFSET", "LOG-END-OFFSET", "SEGMENTS", "SIZE"],
        [_row(each) for each in description.partitions],
    )
    yield ""
    yield from table(["CONFIG", "VALUE"], sorted(configs.items()))


def _row(part: "PartitionDescription") -> Sequence[Cell]:
    size = Size(part.size_bytes)
    return part.partition, part.log_start_offset, part.log_end_offset, part.segments, size


def _json_of(description: "TopicDescription", configs: dict[str, str]) -> str:
    return json.dumps(
        {
            "topic": description.name,
            "topic_id": description.topic_id,
            "internal": description.is_internal,
            "size_bytes": description.size_bytes,
            "configs": configs,
            "partitions": [dataclasses.asdict(each) for each in description.partitions],
        }
    )


@main.command("alter", short_help="Change settings, or add partitions.")
@topic_argument
@config_option
@click.option(
    "--delete-config",
    "reset_configs",
    metavar="NAME",
    multiple=True,
    help="A setting to put back to the broker's default; may be repeated.",
)
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="How many there shall be: more than now."
)
@subcommand_options
@quekka_command
def alter_command(
    topic: str, configs: tuple[tuple[str, str], ...], reset_configs: tuple[str, ...], partitions: int | None
) -> None:
    """Change settings of TOPIC, or give it more partitions."""
    changes: dict[str, str] = dict(configs)
    if not changes and not reset_configs and partitions is None:
        raise click.UsageError("Nothing to change: give --config, --delete-config or --partitions.")
    with _admin() as admin:
        unknown = set(reset_configs) - admin.topic_configs(topic).keys()
        if unknown:
            raise InvalidConfigError(f"{min(unknown)}: no such setting")
        if changes or reset_configs:
            admin.alter_topic_configs(topic, {**changes, **dict.fromkeys(reset_configs, "")})
        if partitions is not None:
            admin.create_partitions(topic, partitions)


@main.command("delete", short_help="Delete topics with all their records.")
@topics_argument
@click.option("--if-exists", is_flag=True, help="Pass over topics that do not exist.")
@click.option("--yes", is_flag=True, help="Do not ask, as is done on a terminal.")
@subcommand_options
@quekka_command
def delete_command(topics: tuple[str, ...], if_exists: bool, yes: bool) -> None:
    """Delete each TOPIC with all its records."""
    _confirm(f"Delete {', '.join(topics)} with all records?", yes)
    with _admin() as admin:
        for topic in topics:
            try:
                admin.delete_topic(topic)
            except UnknownTopicOrPartitionError:
                if not if_exists:
                    raise


@main.command("delete-records", short_help="Delete the oldest records of a partition.")
@topic_argument
@click.option("--partition", metavar="P", type=click.IntRange(min=0), required=True, help="Which partition.")
@click.option(
    "--before", metavar="OFFSET", type=click.IntRange(min=0), required=True, help="The first offset to keep."
)
@click.option("--yes", is_flag=True, help="Do not ask, as is done on a terminal.")
@subcommand_options
@quekka_command
def delete_records_command(topic: str, partition: int, before: int, yes: bool) -> None:
    """Delete the records of a partition of TOPIC before an offset; print its new log start offset."""
    _confirm(f"Delete the records of {topic}/{partition} before offset {before}?", yes)
    with _admin() as admin:
        click.echo(admin.delete_records(topic, partition, before))


def _confirm(question: str, yes: bool) -> None:
    """Ask a person; a script that says what it wants is not asked."""
    if not yes and _is_terminal() and not click.confirm(question, err=True):
        click.get_current_context().exit(Exit.INTERRUPTED)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
