"""quekka.setting: text to value and back, and refusals that name both."""

from collections.abc import Callable
from typing import Any

import pytest

from quekka.errors import InvalidConfigError
from quekka.setting import Setting, boolean, choice, find_setting, integer, real, text

Parse = Callable[[str], Any]


@pytest.mark.parametrize(
    ("parse", "given", "value"),
    [
        (integer(1, 10), "1", 1),
        (integer(1, 10), "10", 10),
        (integer(-1), "-1", -1),
        (integer(0), str(2**63 - 1), 2**63 - 1),
        (real(0, 1), "0.25", 0.25),
        (real(0, 1), "1", 1.0),
        (boolean, "true", True),
        (boolean, "FALSE", False),
        (choice("a", "b"), "b", "b"),
        (text, " any = text ", " any = text "),
    ],
)
def test_text_becomes_a_value(parse: Parse, given: str, value: object) -> None:
    assert Setting("a.name", parse, None, "").read(given) == value


@pytest.mark.parametrize(
    ("parse", "given", "reason"),
    [
        (integer(1, 10), "0", "not between 1 and 10"),
        (integer(1, 10), "11", "not between 1 and 10"),
        (integer(0), str(2**63), f"not between 0 and {2**63 - 1}"),
        (integer(1, 10), "1.5", "not a whole number"),
        (integer(1, 10), "", "not a whole number"),
        (integer(1, 10), "1_0", "not a whole number"),
        (integer(1, 10), " 1", "not a whole number"),
        (integer(1, 10), "\u0661", "not a whole number"),
        (integer(1, 10), "9" * 5000, "not a whole number"),
        (real(0, 1), "1.01", "not between 0 and 1"),
        (real(0, 1), "nan", "not between 0 and 1"),
        (real(0, 1), "inf", "not between 0 and 1"),
        (real(0, 1), "half", "not a number"),
        (boolean, "yes", "neither true nor false"),
        (choice("a", "b"), "A", "not one of a, b"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_name_text_and_reason(
    parse: Parse, given: str, reason: str
) -> None:
    with pytest.raises(InvalidConfigError) as refused:
        Setting("a.name", parse, None, "").read(given)
    assert refused.value.message == f"a.name={given}: {reason}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (0.5, "0.5"),
        (("a", "b"), "a,b"),
        ("a b", "a b"),
    ],
)
def test_a_value_is_shown_as_the_text_that_gives_it(value: object, shown: str) -> None:
    assert Setting("a.name", text, None, "").show(value) == shown


def test_a_setting_is_found_by_its_name() -> None:
    row = Setting("a.name", text, "", "")
    assert find_setting({"a.name": row}, "a.name") is row


def test_a_name_that_is_no_setting_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match=r"b\.name: no such setting"):
        find_setting({"a.name": Setting("a.name", text, "", "")}, "b.name")
