"""All tests here carry the marker `stress`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from broker_kinds import BROKER_KINDS, RunningBroker, StartBroker
from workload import assert_logs_and_indexes_agree

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.stress)


@pytest.fixture(params=BROKER_KINDS)
def start_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartBroker]:
    """Start the test's one broker with settings; at the end it is stopped and its files are verified."""
    started: list[RunningBroker] = []

    def start(settings: Mapping[str, str]) -> RunningBroker:
        broker = BROKER_KINDS[request.param](tmp_path / "data", settings)
        broker.start()
        started.append(broker)
        return broker

    yield start
    for broker in started:
        broker.stop()
        assert_logs_and_indexes_agree(tmp_path / "data")
