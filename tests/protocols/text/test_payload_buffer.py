"""PayloadBuffer: large payloads arrive in place, and memory follows the bytes that came."""

import pytest

from quekka.protocols.memory_pool import MemoryPool
from quekka.protocols.text.payload_buffer import FIRST_BYTES, REUSED_BYTES, PayloadBuffer


def receive(buffer: PayloadBuffer, data: bytes, read_bytes: int) -> None:
    position = 0
    while buffer.missing_bytes:
        space = buffer.writable()
        piece = data[position : position + min(read_bytes, len(space))]
        space[: len(piece)] = piece
        buffer.wrote(len(piece))
        position += len(piece)


@pytest.mark.parametrize("read_bytes", [7000, 65536, 10**9])
@pytest.mark.parametrize(
    "length", [100_000, FIRST_BYTES, FIRST_BYTES + 1, REUSED_BYTES, 3 * REUSED_BYTES + 17]
)
def test_a_payload_comes_out_as_it_went_in(length: int, read_bytes: int) -> None:
    data = bytes(range(251)) * (length // 251 + 1)
    buffer = PayloadBuffer(MemoryPool(), length, memoryview(data[:1000]))
    receive(buffer, data[1000:length], read_bytes)
    assert buffer.lend() == data[:length]


def test_memory_follows_the_bytes_that_came_and_not_the_length_that_was_claimed() -> None:
    buffer = PayloadBuffer(MemoryPool(), 10**12, memoryview(b"only this"))
    assert len(buffer.writable()) <= FIRST_BYTES


def test_memory_of_payloads_before_is_used_whole_for_the_next_one() -> None:
    pool = MemoryPool()
    receive(PayloadBuffer(pool, REUSED_BYTES, memoryview(b"")), bytes(REUSED_BYTES), 65536)
    pool.give_back(pool.take(REUSED_BYTES))
    buffer = PayloadBuffer(pool, REUSED_BYTES, memoryview(b"only this"))
    assert len(buffer.writable()) == REUSED_BYTES - len(b"only this")


def test_never_more_than_this_payload_is_asked_for() -> None:
    buffer = PayloadBuffer(MemoryPool(), 100, memoryview(b"x" * 90))
    assert len(buffer.writable()) == buffer.missing_bytes == 10


def test_a_payload_stays_true_until_the_pool_reclaims_it() -> None:
    pool = MemoryPool()
    first = PayloadBuffer(pool, 5, memoryview(b"first")).lend()
    second = PayloadBuffer(pool, 5, memoryview(b"other")).lend()
    assert (bytes(first), bytes(second)) == (b"first", b"other")


def test_reclaimed_memory_is_used_for_the_next_payload() -> None:
    pool = MemoryPool()
    first = PayloadBuffer(pool, 5, memoryview(b"first")).lend()
    pool.reclaim()
    assert PayloadBuffer(pool, 5, memoryview(b"other")).lend() == b"other"
    assert bytes(first) == b"other"
