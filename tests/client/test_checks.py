import pytest

from quekka.client.checks import at_least, one_of
from quekka.errors import InvalidConfigError


def test_arguments_within_bounds_pass() -> None:
    at_least(1, a=1, b=2.5)
    one_of(("x", "y"), word="x")


def test_an_argument_below_its_minimum_is_named() -> None:
    with pytest.raises(InvalidConfigError, match="linger_ms=-1: less than 0"):
        at_least(0, retries=0, linger_ms=-1)


def test_an_argument_that_is_no_choice_is_named_with_the_choices() -> None:
    with pytest.raises(InvalidConfigError, match="acks=2: not one of all, 1, 0"):
        one_of(("all", "1", "0"), acks="2")
