"""Records that are sent when they are due, and their receiver: the latency from one end to the other.

A payload ends with `@` and the nanoseconds of the monotonic clock when it was due, so whoever has seen the
stamp has the whole record, and no protocol has to be parsed to find it.
"""

import ctypes
import re
import select
import sys
import time

from perf.comparison.clients import RECORDS_AT_ONCE, Target
from perf.errors import WrongReplyError
from perf.remote_client import Round
from perf.wire import payload_of

STAMP = re.compile(rb"@(\d{20})")
STAMP_BYTES = 21
PR_SET_TIMERSLACK = 29


def sleep_exactly() -> None:
    """Lets this process's waits end when they should, where Linux would add 50 microseconds to each."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


class TimedProducer:
    """Stores records at a steady rate whatever the server does; a Round's latencies are how late it was.

    Where requests under way are limited, as in Kafka's clients, what falls due meanwhile is put together.
    """

    def __init__(self, target: Target, records_per_s: int) -> None:
        self._target = target
        self._interval_ns = 1_000_000_000 // records_per_s
        self._filling = payload_of(target.record_bytes - STAMP_BYTES)
        self._connection = target.connect()
        self._connection.open_producer()
        sleep_exactly()

    def run(self, count: int) -> Round:
        connection, now = self._connection, time.monotonic_ns
        under_way_max = connection.produce_under_way_max
        late_s: list[float] = []
        started_at_ns = now()
        sent = under_way = 0
        while sent < count or under_way:
            due = min(count, (now() - started_at_ns) // self._interval_ns + 1)
            due = min(due, sent + RECORDS_AT_ONCE)
            if due > sent and under_way < under_way_max:
                payloads = [
                    b"%b@%020d" % (self._filling, started_at_ns + index * self._interval_ns)
                    for index in range(sent, due)
                ]
                connection.socket.sendall(connection.request(payloads))
                under_way += 1 if connection.acknowledged_together else len(payloads)
                late_s.append((now() - started_at_ns - sent * self._interval_ns) / 1e9)
                sent = due
            under_way -= self._await(started_at_ns, sent, count, under_way >= under_way_max)
        return Round(count, count * self._target.record_bytes, (now() - started_at_ns) / 1e9, late_s)

    def close(self) -> None:
        self._connection.close()

    def _await(self, started_at_ns: int, sent: int, count: int, full: bool) -> int:
        """Waits for acknowledgements, at most until the next record is due; how many came."""
        wait_s: float | None = None
        if sent < count and not full:
            wait_s = max(0, started_at_ns + sent * self._interval_ns - time.monotonic_ns()) / 1e9
        ready, _, _ = select.select([self._connection.socket], [], [], wait_s)
        return self._connection.replies(self._connection.receive_some()) if ready else 0


class Receiver:
    """Gets records as soon as the server gives them; has made the topic, and removes it in the end."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = target.connect()
        self._connection.create()
        self._connection.subscribe()

    def run(self, count: int) -> Round:
        latencies_s: list[float] = []
        started_at = time.monotonic()
        while len(latencies_s) < count:
            data = self._connection.receive()
            arrived_ns = time.monotonic_ns()
            latencies_s.extend((arrived_ns - int(stamp)) / 1e9 for stamp in STAMP.findall(data))
        if len(latencies_s) != count:
            raise WrongReplyError(f"{len(latencies_s)} records came, {count} were sent")
        elapsed_s = time.monotonic() - started_at
        return Round(count, count * self._target.record_bytes, elapsed_s, latencies_s)

    def close(self) -> None:
        self._connection.close()
        with self._target.connect() as control:
            control.delete()
