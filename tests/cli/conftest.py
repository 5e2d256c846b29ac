"""Running the programs: in this process for most tests, as real processes where pipes and signals matter."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

if TYPE_CHECKING:
    from quekka.embedded import Broker

ROOT = Path(__file__).resolve().parents[2]
EXIT_TIMEOUT_S = 30.0
"""Only a hang takes this long."""


class Program:
    """A program of bin/ as a process with pipes."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin = self._process.stdin
        self.stdout = self._process.stdout

    def write_line(self, line: bytes) -> None:
        self.stdin.write(line + b"\n")
        self.stdin.flush()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def finish(self, stdin: bytes | None = None) -> tuple[int, bytes, str]:
        """Wait for its end: exit code, standard output and standard error."""
        out, err = self._process.communicate(stdin, timeout=EXIT_TIMEOUT_S)
        return self._process.returncode, out, err.decode()

    def close(self) -> None:
        """Make sure that it is gone, however the test ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=EXIT_TIMEOUT_S)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set must not matter."""
    for name in ("QUEKKA_SERVER", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(broker: "Broker") -> Callable[..., Result]:
    """Run a program in this process against the `broker` fixture: `run(main, "list", stdin=b"...")`."""

    def run_program(command: click.Command, *words: str, stdin: bytes | None = None) -> Result:
        return CliRunner(env={"QUEKKA_SERVER": broker.address}).invoke(command, list(words), input=stdin)

    return run_program


@pytest.fixture
def start(broker: "Broker") -> Iterator[Callable[..., Program]]:
    """Start `bin/quekka-<name>` against the `broker` fixture: `start("produce", "topic")`."""
    programs: list[Program] = []

    def start_program(name: str, *words: str) -> Program:
        command = [sys.executable, str(ROOT / "bin" / f"quekka-{name}"), *words]
        programs.append(Program(command, {**os.environ, "QUEKKA_SERVER": broker.address}))
        return programs[-1]

    yield start_program
    for program in programs:
        program.close()


@pytest.fixture
def shell(broker: "Broker") -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Run a line of bash with bin/ on the path, against the `broker` fixture; pipefail is set."""

    def run_line(line: str) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join([str(ROOT / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            env={**os.environ, "PATH": path, "QUEKKA_SERVER": broker.address},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=EXIT_TIMEOUT_S,
            check=False,
        )

    return run_line
