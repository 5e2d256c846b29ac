"""The real program `bin/quekkad` as a child process, for tests that start, stop and kill it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_LINE = re.compile(r"quekkad ready on (?P<addresses>\S+) \(pid (?P<pid>\d+), data (?P<data>.*)\)\n")
EXIT_TIMEOUT_S = 30.0
"""Only a hang takes this long."""


def run_quekkad(*options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run it to its end: for what it refuses and what it only prints."""
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "quekkad"), *options],
        env=_environment(env),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=EXIT_TIMEOUT_S,
        check=False,
    )


class QuekkadProcess:
    """One quekkad, started in the constructor, which returns when the ready line was read."""

    def __init__(
        self, data_dir: Path, log_path: Path, *options: str, env: dict[str, str] | None = None, port: int = 0
    ) -> None:
        self.data_dir = data_dir
        self.log_path = log_path
        command = [sys.executable, str(ROOT / "bin" / "quekkad"), "--data-dir", str(data_dir)]
        command += [] if any(option.startswith("--listen") for option in options) else ["--port", str(port)]
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options],
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.ready_line = self._read_ready_line()

    def _read_ready_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = READY_LINE.fullmatch(line)
        if match is None:
            self.close()
            raise AssertionError(f"quekkad did not get ready: {line!r}, its log:\n{self.log()}")
        self.addresses: list[str] = match["addresses"].split(",")
        self.host = self.address.rpartition(":")[0]
        self.port = int(self.address.rpartition(":")[2])
        return line

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._process.poll()

    def log(self) -> str:
        """All it has written to standard error so far."""
        return self.log_path.read_text()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = EXIT_TIMEOUT_S) -> int:
        """Wait for its end and give its exit code; subprocess.TimeoutExpired when it runs on."""
        code = self._process.wait(timeout_s)
        self._close_pipes()
        return code

    def terminate(self) -> int:
        """Ask it to stop, and give its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it as a crash would: no handler of its own runs."""
        self.signal(signal.SIGKILL)
        self.wait()

    def close(self) -> None:
        """Make sure that it is gone, however the test ended."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    def _close_pipes(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def _environment(extra: dict[str, str] | None) -> dict[str, str]:
    """The caller's environment, without Quekka's settings, and with this work tree first on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUEKKA_")}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), **(extra or {})}
