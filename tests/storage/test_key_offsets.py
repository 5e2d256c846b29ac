"""KeyOffsets: exact for every key, bounded in keys and in bytes per key."""

from hashlib import sha256

import pytest

from quekka.storage.key_offsets import KeyOffsets


def test_only_earlier_records_of_the_same_key_are_superseded() -> None:
    keys = KeyOffsets(10)
    assert keys.add(b"a", 3)
    assert keys.add(b"", 4)
    assert keys.add(b"a", 7)
    assert keys.is_superseded(b"a", 6)
    assert not keys.is_superseded(b"a", 7)
    assert not keys.is_superseded(b"a", 8)
    assert keys.is_superseded(b"", 0)
    assert not keys.is_superseded(b"b", 0)
    assert keys.latest_offset == 7
    assert len(keys) == 2


def test_a_key_for_which_there_is_no_room_is_left_out_and_known_ones_are_not() -> None:
    keys = KeyOffsets(2)
    assert keys.add(b"a", 0)
    assert keys.add(b"b", 1)
    assert keys.add(b"a", 2)
    assert not keys.add(b"c", 3)
    assert not keys.is_superseded(b"c", 0)
    assert keys.latest_offset == 2
    assert len(keys) == 2


@pytest.mark.parametrize("length", [31, 32, 33, 100_000])
def test_keys_of_every_length_are_told_apart(length: int) -> None:
    keys = KeyOffsets(10)
    keys.add(b"x" * length, 5)
    assert keys.is_superseded(b"x" * length, 4)
    assert not keys.is_superseded(b"x" * (length - 1) + b"y", 4)


def test_a_key_that_is_anothers_digest_is_another_key() -> None:
    long_key = b"x" * 100
    keys = KeyOffsets(10)
    keys.add(sha256(long_key).digest(), 5)
    assert not keys.is_superseded(long_key, 4)


def test_a_map_of_no_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="0 keys"):
        KeyOffsets(0)
