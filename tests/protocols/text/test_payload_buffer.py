"""PayloadBuffer: large payloads arrive in place, and memory follows the bytes that came."""

import pytest

from quekka.protocols.text import payload_buffer
from quekka.protocols.text.payload_buffer import FIRST_BYTES, PayloadBuffer


def receive(buffer: PayloadBuffer, data: bytes, read_bytes: int) -> None:
    position = 0
    while buffer.missing_bytes:
        space = buffer.writable()
        piece = data[position : position + min(read_bytes, len(space))]
        space[: len(piece)] = piece
        buffer.wrote(len(piece))
        position += len(piece)


@pytest.mark.parametrize("read_bytes", [7000, 65536, 10**9])
@pytest.mark.parametrize("length", [100_000, FIRST_BYTES, FIRST_BYTES + 1, 3 * FIRST_BYTES + 17])
def test_a_payload_comes_out_as_it_went_in(length: int, read_bytes: int) -> None:
    data = bytes(range(251)) * (length // 251 + 1)
    buffer = PayloadBuffer()
    buffer.begin(length, memoryview(data[:1000]))
    receive(buffer, data[1000:length], read_bytes)
    assert buffer.payload() == data[:length]


def test_memory_follows_the_bytes_that_came_and_not_the_length_that_was_claimed() -> None:
    buffer = PayloadBuffer()
    buffer.begin(10**12, memoryview(b"only this"))
    assert len(buffer.writable()) <= FIRST_BYTES


def test_never_more_than_this_payload_is_asked_for() -> None:
    buffer = PayloadBuffer()
    buffer.begin(100, memoryview(b"x" * 90))
    assert len(buffer.writable()) == buffer.missing_bytes == 10


def test_memory_is_used_again() -> None:
    buffer = PayloadBuffer()
    buffer.begin(100_000, memoryview(b""))
    receive(buffer, b"a" * 100_000, 10**9)
    first = buffer.payload()
    buffer.begin(50_000, memoryview(b""))
    receive(buffer, b"b" * 50_000, 10**9)
    assert bytes(first[:50_000]) == b"b" * 50_000
    assert buffer.payload() == b"b" * 50_000


def test_release_leaves_the_payload_handed_out_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = PayloadBuffer()
    buffer.begin(5, memoryview(b"hello"))
    payload = buffer.payload()
    buffer.release(0)
    buffer.begin(5, memoryview(b"other"))
    assert bytes(payload) == b"hello"


def test_a_payload_larger_than_what_is_kept_goes_with_release() -> None:
    buffer = PayloadBuffer()
    length = payload_buffer.KEPT_BYTES_MAX + 1
    buffer.begin(length, memoryview(b""))
    receive(buffer, b"x" * length, 10**9)
    buffer.release()
    buffer.begin(10, memoryview(b""))
    assert len(buffer.writable()) == 10
