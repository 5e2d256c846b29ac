"""quekka.protocols.kafka.meter: what a whole frame may become, by every reader."""

import struct
import tracemalloc

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka import meter
from quekka.protocols.kafka.api_03_metadata import MetadataRequest
from quekka.protocols.kafka.codec import decode_request
from quekka.protocols.kafka.meter import FRAME_ELEMENTS_MAX, Meter
from quekka.protocols.kafka.primitives import ARRAY_ELEMENTS_MAX, MalformedError
from quekka.protocols.kafka.schema import reader_for, reader_of_body

ARRAY = 100_000
"""Elements of one array, of which three are too many."""
NUMBER = struct.Struct(">i").pack
FETCH_HEAD = struct.pack(">iiiibii", -1, 0, 1, 1, 0, 0, -1)


def uvarint(value: int) -> bytes:
    return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))


def compact(element: bytes, tail: bytes = b"\0") -> bytes:
    return uvarint(ARRAY + 1) + element * ARRAY + tail


PRODUCE_FLEXIBLE = b"\x02t" + compact(NUMBER(7) + b"\1\0")
PRODUCE_PLAIN = b"\0\1t" + NUMBER(ARRAY) + (NUMBER(7) + NUMBER(0)) * ARRAY
FETCH_FLEXIBLE = b"\x02t" + compact(bytes(33))
FORGOTTEN = b"\0\1t" + NUMBER(ARRAY) + NUMBER(5) * ARRAY
FETCH_PLAIN = b"\0\1t" + NUMBER(ARRAY) + bytes(28) * ARRAY
CASES = {
    "compiled": (19, 5, b"\4" + (b"\x02t" + NUMBER(1) + b"\0\1\1" + compact(b"\1\1\0")) * 3 + bytes(6)),
    "numbers": (1, 11, FETCH_HEAD + NUMBER(0) + NUMBER(3) + FORGOTTEN * 3),
    "produce_flexible": (0, 9, b"\0" + struct.pack(">hi", 1, 5) + b"\4" + PRODUCE_FLEXIBLE * 3 + b"\0"),
    "produce_plain": (0, 7, b"\xff\xff" + struct.pack(">hii", 1, 5, 3) + PRODUCE_PLAIN * 3),
    "fetch_flexible": (1, 12, FETCH_HEAD + b"\4" + FETCH_FLEXIBLE * 3 + b"\1\1\0"),
    "fetch_plain": (1, 11, FETCH_HEAD + NUMBER(3) + FETCH_PLAIN * 3 + NUMBER(0) + b"\0\0"),
}


@pytest.mark.parametrize(("api_key", "version", "body"), CASES.values(), ids=CASES)
def test_arrays_of_a_frame_together_are_bounded(api_key: int, version: int, body: bytes) -> None:
    assert ARRAY < FRAME_ELEMENTS_MAX < 3 * ARRAY < ARRAY_ELEMENTS_MAX
    with pytest.raises(InvalidRequestError, match=f"more than {FRAME_ELEMENTS_MAX} array elements"):
        decode_request(api_key, version, memoryview(bytearray(body)))


def test_a_frame_that_is_refused_takes_little_memory() -> None:
    body = memoryview(bytearray(CASES["compiled"][2]))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequestError):
            decode_request(19, 5, body)
        assert tracemalloc.get_traced_memory()[1] < 300 * FRAME_ELEMENTS_MAX
    finally:
        tracemalloc.stop()


def test_a_large_frame_with_few_elements_is_read() -> None:
    topics = b"".join(b"\x7f\xff" + b"t" * 0x7FFF for _ in range(10))
    body = memoryview(bytearray(NUMBER(10) + topics))
    assert len(body) > FRAME_ELEMENTS_MAX
    request: MetadataRequest = decode_request(3, 1, body)
    assert len(request.topics or ()) == 10
    assert decode_request(3, 1, body) == request


def test_small_frames_are_not_counted() -> None:
    uncounted = reader_for(MetadataRequest, 1, False)
    assert reader_of_body(MetadataRequest, 1, False, FRAME_ELEMENTS_MAX) is uncounted
    assert reader_of_body(MetadataRequest, 1, False, FRAME_ELEMENTS_MAX + 1) is not uncounted


def test_the_room_is_for_one_message() -> None:
    counting = Meter(5)
    counting.count(3)
    counting.count(-1)
    counting.count(2)
    with pytest.raises(MalformedError, match=f"more than {meter.FRAME_ELEMENTS_MAX} array elements"):
        counting.count(1)
