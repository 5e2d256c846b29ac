"""Tests of perf/handover.py."""

from click.testing import CliRunner

from perf.handover import WAYS, main


def test_every_way_is_measured_in_every_round() -> None:
    result = CliRunner().invoke(main, ["--rounds", "2", "--requests", "20"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines] == list(WAYS)
    assert all(len(line.split("rounds: ")[1].split(", ")) == 2 for line in lines)
