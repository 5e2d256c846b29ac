"""A slice gives the same bytes for as long as it lives."""

from collections.abc import Callable

from log_bench import LogBench

from quekka.storage.log_slice import EMPTY_SLICE


def test_a_slice_is_read_in_either_way_and_names_its_place(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.fill(5)
    piece = log.view.read(2, 200)
    data = log.paths(0).log.read_bytes()
    assert (piece.position, piece.size_bytes) == (200, 200)
    assert piece.read() == data[200:400]
    buffer = bytearray(300)
    assert piece.read_into(memoryview(buffer)) == 200
    assert buffer == data[200:400] + bytes(100)
    assert log.files.pread(piece.fileno, 200, piece.position) == data[200:400]
    assert piece.place == f"{log.paths(0).log} from byte 200"
    assert repr(piece) == f"<LogSlice 200 bytes of {log.paths(0).log} from byte 200>"


def test_a_slice_outlives_its_segment_and_the_log(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.fill(5)
    log.roll()
    piece = log.view.read(2, 200)
    expected = log.paths(0).log.read_bytes()[200:400]
    log.log.writer.delete_oldest(1)
    log.close()
    assert not log.paths(0).log.exists()
    assert piece.read() == expected


def test_an_empty_slice_has_no_file() -> None:
    assert (EMPTY_SLICE.fileno, EMPTY_SLICE.size_bytes, EMPTY_SLICE.read()) == (-1, 0, b"")
    assert EMPTY_SLICE.read_into(memoryview(bytearray(1))) == 0
    assert repr(EMPTY_SLICE) == "<LogSlice 0 bytes>"
