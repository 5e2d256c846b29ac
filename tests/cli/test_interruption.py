"""SIGINT as something to look at."""

import signal

import pytest

from quekka.cli.interruption import Interruption


def test_the_first_sigint_is_only_noted() -> None:
    with Interruption() as interruption:
        assert not interruption.happened
        signal.raise_signal(signal.SIGINT)
        assert interruption.happened


def test_the_second_sigint_interrupts() -> None:
    with Interruption():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_sigint_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.happened
    finally:
        signal.signal(signal.SIGINT, before)
