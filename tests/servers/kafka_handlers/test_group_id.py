"""Tests of quekka.servers.kafka_handlers.group_id."""

import pytest

from quekka.errors import InvalidGroupIdError
from quekka.servers.kafka_handlers.group_id import check_group_id


@pytest.mark.parametrize("group_id", ["g", " ", "a group: \N{SNOWMAN}", "x" * 1000])
def test_almost_any_text_is_a_group(group_id: str) -> None:
    assert check_group_id(group_id) == group_id


def test_an_empty_one_is_not() -> None:
    with pytest.raises(InvalidGroupIdError, match="needs a name"):
        check_group_id("")
