"""A peer's server as a child process: started, watched, set aside and ended."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import psutil

from perf.errors import BrokerFailedError, PerfError
from perf.peers.connection import Connection
from perf.wire import Address

READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
ASK_EVERY_S = 0.002
LOG_TAIL_BYTES = 2000


class Server:
    """One server that keeps everything below `directory` and listens on a free port of 127.0.0.1.

    It is ready when it has answered a first request, not when its port is open. While others are measured it
    is set aside: its processes are stopped by SIGSTOP, so that it takes no processor from them.

    Threads: one thread.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    connection: ClassVar[type[Connection]]

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address: Address = ("127.0.0.1", free_port())
        self.ready_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def why_not(cls) -> str:
        """Why it cannot run here; empty when it can."""
        return "" if shutil.which(cls.program) else f"{cls.program} is not installed"

    @classmethod
    def version(cls) -> str:
        """The server's own words for its version, in one line."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What its environment has more than ours."""
        return {}

    def prepare(self) -> None:
        """Writes what has to be there before the first start; not part of the start's time."""

    def use_fsync(self, on: bool) -> None:
        """For a server that has one setting for all topics: on the disk before it is acknowledged, or not."""

    def start(self) -> Self:
        """Returns when a first request was answered; `ready_s` is the time from before the exec."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self.prepare()
            started_at = time.monotonic()
            self._process = self._spawn()
            self._await_ready(started_at + READY_TIMEOUT_S)
        except BaseException:
            self.kill()
            raise
        self.ready_s = time.monotonic() - started_at
        return self

    @property
    def log_path(self) -> Path:
        return self.directory / "server.log"

    def connect(self, topic: str = "none", record_bytes: int = 0) -> Connection:
        return self.connection(self.address, topic, record_bytes)

    def processes(self) -> list[psutil.Process]:
        """The server's process and those that it started."""
        if self._process is None:
            raise BrokerFailedError(f"{self.name} is not running")
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise BrokerFailedError(f"{self.name} has ended\n{self.log_tail()}") from None

    def log_tail(self) -> str:
        return self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def set_aside(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    @contextlib.contextmanager
    def resumed(self) -> Iterator[Self]:
        """Runs inside the block, and is set aside after it."""
        self.resume()
        try:
            yield self
        finally:
            self.set_aside()

    def stop(self) -> None:
        """By SIGTERM, and by SIGKILL for what is left after STOP_TIMEOUT_S."""
        if self._process is None:
            return
        try:
            with contextlib.suppress(subprocess.TimeoutExpired, PerfError):
                self.resume()
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(STOP_TIMEOUT_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to all its processes: nothing of it runs after this."""
        process, self._process = self._process, None
        if process is None:
            return
        # All that it started are in its session, unless they made one of their own.
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """In a session of its own, so that a Ctrl-C at our terminal leaves its end to us."""
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                self.command(),
                cwd=self.directory,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _await_ready(self, give_up_at: float) -> None:
        error: Exception | None = None
        while time.monotonic() < give_up_at:
            if self._process is None or self._process.poll() is not None:
                raise BrokerFailedError(f"{self.name} ended while it started\n{self.log_tail()}")
            try:
                with self.connect() as connection:
                    return connection.ping()
            except (OSError, PerfError) as refused:
                error = refused
                time.sleep(ASK_EVERY_S)
        raise BrokerFailedError(f"{self.name} did not answer: {error}\n{self.log_tail()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def first_line(command: Sequence[str]) -> str:
    """The first line that a program prints, of either output; for versions."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout + done.stderr).strip().partition("\n")[0].strip()
