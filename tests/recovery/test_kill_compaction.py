"""kill -9 while a topic is compacted all the time: the last acknowledged value of each key is never lost."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import Lines, Target, Worker, assert_logs_and_indexes_agree, joined, read_messages

ROUNDS = 6
TOPIC = "states"
KEYS = 25
TURNS_MAX = 200
MESSAGES_PER_TURN = 40
SETTINGS = (
    "--set=log.cleaner.backoff.ms=3",
    "--set=log.flush.interval.ms=5",
    "--set=offsets.topic.segment.bytes=2048",
)
TOPIC_SETTINGS = "cleanup.policy=compact segment.bytes=8192 min.cleanable.dirty.ratio=0.01"


class KeyedProducer(Worker):
    """Writes ever higher numbers under a few keys and commits its progress, until the broker goes away."""

    def __init__(self, target: Target, seed: str, first: int) -> None:
        super().__init__("keyed-producer")
        self.acknowledged: dict[int, int] = {}
        self.committed = -1
        self.next_number = first
        self._target = target
        self._rng = random.Random(seed)

    def work(self) -> None:
        try:
            with closing(Lines(self._target)) as lines:
                while True:
                    self._take_turn(lines)
        except OSError:
            return  # the broker was killed

    def _take_turn(self, lines: Lines) -> None:
        keys = [self._rng.randrange(KEYS) for _ in range(MESSAGES_PER_TURN)]
        numbers = range(self.next_number, self.next_number + len(keys))
        self.next_number += len(keys)
        values = [b"%d" % number for number in numbers]
        lines.send(
            b"".join(
                f"PUBLISH {TOPIC} {len(value)} key={key}\r\n".encode() + value
                for key, value in zip(keys, values, strict=True)
            )
        )
        for key, number in zip(keys, numbers, strict=True):
            reply = lines.read()
            assert reply[0] == "+OK", " ".join(reply)
            self.acknowledged[key] = number
        lines.send(f"COMMIT {TOPIC} progress {reply[1]}\r\n".encode())
        reply = lines.read()
        assert reply[0] == "+OK", " ".join(reply)
        self.committed = int(reply[1])


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_the_last_acknowledged_value_of_each_key_survives_kill_9(
    quekkad: Callable[..., QuekkadProcess], tmp_path: Path, seed: int, rounds: int
) -> None:
    rng = random.Random(seed)
    acknowledged: dict[int, int] = {}
    committed, next_number, compacted = -1, 0, 0
    for round_number in range(rounds):
        process = quekkad(*SETTINGS)
        with WireClient(process.host, process.port) as client:
            if not round_number:
                assert client.ask(f"CREATE {TOPIC} {TOPIC_SETTINGS}") == f"+OK {TOPIC}"
            compacted += check_values(client, acknowledged)
            check_committed(client, committed)
            producer = KeyedProducer(
                Target(process.host, process.port, TOPIC, 1), f"{seed}/{round_number}", next_number
            )
            with joined([producer]):
                try:
                    wait_for_records(client, rng.randrange(1, TURNS_MAX) * MESSAGES_PER_TURN)
                finally:
                    process.kill()
        acknowledged.update(producer.acknowledged)
        committed, next_number = max(committed, producer.committed), producer.next_number
    process = quekkad(*SETTINGS)
    with WireClient(process.host, process.port) as client:
        compacted += check_values(client, acknowledged)
        check_committed(client, committed)
    assert compacted > 0, "nothing was ever compacted, so this tested nothing"
    assert process.terminate() == 0
    assert_logs_and_indexes_agree(tmp_path / "data")


def wait_for_records(client: WireClient, count: int) -> None:
    """Wait until the log has grown by `count` records."""
    offset = log_end(client)
    end = offset + count
    while offset < end:
        messages = client.ask_messages(f"FETCH {TOPIC} 0 {offset} 1000 30000")
        assert messages, "nothing more came for 30 seconds"
        offset = messages[-1].offset + 1


def log_end(client: WireClient) -> int:
    return int(client.ask(f"LISTOFFSETS {TOPIC} 0 latest").split(" ")[1])


def check_values(client: WireClient, acknowledged: dict[int, int]) -> int:
    """Hold the log against what was acknowledged; how many records compaction has taken out of it."""
    messages = read_messages(client, TOPIC, 0)
    offsets = [message.offset for message in messages]
    assert offsets == sorted(set(offsets)), "offsets go back, or come twice"
    numbers = [int(message.value) for message in messages]
    assert numbers == sorted(numbers), "values are not in the order in which they were sent"
    last = {int(message.options["key"]): int(message.value) for message in messages}
    lost = {
        key: (number, last.get(key)) for key, number in acknowledged.items() if last.get(key, -1) < number
    }
    assert not lost, f"acknowledged values and what is there instead: {lost}"
    return log_end(client) - len(messages)


def check_committed(client: WireClient, committed: int) -> None:
    """The committed offset did not go back."""
    words = dict(word.split("=", 1) for word in client.ask(f"GROUP progress {TOPIC}").split(" ")[1:])
    assert int(words.get(f"{TOPIC}/0.committed", -1)) >= committed
