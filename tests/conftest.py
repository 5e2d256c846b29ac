"""What all tests share: the leak check around each of them, brokers, clients, clocks and seeds."""

import gc
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from quekkad_process import QuekkadProcess
from wire_client import WireClient

from quekka.clock import ManualClock

if TYPE_CHECKING:
    from quekka.embedded import Broker

THREAD_END_TIMEOUT_S = 2.0
"""How long threads that are just ending may take; only a leak takes this long."""

FD_DIRECTORY = Path("/proc/self/fd")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="the seed of tests that use random; printed by each of them")
    minutes = 2.0 if os.environ.get("CI") else 0.5
    parser.addoption("--minutes", type=float, default=minutes, help="length of the long run of tests/stress")
    parser.addoption("--rounds", type=int, help="how often campaign tests repeat their round")


@pytest.fixture(autouse=True)
def leak_check() -> Iterator[None]:
    """Fail a test that leaves threads or file descriptors behind."""
    threads_before = set(threading.enumerate())
    fds_before = _open_fds()
    yield
    leaks = _leaked_threads(threads_before) + _leaked_fds(fds_before)
    if leaks:
        pytest.fail("left behind by this test: " + "; ".join(leaks), pytrace=False)


def _leaked_threads(before: set[threading.Thread]) -> list[str]:
    give_up_at_s = monotonic() + THREAD_END_TIMEOUT_S
    new = [thread for thread in threading.enumerate() if thread not in before]
    for thread in new:
        thread.join(max(0.0, give_up_at_s - monotonic()))
    return [f"thread {thread.name}" for thread in new if thread.is_alive()]


def _leaked_fds(before: dict[str, str]) -> list[str]:
    if _open_fds().items() <= before.items():
        return []
    gc.collect()  # costs more than the test, so only where something seems to be left
    return [f"file descriptor {fd} -> {target}" for fd, target in _open_fds().items() - before.items()]


def _open_fds() -> dict[str, str]:
    """What each open file descriptor of this process points at; empty where there is no /proc."""
    found: dict[str, str] = {}
    if FD_DIRECTORY.is_dir():
        for fd in os.listdir(FD_DIRECTORY):
            try:
                found[fd] = os.readlink(FD_DIRECTORY / fd)
            except FileNotFoundError:
                continue  # the descriptor that listed the directory
    return found


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed for tests that use random: printed, so shown when the test fails, and set with --seed."""
    given: int | None = request.config.getoption("--seed")
    chosen = random.SystemRandom().randrange(2**32) if given is None else given
    print(f"--seed {chosen}")
    return chosen


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often a campaign test repeats its round: --rounds, else what its module calls ROUNDS, else once."""
    return int(request.config.getoption("--rounds") or getattr(request.module, "ROUNDS", 1))


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator["Broker"]:
    """A broker inside this process, listening on a free port of 127.0.0.1."""
    from quekka.embedded import Broker

    with Broker(tmp_path / "data") as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[[str, int], WireClient]]:
    """Connect a text client to any address; closed at the end of the test."""
    clients: list[WireClient] = []

    def connect_to(host: str, port: int) -> WireClient:
        clients.append(WireClient(host, port))
        return clients[-1]

    yield connect_to
    for client in clients:
        client.close()


@pytest.fixture
def text_client(broker: "Broker", connect: Callable[[str, int], WireClient]) -> WireClient:
    """One connection to the `broker` fixture that speaks the text protocol."""
    return connect(broker.host, broker.port)


@pytest.fixture
def quekkad(tmp_path: Path) -> Iterator[Callable[..., QuekkadProcess]]:
    """Start real quekkad processes: `quekkad(*options, data_dir=..., env=..., port=...)`.

    Without `data_dir`, all of one test use the same one, so a second call is a restart.
    """
    processes: list[QuekkadProcess] = []

    def start(
        *options: str, data_dir: Path | None = None, env: dict[str, str] | None = None, port: int = 0
    ) -> QuekkadProcess:
        log_path = tmp_path / f"quekkad-{len(processes)}.log"
        process = QuekkadProcess(data_dir or tmp_path / "data", log_path, *options, env=env, port=port)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.close()
