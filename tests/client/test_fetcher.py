import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from fake_server import Answer, FakeRequest, FakeServer, HangUp, batch, batches_reply, script

from quekka.client import TopicPartition
from quekka.client.addresses import parse_addresses
from quekka.client.backoff import Backoff
from quekka.client.connection import Connection
from quekka.client.fetch_lane import FetchLane
from quekka.client.fetched_data import RecordDecoder
from quekka.client.fetcher import Fetcher
from quekka.client.partition_state import PartitionState
from quekka.clock import SYSTEM_CLOCK
from quekka.errors import CorruptMessageError, TopicAuthorizationFailedError

Start = Callable[[Answer], FakeServer]
Make = Callable[..., Fetcher]
WAIT_S = 30.0


@pytest.fixture
def make() -> Iterator[Make]:
    fetchers: list[Fetcher] = []

    def make_fetcher(server: FakeServer, connections_max: int = 10) -> Fetcher:
        def lane() -> FetchLane:
            backoff = Backoff(SYSTEM_CLOCK, initial_ms=1, maximum_ms=1)
            connection = Connection(parse_addresses(server.address), backoff=backoff)
            return FetchLane(
                connection, max_bytes=1000, max_wait_ms=500, request_timeout_s=30, clock=SYSTEM_CLOCK
            )

        fetchers.append(Fetcher(lane, RecordDecoder(), connections_max=connections_max, clock=SYSTEM_CLOCK))
        return fetchers[-1]

    yield make_fetcher
    for fetcher in fetchers:
        fetcher.close()


def states_of(count: int) -> list[PartitionState]:
    return [PartitionState(TopicPartition("logs", number), 0, None) for number in range(count)]


def one_record_each(request: FakeRequest) -> bytes:
    """A log in which every batch is one record, whose value says where it is."""
    return batches_reply(batch(int(request.words[3]), f"{request.words[2]}@{request.words[3]}".encode()))


def take_values(fetcher: Fetcher, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        fetcher.fetch(WAIT_S)
        for records in fetcher.take(count - len(found)).values():
            found += [record.value for record in records]
    return found


@pytest.mark.parametrize("connections_max", [1, 2, 10])
def test_all_partitions_are_read_in_order(fake_server: Start, make: Make, connections_max: int) -> None:
    server = fake_server(one_record_each)
    fetcher = make(server, connections_max)
    fetcher.assign(states_of(3))
    found: list[list[bytes]] = [[], [], []]
    while min(map(len, found)) < 5:
        for value in take_values(fetcher, 3):
            found[int(value[:1])].append(value)
    for partition, own in enumerate(found):
        assert own == [b"%d@%d" % (partition, offset) for offset in range(len(own))]
    assert server.connections == min(3, connections_max)


def test_the_next_read_is_sent_before_the_data_is_handed_out(fake_server: Start, make: Make) -> None:
    server = fake_server(one_record_each)
    fetcher = make(server)
    fetcher.assign(states_of(1))
    fetcher.fetch(WAIT_S)
    server.wait_for(lambda: len(server.requests) == 2)
    assert [request.words[3] for request in server.requests] == ["0", "1"]


def test_not_more_than_two_replies_are_asked_ahead(fake_server: Start, make: Make) -> None:
    server = fake_server(one_record_each)
    fetcher = make(server)
    fetcher.assign(states_of(1))
    for _ in range(10):
        fetcher.fetch(WAIT_S)
    server.wait_for(lambda: len(server.requests) == 2)
    fetcher.take(10)
    fetcher.fetch(WAIT_S)
    server.wait_for(lambda: len(server.requests) == 3)


def test_a_partition_that_is_not_assigned_any_more_gives_nothing(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(one_record_each))
    first, second = states_of(2)
    fetcher.assign([first, second])
    fetcher.fetch(WAIT_S)
    first.forget()
    fetcher.assign([second])
    assert set(take_values(fetcher, 5)) == {b"1@%d" % offset for offset in range(5)}


def test_a_wait_ends_with_its_time(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(lambda request: b""))
    fetcher.assign(states_of(1))
    fetcher.fetch(0.001)
    assert fetcher.take(10) == {}
    assert fetcher.first_data() is None


def test_a_wait_is_ended_by_a_wake_up(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(lambda request: b""))
    fetcher.assign(states_of(1))
    thread = threading.Thread(target=fetcher.wake)
    thread.start()
    fetcher.fetch(float("inf"))
    thread.join()


def test_an_interrupted_partition_is_asked_for_at_its_new_position(fake_server: Start, make: Make) -> None:
    def answer(request: FakeRequest) -> bytes:
        return b"" if request.words[3] == "0" else one_record_each(request)

    fetcher = make(fake_server(answer))
    (state,) = states_of(1)
    fetcher.assign([state])
    fetcher.fetch(0)
    state.seek(7)
    fetcher.interrupt(state)
    assert take_values(fetcher, 1) == [b"0@7"]


def test_a_dropped_connection_is_logged_and_made_again(
    fake_server: Start, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    calls = iter(range(1000))

    def answer(request: FakeRequest) -> bytes:
        if next(calls) % 3 == 2:
            raise HangUp(b"+BATCHES 100 0 1\r\nhalf of it")
        return one_record_each(request)

    fetcher = make(fake_server(answer))
    fetcher.assign(states_of(1))
    with caplog.at_level(logging.WARNING):
        assert take_values(fetcher, 10) == [b"0@%d" % offset for offset in range(10)]
    assert "fetching is interrupted" in caplog.text


def test_a_position_out_of_range_is_noted(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(script(b"-ERR OFFSET_OUT_OF_RANGE offset 0 is not in 5..9\r\n")))
    (state,) = states_of(1)
    fetcher.assign([state])
    fetcher.fetch(WAIT_S)
    assert state.needs_reset == "offset 0 is not in 5..9"


def test_an_error_that_may_pass_postpones_its_partition(fake_server: Start, make: Make) -> None:
    server = fake_server(script(b"-ERR UNKNOWN_TOPIC_OR_PARTITION logs\r\n"))
    fetcher = make(server)
    (state,) = states_of(1)
    fetcher.assign([state])
    fetcher.fetch(WAIT_S)
    assert state.retry_at_s > SYSTEM_CLOCK.monotonic_s()
    fetcher.fetch(0)
    assert len(server.requests) == 1


def test_an_error_that_will_not_pass_is_raised(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(script(b"-ERR TOPIC_AUTHORIZATION_FAILED logs\r\n")))
    fetcher.assign(states_of(1))
    with pytest.raises(TopicAuthorizationFailedError):
        fetcher.fetch(WAIT_S)


def test_damage_is_raised_after_what_came_before_it(fake_server: Start, make: Make) -> None:
    damaged = bytearray(batch(1, b"bad"))
    damaged[-2] ^= 1

    def answer(request: FakeRequest) -> bytes:
        return batches_reply(batch(0, b"good") + damaged if request.words[3] == "0" else bytes(damaged))

    fetcher = make(fake_server(answer))
    (state,) = states_of(1)
    fetcher.assign([state])
    assert take_values(fetcher, 1) == [b"good"]
    for _ in range(2):
        with pytest.raises(CorruptMessageError):
            take_values(fetcher, 1)
        assert state.position == 1


def test_what_was_handed_out_one_by_one_is_dropped_once(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(one_record_each))
    fetcher.assign(states_of(1))
    fetcher.fetch(WAIT_S)
    data = fetcher.first_data()
    assert data is not None
    assert [record.value for record in data.records] == [b"0@0"]
    fetcher.drop(data)
    fetcher.drop(data)
    assert take_values(fetcher, 1) == [b"0@1"]


def test_what_arrived_for_a_paused_partition_is_kept(fake_server: Start, make: Make) -> None:
    server = fake_server(one_record_each)
    fetcher = make(server)
    first, second = states_of(2)
    fetcher.assign([first, second])
    while fetcher.first_data() is None or fetcher.first_data().state is not first:  # type: ignore[union-attr]
        fetcher.fetch(WAIT_S)
        fetcher.take(0 if fetcher.first_data().state is first else 1)  # type: ignore[union-attr]
    first.is_paused = True
    assert all(value.startswith(b"1@") for value in take_values(fetcher, 5))
    first.is_paused = False
    own: list[bytes] = []
    while len(own) < 3:
        own += [value for value in take_values(fetcher, 1) if value.startswith(b"0@")]
    assert own == [b"0@0", b"0@1", b"0@2"]


def test_waking_a_closed_fetcher_does_no_harm(fake_server: Start, make: Make) -> None:
    fetcher = make(fake_server(script()))
    fetcher.close()
    fetcher.wake()
