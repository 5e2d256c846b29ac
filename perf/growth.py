"""Measures how the broker bears growth: growth.py [CURVE...]. See quekka-perf(1)."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from perf import report  # noqa: E402
from perf.bench import Bench, Options  # noqa: E402
from perf.broker_process import PROGRAM  # noqa: E402
from perf.curves import CURVES, Curve, Point, points_table, svg  # noqa: E402
from perf.errors import PerfError  # noqa: E402
from perf.figures import LoadResult  # noqa: E402
from perf.loads import find_load  # noqa: E402
from perf.machine import describe_machine, describe_versions  # noqa: E402
from quekka.errors import QuekkaError  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Returns 1 when a point could not be measured; 2 for wrong use."""
    options = command_line().parse_args(arguments)
    unknown = [name for name in options.curves if name not in CURVES]
    if unknown:
        sys.stderr.write(f"growth: no curve {', '.join(unknown)}; there are {', '.join(CURVES)}\n")
        return 2
    machine = describe_machine()
    measured: dict[str, list[Point]] = {}
    failures = 0
    for name in options.curves or CURVES:
        curve = CURVES[name]
        measured[name] = []
        for x in curve.points:
            if options.up_to is not None and x > options.up_to:
                continue
            result = measure(curve, x, options)
            if result is None:
                failures += 1
            else:
                measured[name].append(Point(x, {f.name: list(f.values) for f in result.figures}))
        sys.stdout.write(report.show_table(*points_table(curve, measured[name])) + "\n")
        sys.stdout.flush()
    write_results(options, machine, measured)
    return 1 if failures else 0


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perf/growth.py", description="Measure how the broker bears growth. See man/quekka-perf.1."
    )
    parser.add_argument("curves", nargs="*", metavar="CURVE", help=f"{', '.join(CURVES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds at each point (default 3)")
    parser.add_argument("--count", type=int, help="messages or lookups a round (default: the load's own)")
    parser.add_argument("--up-to", type=int, metavar="X", help="leave out larger points")
    parser.add_argument("--directory", type=Path, help="where brokers keep their data")
    parser.add_argument("--json", type=Path, help="write the figures of all rounds here")
    parser.add_argument("--svg", type=Path, help="draw the curves here")
    return parser


def measure(curve: Curve, x: int, command: argparse.Namespace) -> LoadResult | None:
    """One point; None where it failed, so that the others are still measured."""
    options = Options(command.rounds, command.count, None, 1024, {}, PROGRAM)
    if curve.is_record_size:
        options = replace(options, size_bytes=x, count=command.count or curve.count(x))
    try:
        with tempfile.TemporaryDirectory(prefix="quekka-growth-", dir=command.directory) as directory:
            return find_load(curve.load_name(x)).run(Bench(Path(directory), options))
    except (PerfError, QuekkaError, OSError) as error:
        sys.stderr.write(f"growth: {curve.load_name(x)} failed: {error}\n")
        return None


def write_results(
    command: argparse.Namespace, machine: dict[str, object], measured: dict[str, list[Point]]
) -> None:
    if command.json is not None:
        content = {
            "command": ["perf/growth.py", *sys.argv[1:]],
            "machine": machine,
            "versions": describe_versions(),
            "curves": {
                name: [{"x": point.x, "figures": point.figures} for point in points]
                for name, points in measured.items()
            },
        }
        command.json.write_text(json.dumps(content, indent=1) + "\n")
    if command.svg is not None:
        command.svg.write_text(svg(measured))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
