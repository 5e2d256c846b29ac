"""Measures quekkad beside other servers: compare.py [--peers NAMES] [--loads NAMES]; see quekka-perf(1)."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from perf.batches import parse_size  # noqa: E402
from perf.comparison import goals, plot, table  # noqa: E402
from perf.comparison.loads import LOADS, Scale  # noqa: E402
from perf.comparison.outcome import Outcome  # noqa: E402
from perf.comparison.rounds import Rounds, say  # noqa: E402
from perf.errors import PerfError  # noqa: E402
from perf.figures import Figure  # noqa: E402
from perf.limits import measure_limits  # noqa: E402
from perf.machine import describe_machine, describe_versions  # noqa: E402
from perf.peers import PEERS  # noqa: E402
from perf.peers.server import Server  # noqa: E402
from perf.report import show_table  # noqa: E402

FORMAT = 1
QUIET_LOAD_AVERAGE = 0.5
QUICK_SHARE = 0.1
CLIENT_LIBRARIES = ("confluent-kafka", "kafka-python")


def main(arguments: Sequence[str]) -> int:
    """Returns 1 when a server failed in a load, or under --check when a goal was missed; 2 for wrong use."""
    options = command_line().parse_args(arguments)
    # So that the servers are ended on SIGTERM as they are on SIGINT.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return compare(options)
    except (PerfError, OSError) as error:
        sys.stderr.write(f"perf: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("perf: interrupted\n")
        return 130


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perf/compare.py", description="Measure quekkad beside other servers. See man/quekka-perf.1."
    )
    parser.add_argument("--loads", type=names_of(LOADS), default=list(LOADS), help=f"of {', '.join(LOADS)}")
    parser.add_argument("--peers", type=names_of(PEERS), default=list(PEERS), help=f"of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=positive(int), default=3, help="after one that warms up (default 3)")
    parser.add_argument(
        "--seconds", type=positive(float), default=1.0, help="of a load in a round (default 1)"
    )
    parser.add_argument(
        "--records", type=positive(int), default=200_000, help="stored before they are read (default 200000)"
    )
    parser.add_argument(
        "--size", type=parse_size, default=1024, help="bytes of a record's payload (default 1024)"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of --seconds and --records, one round")
    parser.add_argument(
        "--directory", type=Path, help="where servers keep their data (default: the system's own)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a drawing there")
    parser.add_argument("--no-limits", action="store_true", help="do not measure the machine itself")
    parser.add_argument("--check", action="store_true", help="end with 1 when a goal is missed")
    return parser


def names_of(known: Mapping[str, Any]) -> Any:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(known)}")
        return [name for name in known if name in chosen]

    return names


def positive(kind: type[int] | type[float]) -> Any:
    def number(text: str) -> float:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text}: must be more than 0")
        return value

    return number


def compare(options: argparse.Namespace) -> int:
    share = QUICK_SHARE if options.quick else 1.0
    scale = Scale(options.seconds, options.records, options.size).smaller(share)
    rounds = 1 if options.quick else options.rounds
    skipped = {name: why for name in options.peers if (why := PEERS[name].why_not())}
    kinds = {name: PEERS[name] for name in options.peers if name not in skipped}
    for name, why in skipped.items():
        say(f"{name} is skipped: {why}")
    machine = describe_machine()
    if machine["load_average"][0] > QUIET_LOAD_AVERAGE:
        say(f"the machine is busy, load average {machine['load_average'][0]:.1f}")
    started_at = time.monotonic()
    limits, outcome, commands = measure(options, kinds, rounds, scale)
    medians = {figure.name: figure.median for figure in limits}
    verdicts = goals.judge_all(options.loads, outcome, medians)
    show(outcome, list(kinds), limits, verdicts)
    document = {
        "format": FORMAT,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["perf/compare.py", *sys.argv[1:]],
        "took_s": time.monotonic() - started_at,
        "machine": machine,
        "versions": describe_versions(CLIENT_LIBRARIES),
        "pinning": "none but what servers do themselves",
        "rounds": rounds,
        "scale": asdict(scale),
        "peers": describe_peers(kinds, commands),
        "skipped": skipped,
        "limits": {figure.name: figure.as_json() for figure in limits},
        "loads": outcome.as_json(),
        "goals": [verdict.as_json() for verdict in verdicts],
        "errors": outcome.errors,
    }
    write(options, document, outcome, list(kinds))
    missed = options.check and any(verdict.met is False for verdict in verdicts)
    return 1 if outcome.errors or missed else 0


def measure(
    options: argparse.Namespace, kinds: Mapping[str, type[Server]], rounds: int, scale: Scale
) -> tuple[list[Figure], Outcome, dict[str, list[str]]]:
    """The machine's limits, what was found, and the servers' command lines; their data is removed."""
    with tempfile.TemporaryDirectory(prefix="quekka-compare-", dir=options.directory) as directory:
        limits = [] if options.no_limits else measure_limits(Path(directory))
        with Rounds(Path(directory), kinds, options.loads) as running:
            outcome = running.run(rounds, scale)
            return limits, outcome, running.commands()


def describe_peers(
    kinds: Mapping[str, type[Server]], commands: Mapping[str, list[str]]
) -> dict[str, dict[str, Any]]:
    return {name: {"version": kind.version(), "command": commands.get(name)} for name, kind in kinds.items()}


def show(
    outcome: Outcome, peers: Sequence[str], limits: Sequence[Figure], verdicts: Sequence[goals.Verdict]
) -> None:
    sys.stdout.write(show_table(table.rows(outcome, peers), table.headings(peers)))
    sys.stdout.write(table.FOOTNOTE + "\n")
    if limits:
        found = [(figure.name, f"{figure.median:.3g}", figure.unit) for figure in limits]
        sys.stdout.write(show_table(found, ("machine", "median", "unit")) + "\n")
    sys.stdout.write(show_table([verdict.cells() for verdict in verdicts], goals.HEADINGS))
    for error in outcome.errors:
        last_line = error["error"].strip().rpartition("\n")[2]
        sys.stdout.write(f"round {error['round']}, {error['load']}, {error['peer']}: {last_line}\n")
    sys.stdout.flush()


def write(
    options: argparse.Namespace, document: Mapping[str, Any], outcome: Outcome, peers: Sequence[str]
) -> None:
    """The files that were asked for."""
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.svg:
        footnote = (
            f"Medians of {document['rounds']} round(s), {document['scale']['record_bytes']} bytes a record, "
            f"{os.cpu_count()} processors; perf/compare.py, {document['written_at'][:10]}."
        )
        options.svg.parent.mkdir(parents=True, exist_ok=True)
        options.svg.write_text(plot.svg(outcome, peers, footnote))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
