"""quekka-produce: send lines, JSON lines or whole files to a topic.

Records are sent in the background while input is read, and answers are looked at in the order of the input.
When nothing more is there to read for now, a person at a terminal, or a program that reads the offsets of
--print, is not made to wait for the linger time: what was read is sent at once.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    Program,
    broker_options,
    complain,
    quekka_command,
    server_address,
    show_warnings,
)
from quekka.cli.completion import complete_topics
from quekka.cli.parameters import name_value, topic_name
from quekka.cli.progress import progress
from quekka.cli.record_input import (
    InputItem,
    InputRecord,
    RecordParser,
    Source,
    key_value_parser,
    parse_json,
    read_lines,
    read_whole,
    value_parser,
)
from quekka.cli.sending import COMPLAINTS_MAX, Sending
from quekka.errors import InvalidRecordError
from quekka.formats.record import Header

if TYPE_CHECKING:
    from quekka.client import Producer
INTERRUPTED_TIMEOUT_S = 2.0
"""How long a person who interrupts waits for what was read to be sent."""


@click.command("quekka-produce", cls=Program, context_settings=CONTEXT_SETTINGS)
@click.argument("topic", type=topic_name, shell_complete=complete_topics)
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
)
@click.option(
    "--format",
    "input_format",
    type=click.Choice(["lines", "json"]),
    default="lines",
    show_default=True,
    help="How records are written: one value per line, or one JSON object per line with key, value, headers,"
    " partition and timestamp_ms.",
)
@click.option("--whole-file", is_flag=True, help="Send each file as one record.")
@click.option("--key-separator", metavar="TEXT", help="Lines are key, TEXT, value.")
@click.option("--null-value", metavar="TEXT", help="A value that is TEXT is sent as null (a tombstone).")
@click.option(
    "--headers",
    "headers",
    metavar="NAME=VALUE",
    type=name_value,
    multiple=True,
    help="A header for every record; may be repeated.",
)
@click.option("--partition", metavar="P", type=click.IntRange(min=0), help="Send to this partition.")
@click.option(
    "--compression",
    type=click.Choice(["none", "gzip", "snappy", "lz4", "zstd"]),
    default="none",
    show_default=True,
    help="How record batches are compressed.",
)
@click.option(
    "--acks",
    type=click.Choice(["0", "1", "all"]),
    default="all",
    show_default=True,
    help="Whether to wait for the broker's answer; with 0, refusals go unseen.",
)
@click.option(
    "--linger-ms",
    metavar="MS",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="How long to wait for more records to send together.",
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0.001),
    default=120,
    show_default=True,
    help="How long to try to send a record.",
)
@click.option("--print", "show_offsets", is_flag=True, help="Print partition and offset of every record.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say at the end how many records were sent.")
@broker_options
@quekka_command
def main(
    *,
    topic: str,
    files: tuple[str, ...],
    input_format: str,
    whole_file: bool,
    key_separator: str | None,
    null_value: str | None,
    headers: tuple[tuple[str, str], ...],
    partition: int | None,
    compression: str,
    acks: str,
    linger_ms: int,
    timeout_s: float,
    show_offsets: bool,
    quiet: bool,
) -> None:
    """Send each line of FILES, or of standard input, to TOPIC as one record."""
    parser = _with_constants(
        _choose_parser(input_format, whole_file, key_separator, null_value),
        tuple((name, value.encode()) for name, value in headers),
        partition,
    )
    show_warnings()
    with _producer(compression, acks, linger_ms, timeout_s) as producer:
        sending = Sending(producer, topic, show_offsets=show_offsets)
        _send_all(sending, _read_all(files or ("-",), whole_file, sending), parser)
    _report(sending, topic, quiet)


def _choose_parser(
    input_format: str, whole_file: bool, key_separator: str | None, null_value: str | None
) -> RecordParser:
    """What turns a line, or a file, into a record; raises UsageError for options that exclude each other."""
    if input_format == "json":
        if key_separator is not None or null_value is not None:
            raise click.UsageError("--key-separator and --null-value are for --format lines.")
        return parse_json
    null = None if null_value is None else null_value.encode(errors="surrogateescape")
    if key_separator is None:
        return value_parser(null)
    if whole_file or not key_separator:
        raise click.UsageError("--key-separator needs lines and a text that is not empty.")
    return key_value_parser(key_separator.encode(errors="surrogateescape"), null)


def _with_constants(
    parse: RecordParser, headers: tuple[Header, ...], partition: int | None
) -> RecordParser:
    """Add what is the same for every record; a record's own partition and headers come first."""
    if not headers and partition is None:
        return parse

    def parse_and_add(data: bytes) -> InputRecord:
        record = parse(data)
        chosen = partition if record.partition is None else record.partition
        return record._replace(headers=record.headers + headers, partition=chosen)

    return parse_and_add


@contextmanager
def _producer(compression: str, acks: str, linger_ms: int, timeout_s: float) -> Iterator["Producer"]:
    """A producer whose broker has answered: one that is not there is told at once, not after all retries."""
    from quekka.client import Admin, Producer

    server = server_address()
    with Admin(server) as admin:
        admin.ping()
    with Producer(
        server,
        acks=acks,
        linger_ms=linger_ms,
        compression_type=compression,
        delivery_timeout_ms=timeout_s * 1000,
    ) as producer:
        try:
            yield producer
        except KeyboardInterrupt:
            producer.close(INTERRUPTED_TIMEOUT_S)
            raise


def _send_all(sending: Sending, items: Iterator[InputItem], parse: RecordParser) -> None:
    """Send what the items hold, until the end or a failure that stays."""
    for item in items:
        try:
            record = parse(item.data)
        except InvalidRecordError as error:
            sending.fail(item.place, error)
        else:
            sending.send(item.place, record)
        if sending.stopped:
            break
    sending.settle()


def _read_all(files: tuple[str, ...], whole_file: bool, sending: Sending) -> Iterator[InputItem]:
    """What the files hold, one after the other, with a progress bar where their sizes are known."""
    total_bytes = sum(Path(name).stat().st_size for name in files if name != "-")
    with progress(total_bytes, "sending") as advance:
        for name in files:
            with _open(name) as stream:
                for item in _items(stream, name, whole_file, sending):
                    yield item
                    advance(len(item.data) + 1)


@contextmanager
def _open(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        yield sys.stdin.buffer
    else:
        with open(name, "rb") as stream:
            yield stream


def _items(stream: BinaryIO, name: str, whole_file: bool, sending: Sending) -> Iterator[InputItem]:
    """The lines of a file, or the file, with the place that messages name: `line 3` or `orders.txt:3`."""
    if whole_file:
        return iter([read_whole(stream, "standard input" if name == "-" else name)])
    is_watched = sending.show_offsets or stream.isatty()
    on_idle = sending.settle if is_watched else sending.settle_answered
    return read_lines(cast(Source, stream), "line " if name == "-" else f"{name}:", on_idle)


def _report(sending: Sending, topic: str, quiet: bool) -> None:
    """Say what was sent; end with the code of what failed."""
    if sending.records_failed > COMPLAINTS_MAX:
        complain(f"{sending.records_failed - COMPLAINTS_MAX} more records failed")
    if not quiet:
        failed = f", {sending.records_failed} failed" if sending.records_failed else ""
        click.echo(f"{sending.records_sent} records sent to {topic}{failed}", err=True)
    if sending.exit_code:
        click.get_current_context().exit(sending.exit_code)
