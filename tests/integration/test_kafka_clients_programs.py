"""kafkajs, franz-go and Kafka's Java client produce, consume and administer.

They are skipped unless what they need is there: tests/kafka_programs.py says how to prepare it. What the
groups of all clients have in common is played in test_kafka_groups_consumers.py.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest
from broker_helpers import batch_of
from kafka_clients import PROGRAM_CONSUMERS, WAIT_S, ProgramConsumer, poll_until
from kafka_programs import PROGRAMS, KafkaProgram, Refused

from quekka.embedded import Broker
from quekka.formats.compression import codec_number
from quekka.formats.record_batch import iter_batches
from quekka.protocols.kafka.api_01_fetch import FetchRequest, FetchResponse
from quekka.servers.kafka_handlers import api_01_fetch
from quekka.servers.kafka_session import KafkaSession

TOPIC = "orders"
SENT = [f"{number} " * 20 for number in range(200)]
ASSIGNORS = [(name, assignor) for name, kind in PROGRAMS.items() for assignor in kind.ASSIGNORS]
BATCHES = [(name, codec) for name, kind in PROGRAMS.items() for codec in kind.CODECS]


def started(name: str, broker: Broker) -> KafkaProgram:
    kind = PROGRAMS[name]
    if kind.why_not():
        pytest.skip(kind.why_not())
    return kind(broker.address)


@pytest.fixture(params=PROGRAMS)
def client(request: pytest.FixtureRequest, broker: Broker) -> Iterator[KafkaProgram]:
    with started(request.param, broker) as program:
        yield program


def produce(
    client: KafkaProgram,
    values: list[str],
    codec: str = "none",
    acks: int = -1,
    idempotent: bool = False,
    timestamp_ms: int | None = None,
) -> int:
    first: int = client.ask(
        "produce", topic=TOPIC, partition=0, values=values, codec=codec, acks=acks, idempotent=idempotent,
        timestamp_ms=timestamp_ms,
    )  # fmt: skip
    return first


def read(client: KafkaProgram, count: int, offset: int = 0) -> list[str]:
    values: list[str] = client.ask("read", topic=TOPIC, partition=0, offset=offset, count=count)
    return values


class TestProduce:
    """What goes in comes out, however it is sent."""

    @pytest.mark.parametrize(("name", "codec"), BATCHES, ids=["-".join(batch) for batch in BATCHES])
    def test_records_go_in_with_every_codec_and_acks(self, broker: Broker, name: str, codec: str) -> None:
        broker.core.topics.create(TOPIC)
        with started(name, broker) as client:
            assert produce(client, SENT, codec, acks=0) == -1
            assert produce(client, SENT, codec, acks=1) == len(SENT)
            assert produce(client, SENT, codec, acks=-1) == 2 * len(SENT)
            assert read(client, 3 * len(SENT)) == 3 * SENT
        view = broker.core.topics.get(TOPIC).partition(0).view()
        codecs = {header.codec for _, header in iter_batches(view.read(0, 1 << 20).read())}
        assert codecs == {codec_number(codec)}

    def test_an_idempotent_producer_gets_its_id_and_keeps_the_order(
        self, broker: Broker, client: KafkaProgram
    ) -> None:
        broker.core.topics.create(TOPIC)
        assert produce(client, SENT, idempotent=True) == 0
        assert read(client, len(SENT)) == SENT
        view = broker.core.topics.get(TOPIC).partition(0).view()
        headers = [header for _, header in iter_batches(view.read(0, 1 << 20).read())]
        assert {(header.producer_id, header.producer_epoch) for header in headers} == {(0, 0)}

    def test_a_topic_is_made_by_who_writes_to_it(self, broker: Broker, client: KafkaProgram) -> None:
        assert produce(client, ["first"]) == 0
        assert client.ask("topics") == {TOPIC: 1}


class TestRead:
    """Reading begins where it is told to."""

    def test_at_an_offset(self, broker: Broker, client: KafkaProgram) -> None:
        broker.core.topics.create(TOPIC)
        produce(client, ["0", "1", "2", "3"])
        assert read(client, 2, offset=2) == ["2", "3"]

    def test_at_a_time(self, broker: Broker, client: KafkaProgram) -> None:
        broker.core.topics.create(TOPIC)
        now_ms = broker.core.clock.wall_ms()
        for number in range(3):
            produce(client, [str(number)], timestamp_ms=now_ms + number * 1000)
        found = client.ask("offsets_at_time", topic=TOPIC, timestamp_ms=now_ms + 500)
        assert found == {"0": 1}
        assert read(client, 2, offset=found["0"]) == ["1", "2"]
        assert client.ask("offsets_at_time", topic=TOPIC, timestamp_ms=now_ms + 9000) == {"0": None}


SESSIONS = [name for name in PROGRAM_CONSUMERS if name in ("franz-go", "java")]
"""Those with fetch sessions (KIP-227); kafkajs has none."""


class TestFetchSessions:
    """A consumer of many partitions names them once."""

    @pytest.mark.parametrize("name", SESSIONS)
    def test_requests_name_only_what_changes_and_responses_tell_only_that(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        if PROGRAMS[name].why_not():
            pytest.skip(PROGRAMS[name].why_not())
        topic = broker.core.topics.create(TOPIC, 20)
        seen: list[tuple[int, set[int]]] = []
        fetch = api_01_fetch._fetch_incrementally

        def note(session: KafkaSession, request: FetchRequest, asked: Any) -> FetchResponse:
            response = fetch(session, request, asked)
            told = [data for topic in response.responses for data in topic.partitions]
            seen.append((len(asked), {data.partition_index for data in told}))
            return response

        monkeypatch.setattr(api_01_fetch, "_fetch_incrementally", note)
        with PROGRAM_CONSUMERS[name](broker.address, "readers", TOPIC) as consumer:
            poll_until([consumer], lambda: len(consumer.assignment()) == 20)
            for number, index in enumerate((3, 11, 3), 1):
                topic.partition(index).append([batch_of([b"late"], 1)], 1).wait()
                poll_until([consumer], lambda number=number: len(consumer.got) == number)
                if number == 1:
                    seen.clear()  # while it began, it may have named one partition after the other
        assert {partition for partition, _, _ in consumer.got} == {3, 11}
        assert {3, 11} == set[int]().union(*(told for _, told in seen))
        assert max(named for named, _ in seen) <= 2


class TestAdmin:
    """What each client's admin offers."""

    def test_a_topic_is_made_enlarged_and_deleted(self, broker: Broker, client: KafkaProgram) -> None:
        client.ask("create_topic", topic=TOPIC, partitions=2, configs={"retention.ms": "5000"})
        assert broker.core.topics.get(TOPIC).own_settings == {"retention.ms": "5000"}
        client.ask("add_partitions", topic=TOPIC, count=5)
        self.wait_for_topics(client, {TOPIC: 5})
        client.ask("delete_topic", topic=TOPIC)
        self.wait_for_topics(client, {})
        with pytest.raises(Refused, match=client.UNKNOWN_TOPIC):
            client.ask("delete_topic", topic=TOPIC)

    def wait_for_topics(self, client: KafkaProgram, expected: dict[str, int]) -> None:
        """franz-go answers for a moment from what it was told last."""
        give_up_at_s = monotonic() + WAIT_S
        while (found := client.ask("topics")) != expected:
            assert monotonic() < give_up_at_s, f"still {found}"
            threading.Event().wait(0.05)

    def test_settings_are_changed_and_shown(self, broker: Broker, client: KafkaProgram) -> None:
        broker.core.topics.create(TOPIC)
        client.ask("set_config", topic=TOPIC, name="retention.ms", value="7000")
        assert broker.core.topics.get(TOPIC).own_settings == {"retention.ms": "7000"}
        assert client.ask("config", topic=TOPIC, name="retention.ms") == "7000"

    def test_records_are_deleted(self, broker: Broker, client: KafkaProgram) -> None:
        broker.core.topics.create(TOPIC)
        produce(client, ["0", "1", "2"])
        client.ask("delete_records", topic=TOPIC, partition=0, offset=2)
        assert broker.core.topics.get(TOPIC).partition(0).view().log_start_offset == 2
        assert client.ask("end_offsets", topic=TOPIC) == {"0": 3}

    def test_groups_are_shown_and_deleted(self, broker: Broker, client: KafkaProgram) -> None:
        broker.core.topics.create(TOPIC, 2)
        broker.core.topics.get(TOPIC).partition(0).append([batch_of([b"0"], 1)], 1).wait()
        broker.core.groups.offsets.commit("readers", {(TOPIC, 0): 1})
        assert client.ask("groups") == ["readers"]
        assert client.ask("group_state", group="readers").lower() == "empty"
        assert client.ask("group_offsets", group="readers", topic=TOPIC) == {"0": 1}
        client.ask("delete_group", group="readers")
        assert broker.core.groups.names() == []

    def test_the_cluster_is_described(self, broker: Broker, client: KafkaProgram) -> None:
        assert client.ask("cluster") == {"id": broker.core.cluster_id, "nodes": [1]}


class TestGroups:
    """Members come and go, with every assignor that a client has."""

    PARTITIONS = 6

    @pytest.mark.parametrize(
        ("name", "assignor"), ASSIGNORS, ids=[f"{name}-{assignor}" for name, assignor in ASSIGNORS]
    )
    def test_partitions_are_shared_anew_when_members_come_and_go(
        self, broker: Broker, name: str, assignor: str | None
    ) -> None:
        if PROGRAMS[name].why_not():
            pytest.skip(PROGRAMS[name].why_not())
        broker.core.topics.create(TOPIC, self.PARTITIONS)
        with ExitStack() as stack:

            def join() -> ProgramConsumer:
                kind = PROGRAM_CONSUMERS[name]
                return stack.enter_context(kind(broker.address, "g", TOPIC, assignor=assignor))

            members = [join()]
            poll_until(members, self.shares(members, 6))
            members.append(join())
            poll_until(members, self.shares(members, 3, 3))
            members.append(join())
            poll_until(members, self.shares(members, 2, 2, 2))
            self.append(broker, b"to three")
            poll_until(members, lambda: sum(len(member.got) for member in members) == self.PARTITIONS)
            for member in members:
                member.commit(dict.fromkeys(member.assignment(), 1))
            members.pop().close()
            poll_until(members, self.shares(members, 3, 3))
            members.pop(0).close()
            (last,) = members
            poll_until(members, self.shares(members, 6))
            self.append(broker, b"to one")
            poll_until(members, lambda: last.values().count(b"to one") == self.PARTITIONS)
            assert len(set(last.got)) == len(last.got)

    def append(self, broker: Broker, value: bytes) -> None:
        """One record to each partition."""
        for partition in broker.core.topics.get(TOPIC).partitions:
            partition.append([batch_of([value], broker.core.clock.wall_ms())], 1).wait()

    def shares(self, members: list[ProgramConsumer], *sizes: int) -> Callable[[], bool]:
        """All partitions are read, by as many members with as many partitions each."""

        def are_so() -> bool:
            read = [member.assignment() for member in members]
            return set().union(*read) == {*range(self.PARTITIONS)} and sorted(map(len, read)) == sorted(sizes)

        return are_so
