"""kill -9 between a producer's first try and its retry: nothing is lost, and nothing is there twice.

Two producers send numbered batches with APPEND, up to five each without waiting for an answer, and the broker
is killed while answers are on their way. A producer cannot know which of those batches are in the log. It
sends its last five again, whatever it knows of them, and goes on.
"""

import random
from collections.abc import Callable

import pytest
from log_bench import batch_by
from quekkad_process import QuekkadProcess
from wire_client import WireClient

TOPIC = "once"
BATCHES = 150
KILLS = 3
IN_FLIGHT = 5
"""Batches of which a broker knows that it has them; a Kafka producer has no more in flight either."""

SETTINGS = {
    "never_flushed": ["--set", "log.flush.interval.ms=86400000"],
    "flushed_often": ["--set", "log.flush.interval.ms=5"],
    "always_flushed": ["--set", "log.flush.interval.messages=1"],
    "small_segments": ["--set", "log.segment.bytes=2000", "--set", "log.flush.interval.ms=5"],
}


class Producer:
    """Sends numbered batches; `sent` of them so far, of which `answered` hold the answers it has seen."""

    def __init__(self, producer_id: int, rng: random.Random) -> None:
        counts = [rng.randint(1, 4) for _ in range(BATCHES)]
        starts = [sum(counts[:number]) for number in range(BATCHES)]
        self.batches = [bytes(batch_by(producer_id, *batch)) for batch in zip(starts, counts, strict=True)]
        self.values = [b"%d/%d" % (producer_id, number) for number in range(sum(counts))]
        self.sent = 0
        self.answered: dict[int, str] = {}

    def send(self, client: WireClient, first: int, stop: int) -> range:
        numbers = range(first, stop)
        requests = [
            b"APPEND %b 0 %d\r\n%b\r\n" % (TOPIC.encode(), len(self.batches[number]), self.batches[number])
            for number in numbers
        ]
        client.send_bytes(b"".join(requests))
        self.sent = max(self.sent, stop)
        return numbers

    def read(self, client: WireClient, numbers: range) -> None:
        for number in numbers:
            reply = client.read_line()
            assert reply.startswith("+OK "), f"batch {number}: {reply}"
            assert reply == self.answered.setdefault(number, reply), f"batch {number} had another offset"

    def retry(self, client: WireClient) -> None:
        """Send the last batches again, those that were answered among them."""
        self.read(client, self.send(client, max(0, self.sent - IN_FLIGHT), self.sent))

    def go_on(self, client: WireClient, stop: int) -> None:
        while self.sent < stop:
            self.read(client, self.send(client, self.sent, min(self.sent + IN_FLIGHT, stop)))


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
def test_retries_around_kills_are_appended_once(
    quekkad: Callable[..., QuekkadProcess], options: list[str], seed: int
) -> None:
    rng = random.Random(seed)
    producers = [Producer(producer_id, rng) for producer_id in (1000, 1001)]
    for kill_after in sorted(rng.sample(range(BATCHES - IN_FLIGHT), KILLS)):
        broker = quekkad(*options)
        with WireClient(broker.host, broker.port) as client:
            for producer in producers:
                producer.retry(client)
                producer.go_on(client, kill_after)
            # The first one may see all its answers, the last one sees none.
            for producer in producers:
                numbers = producer.send(client, producer.sent, producer.sent + rng.randint(1, IN_FLIGHT))
                if producer is producers[0]:
                    producer.read(client, numbers[: rng.randint(0, len(numbers))])
            broker.kill()
    assert_all_once(quekkad(*options), producers)


def assert_all_once(broker: QuekkadProcess, producers: list[Producer]) -> None:
    with WireClient(broker.host, broker.port) as client:
        for producer in producers:
            producer.retry(client)
            producer.go_on(client, BATCHES)
            producer.retry(client)
        values = [message.value for message in client.ask_messages(f"FETCH {TOPIC} 0 0 100000")]
    for producer in producers:
        own = set(producer.values)
        assert [value for value in values if value in own] == producer.values
    assert len(values) == sum(len(producer.values) for producer in producers)
    assert broker.terminate() == 0


def test_a_retry_is_recognized_after_a_clean_stop_too(quekkad: Callable[..., QuekkadProcess]) -> None:
    producer = Producer(1000, random.Random(0))
    for _ in range(3):
        broker = quekkad()
        with WireClient(broker.host, broker.port) as client:
            producer.retry(client)
            producer.go_on(client, producer.sent + 20)
        assert broker.terminate() == 0
    assert_all_once(quekkad(), [producer])
