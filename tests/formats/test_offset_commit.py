"""Records of the offsets topic, against bytes written out by hand from Kafka's message definitions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError
from quekka.formats.offset_commit import (
    NO_LEADER_EPOCH,
    GroupMetadataKey,
    OffsetCommitKey,
    OffsetCommitValue,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INT64 = st.integers(-(2**63), 2**63 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)

KEYS = [
    ("offset_v0", "0000 0001 67 0002 6f72 00000003", OffsetCommitKey("g", "or", 3)),
    ("offset_v1", "0001 0001 67 0002 6f72 00000003", OffsetCommitKey("g", "or", 3)),
    ("group_v2", "0002 0002 c3a9", GroupMetadataKey("é")),
]

VALUES = [
    (
        "v0",
        "0000 0000000000000007 0001 6d 00000000000003e8",
        OffsetCommitValue(7, NO_LEADER_EPOCH, "m", 1000),
    ),
    (
        "v1",
        "0001 0000000000000007 0001 6d 00000000000003e8 00000000000007d0",
        OffsetCommitValue(7, NO_LEADER_EPOCH, "m", 1000, 2000),
    ),
    ("v2", "0002 0000000000000007 0000 00000000000003e8", OffsetCommitValue(7, NO_LEADER_EPOCH, "", 1000)),
    ("v3", "0003 0000000000000007 00000005 0001 6d 00000000000003e8", OffsetCommitValue(7, 5, "m", 1000)),
]

DAMAGED_KEYS = [
    ("empty", "", "byte 0: 2 bytes, 0 are left"),
    ("version_cut", "00", "byte 0"),
    ("version_unknown", "0003 0001 67", "version 3 is not known"),
    ("version_negative", "ffff 0001 67", "version -1 is not known"),
    ("group_cut", "0001 0005 67", "byte 4: 5 bytes, 1 are left"),
    ("group_length_negative", "0002 ffff 67", "byte 4: -1 bytes"),
    ("partition_cut", "0001 0001 67 0001 74 0000", "byte 8: 4 bytes, 2 are left"),
    ("left_over", "0002 0001 67 00", "byte 5: 1 bytes are left over"),
    ("no_utf8", "0002 0001 ff", "byte 4: no UTF-8"),
]

DAMAGED_VALUES = [
    ("empty", "", "byte 0: 2 bytes, 0 are left"),
    ("version_unknown", "0004 0000000000000007 0000 00000000000003e8", "version 4 is not known"),
    ("version_negative", "8000", "version -32768 is not known"),
    ("offset_cut", "0003 00000000", "byte 2: 8 bytes, 4 are left"),
    ("metadata_negative", "0003 0000000000000007 00000005 fffe", "byte 16: -2 bytes"),
    ("v1_without_expiry", "0001 0000000000000007 0000 00000000000003e8", "byte 20: 8 bytes, 0 are left"),
    ("left_over", "0002 0000000000000007 0000 00000000000003e8 00", "byte 20: 1 bytes are left over"),
]


@pytest.mark.parametrize(("encoded", "key"), [case[1:] for case in KEYS], ids=[case[0] for case in KEYS])
def test_keys_are_read_in_all_versions(encoded: str, key: OffsetCommitKey | GroupMetadataKey) -> None:
    data = bytes.fromhex(encoded)
    for form in (bytes, bytearray, memoryview):
        assert decode_key(form(data)) == key


@pytest.mark.parametrize(("encoded", "key"), [case[1:] for case in KEYS[1:]], ids=["offset_v1", "group_v2"])
def test_keys_are_written_in_the_newest_version(
    encoded: str, key: OffsetCommitKey | GroupMetadataKey
) -> None:
    assert encode_key(key) == bytes.fromhex(encoded)


@pytest.mark.parametrize(
    ("encoded", "value"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES]
)
def test_values_are_read_in_versions_0_to_3(encoded: str, value: OffsetCommitValue) -> None:
    data = bytes.fromhex(encoded)
    for form in (bytes, bytearray, memoryview):
        assert decode_value(form(data)) == value


def test_values_are_written_in_version_3() -> None:
    _, encoded, value = VALUES[3]
    assert encode_value(value) == bytes.fromhex(encoded)


def test_null_value_is_a_tombstone() -> None:
    assert decode_value(None) is None


@pytest.mark.parametrize(
    ("encoded", "problem"), [case[1:] for case in DAMAGED_KEYS], ids=[case[0] for case in DAMAGED_KEYS]
)
def test_damaged_keys_are_refused(encoded: str, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=f"key in the offsets topic.*{problem}"):
        decode_key(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    ("encoded", "problem"), [case[1:] for case in DAMAGED_VALUES], ids=[case[0] for case in DAMAGED_VALUES]
)
def test_damaged_values_are_refused(encoded: str, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=f"value in the offsets topic.*{problem}"):
        decode_value(bytes.fromhex(encoded))


def test_texts_longer_than_their_length_field_are_refused() -> None:
    encode_key(GroupMetadataKey("g" * 32767))
    with pytest.raises(ValueError, match="32768 bytes"):
        encode_key(GroupMetadataKey("g" * 32768))
    with pytest.raises(ValueError, match="40000 bytes"):
        encode_value(OffsetCommitValue(0, -1, "é" * 20000, 0))


@FUZZ
@given(TEXTS, TEXTS, INT32, TEXTS, INT64, INT64)
def test_what_was_encoded_is_decoded(
    group: str, topic: str, number: int, metadata: str, offset: int, timestamp_ms: int
) -> None:
    for key in (OffsetCommitKey(group, topic, number), GroupMetadataKey(group)):
        assert decode_key(encode_key(key)) == key
    value = OffsetCommitValue(offset, number, metadata, timestamp_ms)
    assert decode_value(encode_value(value)) == value


@FUZZ
@given(st.sampled_from(["0000", "0001", "0002", "0003"]), st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(version: str, rest: bytes) -> None:
    data = bytes.fromhex(version) + rest
    for decode in (decode_key, decode_value):
        try:
            decoded = decode(data)
        except CorruptMessageError:
            continue
        assert decoded is not None
