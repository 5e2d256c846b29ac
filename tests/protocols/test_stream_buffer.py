"""StreamBuffer: what was received stays, memory follows the load."""

import pytest

from quekka.protocols.memory_pool import MemoryPool
from quekka.protocols.stream_buffer import StreamBuffer


def make(smallest_bytes: int, largest_bytes: int, pool: MemoryPool | None = None) -> StreamBuffer:
    return StreamBuffer(pool or MemoryPool(), smallest_bytes, largest_bytes)


def put(buffer: StreamBuffer, data: bytes) -> None:
    space = buffer.writable()
    assert len(space) >= len(data)
    space[: len(data)] = data
    buffer.wrote(len(data))


def content(buffer: StreamBuffer) -> bytes:
    return bytes(buffer.data[buffer.start : buffer.end])


def fill(buffer: StreamBuffer) -> None:
    space = buffer.writable()
    space[:] = b"x" * len(space)
    buffer.wrote(len(space))


def test_bytes_come_out_in_the_order_in_which_they_went_in() -> None:
    buffer = make(16, 64)
    put(buffer, b"abc")
    put(buffer, b"def")
    assert content(buffer) == b"abcdef"
    assert len(buffer) == 6


def test_unconsumed_bytes_move_to_the_front_and_stay_the_same() -> None:
    buffer = make(16, 64)
    put(buffer, b"0123456789")
    buffer.consume_to(7)
    buffer.writable()
    assert (buffer.start, content(buffer)) == (0, b"789")


def test_consumed_memory_is_used_again() -> None:
    buffer = make(8, 8)
    for _ in range(10):
        put(buffer, b"01234567")
        buffer.consume_to(buffer.end)
    assert buffer.capacity_bytes == 8


def test_memory_doubles_while_reads_fill_it_up_to_the_largest_size() -> None:
    buffer = make(8, 32)
    sizes = []
    for _ in range(5):
        fill(buffer)
        sizes.append(buffer.capacity_bytes)
        buffer.consume_to(buffer.end)
    assert sizes == [8, 16, 32, 32, 32]


def test_growing_keeps_what_is_not_consumed() -> None:
    buffer = make(8, 64)
    put(buffer, b"01234567")
    buffer.consume_to(2)
    buffer.writable()
    assert (buffer.capacity_bytes, content(buffer)) == (16, b"234567")


def test_a_slice_is_true_until_the_next_writable() -> None:
    buffer = make(8, 8)
    put(buffer, b"abcdefgh")
    held = buffer.view[0:4]
    buffer.consume_to(4)
    assert bytes(held) == b"abcd"


def test_a_buffer_full_of_unconsumed_bytes_is_an_error_and_not_an_endless_loop() -> None:
    buffer = make(8, 8)
    fill(buffer)
    with pytest.raises(BufferError, match="8 bytes"):
        buffer.writable()


def test_release_gives_back_the_memory_of_a_burst() -> None:
    buffer = make(8, 64)
    fill(buffer)
    buffer.consume_to(buffer.end)
    fill(buffer)
    buffer.consume_to(buffer.end)
    assert buffer.capacity_bytes == 16
    buffer.release()
    assert buffer.capacity_bytes == 8
    put(buffer, b"again")
    assert content(buffer) == b"again"


def test_release_keeps_bytes_that_wait() -> None:
    buffer = make(8, 64)
    fill(buffer)
    buffer.consume_to(7)
    buffer.writable()
    buffer.release()
    assert content(buffer) == b"x"


def test_writable_asked_twice_does_not_grow_twice() -> None:
    buffer = make(8, 64)
    fill(buffer)
    buffer.writable()
    buffer.writable()
    assert buffer.capacity_bytes == 16


def test_lent_slices_stay_true_while_the_buffer_goes_on() -> None:
    pool = MemoryPool()
    buffer = make(8, 8, pool)
    put(buffer, b"lentrest")
    held = buffer.view[0:4]
    buffer.lend()
    buffer.consume_to(4)
    for _ in range(5):
        put(buffer, b"more")
        assert bytes(held) == b"lent"
        assert content(buffer)[-4:] == b"more"
        buffer.consume_to(buffer.end - 4)


def test_reclaimed_memory_is_used_again_and_bytes_move_along() -> None:
    pool = MemoryPool()
    buffer = make(8, 8, pool)
    memories = set()
    for number in range(10):
        put(buffer, b"%04d" % number)
        assert content(buffer)[-4:] == b"%04d" % number
        memories.add(id(buffer.data))
        buffer.lend()
        buffer.consume_to(buffer.end)
        buffer.writable()
        pool.reclaim()
    assert len(memories) == 2
