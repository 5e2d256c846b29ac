"""The two kinds of broker that stress tests run against: one inside this process, and the real program."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from quekkad_process import QuekkadProcess


class RunningBroker(Protocol):
    """What both have in common. A stop is clean; the next start has the same data and settings."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


StartBroker = Callable[[Mapping[str, str]], RunningBroker]


class EmbeddedBroker:
    """quekka.Broker in this process."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        from quekka.embedded import Broker

        self._broker = Broker(data_dir, settings=settings)

    @property
    def host(self) -> str:
        return self._broker.host

    @property
    def port(self) -> int:
        return self._broker.port

    def start(self) -> None:
        self._broker.start()

    def stop(self) -> None:
        self._broker.stop()


class ProcessBroker:
    """bin/quekkad as a child process."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._options = [f"--set={name}={value}" for name, value in settings.items()]
        self._process: QuekkadProcess | None = None
        self.host = ""
        self.port = 0

    def start(self) -> None:
        log_path = self._data_dir.with_name("quekkad.log")
        self._process = QuekkadProcess(self._data_dir, log_path, *self._options)
        self.host, self.port = self._process.host, self._process.port

    def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            assert process.terminate() == 0, process.log()


BROKER_KINDS: dict[str, Callable[[Path, Mapping[str, str]], RunningBroker]] = {
    "embedded": EmbeddedBroker,
    "process": ProcessBroker,
}
