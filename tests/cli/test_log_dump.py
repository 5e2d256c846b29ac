"""LogDump: every file gets its turn, and the exit code tells what was wrong first."""

import io
from pathlib import Path

import pytest

from quekka.cli.common import Exit
from quekka.cli.dump_format import FORMATS
from quekka.cli.log_dump import DumpOptions, LogDump
from quekka.formats.record_batch import patch_offsets, write_crc
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.files import FILES
from quekka.storage.segment_repair import rebuild_indexes


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Ten batches of two records, offsets 100 to 119, with indexes."""
    path = tmp_path / "00000000000000000100.log"
    data = bytearray()
    for number in range(10):
        builder = BatchBuilder(1_700 + number)
        builder.append(b"key", b"a%d" % number)
        builder.append(b"key", b"b%d" % number)
        batch = builder.build()
        patch_offsets(batch, 100 + 2 * number, 0)
        data += batch
    path.write_bytes(data)
    rebuild_indexes(FILES, tmp_path, 100, 200)
    return path


def dump(*paths: Path, **options: bool | int) -> tuple[Exit, list[str]]:
    out = io.BytesIO()
    run = LogDump(DumpOptions(FORMATS["text"], **options), out, lambda _: None)  # type: ignore[arg-type]
    for path in paths:
        run.dump(path)
    return run.exit_code, out.getvalue().decode().splitlines()


def test_batches_are_shown_without_their_records(log: Path) -> None:
    code, lines = dump(log)
    assert code == Exit.OK
    assert lines[:2] == [f"Dumping {log}", "Log starting offset: 100"]
    assert [line.split()[1] for line in lines[2:]] == [str(offset) for offset in range(100, 120, 2)]


def test_records_are_shown_below_their_batch(log: Path) -> None:
    _, lines = dump(log, print_records=True)
    assert [line[:10] for line in lines[2:5]] == ["baseOffset", "| offset: ", "| offset: "]
    assert lines[3].endswith("key: key payload: a0")
    assert len(lines) == 2 + 10 + 20


@pytest.mark.parametrize(
    ("start", "end", "batches", "records"), [(105, 108, 3, 4), (119, 500, 1, 1), (500, 600, 0, 0)]
)
def test_only_the_offsets_asked_for_are_shown(
    log: Path, start: int, end: int, batches: int, records: int
) -> None:
    _, lines = dump(log, print_records=True, offset_from=start, offset_to=end)
    assert sum(line.startswith("baseOffset") for line in lines) == batches
    assert sum(line.startswith("|") for line in lines) == records


def test_indexes_are_shown(log: Path) -> None:
    code, lines = dump(log.with_suffix(".index"), log.with_suffix(".timeindex"), verify_index=True)
    assert code == Exit.OK
    assert any(line.startswith("offset: ") for line in lines)
    assert any(line.startswith("timestamp: ") for line in lines)
    _, fewer = dump(log.with_suffix(".index"), offset_from=116)
    assert len(fewer) < len(lines)


@pytest.mark.parametrize("shown", ["log", "index"])
def test_an_index_that_is_not_that_of_its_log_is_told(log: Path, shown: str) -> None:
    index = log.with_suffix(".index")
    index.write_bytes(index.read_bytes()[:-1] + b"\x01")
    code, lines = dump(log.with_suffix(f".{shown}"), verify_index=True)
    assert code == Exit.DATA_DAMAGED
    assert any(line.startswith(f"Mismatch in {index}: index entry offset") for line in lines)
    code, lines = dump(log.with_suffix(f".{shown}"))
    assert code == Exit.OK


def test_damage_is_told_and_the_rest_is_shown(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(log.read_bytes())
    data[70] ^= 1
    log.write_bytes(data[:-1])
    good = log.with_name("00000000000000000000.log")
    good.write_bytes(b"")
    code, lines = dump(log, good, print_records=True)
    assert code == Exit.DATA_DAMAGED
    assert lines[2].endswith("isvalid: false")
    assert not lines[3].startswith("|")
    assert sum(line.startswith("|") for line in lines) == 16
    assert lines[-2] == f"Dumping {good}"
    errors = capsys.readouterr().err
    assert f"{log}: byte 0: the batch at offset 100 has CRC-32C" in errors
    assert "are left" in errors


def test_deep_iteration_finds_records_that_do_not_fit(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = BatchBuilder(1)
    builder.append(None, b"x" * 50)
    data = builder.build()
    data[61] += 2
    write_crc(memoryview(data))
    log.write_bytes(data)
    assert dump(log)[0] == Exit.OK
    assert dump(log, deep_iteration=True)[0] == Exit.DATA_DAMAGED
    assert "byte 0: CORRUPT_MESSAGE: record 0 of 1" in capsys.readouterr().err


def test_a_disk_error_is_not_called_damage(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int, _size: int, _position: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pread", fail)
    assert dump(log)[0] == Exit.FILE_ERROR


def test_a_codec_that_does_not_exist_is_not_called_damage(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = BatchBuilder(1)
    builder.append(None, b"x")
    data = builder.build()
    data[22] = 6
    write_crc(memoryview(data))
    log.write_bytes(data)
    code, lines = dump(log, print_records=True)
    assert code == Exit.FILE_ERROR
    assert "compresscodec: 6" in lines[-1]
    assert "UNSUPPORTED_COMPRESSION_TYPE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("00000000000000000007.log", Exit.NOT_FOUND, "No such file"),
        ("topic.json", Exit.USAGE, "no segment file, by its name"),
        ("00000000000000000000.snapshot", Exit.USAGE, "no segment file, by its name"),
    ],
)
def test_a_file_that_cannot_be_shown_does_not_stop_the_others(
    log: Path, capsys: pytest.CaptureFixture[str], name: str, code: Exit, message: str
) -> None:
    found, lines = dump(log.with_name(name), log)
    assert found == code
    assert len(lines) >= 12
    assert message in capsys.readouterr().err


def test_a_reader_that_went_away_ends_it(log: Path) -> None:
    class Closed(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    run = LogDump(DumpOptions(FORMATS["text"]), Closed(), lambda _: None)
    with pytest.raises(BrokenPipeError):
        run.dump(log)


def test_the_bytes_read_are_told(log: Path) -> None:
    advanced: list[int] = []
    LogDump(DumpOptions(FORMATS["text"]), io.BytesIO(), advanced.append).dump(log)
    assert sum(advanced) == log.stat().st_size
