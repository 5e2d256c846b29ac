"""Tests of quekka.servers.kafka_handlers.repeated."""

import pytest

from quekka.errors import InvalidRequestError
from quekka.servers.kafka_handlers.repeated import check_once, named_twice


@pytest.mark.parametrize(
    ("names", "twice"),
    [([], set()), (["a", "b"], set()), (["a", "b", "a"], {"a"}), ([1, 1, 1, 2, 2], {1, 2})],
    ids=["none", "different", "one", "all"],
)
def test_only_what_comes_again_is_found(names: list[object], twice: set[object]) -> None:
    assert named_twice(names) == twice


def test_what_comes_again_is_refused_and_nothing_else() -> None:
    check_once("a", frozenset("b"))
    with pytest.raises(InvalidRequestError, match="a is in the request more than once"):
        check_once("a", frozenset("a"))
