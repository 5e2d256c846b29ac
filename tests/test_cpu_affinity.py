"""Tests of quekka.cpu_affinity."""

import os
import subprocess
import sys

import pytest

from quekka.cpu_affinity import check_affinity, processors_for

TWO = frozenset({0, 1})
FOUR = frozenset({0, 1, 2, 3})


@pytest.mark.parametrize(
    ("text", "given", "process_id", "expected"),
    [
        pytest.param("auto", TWO, 10, {0}, id="auto_takes_one_of_two"),
        pytest.param("auto", TWO, 11, {1}, id="auto_spreads_by_process_id"),
        pytest.param("auto", frozenset({5}), 11, {5}, id="auto_with_one"),
        pytest.param("auto", FOUR, 10, FOUR, id="auto_leaves_a_larger_machine_alone"),
        pytest.param("none", TWO, 10, TWO, id="none"),
        pytest.param("1", FOUR, 10, {1}, id="one"),
        pytest.param("0,2-3", FOUR, 10, {0, 2, 3}, id="list"),
    ],
)
def test_which_processors(text: str, given: frozenset[int], process_id: int, expected: set[int]) -> None:
    assert check_affinity(text) == text
    assert processors_for(text, given, process_id) == expected


@pytest.mark.parametrize("text", ["", "some", "1,", "-1", "3-", "1-x", "99999", "3-1", "٣"])
def test_what_is_no_affinity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="processor"):
        check_affinity(text)


def test_a_processor_that_the_process_was_not_given_is_named() -> None:
    with pytest.raises(ValueError, match="processor 7 is not one"):
        processors_for("1,7", FOUR, 10)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no processor affinity")
def test_it_holds_for_the_process_and_threads_that_start_later() -> None:
    one = min(os.sched_getaffinity(0))
    program = (
        "import os, threading; from quekka.cpu_affinity import apply_affinity\n"
        f"apply_affinity('{one}')\n"
        "seen = []\n"
        "thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))\n"
        "thread.start(); thread.join(); print(*seen[0], *os.sched_getaffinity(0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(one), str(one)]
