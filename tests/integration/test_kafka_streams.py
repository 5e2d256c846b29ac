"""Kafka Streams counts words: internal topics, a state store with its changelog, and a restore from that.

It is skipped unless Kafka's jars are there: test_kafka_java.py says how to put them there. Exactly-once is
left out, as the broker serves no transactions.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from kafka_clients import JavaConsumer
from kafka_programs import java_command, why_no_java
from wire_client import WireClient

from quekka.embedded import Broker

WHY_NOT = why_no_java("kafka-streams-*.jar", "rocksdbjni-*.jar")
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

WAIT_S = 60.0
"""A successor waits for the end of a session of six seconds, and for Java; only a hang takes this long."""


@contextmanager
def word_count(broker: Broker, state: Path) -> Iterator[None]:
    """The program runs, and ends with success."""
    command = [*java_command("WordCount"), broker.address, str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            yield
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(WAIT_S) == 0
        finally:
            process.kill()


def read_until(consumer: JavaConsumer, condition: Callable[[], bool]) -> None:
    give_up_at_s = monotonic() + WAIT_S
    while not condition():
        assert monotonic() < give_up_at_s, f"still not so: {consumer.got}"
        consumer.poll()


def test_words_are_counted_and_counting_goes_on_without_the_old_state(
    broker: Broker, text_client: WireClient, tmp_path: Path
) -> None:
    broker.core.topics.create("lines", 2)
    broker.core.topics.create("counts", 2)
    with JavaConsumer(broker.address, "readers", "counts") as consumer:
        text_client.send_bytes(b"PUBLISH lines 17\r\none two two three")
        assert text_client.read_line().startswith("+OK")
        with word_count(broker, tmp_path / "first"):
            read_until(consumer, lambda: {b"one 1", b"two 2", b"three 1"} <= set(consumer.values()))
        store = broker.core.topics.get("word-count-store-changelog")
        assert store.own_settings["cleanup.policy"] == "compact"
        text_client.send_bytes(b"PUBLISH lines 9\r\ntwo three")
        assert text_client.read_line().startswith("+OK")
        with word_count(broker, tmp_path / "second"):
            read_until(consumer, lambda: {b"two 3", b"three 2"} <= set(consumer.values()))
    repartitioned = broker.core.topics.get("word-count-store-repartition")
    assert sum(partition.view().log_end_offset for partition in repartitioned.partitions) >= 6
