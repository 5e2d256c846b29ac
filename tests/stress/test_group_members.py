"""Members of a group join, leave and vanish while they consume: everything is delivered, at least once."""

import random
import threading

from broker_kinds import StartBroker
from ledger import Ledger, RecordId
from wire_client import WireClient
from workload import Producer, Target, Worker, append_batch, identities, joined, publish_pipelined

TOPIC = "shared"
GROUP = "team"
PARTITIONS = 6
MEMBERS = 5
RECORDS_PER_PRODUCER = 2000

MAY_HAPPEN = ("REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID")
"""What a member may be told whose partitions went to another one."""


class Delivered:
    """What all members together have committed as read, until it is everything."""

    def __init__(self, ledger: Ledger) -> None:
        self.seen: set[RecordId] = set()
        self._ledger = ledger
        self._gave_up = False
        self._lock = threading.Lock()

    def add(self, some: list[RecordId]) -> None:
        with self._lock:
            self.seen.update(some)

    def give_up(self) -> None:
        """One member failed, so the others would wait in vain."""
        with self._lock:
            self._gave_up = True

    def is_over(self) -> bool:
        with self._lock:
            everything = self._ledger.is_finished and self.seen.issuperset(self._ledger.acknowledged)
            return self._gave_up or everything


class Member(Worker):
    """Joins, reads for a while, leaves in one of three ways, and joins again, until all is delivered."""

    def __init__(self, number: int, target: Target, delivered: Delivered, seed: int) -> None:
        super().__init__(f"member-{number}")
        self.joins = 0
        self._target = target
        self._delivered = delivered
        self._rng = random.Random(f"{seed}/member/{number}")

    def work(self) -> None:
        try:
            while not self._delivered.is_over():
                with WireClient(self._target.host, self._target.port) as client:
                    self._be_a_member(client)
        except BaseException:
            self._delivered.give_up()
            raise

    def _be_a_member(self, client: WireClient) -> None:
        self.joins += 1
        assert client.ask(f"SUBSCRIBE {TOPIC} {GROUP}").startswith("+OK")
        for _ in range(self._rng.randrange(2, 20)):
            self._poll(client)
            if self._rng.random() < 0.7:
                reply = client.ask(f"COMMIT {TOPIC} {GROUP}").split(" ")
                assert reply[0] == "+OK" or reply[1] in MAY_HAPPEN, " ".join(reply)
        self._leave(client)

    def _poll(self, client: WireClient) -> None:
        try:
            messages = client.ask_messages(f"POLL {TOPIC} {GROUP} {self._rng.randrange(1, 100)} 20")
        except AssertionError as error:
            if not any(word in str(error) for word in MAY_HAPPEN):
                raise
        else:
            self._delivered.add(identities(messages))

    def _leave(self, client: WireClient) -> None:
        way = self._rng.choice(("UNSUBSCRIBE", "QUIT", "vanish"))
        if way == "UNSUBSCRIBE":
            assert client.ask(f"UNSUBSCRIBE {TOPIC} {GROUP}") == "+OK"
        elif way == "QUIT":
            assert client.ask("QUIT") == "+OK"


def test_members_that_come_and_go_are_delivered_exactly_what_was_acknowledged(
    start_broker: StartBroker, seed: int
) -> None:
    broker = start_broker({"log.segment.bytes": "65536"})
    with WireClient(broker.host, broker.port) as client:
        assert client.ask(f"CREATE {TOPIC} partitions={PARTITIONS}") == f"+OK {TOPIC}"
    target = Target(broker.host, broker.port, TOPIC, PARTITIONS)
    ledger = Ledger()
    delivered = Delivered(ledger)
    producers = [
        Producer(number, turn, target, ledger, seed=seed, records_count=RECORDS_PER_PRODUCER)
        for number, turn in enumerate((publish_pipelined, append_batch))
    ]
    members = [Member(number, target, delivered, seed) for number in range(MEMBERS)]

    with joined(members):
        try:
            with joined(producers):
                pass
        finally:
            ledger.note_finished()

    ledger.check_delivered(delivered.seen)
    assert all(member.joins > 1 for member in members)
