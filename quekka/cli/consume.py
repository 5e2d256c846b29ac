"""quekka-consume: print the records of a topic.

Without --follow it prints what is there when it starts, and ends. In a group it commits an offset only after
the records before it have left the program, so that what a broken pipe or a kill swallowed is read again by
the next member: at least once.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    Program,
    broker_options,
    quekka_command,
    server_address,
    show_warnings,
)
from quekka.cli.completion import complete_groups, complete_topics
from quekka.cli.consumption import Consumption, Limits
from quekka.cli.output import RecordOutput
from quekka.cli.parameters import OFFSET_HELP, OFFSET_METAVAR, offset_spec, topic_name
from quekka.cli.positions import find_offsets
from quekka.cli.record_format import RecordFormatter, record_formatter
from quekka.errors import UnknownTopicOrPartitionError
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec

if TYPE_CHECKING:
    from quekka.client import Admin, Consumer, TopicPartition


@click.command("quekka-consume", cls=Program, context_settings=CONTEXT_SETTINGS)
@click.argument("topic", type=topic_name, shell_complete=complete_topics)
@click.option(
    "--from",
    "where",
    metavar=OFFSET_METAVAR,
    type=offset_spec,
    default=str(EARLIEST),
    show_default=True,
    help=f"{OFFSET_HELP}. With --group, for a group that has committed nothing.",
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
    "--group", metavar="GROUP", shell_complete=complete_groups, help="Read as a member of GROUP, and commit."
)
@click.option("--max", "records_max", metavar="N", type=click.IntRange(min=1), help="End after N records.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more records at the end.")
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="End when no record came for this long.",
)
@click.option(
    "--format",
    "record_format",
    metavar="FORMAT",
    default="value",
    show_default=True,
    help="value, full, json, or a template such as '%t %p %o %k %v %h %T\\n'.",
)
@click.option("--null-value", metavar="TEXT", default="", help="What to write for a null key or value.")
@broker_options
@quekka_command
def main(
    *,
    topic: str,
    where: OffsetSpec,
    partitions: tuple[int, ...],
    group: str | None,
    records_max: int | None,
    follow: bool,
    timeout_s: float | None,
    record_format: str,
    null_value: str,
) -> None:
    """Print the records of TOPIC, up to its present end or, with --follow, for ever."""
    if group is not None and partitions:
        raise click.UsageError("--partition and --group exclude each other: a group shares partitions out.")
    formatter = _formatter(record_format, null_value)
    show_warnings()
    with _consumer(topic, partitions, group, where) as (consumer, end_offsets):
        limits = Limits(records_max, timeout_s, None if follow else end_offsets)
        output = RecordOutput(sys.stdout.buffer, formatter, consumer if group is not None else None)
        Consumption(consumer, output, limits).run()


def _formatter(record_format: str, null_value: str) -> RecordFormatter:
    color = click.get_current_context().color
    try:
        return record_formatter(
            record_format,
            null_value.encode(errors="surrogateescape"),
            color=sys.stdout.isatty() if color is None else color,
        )
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--format'") from None


@contextmanager
def _consumer(
    topic: str, partitions: tuple[int, ...], group: str | None, where: OffsetSpec
) -> Iterator[tuple["Consumer", dict["TopicPartition", int]]]:
    """A consumer at its start, and where each partition ends now: asked first, so a wrong name is told."""
    from quekka.client import Admin

    server = server_address()
    with Admin(server) as admin:
        end_offsets = _end_offsets(admin, topic, partitions)
        if group is None:
            starts = find_offsets(admin, end_offsets, where)
        else:
            _place_new_group(admin, group, end_offsets, where)
    with _alone(server, starts) if group is None else _member(server, topic, group, where) as consumer:
        yield consumer, end_offsets


def _end_offsets(admin: "Admin", topic: str, partitions: tuple[int, ...]) -> dict["TopicPartition", int]:
    """Of the partitions that are asked for; raises UnknownTopicOrPartitionError."""
    from quekka.client import TopicPartition

    ends = {each.partition: each.log_end_offset for each in admin.describe_topic(topic).partitions}
    chosen = sorted(set(partitions)) or sorted(ends)
    if chosen[-1] not in ends:
        raise UnknownTopicOrPartitionError(f"topic {topic} has {len(ends)} partitions, no {chosen[-1]}")
    return {TopicPartition(topic, each): ends[each] for each in chosen}


def _place_new_group(
    admin: "Admin", group: str, partitions: Iterable["TopicPartition"], where: OffsetSpec
) -> None:
    """Commit an offset or a time as the start of a group that has none; a consumer takes no such start."""
    if where in (EARLIEST, LATEST):
        return
    topic = next(iter(partitions)).topic
    description = admin.describe_group(group, topic)
    if not description.members and all(each.committed is None for each in description.partitions):
        admin.alter_group_offsets(group, dict.fromkeys(partitions, where))


def _alone(server: str, starts: Mapping["TopicPartition", int]) -> "Consumer":
    from quekka.client import Consumer

    consumer = Consumer(servers=server, auto_offset_reset="earliest")
    consumer.assign(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    return consumer


def _member(server: str, topic: str, group: str, where: OffsetSpec) -> "Consumer":
    from quekka.client import Consumer

    start = "latest" if where == LATEST else "earliest"
    return Consumer(
        topic, servers=server, group_id=group, auto_offset_reset=start, enable_auto_commit=False
    )
