"""quekka-dump-log as it is called: options, exit codes, pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from quekka.cli.dump_log import main
from quekka.formats.record_batch import patch_offsets
from quekka.formats.record_batch_builder import BatchBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three thousand batches of one record."""
    path = tmp_path / "00000000000000000000.log"
    data = bytearray()
    for offset in range(3000):
        builder = BatchBuilder(offset)
        builder.append(None, b"value %d" % offset)
        batch = builder.build()
        patch_offsets(batch, offset, 0)
        data += batch
    path.write_bytes(data)
    return path


def test_files_are_named_as_arguments_or_with_commas(log: Path) -> None:
    other = log.with_name("00000000000000003000.log")
    other.write_bytes(b"")
    for words in ([str(log), str(other)], ["--files", f"{log},{other}"], [str(log), "--files", str(other)]):
        result = CliRunner().invoke(main, [*words, "--offset-to", "0"])
        assert result.exit_code == 0
        assert [line for line in result.output.splitlines() if line.startswith("Dumping")] == [
            f"Dumping {log}",
            f"Dumping {other}",
        ]


def test_json_is_one_object_a_line(log: Path) -> None:
    words = ["--format", "json", "--print-records", "--offset-from", "7", "--offset-to", "8", str(log)]
    result = CliRunner().invoke(main, words)
    objects = [json.loads(line) for line in result.output.splitlines()]
    assert [found["type"] for found in objects] == ["file", "batch", "record", "batch", "record"]
    assert [found["value"] for found in objects if found["type"] == "record"] == ["value 7", "value 8"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "No file to show."),
        (["--offset-from", "-1", "x.log"], 2, "--offset-from"),
        (["--format", "xml", "x.log"], 2, "--format"),
        (["00000000000000000009.log"], 5, "No such file or directory"),
        (["notes.txt"], 2, "notes.txt: no segment file, by its name"),
    ],
)
def test_wrong_calls_have_their_exit_codes(words: list[str], code: int, message: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code
    assert message in result.output
    assert "Traceback" not in result.output


def test_damage_is_exit_code_6(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-1])
    result = CliRunner().invoke(main, [str(log)])
    assert result.exit_code == 6
    assert "baseOffset: 2998" in result.output


def test_a_reader_that_has_seen_enough_ends_it_quietly(log: Path) -> None:
    line = f"{sys.executable} {ROOT / 'bin' / 'quekka-dump-log'} {log} | head -n 3; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""


def test_nothing_is_coloured_in_a_pipe(log: Path) -> None:
    result = CliRunner().invoke(main, ["--print-records", str(log)])
    assert "\x1b" not in result.output


def test_a_file_name_that_is_no_text_is_escaped(log: Path, tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(directory)
    path = directory + b"/00000000000000000000.log"
    os.rename(log, path)
    for output_format in ("text", "json"):
        done = subprocess.run(
            [
                sys.executable,
                ROOT / "bin" / "quekka-dump-log",
                "--offset-to",
                "0",
                "--format",
                output_format,
                path,
            ],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert b"udcff" in done.stdout
