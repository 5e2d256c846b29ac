"""The five lines with which the protocol introduces itself, typed as a person would, with the real nc."""

import re
import shutil
import subprocess

import pytest

from quekka import Broker

pytestmark = pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")

SEED = [
    (r'echo -e "CREATE logs\r" | {nc}', r"\+OK logs\r\n"),
    (r'echo -e "PUBLISH logs 5\r\nhello" | {nc}', r"\+OK 0 0\r\n"),
    (r'echo -e "SUBSCRIBE logs group1\r" | {nc}', r"\+OK 0\r\n"),
    (r'echo -e "POLL logs group1 10\r" | {nc}', r"\+MESSAGES 1\r\n0 0 \d{13} 5\r\nhello\r\n"),
    (r'echo -e "COMMIT logs group1 0\r" | {nc}', r"\+OK 0\r\n"),
]
"""What is typed, and a pattern of what comes back; each line is a connection of its own."""


def run_line(line: str, nc: str) -> str:
    """Run one shell line to its end and give what it printed, line ends untouched."""
    done = subprocess.run(
        ["bash", "-c", line.format(nc=nc)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    return done.stdout.decode()


def nc_that_half_closes() -> str:
    """nc with the option that makes it shut down its sending side at the end of its input."""
    usage = subprocess.run(["nc", "-h"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    options = usage.stdout + usage.stderr
    return "nc -N" if b"-N" in options else "nc -q 1" if b"-q" in options else "nc"


def test_the_five_lines_are_answered_as_promised(broker: Broker) -> None:
    nc = f"{nc_that_half_closes()} localhost {broker.port}"
    for line, expected in SEED:
        reply = run_line(line, nc)
        assert re.fullmatch(expected, reply), f"{line}\nanswered {reply!r}"


def test_a_plain_nc_ends_when_the_broker_closes_after_quit(broker: Broker) -> None:
    """An nc without options waits for the broker to close; QUIT makes it."""
    nc = f"nc localhost {broker.port}"
    for line, expected in SEED:
        reply = run_line(line.replace('" |', r'\nQUIT\r" |'), nc)
        assert re.fullmatch(expected + r"\+OK\r\n", reply), f"{line}\nanswered {reply!r}"


def test_what_was_polled_and_committed_at_zero_is_read_again_by_a_subscriber(broker: Broker) -> None:
    nc = f"{nc_that_half_closes()} localhost {broker.port}"
    replies = [run_line(line, nc) for line, _ in SEED]
    again = run_line(r'echo -e "SUBSCRIBE logs group1\r\nPOLL logs group1 10\r" | {nc}', nc)
    assert again == "+OK 0\r\n" + replies[3]
