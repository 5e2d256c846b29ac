"""Consumer groups of kcat, which is built on a librdkafka of years ago and asks in old versions."""

import shutil
import subprocess

import pytest
from broker_helpers import publish

from quekka.embedded import Broker

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")

TIMEOUT_S = 60
"""Only a hang takes this long."""


def consume(broker: Broker, group: str, count: int) -> list[bytes]:
    """The values of the next `count` records, which the group then has committed."""
    done = subprocess.run(
        ["kcat", "-b", broker.address, "-G", group, "-c", str(count),
         "-X", "auto.offset.reset=earliest", "-X", "heartbeat.interval.ms=100", "logs"],
        capture_output=True, timeout=TIMEOUT_S, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_group_goes_on_where_it_stopped_also_after_a_restart(broker: Broker) -> None:
    publish(broker.core, "logs", b"one", b"two", b"three", b"four", b"five")
    assert consume(broker, "g", 2) == [b"one", b"two"]
    assert broker.core.groups.describe("g").state == "Empty"
    assert consume(broker, "g", 1) == [b"three"]
    broker.stop()
    broker.start()
    assert consume(broker, "g", 2) == [b"four", b"five"]
    assert consume(broker, "other", 1) == [b"one"]


def test_the_committed_offset_is_that_of_the_next_record(broker: Broker) -> None:
    publish(broker.core, "logs", b"one", b"two")
    consume(broker, "g", 2)
    committed = broker.core.groups.offsets.committed("g", "logs", 0)
    assert committed is not None
    assert committed.offset == 2
