"""Tests of quekka.broker.fetch_session."""

import random
import threading
from typing import NamedTuple

import pytest
from broker_helpers import publish

from quekka.broker.broker import BrokerCore
from quekka.broker.cached_partition import Asked
from quekka.broker.fetch_session import EPOCH_MAX, FINAL_EPOCH, FetchSession, next_epoch
from quekka.broker.partition import Partition
from quekka.errors import UnknownTopicOrPartitionError

PARTITIONS = 4


class Records(NamedTuple):
    size_bytes: int


class Ask(NamedTuple):
    partition: int
    fetch_offset: int = 0
    current_leader_epoch: int = -1
    last_fetched_epoch: int = -1
    partition_max_bytes: int = 100


class Tell(NamedTuple):
    partition: int
    high_watermark: int = 0
    records: Records | None = None
    error_code: int = 0
    log_start_offset: int = 0


class Client:
    """Who uses a session as a connection does, and knows what comes next."""

    def __init__(self, core: BrokerCore, *asked: Ask) -> None:
        core.topics.create("logs", PARTITIONS)
        self.core = core
        self.session = FetchSession(7, 0.0)
        self.session.fill(("logs", each, Tell(each.partition)) for each in asked)

    def find(self, topic: str, asked: Asked) -> Partition:
        return self.core.topics.get(topic).partition(asked.partition)

    def update(self, *asked: Ask, forgotten: tuple[int, ...] = ()) -> int:
        """Begin with a request; the epoch after it."""
        epoch = self.session.epoch
        wanted = {("logs", each.partition): each for each in asked}
        assert self.session.update(epoch, wanted, [("logs", index) for index in forgotten])
        return self.session.epoch

    def fetch(self, *asked: Ask, forgotten: tuple[int, ...] = ()) -> dict[int, int]:
        """Read all there is; the next offset by partition, in the order of the response."""
        epoch = self.update(*asked, forgotten=forgotten)
        answers = []
        for cached, partition in self.session.pending(epoch, self.find):
            assert partition is not None
            end = partition.view().log_end_offset
            answers.append((cached, Tell(cached.partition, end, Records(end - cached.fetch_offset))))
        told = self.session.settle(epoch, answers)
        assert told is not None
        return {each.partition: each.high_watermark for _, each in told}

    def sleeping(self) -> set[int]:
        topic = self.core.topics.get("logs")
        return {partition.index for partition in topic.partitions if partition.log_end._waiters}


@pytest.fixture
def client(core: BrokerCore) -> Client:
    return Client(core, *map(Ask, range(PARTITIONS)))


@pytest.mark.parametrize(("epoch", "following"), [(0, 1), (1, 2), (EPOCH_MAX - 1, EPOCH_MAX), (EPOCH_MAX, 1)])
def test_after_the_largest_epoch_comes_1(epoch: int, following: int) -> None:
    assert next_epoch(epoch) == following


def test_the_epochs_of_a_session_go_round(client: Client) -> None:
    client.session.epoch = EPOCH_MAX
    assert client.update() == 1
    assert client.update() == 2


def test_another_epoch_changes_nothing(client: Client) -> None:
    assert not client.session.update(2, {("logs", 9): Ask(9)}, [("logs", 0)])
    assert (client.session.epoch, client.session.size) == (1, PARTITIONS)


def test_partitions_with_nothing_new_sleep_until_something_comes(client: Client) -> None:
    assert client.fetch() == {}
    assert client.sleeping() == {0, 1, 2, 3}
    publish(client.core, "logs", b"0", partition=2)
    assert client.sleeping() == {0, 1, 3}
    assert client.fetch() == {2: 1}
    assert client.fetch(Ask(2, 1)) == {}
    assert client.sleeping() == {0, 1, 2, 3}


def test_only_pending_partitions_are_looked_for_and_at(client: Client) -> None:
    client.fetch()
    publish(client.core, "logs", b"0", partition=1)
    epoch = client.update()
    assert client.session.positions(epoch, client.find) == [
        (client.core.topics.get("logs").partition(1), 0)
    ]


def test_who_gave_records_is_served_after_all_others(client: Client) -> None:
    for index in (3, 1, 0):
        publish(client.core, "logs", b"x", partition=index)
    assert list(client.fetch()) == [0, 1, 3]
    for index in (2, 0):
        publish(client.core, "logs", b"x", partition=index)
    assert list(client.fetch()) == [2, 0, 1, 3]


def test_news_come_with_changes_and_go_with_a_look(client: Client) -> None:
    epoch = client.update()
    client.session.positions(epoch, client.find)
    assert not client.session.has_news()
    publish(client.core, "logs", b"x", partition=3)
    assert client.session.has_news()
    client.session.positions(epoch, client.find)
    assert not client.session.has_news()


def test_what_is_forgotten_is_neither_told_nor_woken(client: Client) -> None:
    client.fetch(forgotten=(1, 9))
    publish(client.core, "logs", b"x", partition=1)
    assert client.fetch() == {}
    assert client.session.size == PARTITIONS - 1
    assert client.fetch(Ask(1)) == {1: 1}


def test_who_was_woken_while_he_was_forgotten_stays_forgotten(client: Client) -> None:
    client.fetch()
    (late,) = client.core.topics.get("logs").partition(1).log_end._waiters
    client.update(forgotten=(1,))
    late.wake()
    assert client.fetch() == {}


def test_an_outdated_request_gets_nothing(client: Client) -> None:
    old = client.update()
    client.update()
    assert client.session.positions(old, client.find) is None
    assert client.session.pending(old, client.find) == []
    assert client.session.settle(old, []) is None


def test_a_closed_session_lets_go_of_everything(client: Client) -> None:
    client.fetch()
    client.session.close()
    assert client.sleeping() == set()
    assert (client.session.epoch, client.session.size) == (FINAL_EPOCH, 0)
    assert not client.session.update(FINAL_EPOCH, {}, ())
    assert client.session.settle(FINAL_EPOCH + 2, []) is None


def test_a_partition_that_is_not_found_ends_the_wait_and_stays_pending(client: Client) -> None:
    def find(topic: str, asked: Asked) -> Partition:
        if asked.partition == 2:
            raise UnknownTopicOrPartitionError("no such partition")
        return client.find(topic, asked)

    for _ in range(2):
        epoch = client.update()
        assert client.session.positions(epoch, find) is None
        found = client.session.pending(epoch, find)
        assert [(cached.partition, partition) for cached, partition in found] == [(2, None)]
    assert client.fetch() == {}


def test_no_append_is_lost_between_looking_and_sleeping(client: Client, seed: int) -> None:
    """A writer appends while the session is used; in the end the session has told of every append."""
    random_ = random.Random(seed)
    appends = [random_.randrange(PARTITIONS) for _ in range(400)]

    def append_all() -> None:
        for index in appends:
            publish(client.core, "logs", b"x", partition=index)

    writer = threading.Thread(target=append_all)
    writer.start()
    offsets: dict[int, int] = {}
    changed: dict[int, int] = {}
    while writer.is_alive():
        changed = client.fetch(*(Ask(index, offset) for index, offset in changed.items()))
        offsets |= changed
    writer.join()
    offsets |= client.fetch(*(Ask(index, offset) for index, offset in changed.items()))
    assert offsets == {index: appends.count(index) for index in set(appends)}
