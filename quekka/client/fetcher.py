"""Fetches what the consumer will hand out next.

There is no thread here: READs are sent ahead, one for each partition, and their replies wait in the kernel's
buffers until `fetch` is called with nothing left to hand out. So the broker reads and sends the next data
while the program works on the present, and at most two replies of a partition exist at a time.

Up to `connections_max` partitions have a connection of their own (fetch_lane says what sharing one costs).
"""

import logging
import math
import select
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from quekka.client.consumer_record import ConsumerRecord
from quekka.client.fetch_lane import FetchLane
from quekka.client.fetched_data import FetchedData, RecordDecoder, next_fetch_offset
from quekka.client.partition_state import PartitionState
from quekka.client.reply import Reply
from quekka.client.topic_partition import TopicPartition
from quekka.clock import Clock
from quekka.errors import (
    NetworkError,
    OffsetOutOfRangeError,
    QuekkaError,
    RequestTimedOutError,
    ShuttingDownError,
    TooManyConnectionsError,
)

logger = logging.getLogger(__name__)

RETRY_PAUSE_S = 0.5
"""Before a partition is read again after an error of its own that may pass."""
WAIT_MAX_S = 3600.0
"""poll(2) takes no infinite number; the caller waits again."""
CONNECTION_TROUBLE = (NetworkError, RequestTimedOutError, ShuttingDownError, TooManyConnectionsError)


class Fetcher:
    """The lanes of all assigned partitions, and the data that has arrived.

    Threads: one at a time, the consumer's; `wake` may be called by any thread.
    """

    def __init__(
        self,
        make_lane: Callable[[], FetchLane],
        decoder: RecordDecoder,
        *,
        connections_max: int,
        clock: Clock,
    ) -> None:
        self._make_lane = make_lane
        self._decoder = decoder
        self._connections_max = connections_max
        self._clock = clock
        self._lanes: list[FetchLane] = []
        self._arrived: deque[FetchedData] = deque()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)

    def assign(self, states: Iterable[PartitionState]) -> None:
        """Fetch these partitions from now on and no others; those that stay keep their connections."""
        wanted = dict.fromkeys(states)
        for lane in self._lanes:
            lane.states = [state for state in lane.states if state in wanted]
            for state in lane.states:
                del wanted[state]
        for lane in [lane for lane in self._lanes if not lane.states]:
            lane.drop()
            self._lanes.remove(lane)
        for state in wanted:
            self._lane_with_room().states.append(state)

    def interrupt(self, state: PartitionState) -> None:
        """Do not wait for a reply about a position that was left."""
        for lane in self._lanes:
            if lane.waits_for(state):
                lane.drop()

    def fetch(self, wait_s: float) -> None:
        """Wait until there is something to hand out, for `wait_s` at most (or for `WAIT_MAX_S`)."""
        if self.first_data() is not None:
            return
        for lane in self._lanes:
            self._guarded(lane, self._send)
        for lane in self._wait(wait_s):
            self._guarded(lane, self._receive)

    def take(self, limit: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Up to `limit` records of what has arrived; raises what is wrong with the first one."""
        taken: dict[TopicPartition, list[ConsumerRecord]] = {}
        while limit > 0 and (data := self.first_data()) is not None:
            try:
                records = data.take(limit)
            except Exception:
                if not taken:
                    raise
                return taken
            if len(records) < limit:
                self.drop(data)
            if records:
                taken.setdefault(data.state.topic_partition, []).extend(records)
                limit -= len(records)
        return taken

    def first_data(self) -> FetchedData | None:
        """What is to be handed out next, if it has arrived; what belongs to paused partitions waits."""
        while self._arrived and not self._arrived[0].is_current:
            self._arrived.popleft()
        return next((data for data in self._arrived if data.is_current and not data.state.is_paused), None)

    def drop(self, data: FetchedData) -> None:
        """Forget `data`, all of which has been handed out."""
        if data in self._arrived:
            self._arrived.remove(data)

    def wake(self) -> None:
        """Have a `fetch` that waits return."""
        try:
            self._wake_sender.send(b"w")
        except (BlockingIOError, OSError):
            return  # enough wake-ups are waiting already, or nobody is there any more

    def close(self) -> None:
        self._arrived.clear()
        self.assign([])
        self._wake_receiver.close()
        self._wake_sender.close()

    def _lane_with_room(self) -> FetchLane:
        if len(self._lanes) < self._connections_max:
            self._lanes.append(self._make_lane())
            return self._lanes[-1]
        return min(self._lanes, key=lambda lane: len(lane.states))

    def _guarded(self, lane: FetchLane, work: Callable[[FetchLane], None]) -> None:
        """Do `work`; trouble with the connection is logged, and the lane tries again later by itself."""
        try:
            work(lane)
        except CONNECTION_TROUBLE as error:
            lane.fail()
            logger.warning("fetching is interrupted: %s", error.message)
        except QuekkaError:
            lane.drop()
            raise

    def _send(self, lane: FetchLane) -> None:
        lane.check_reply_time()
        lane.send_due()

    def _receive(self, lane: FetchLane) -> None:
        for state, reply in lane.receive():
            self._accept(state, reply)
        lane.send_due()

    def _accept(self, state: PartitionState, reply: Reply) -> None:
        """Keep the data of one reply, or note what is wrong; raises an error that will not pass."""
        if reply.kind == "BATCHES" and len(reply.payload):
            state.fetch_position = max(state.fetch_position, next_fetch_offset(reply.payload))
            self._arrived.append(FetchedData(state, reply.payload, self._decoder))
        error = reply.error
        if error is not None:
            self._note(state, error)

    def _note(self, state: PartitionState, error: QuekkaError) -> None:
        if isinstance(error, CONNECTION_TROUBLE):
            raise error
        if isinstance(error, OffsetOutOfRangeError):
            state.needs_reset = error.message
        elif error.retriable:
            logger.warning("%s cannot be read now: %s", state.topic_partition, error.message)
            state.retry_at_s = self._clock.monotonic_s() + RETRY_PAUSE_S
        else:
            state.retry_at_s = self._clock.monotonic_s() + RETRY_PAUSE_S
            raise error

    def _wait(self, wait_s: float) -> Sequence[FetchLane]:
        """The lanes with a reply, after `wait_s` at most, or as soon as there is one."""
        waiting = {lane.fileno(): lane for lane in self._lanes if lane.is_waiting}
        received = [lane for lane in waiting.values() if lane.has_received]
        if received:
            return received
        poller = select.poll()
        poller.register(self._wake_receiver, select.POLLIN)
        for fileno in waiting:
            poller.register(fileno, select.POLLIN)
        ready = [fileno for fileno, _ in poller.poll(self._wait_ms(wait_s))]
        if self._wake_receiver.fileno() in ready:
            self._wake_receiver.recv(4096)
        return [waiting[fileno] for fileno in ready if fileno in waiting]

    def _wait_ms(self, wait_s: float) -> int:
        """Rounded up, so that time is over after it; the end of a lane's pause ends the wait too."""
        pauses_s = [pause_s for lane in self._lanes if (pause_s := lane.pause_s()) is not None]
        return math.ceil(min(wait_s, WAIT_MAX_S, *pauses_s) * 1000)
