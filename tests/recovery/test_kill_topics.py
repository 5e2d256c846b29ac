"""kill -9 while topics are made, changed and deleted: each is whole or not there, as was acknowledged."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import Lines, Target, Worker, assert_logs_and_indexes_agree, joined

ROUNDS = 6
CHANGES_MAX = 60


class TopicChanger(Worker):
    """Makes, changes and deletes topics of its own until the broker goes away."""

    def __init__(self, number: int, target: Target, seed: str) -> None:
        super().__init__(f"topic-changer-{number}")
        self.settings: dict[str, str] = {}
        """The topics that exist, with retention.ms, as far as it was acknowledged."""
        self.deleted: set[str] = set()
        self.in_doubt: set[str] = set()
        """Asked for and not acknowledged: may be either way."""
        self.changes = 0
        self._target = target
        self._rng = random.Random(seed)
        self._prefix = f"t{seed.replace('/', '-')}-"

    def work(self) -> None:
        try:
            with closing(Lines(self._target)) as lines:
                while True:
                    self._change_one(lines)
        except OSError:
            return  # the broker was killed

    def _change_one(self, lines: Lines) -> None:
        kind = self._rng.choice(("make", "make", "change", "delete")) if self.settings else "make"
        if kind == "make":
            name, value = f"{self._prefix}{self.changes}", str(self._rng.randrange(1000, 10**9))
            self._ask(lines, name, f"CREATE {name} partitions={self._rng.randint(1, 3)} retention.ms={value}")
            self.settings[name] = value
        else:
            name = self._rng.choice(sorted(self.settings))
            value = str(self._rng.randrange(1000, 10**9))
            self._ask(
                lines, name, f"CONFIG {name} retention.ms={value}" if kind == "change" else f"DELETE {name}"
            )
            self.settings[name] = value
            if kind == "delete":
                del self.settings[name]
                self.deleted.add(name)
        self.changes += 1

    def _ask(self, lines: Lines, name: str, line: str) -> None:
        self.in_doubt.add(name)
        lines.send(line.encode() + b"\r\n")
        reply = lines.read()
        assert reply[0] == "+OK", f"{line}: {' '.join(reply)}"
        self.in_doubt.discard(name)


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_topics_are_as_was_acknowledged_after_kill_9(
    quekkad: Callable[..., QuekkadProcess], tmp_path: Path, seed: int, rounds: int
) -> None:
    rng = random.Random(seed)
    for round_number in range(rounds):
        process = quekkad()
        target = Target(process.host, process.port, "", 0)
        changers = [TopicChanger(number, target, f"{seed}/{round_number}/{number}") for number in range(2)]
        with joined(changers):
            try:
                wait_for_topics(process, changers, rng.randrange(1, CHANGES_MAX))
            finally:
                process.kill()
        process = quekkad()
        with WireClient(process.host, process.port) as client:
            for changer in changers:
                check_topics(client, changer)
        assert not list((tmp_path / "data" / "topics").glob("~*")), "a start left leftovers behind"
        assert process.terminate() == 0
        assert_logs_and_indexes_agree(tmp_path / "data")


def wait_for_topics(process: QuekkadProcess, changers: list[TopicChanger], count: int) -> None:
    """Wait until so many topics more exist; the changers make more than they delete."""
    with WireClient(process.host, process.port) as client:
        wanted = len(client.ask("TOPICS").split(" ")) + count
        while len(client.ask("TOPICS").split(" ")) < wanted:
            assert all(changer.is_alive() for changer in changers), process.log()


def check_topics(client: WireClient, changer: TopicChanger) -> None:
    names = set(client.ask("TOPICS").split(" ")[1:])
    lost = changer.settings.keys() - names - changer.in_doubt
    assert not lost, f"acknowledged topics are gone: {lost}"
    back = changer.deleted & names
    assert not back, f"deleted topics are back: {back}"
    for name in (changer.settings.keys() & names) - changer.in_doubt:
        shown = dict(word.split("=", 1) for word in client.ask(f"CONFIG {name}").split(" ")[1:])
        assert shown["retention.ms"] == changer.settings[name], name
