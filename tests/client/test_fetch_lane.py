from collections.abc import Callable, Iterator

import pytest
from fake_server import Answer, FakeServer, HangUp, batch, batches_reply, script

from quekka.client import TopicPartition
from quekka.client.addresses import parse_addresses
from quekka.client.connection import Connection
from quekka.client.fetch_lane import SHARED_WAIT_MS_MAX, SHARED_WAIT_MS_MIN, FetchLane
from quekka.client.partition_state import PartitionState
from quekka.clock import ManualClock
from quekka.errors import NetworkError, RequestTimedOutError

Start = Callable[[Answer], FakeServer]
Make = Callable[..., FetchLane]
EMPTY = b"+EMPTY\r\n"


@pytest.fixture
def make(manual_clock: ManualClock) -> Iterator[Make]:
    lanes: list[FetchLane] = []

    def make_lane(server: FakeServer, partitions: int = 1) -> FetchLane:
        lane = FetchLane(
            Connection(parse_addresses(server.address), clock=manual_clock),
            max_bytes=1000,
            max_wait_ms=500,
            request_timeout_s=30,
            clock=manual_clock,
        )
        lane.states = [
            PartitionState(TopicPartition("logs", number), 5, None) for number in range(partitions)
        ]
        lanes.append(lane)
        return lane

    yield make_lane
    for lane in lanes:
        lane.drop()


def round_trip(lane: FetchLane, replies: int) -> list[str]:
    lane.send_due()
    kinds: list[str] = []
    while len(kinds) < replies:
        kinds += [reply.kind for _, reply in lane.receive()]
    return kinds


def waits_ms(server: FakeServer) -> list[int]:
    return [int(request.words[4]) for request in server.requests]


def test_the_only_partition_waits_at_the_broker(fake_server: Start, make: Make) -> None:
    server = fake_server(script(batches_reply(batch(5, b"a"))))
    lane = make(server)
    assert round_trip(lane, 1) == ["BATCHES"]
    assert server.requests[0].words == ["READ", "logs", "0", "5", "500", "max_bytes=1000"]


def test_there_is_one_request_at_a_time(fake_server: Start, make: Make) -> None:
    server = fake_server(lambda request: EMPTY)
    lane = make(server)
    lane.send_due()
    lane.send_due()
    assert lane.is_waiting
    assert [reply.kind for _, reply in lane.receive()] == ["EMPTY"]
    assert not lane.is_waiting
    assert len(server.requests) == 1


def test_partitions_that_share_take_turns_in_waiting(fake_server: Start, make: Make) -> None:
    server = fake_server(lambda request: EMPTY)
    lane = make(server, partitions=3)
    for _ in range(3):
        round_trip(lane, 3)
    waiting = [request.words[2] for request in server.requests if request.words[4] != "0"]
    assert len(server.requests) == 9
    assert sorted(waiting) == ["0", "1", "2"]


def test_an_idle_shared_lane_asks_less_and_less_often(fake_server: Start, make: Make) -> None:
    replies = [EMPTY] * 14 + [batches_reply(batch(5, b"a")), EMPTY] + [EMPTY] * 2
    server = fake_server(script(*replies))
    lane = make(server, partitions=2)
    for _ in range(9):
        round_trip(lane, 2)
    waits = [wait_ms for wait_ms in waits_ms(server) if wait_ms]
    assert waits[:2] == [SHARED_WAIT_MS_MIN, 2 * SHARED_WAIT_MS_MIN]
    assert waits[6] == SHARED_WAIT_MS_MAX
    assert waits[8] == 2 * SHARED_WAIT_MS_MIN, "data and then nothing: from the beginning"


def test_a_reply_for_a_position_that_was_left_is_not_handed_on(fake_server: Start, make: Make) -> None:
    server = fake_server(script(batches_reply(batch(5, b"a")), EMPTY))
    lane = make(server)
    lane.send_due()
    lane.states[0].seek(7)
    assert list(lane.receive()) == []
    lane.send_due()
    assert server.requests[0].words[3] == "5"
    assert [reply.kind for _, reply in lane.receive()] == ["EMPTY"]
    assert server.requests[1].words[3] == "7"


def test_paused_lost_and_postponed_partitions_are_not_asked_for(
    fake_server: Start, make: Make, manual_clock: ManualClock
) -> None:
    server = fake_server(lambda request: EMPTY)
    lane = make(server, partitions=4)
    paused, lost, postponed, _ = lane.states
    paused.is_paused = True
    lost.needs_reset = "out of range"
    postponed.retry_at_s = manual_clock.monotonic_s() + 1
    round_trip(lane, 1)
    assert [request.words[2] for request in server.requests] == ["3"]
    assert waits_ms(server) == [500], "it does not share any more"


def test_pauses_end_by_themselves(fake_server: Start, make: Make, manual_clock: ManualClock) -> None:
    lane = make(fake_server(script()))
    lane.states[0].retry_at_s = manual_clock.monotonic_s() + 1
    lane.send_due()
    assert not lane.is_waiting
    assert lane.pause_s() == pytest.approx(1)
    lane.states[0].is_paused = True
    assert lane.pause_s() is None, "a paused partition does not come back by itself"


def test_a_broken_lane_waits_before_it_connects_again(
    fake_server: Start, make: Make, manual_clock: ManualClock
) -> None:
    server = fake_server(script(HangUp(), EMPTY))
    lane = make(server)
    lane.send_due()
    with pytest.raises(NetworkError):
        list(lane.receive())
    lane.fail()
    assert not lane.is_waiting
    lane.send_due()
    assert not lane.is_waiting, "too early"
    pause_s = lane.pause_s()
    assert pause_s is not None
    manual_clock.advance(pause_s + 0.001)
    assert round_trip(lane, 1) == ["EMPTY"]


def test_a_reply_that_is_overdue_is_a_time_out(
    fake_server: Start, make: Make, manual_clock: ManualClock
) -> None:
    lane = make(fake_server(lambda request: b""))
    lane.check_reply_time()
    lane.send_due()
    manual_clock.advance(30)
    lane.check_reply_time()
    manual_clock.advance(1)
    with pytest.raises(RequestTimedOutError, match="no reply to READ for 30 s"):
        lane.check_reply_time()


def test_it_knows_whom_it_waits_for(fake_server: Start, make: Make) -> None:
    lane = make(fake_server(lambda request: b""), partitions=2)
    first, second = lane.states
    second.is_paused = True
    lane.send_due()
    assert lane.waits_for(first)
    assert not lane.waits_for(second)
    lane.drop()
    assert not lane.waits_for(first)
