"""The real broker, bin/quekkad, as a child process on a port that the kernel picks."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from perf.errors import BrokerFailedError

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "bin" / "quekkad"
READY_LINE = re.compile(r"ready on ((?:\d+\.){3}\d+):(\d+)")
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0


class BrokerProcess:
    """One broker over `data_dir`; may be started again after it was stopped or killed.

    `settings` are Kafka's names. What it writes on standard error goes to `<data_dir>.log`, one start after
    another.

    Threads: one thread; a thread of its own drains standard output.
    """

    def __init__(
        self, data_dir: Path, settings: Mapping[str, str] | None = None, program: Path = PROGRAM
    ) -> None:
        self.data_dir = data_dir
        self.program = program
        self.settings = dict(settings or {})
        self.log_path = data_dir.with_name(data_dir.name + ".log")
        self.address = ("", 0)
        self.ready_s = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None
        self._output: list[str] = []

    @property
    def command(self) -> list[str]:
        arguments = ["--data-dir", str(self.data_dir), "--listen", "127.0.0.1:0"]
        for name, value in self.settings.items():
            arguments += ["--set", f"{name}={value}"]
        return [sys.executable, str(self.program), *arguments]

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def output(self) -> str:
        """What the last start has written on standard output so far."""
        return "".join(self._output)

    @property
    def log(self) -> str:
        """What all starts have written on standard error so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self) -> Self:
        """Returns at the ready line; `ready_s` is the time from before the exec. Raises BrokerFailedError."""
        self._output = []
        self.address = ("", 0)
        ready = threading.Event()
        started_at = time.monotonic()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._drain = threading.Thread(
            target=self._drain_loop, args=(self._process, ready), name="broker-output"
        )
        self._drain.start()
        in_time = ready.wait(READY_TIMEOUT_S)
        self.ready_s = time.monotonic() - started_at
        if not in_time or self.address[1] == 0:
            self.kill()
            raise BrokerFailedError(
                f"no ready line from {' '.join(self.command)}\n{self.output}{self.log[-4000:]}"
            )
        return self

    def stop(self) -> None:
        """A clean stop by SIGTERM; raises BrokerFailedError when it takes too long or ends with a failure."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerFailedError(
                f"still running {STOP_TIMEOUT_S} s after SIGTERM\n{self.log[-4000:]}"
            ) from None
        self._forget()
        if code != 0:
            raise BrokerFailedError(f"ended with code {code} after SIGTERM\n{self.log[-4000:]}")

    def kill(self) -> None:
        """SIGKILL: nothing of the broker runs after it."""
        process = self._running()
        process.kill()
        process.wait()
        self._forget()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if self._process is None:
            return
        if error_type is None:
            self.stop()
        else:
            self.kill()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise BrokerFailedError(f"the broker over {self.data_dir} is not running")
        return self._process

    def _forget(self) -> None:
        if self._drain is not None:
            self._drain.join()
        self._process = self._drain = None

    def _drain_loop(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._output.append(line)
                if not ready.is_set() and (match := READY_LINE.search(line)):
                    self.address = (match[1], int(match[2]))
                    ready.set()
        ready.set()
