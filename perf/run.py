"""Measures the broker: run.py LOAD... | all | list | ratios A.json B.json. See quekka-perf(1)."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from perf import ratios, report  # noqa: E402
from perf.batches import parse_size  # noqa: E402
from perf.bench import Bench, Load, Options  # noqa: E402
from perf.broker_process import PROGRAM  # noqa: E402
from perf.errors import NotAResultError, PerfError  # noqa: E402
from perf.figures import Figure, LoadResult  # noqa: E402
from perf.limits import measure_limits  # noqa: E402
from perf.loads import FAMILIES, find_load, names_in_all  # noqa: E402
from perf.machine import describe_machine  # noqa: E402
from quekka.errors import QuekkaError  # noqa: E402

QUIET_LOAD_AVERAGE = 0.5
RESULTS = ROOT / "perf" / "results"


def main(arguments: Sequence[str]) -> int:
    """Returns 1 when a load failed, or missed a goal under --check; 2 for wrong use."""
    options = command_line().parse_args(arguments)
    try:
        if options.words == ["list"]:
            return show_list()
        if options.words[0] == "ratios":
            return show_ratios([Path(word) for word in options.words[1:]])
        return run_loads(options)
    except (PerfError, OSError) as error:
        sys.stderr.write(f"perf: {error}\n")
        return 2


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perf/run.py", description="Measure the broker. See man/quekka-perf.1."
    )
    parser.add_argument(
        "words", nargs="+", metavar="LOAD", help="names of loads; or all, list, ratios A.json B.json"
    )
    parser.add_argument(
        "--rounds", type=positive, default=5, help="rounds after the one that warms up (default 5)"
    )
    parser.add_argument(
        "--count", type=positive, help="messages or batches a round (default: the load's own)"
    )
    parser.add_argument("--seconds", type=float, help="length of a round, instead of --count")
    parser.add_argument("--size", type=size, default=1024, help="bytes of a message's payload (default 1024)")
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the broker",
    )
    parser.add_argument("--program", type=Path, default=PROGRAM, help="the broker (default bin/quekkad)")
    parser.add_argument(
        "--directory", type=Path, help="where brokers keep their data (default: the system's own)"
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="where the JSON goes (default perf/results)"
    )
    parser.add_argument("--no-limits", action="store_true", help="do not measure the machine itself")
    parser.add_argument("--check", action="store_true", help="end with 1 when a goal is missed")
    return parser


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return value


def size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text}: NAME=VALUE was expected")
    return name, value


def run_loads(command: argparse.Namespace) -> int:
    names = names_in_all() if command.words == ["all"] else command.words
    loads = [find_load(name) for name in names]
    settings = dict(command.set)
    options = Options(command.rounds, command.count, command.seconds, command.size, settings, command.program)
    results: list[LoadResult] = []
    machine = describe_machine()
    if machine["load_average"][0] > QUIET_LOAD_AVERAGE:
        sys.stderr.write(f"perf: the machine is busy, load average {machine['load_average'][0]:.1f}\n")
    with tempfile.TemporaryDirectory(prefix="quekka-perf-", dir=command.directory) as directory:
        limits = [] if command.no_limits else measure_limits(Path(directory))
        if limits:
            show("(machine)", limits)
        for load in loads:
            results += run_load(load, Path(directory), options)
    if not results:
        return 1
    content = report.document(["perf/run.py", *sys.argv[1:]], machine, settings, limits, results)
    sys.stdout.write(f"{report.write_document(command.output, content)}\n")
    missed = any(figure.verdict == "missed" for result in results for figure in result.figures)
    return 1 if len(results) < len(loads) or (missed and command.check) else 0


def run_load(load: Load, directory: Path, options: Options) -> list[LoadResult]:
    """The load's result, shown as soon as it is known; none when it failed, so that the others still run."""
    try:
        with tempfile.TemporaryDirectory(prefix=f"{load.name}-", dir=directory) as own:
            result = load.run(Bench(Path(own), options))
    except (PerfError, QuekkaError, OSError) as error:
        sys.stderr.write(f"perf: {load.name} failed: {error}\n")
        return []
    show(load.name, result.figures)
    sys.stdout.write(f"    {report.show_usage(result.usage)}\n\n")
    return [result]


def show(name: str, figures: Sequence[Figure]) -> None:
    """One load's rows as soon as they are known; a run of all takes minutes."""
    sys.stdout.write(report.show_table(report.figures_table(name, figures)))
    sys.stdout.flush()


def show_list() -> int:
    rows = [
        (name, family.default, family.parameter, ", ".join(family.in_all))
        for name, family in FAMILIES.items()
    ]
    sys.stdout.write(report.show_table(rows, ("load", "default", "parameter", "in all")))
    return 0


def show_ratios(paths: Sequence[Path]) -> int:
    if len(paths) != 2:
        raise NotAResultError("ratios takes two result files")
    rows = ratios.compare_documents(*map(ratios.read_document, paths))
    sys.stdout.write(report.show_table(rows, ratios.HEADINGS))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
