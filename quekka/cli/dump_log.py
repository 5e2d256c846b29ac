"""quekka-dump-log: show what is in segments and their indexes, and check it, without changing anything."""

import sys
from pathlib import Path

import click

from quekka.cli.common import CONTEXT_SETTINGS, Program, offline_options, quekka_command
from quekka.cli.dump_format import FORMATS
from quekka.cli.log_dump import DumpOptions, LogDump
from quekka.cli.progress import progress
from quekka.formats.segment_name import OFFSET_MAX

LONG_WORK_BYTES = 64 * 1024 * 1024
"""From here on a progress bar is worth a line of the terminal."""

offset_type = click.IntRange(0, OFFSET_MAX)


@click.command("quekka-dump-log", cls=Program, context_settings=CONTEXT_SETTINGS)
@click.argument("paths", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--files", metavar="FILE,...", multiple=True, help="Files with commas between them.")
@click.option(
    "--print-records/--no-print-records", help="Show the records of each batch; by default only the batches."
)
@click.option("--deep-iteration", is_flag=True, help="Decompress and read every record, shown or not.")
@click.option("--verify-index", is_flag=True, help="Compare indexes with the log beside them.")
@click.option("--offset-from", type=offset_type, default=0, help="Leave out what lies before this offset.")
@click.option(
    "--offset-to", type=offset_type, default=OFFSET_MAX, help="Leave out what lies after this offset."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="Lines like those of kafka-dump-log, or JSON objects.",
)
@offline_options
@quekka_command
def main(
    paths: tuple[Path, ...],
    files: tuple[str, ...],
    print_records: bool,
    deep_iteration: bool,
    verify_index: bool,
    offset_from: int,
    offset_to: int,
    format_name: str,
) -> None:
    """Show the batches of .log files and the entries of .index and .timeindex files."""
    wanted = [*paths, *(Path(name) for names in files for name in names.split(",") if name)]
    if not wanted:
        raise click.UsageError("No file to show.")
    options = DumpOptions(
        FORMATS[format_name], print_records, deep_iteration, verify_index, offset_from, offset_to
    )
    with progress(_bytes_worth_a_bar(wanted), "Reading") as advance:
        dump = LogDump(options, sys.stdout.buffer, advance)
        for path in wanted:
            dump.dump(path)
    click.get_current_context().exit(dump.exit_code)


def _bytes_worth_a_bar(paths: list[Path]) -> int:
    """Bytes to read; 0, unknown, where a bar would be between the lines or gone before it is seen."""
    size_bytes = sum(path.stat().st_size for path in paths if path.is_file())
    return 0 if sys.stdout.isatty() or size_bytes < LONG_WORK_BYTES else size_bytes
