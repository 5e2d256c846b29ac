"""Tests of quekka.broker.refusal_log."""

import logging

import pytest

from quekka.broker.refusal_log import HOSTS_MAX, LINES_MAX, PERIOD_S, RefusalLog
from quekka.clock import ManualClock


@pytest.fixture
def refusals(manual_clock: ManualClock, caplog: pytest.LogCaptureFixture) -> RefusalLog:
    caplog.set_level(logging.WARNING)
    return RefusalLog(manual_clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_the_same_is_said_once_of_a_host_whatever_its_port(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    for port in range(3):
        refusals.say("one", f"one:{port}", "speaks TLS")
    refusals.say("one", "one:3", "speaks HTTP")
    refusals.say("two", "two:1", "speaks TLS")
    assert lines(caplog) == ["one:0: speaks TLS", "one:3: speaks HTTP", "two:1: speaks TLS"]


def test_it_is_said_again_after_a_while_with_what_was_left_out(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture, manual_clock: ManualClock
) -> None:
    for _ in range(4):
        refusals.say("one", "one:1", "speaks TLS")
    manual_clock.advance(PERIOD_S)
    refusals.say("one", "one:2", "speaks TLS")
    manual_clock.advance(PERIOD_S)
    refusals.say("one", "one:3", "speaks TLS")
    assert lines(caplog) == [
        "one:1: speaks TLS",
        "one:2: speaks TLS (3 more lines about one were left out)",
        "one:3: speaks TLS",
    ]


def test_a_host_gets_so_many_lines_and_no_more(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10 * LINES_MAX):
        refusals.say("one", "one:1", f"api key {number} is not served")
    assert len(lines(caplog)) == LINES_MAX


def test_only_so_many_hosts_are_remembered(refusals: RefusalLog, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(HOSTS_MAX + 1):
        refusals.say(f"host-{number}", "who", "what")
    refusals.say("host-1", "who", "what")
    refusals.say("host-0", "who", "what")
    assert len(lines(caplog)) == HOSTS_MAX + 2
    assert len(refusals._hosts) == HOSTS_MAX
