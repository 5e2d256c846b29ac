"""The README is true: what it tells to type is typed, and what it says comes back."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import ROOT

from quekka import Broker

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = re.compile(r"localhost:9999")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CONSOLE = re.findall(r"((?:^    .*\n)*^    \$ .*\n(?:^    .*\n)*)", README, re.MULTILINE)
PATHS = re.findall(r"`((?:quekka|man|tests|perf)/[\w./]*)`", README)


@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_what_is_typed_with_nc_is_answered_as_printed(broker: Broker) -> None:
    assert CONSOLE, "the README has lines to type, which begin with $"
    for line, expected in typed_lines("".join(CONSOLE)):
        command = line.replace("localhost 9999", f"localhost {broker.port}")
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
        assert without_timestamps(done.stdout.decode()) == without_timestamps(expected), line


def typed_lines(block: str) -> Iterator[tuple[str, str]]:
    """Each line behind a `$`, with the lines that follow it as they come off the wire."""
    for part in block.split("    $ ")[1:]:
        line, *replies = part.splitlines()
        yield line, "".join(f"{reply.strip()}\r\n" for reply in replies)


def without_timestamps(reply: str) -> str:
    return re.sub(r"\b\d{13}\b", "<timestamp>", reply)


@pytest.mark.parametrize("code", PYTHON, ids=[block.splitlines()[0] for block in PYTHON])
def test_the_python_examples_run(code: str, broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(ADDRESS.sub(broker.address, code), "README.md", "exec"), {})
    assert "print(" not in code or capsys.readouterr().out != ""


@pytest.mark.parametrize("path", sorted(set(PATHS)))
def test_the_files_it_points_to_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_man_pages_it_names_exist() -> None:
    named = set(re.findall(r"\b(quekka[\w.-]*)\((\d)\)", README))
    assert [page for page in named if not Path(ROOT / "man" / ".".join(page)).exists()] == []
