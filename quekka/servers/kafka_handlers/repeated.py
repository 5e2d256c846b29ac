"""What a request names more than once: Kafka does none of it, and answers once, with INVALID_REQUEST."""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

from quekka.errors import InvalidRequestError

Named = TypeVar("Named", bound=Hashable)


def named_twice(names: Iterable[Named]) -> frozenset[Named]:
    """The names that are there more than once."""
    return frozenset(name for name, count in Counter(names).items() if count > 1)


def check_once(name: Named, twice: frozenset[Named]) -> None:
    """Raises InvalidRequestError for one of `named_twice`."""
    if name in twice:
        raise InvalidRequestError(f"{name} is in the request more than once")
