"""Who commits offsets during a mixed load: over the text protocol, over Kafka's, and as a static member."""

from contextlib import closing

from history import History
from kafka_load import OFFSET_COMMIT, STOPPING, UNKNOWN_TOPIC_OR_PARTITION, LoadWire, commit_request
from kafka_member import KafkaMember
from mixed_workers import Address, MixedWorker
from workload import Lines, Target

TEXT_GROUP, KAFKA_GROUP, STATIC_GROUP = "text-group", "kafka-group", "static-group"
GROUPS = (TEXT_GROUP, KAFKA_GROUP, STATIC_GROUP)
PLACES_MAX = 4
STEP_MAX = 9

Offsets = dict[tuple[str, int], int]


class TextCommitter(MixedWorker):
    """COMMIT of the log ends of topics that last."""

    def __init__(self, address: Address, history: History, seed: str, lasting: list[str]) -> None:
        super().__init__("text-committer", address, history, seed)
        self._lasting = lasting

    def use_connection(self) -> None:
        with closing(Lines(Target(*self.address, "", 0))) as lines:
            while not self.is_over():
                name = self.rng.choice(self._lasting)
                partition = self.rng.randrange(self.history.topic(name).partitions)
                end = int(self._ask(lines, f"LISTOFFSETS {name} {partition} latest")[1])
                notes = self.history.commits.get((TEXT_GROUP, name, partition))
                if end > (notes.sent if notes else 0):
                    self._commit(lines, name, partition, end)

    def _commit(self, lines: Lines, name: str, partition: int, offset: int) -> None:
        offsets = {(name, partition): offset}
        sent_at = self.history.note_commit(TEXT_GROUP, offsets)
        self._ask(lines, f"COMMIT {name} {TEXT_GROUP} {offset} partition={partition}")
        self.history.note_committed(TEXT_GROUP, offsets, sent_at)

    def _ask(self, lines: Lines, line: str) -> list[str]:
        lines.send(line.encode() + b"\r\n")
        reply = lines.read()
        if reply[:2] == ["-ERR", "SHUTTING_DOWN"]:
            raise ConnectionAbortedError("the broker stops")
        assert reply[0] == "+OK", f"{line}: {' '.join(reply)}"
        return reply


class KafkaCommitter(MixedWorker):
    """OffsetCommit of somebody who is no member, for several partitions at once, also of topics that go."""

    group = KAFKA_GROUP

    def __init__(self, address: Address, history: History, seed: str, names: list[str]) -> None:
        super().__init__(f"committer-{self.group}", address, history, seed)
        self._names = names

    def use_connection(self) -> None:
        with LoadWire(*self.address) as wire:
            while not self.is_over():
                self.commit_some(wire, None)

    def commit_some(self, wire: LoadWire, member: KafkaMember | None) -> None:
        offsets = self._next_offsets()
        sent_at = self.history.note_commit(self.group, offsets)
        response = wire.ask(
            OFFSET_COMMIT, self.rng.randint(7, 9), commit_request(self.group, offsets, member)
        )
        done: Offsets = {}
        refused: Offsets = {}
        for topic in response.topics:
            for answer in topic.partitions:
                place = (topic.name, answer.partition_index)
                if answer.error_code in STOPPING:
                    raise ConnectionAbortedError("the broker stops")
                assert answer.error_code in {0, UNKNOWN_TOPIC_OR_PARTITION}, (place, answer)
                (refused if answer.error_code else done)[place] = offsets[place]
        self.history.note_committed(self.group, done, sent_at)
        self.history.note_committed(self.group, refused, sent_at, is_refused=True)

    def _next_offsets(self) -> Offsets:
        """Higher than all before; nobody looks whether there are such records."""
        places = {
            (self.rng.choice(self._names), self.rng.randrange(3))
            for _ in range(self.rng.randint(1, PLACES_MAX))
        }
        found: Offsets = {}
        for place in sorted(places):
            notes = self.history.commits.get((self.group, *place))
            found[place] = (notes.sent if notes else 0) + self.rng.randint(1, STEP_MAX)
        return found


class StaticMember(KafkaCommitter):
    """A static member of a group, the only one; after a restart it joins again under its instance id."""

    group = STATIC_GROUP

    def use_connection(self) -> None:
        with LoadWire(*self.address) as wire:
            member = KafkaMember(wire, self.group, instance="the-only-one")
            self._join(member)
            while not self.is_over():
                self._check(member.heartbeat())
                self.commit_some(wire, member)

    def _join(self, member: KafkaMember) -> None:
        member.begin_join()
        response = member.wire.receive()
        self._check(response.error_code)
        member.member_id, member.generation = response.member_id, response.generation_id
        self._check(member.sync({member.member_id: b"all"}).error_code)

    def _check(self, error_number: int) -> None:
        if error_number in STOPPING:
            raise ConnectionAbortedError("the broker stops")
        assert error_number == 0, f"{self.group}: error {error_number}"
