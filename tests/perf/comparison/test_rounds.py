"""Loads and servers in turns."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perf.comparison.loads import LOADS, Scale
from perf.comparison.rounds import Rounds, rotated
from perf.peers.quekka_text import QuekkaTextServer

TINY = Scale(seconds=0.02, stored=1000, record_bytes=100)


class BrokenServer(QuekkaTextServer):
    """Ends as soon as it is started."""

    name = "broken"

    def command(self) -> Sequence[str]:
        return ["false"]


class ForgetfulServer(QuekkaTextServer):
    """Starts, and cannot be told to sync."""

    name = "forgetful"

    def use_fsync(self, on: bool) -> None:
        raise OSError("no such setting")


@pytest.mark.parametrize(("by", "expected"), [(0, "abc"), (1, "bca"), (5, "cab")])
def test_the_order_rotates(by: int, expected: str) -> None:
    assert rotated(list("abc"), by) == list(expected)
    assert rotated([], by) == []


def test_a_server_that_does_not_start_is_reported_and_the_others_run(tmp_path: Path) -> None:
    kinds = {"broken": BrokenServer, "quekka-text": QuekkaTextServer}
    with Rounds(tmp_path, kinds, ["sync"]) as rounds:
        outcome = rounds.run(2, TINY)
    assert [(error["load"], error["peer"]) for error in outcome.errors] == [("start", "broken")]
    assert len(outcome.values["sync", "records"]["quekka-text"]) == 2
    assert "broken" not in outcome.values["sync", "records"]


def test_a_server_that_fails_in_a_load_is_started_anew_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOADS, "pipelined", replace(LOADS["fsync"], peers=None))
    with Rounds(tmp_path, {"forgetful": ForgetfulServer}, ["pipelined", "sync"]) as rounds:
        outcome = rounds.run(1, TINY)
    assert [(error["round"], error["load"]) for error in outcome.errors] == [
        (0, "pipelined"),
        (1, "pipelined"),
    ]
    assert outcome.values["sync", "records"]["forgetful"]
