"""quekka-verify-log: check a data directory that no broker uses, and put right what can be put right."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    Exit,
    Program,
    complain,
    describe_error,
    offline_options,
    quekka_command,
)
from quekka.cli.progress import progress
from quekka.cli.table import printable, size_text
from quekka.errors import QuekkaError
from quekka.storage.log_verifier import LogVerifier
from quekka.storage.partition_verifier import Problem

LONG_WORK_BYTES = 64 * 1024 * 1024
"""From here on a progress bar is worth a line of the terminal."""

ROUNDS_MAX = 3
"""A repair may bring to light what was hidden behind it, so the check is repeated; never without an end."""

Show = Callable[[Problem, str | None], str]
"""A problem, and what was done about it, as a line."""


@click.command("quekka-verify-log", cls=Program, context_settings=CONTEXT_SETTINGS)
@click.argument("data_dir", metavar="DATA_DIR", type=click.Path(path_type=Path))
@click.option(
    "--topic", "topics", metavar="TOPIC", multiple=True, help="Check this topic only; may be repeated."
)
@click.option("--repair", is_flag=True, help="Put right what loses no whole batch.")
@click.option(
    "--cut-damage", is_flag=True, help="With --repair: also take out damage in the middle of a log."
)
@click.option(
    "--format", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True,
    help="Lines for people, or JSON objects.",
)  # fmt: skip
@offline_options
@quekka_command
def main(data_dir: Path, topics: tuple[str, ...], repair: bool, cut_damage: bool, format_name: str) -> None:
    """Check every batch, index and small file of a data directory that no broker uses."""
    if cut_damage and not repair:
        raise click.UsageError("--cut-damage goes with --repair.")
    remedies = ("safe", "destructive") if cut_damage else ("safe",) if repair else ()
    show: Show = FORMATS[format_name](data_dir)
    with LogVerifier(data_dir, topics=topics) as verifier:
        problems = _find(verifier)
        for _ in range(ROUNDS_MAX):
            if not _repair(problems, remedies, show):
                break
            problems = _find(verifier)
        for problem in problems:
            click.echo(show(problem, None))
        if format_name == "text":
            click.echo(_summary(verifier, problems, repaired=repair), err=True)
    click.get_current_context().exit(Exit.DATA_DAMAGED if problems else Exit.OK)


def _find(verifier: LogVerifier) -> list[Problem]:
    total_bytes = verifier.total_bytes()
    with progress(total_bytes if total_bytes >= LONG_WORK_BYTES else 0, "Checking") as advance:
        return list(verifier.verify(advance))


def _repair(problems: list[Problem], remedies: tuple[str, ...], show: Show) -> bool:
    """Repair what may be repaired, the last first, and tell of it; whether anything was."""
    has_repaired = False
    for problem in reversed(problems):
        if problem.repair is None or problem.remedy not in remedies:
            continue
        try:
            done = problem.repair()
        except (QuekkaError, OSError) as error:
            complain(f"{printable(str(problem.path))}: not repaired: {describe_error(error)}")
        else:
            has_repaired = True
            click.echo(show(problem, done))
    return has_repaired


def _summary(verifier: LogVerifier, problems: list[Problem], *, repaired: bool) -> str:
    checked = f"{verifier.segments} segments, {size_text(verifier.total_bytes())}"
    if not problems:
        return f"{checked}: no problem"
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    can_be = {problem.remedy for problem in problems} - {"none"}
    hint = (
        ""
        if not can_be
        else "; --repair --cut-damage"
        if repaired or can_be == {"destructive"}
        else "; --repair"
    )
    return f"{checked}: {count}{hint and f'{hint} can put some right'}"


def _text_format(data_dir: Path) -> Show:
    def show(problem: Problem, done: str | None) -> str:
        path = problem.path.relative_to(data_dir)
        where = "" if problem.position is None else f"byte {problem.position}: "
        return printable(f"{path}: {where}{problem.what}") + ("" if done is None else f": {done}")

    return show


def _json_format(data_dir: Path) -> Show:
    def show(problem: Problem, done: str | None) -> str:
        facts = {
            "file": str(problem.path.relative_to(data_dir)),
            "position": problem.position,
            "what": problem.what,
            "remedy": problem.remedy,
            "done": done,
        }
        return json.dumps(facts)

    return show


FORMATS: dict[str, Callable[[Path], Show]] = {"text": _text_format, "json": _json_format}
