"""`latency-N`: N messages a second, from the moment each was due to be sent until a waiting group had it.

An open loop: the sending times are laid down beforehand, and a message that goes out late because the broker
(or the sender) stood still is counted from when it was due. So a pause shows in every message that it
delayed, not in one.

Sender and receiver are two processes; CLOCK_MONOTONIC is the same in both.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from perf.bench import Bench, parameters_of, usage_of
from perf.errors import WrongReplyError
from perf.figures import Figure, Goal, LoadResult, at_most, latency_figures
from perf.remote_client import RemoteClient, Round
from perf.sampler import Sampler
from perf.wire import Address, Conversation, connect, payload_of, receive_some

SECONDS = 5.0
GOALS: Mapping[str, Goal] = {"p99": at_most(2.0)}
STAMP_BYTES = 20
MESSAGES_PER_POLL = 1000
POLL_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class LatencyLoad:
    name: str
    messages_per_s: int

    def run(self, bench: Bench) -> LoadResult:
        count = bench.options.count or max(1, int((bench.options.seconds or SECONDS) * self.messages_per_s))
        size_bytes = max(STAMP_BYTES, bench.options.size_bytes)
        with (
            bench.broker() as broker,
            RemoteClient(Receiver, (broker.address, self.name)) as receiver,
            RemoteClient(TimedSender, (broker.address, self.name, size_bytes, self.messages_per_s)) as sender,
        ):
            one_round(receiver, sender, count)
            with Sampler(broker.pid) as sampler:
                rounds = [one_round(receiver, sender, count) for _ in range(bench.options.rounds)]
        figures = [
            *latency_figures((received.latencies_s for received, _ in rounds), GOALS),
            Figure("sent", "1/s", [sent.per_s for _, sent in rounds]),
        ]
        parameters = parameters_of(
            bench.options, [sent for _, sent in rounds], messages_per_s=self.messages_per_s
        )
        return LoadResult(self.name, parameters, figures, usage_of(sampler.usage, [r for r, _ in rounds]))


def one_round(receiver: RemoteClient, sender: RemoteClient, count: int) -> tuple[Round, Round]:
    """What the receiver and what the sender measured."""
    receiver.begin(count)
    sent = sender.run(count)
    return receiver.finish(), sent


class TimedSender:
    """In the child: publishes each message when it is due, never earlier, and stamps it with that time."""

    def __init__(self, address: Address, topic: str, size_bytes: int, messages_per_s: int) -> None:
        self._topic = topic
        self._filling = payload_of(size_bytes - STAMP_BYTES)
        self._interval_ns = 1_000_000_000 // messages_per_s
        self._socket = connect(address)
        self._replies = 0

    def run(self, count: int) -> Round:
        self._replies = 0
        head = f"PUBLISH {self._topic} {STAMP_BYTES + len(self._filling)}\r\n".encode()
        started_at_ns = time.monotonic_ns()
        sent = 0
        while sent < count:
            due = min(count, (time.monotonic_ns() - started_at_ns) // self._interval_ns + 1)
            stamps = (started_at_ns + index * self._interval_ns for index in range(sent, due))
            self._socket.sendall(b"".join(b"%b%020d%b" % (head, stamp, self._filling) for stamp in stamps))
            sent = due
            self._count_replies(socket.MSG_DONTWAIT)
            wait_ns = started_at_ns + sent * self._interval_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
        elapsed_s = (time.monotonic_ns() - started_at_ns) / 1e9
        while self._replies < count:
            self._count_replies(0)
        return Round(count, count * (STAMP_BYTES + len(self._filling)), elapsed_s)

    def close(self) -> None:
        self._socket.close()

    def _count_replies(self, flags: int) -> None:
        try:
            received = self._socket.recv(65536, flags)
        except BlockingIOError:
            return
        if not received or b"-ERR" in received:
            raise WrongReplyError(f"{received[-300:]!r}")
        self._replies += received.count(b"\n")


class Receiver:
    """In the child: the group's one reader, with a POLL waiting at the broker all the time."""

    def __init__(self, address: Address, topic: str) -> None:
        self._request = (
            f"POLL {topic} perf {MESSAGES_PER_POLL} {POLL_TIMEOUT_MS} max_bytes=4194304\r\n".encode()
        )
        with Conversation(address) as control:
            control.ask(f"CREATE {topic}")
        self._socket = connect(address)
        self._buffer = bytearray()
        self._room = bytearray(1 << 20)

    def run(self, count: int) -> Round:
        latencies: list[float] = []
        size_bytes = 0
        started_at = time.monotonic()
        while len(latencies) < count:
            self._socket.sendall(self._request)
            arrived_ns, payloads = self._reply()
            latencies.extend((arrived_ns - int(payload[:STAMP_BYTES])) / 1e9 for payload in payloads)
            size_bytes += sum(map(len, payloads))
        if len(latencies) != count:
            raise WrongReplyError(f"{len(latencies)} messages came, {count} were sent")
        return Round(count, size_bytes, time.monotonic() - started_at, latencies)

    def close(self) -> None:
        self._socket.close()

    def _reply(self) -> tuple[int, list[bytes]]:
        """When the whole reply was here, and its payloads."""
        data = self._buffer
        data.clear()
        while (expected := expected_lines(data)) is None or data.count(b"\n") < expected:
            received = receive_some(self._socket, self._room)
            arrived_ns = time.monotonic_ns()
            data += self._room[:received]
        return arrived_ns, bytes(data).split(b"\r\n")[2:-1:2]


def expected_lines(reply: bytearray) -> int | None:
    """How many lines a reply to POLL has, payloads without line ends; None while its first is not whole."""
    end = reply.find(b"\n")
    if end < 0:
        return None
    words = bytes(reply[:end]).split()
    if words[0] == b"+EMPTY":
        return 1
    if words[0] != b"+MESSAGES":
        raise WrongReplyError(f"+MESSAGES was expected, not {bytes(reply[:300])!r}")
    return 1 + 2 * int(words[1])
