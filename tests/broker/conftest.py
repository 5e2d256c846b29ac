"""Brokers without sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_helpers import StartCore
from classic_groups import Classic, watch_completions

from quekka.broker.broker import BrokerCore
from quekka.broker.config import BrokerConfig
from quekka.clock import ManualClock
from quekka.storage.faulty_files import FaultyFiles


@pytest.fixture
def faulty_files() -> FaultyFiles:
    return FaultyFiles()


@pytest.fixture
def start_core(tmp_path: Path, manual_clock: ManualClock, faulty_files: FaultyFiles) -> Iterator[StartCore]:
    """Start a broker on the data directory of the test, stopped at the end; takes its settings."""
    started: list[BrokerCore] = []

    def start(settings: dict[str, str] | None = None) -> BrokerCore:
        config = BrokerConfig.from_settings(settings or {})
        core = BrokerCore(tmp_path / "data", config, clock=manual_clock, files=faulty_files)
        core.start()
        started.append(core)
        return core

    yield start
    for core in started:
        if not core.stopping:
            core.stop()


@pytest.fixture
def core(start_core: StartCore) -> BrokerCore:
    return start_core()


@pytest.fixture
def classic(manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Classic]:
    """Groups of Kafka's classic protocol, with time in the test's hands."""
    watch_completions(monkeypatch)
    groups = Classic(manual_clock)
    yield groups
    groups.close()
