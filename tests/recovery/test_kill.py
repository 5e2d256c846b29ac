"""kill -9 of the real broker in the middle of mixed load, again and again over the same data directory.

What a round does is fixed by the seed: settings, producers, sizes, and after how many acknowledged records
the broker is killed. How the threads interleave is not, so a seed that failed may need some rounds again:

    pytest tests/recovery/test_kill.py --seed 1234 --rounds 200
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger import Ledger
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import (
    Producer,
    Target,
    Worker,
    append_batch,
    assert_logs_and_indexes_agree,
    joined,
    publish_pipelined,
    read_all,
)

ROUNDS = 10
TOPIC = "survivors"
GROUP = "readers"
PARTITIONS = 3
PRODUCER_TURNS = (publish_pipelined, publish_pipelined, append_batch, append_batch)
RECORDS_PER_PRODUCER = 4000
KILL_AFTER_MAX = 3000

SETTINGS = {
    "log.segment.bytes": ("65536", "262144", "104857600"),
    "log.index.interval.bytes": ("1", "300", "4096"),
    "log.flush.interval.ms": ("1", "50", "1000", "86400000"),
    "log.flush.interval.messages": ("1", "100", "9223372036854775807"),
}
"""What a round's broker is started with: one of each, by the seed."""


class CommittingReader(Worker):
    """Polls and commits, and remembers the last offset of each partition whose commit was acknowledged."""

    def __init__(self, target: Target) -> None:
        super().__init__("committing-reader")
        self.committed: dict[int, int] = {}
        self.sent: dict[int, int] = {}
        self.end = ""
        self._target = target

    def work(self) -> None:
        try:
            with WireClient(self._target.host, self._target.port) as client:
                while True:
                    self._read_and_commit(client)
        except (OSError, AssertionError, ValueError) as end:
            # The broker was killed, so the stream may end anywhere; an error reply is another thing.
            self.end = str(end)

    def _read_and_commit(self, client: WireClient) -> None:
        for message in client.ask_messages(f"POLL {TOPIC} {GROUP} 50 200"):
            self.sent[message.partition] = message.offset + 1
        for partition, offset in self.sent.items():
            reply = client.ask(f"COMMIT {TOPIC} {GROUP} {offset} partition={partition}")
            assert reply in (f"+OK {offset}", ""), reply
            if reply:
                self.committed[partition] = offset


class Story:
    """One data directory through its rounds: what must still be true of it."""

    def __init__(self, seed: int, start: Callable[..., QuekkadProcess]) -> None:
        self.ledger = Ledger()
        self.committed: dict[int, int] = {}
        self._rng = random.Random(seed)
        self._seed = seed
        self._start = start
        self._first_numbers = [0] * len(PRODUCER_TURNS)

    def run_round(self) -> None:
        """Start, check what the last round left, load, kill."""
        process = self.start()
        with WireClient(process.host, process.port) as client:
            self.check(client)
        target = Target(process.host, process.port, TOPIC, PARTITIONS)
        producers = self._make_producers(target)
        reader = CommittingReader(target)
        kill_after = len(self.ledger.acknowledged) + self._rng.randrange(KILL_AFTER_MAX)
        with joined([*producers, reader]):
            try:
                self.ledger.wait_for(kill_after)
            finally:
                process.kill()
        assert "-ERR" not in reader.end, reader.end
        assert any(producer.is_interrupted for producer in producers), "it was killed after the load"
        self._first_numbers = [producer.next_number for producer in producers]
        self.committed.update(reader.committed)

    def start(self) -> QuekkadProcess:
        chosen = [f"--set={name}={self._rng.choice(values)}" for name, values in SETTINGS.items()]
        return self._start(*chosen, "--set=log.retention.ms=-1")

    def check(self, client: WireClient) -> None:
        if TOPIC not in client.ask("TOPICS").split(" "):
            assert not self.ledger.acknowledged
            assert client.ask(f"CREATE {TOPIC} partitions={PARTITIONS}") == f"+OK {TOPIC}"
        self.ledger.check(read_all(client, Target("", 0, TOPIC, PARTITIONS)))
        self._check_committed(client)

    def _check_committed(self, client: WireClient) -> None:
        """A committed offset is at least what was acknowledged last, and not after the log end."""
        words = dict(word.split("=", 1) for word in client.ask(f"GROUP {GROUP} {TOPIC}").split(" ")[1:])
        for partition, offset in self.committed.items():
            found, end = int(words[f"{TOPIC}/{partition}.committed"]), int(words[f"{TOPIC}/{partition}.end"])
            assert offset <= found <= end, (
                f"partition {partition}: committed {offset}, now {found}, end {end}"
            )
            self.committed[partition] = found

    def _make_producers(self, target: Target) -> list[Producer]:
        return [
            Producer(
                number,
                turn,
                target,
                self.ledger,
                seed=self._seed,
                records_count=RECORDS_PER_PRODUCER,
                first=self._first_numbers[number],
            )
            for number, turn in enumerate(PRODUCER_TURNS)
        ]


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_acknowledged_records_and_commits_survive_kill_9(
    quekkad: Callable[..., QuekkadProcess], tmp_path: Path, seed: int, rounds: int
) -> None:
    story = Story(seed, quekkad)
    for _ in range(rounds):
        story.run_round()
    process = story.start()
    with WireClient(process.host, process.port) as client:
        story.check(client)
    assert story.committed, "no commit was ever acknowledged"
    assert process.terminate() == 0
    assert_logs_and_indexes_agree(tmp_path / "data")
