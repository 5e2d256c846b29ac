"""What one Kafka connection has going on: who it is, and its responses, in the order of the requests.

As in the text protocol, appends are not waited for one by one: a response may be promised (`promise`), and
promises are kept when the responses are sent, or when a request comes that must see what was appended before
it (`settle`).
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from quekka.broker.broker import BrokerCore
from quekka.broker.caller import Caller
from quekka.broker.metrics import Counts
from quekka.errors import QuekkaError
from quekka.protocols.kafka.codec import encode_response
from quekka.protocols.kafka.connection import KafkaConnection, Request
from quekka.protocols.kafka.fetch_pieces import Piece
from quekka.servers.borrowed_memory import BorrowedMemory
from quekka.servers.busy_poll import BusyPoll
from quekka.servers.kafka_errors import error_number
from quekka.servers.peer import Peer
from quekka.servers.transfer import Transfer, size_of
from quekka.storage.log_slice import LogSlice

UNSENT_BYTES_MAX = 256 * 1024
"""Responses beyond this are sent before more requests are handled: pipelining costs bounded memory."""

IPV4_IN_IPV6 = "::ffff:"


class HangUpError(Exception):
    """The request cannot be answered, as one with acks=0: closing the connection is the only way to say so.

    Threads: the connection's own.
    """


class Promise(ABC):
    """A response that needs something to be finished first.

    Threads: the connection's own.
    """

    __slots__ = ()

    @abstractmethod
    def keep(self, session: "KafkaSession") -> Any:
        """Wait for it; the response, or None where the client wants none. Raises HangUpError."""


class _Promised(NamedTuple):
    """A promise with what it takes to encode its response.

    Threads: the connection's own.
    """

    api_key: int
    api_version: int
    correlation_id: int
    promise: Promise


class KafkaSession(Counts):
    """The state of a connection that outlives a request.

    Constant: `broker`, `peer`, `borrowed`, `connection` (which understands what the peer sends), `transfer`,
    `busy_poll`, `host` and `port` (how clients reach this broker).
    `client_id` and `software` are what the client says of itself, for the log.
    It counts what STATS shows, for all connections together, until `close`.

    Threads: the connection's own.
    """

    def __init__(self, broker: BrokerCore, peer: Peer) -> None:
        super().__init__()
        self.broker = broker
        self.peer = peer
        self.borrowed = BorrowedMemory(broker, peer, self.flush)
        self.connection = KafkaConnection(broker.config.socket_request_max_bytes, self.borrowed)
        self.transfer = Transfer()
        self.busy_poll = BusyPoll(broker.config.busy_poll_us)
        self.host, self.port = advertised_address(broker.config.advertised_listeners, peer.local_address())
        self.client_id = ""
        self.software = ""
        self.api_key = self.api_version = 0
        """Of the request that is being handled."""
        self.is_bursting = False
        """The peer sends faster than we read."""
        self.unanswered_bytes = 0
        self.last_fetch_bytes = 0
        """What the last Fetch gave; more than nothing hints that the next one will give as much."""
        self._replies: list[bytes | bytearray | _Promised] = []
        self._unsent_bytes = 0
        self._has_promises = False
        broker.metrics.watch(self)

    def error_number(self, error: QuekkaError) -> int:
        """The number that the response to the present request says; counts the error."""
        self.errors += 1
        return error_number(error, self.api_key, self.api_version)

    def reply(self, frame: bytes | bytearray) -> None:
        """Answer a request; it is sent with the next `flush`."""
        self._replies.append(frame)
        self._unsent_bytes += len(frame)
        if self._unsent_bytes > UNSENT_BYTES_MAX:
            self.flush()

    def promise(self, request: Request, promise: Promise) -> None:
        """Answer a request later, in its place."""
        self._replies.append(_Promised(*request[:3], promise))
        self._has_promises = True

    def settle(self) -> None:
        """Keep all promises: what was appended so far can be seen from now on. Raises HangUpError."""
        if not self._has_promises:
            return
        for index, item in enumerate(self._replies):
            if isinstance(item, _Promised):
                frame = self._replies[index] = self._keep(item)
                self._unsent_bytes += len(frame)
        self._has_promises = False

    def _keep(self, promised: _Promised) -> bytes | bytearray:
        api_key, api_version, correlation_id, promise = promised
        self.api_key, self.api_version = api_key, api_version
        response = promise.keep(self)
        return b"" if response is None else encode_response(api_key, api_version, correlation_id, response)

    def flush(self) -> None:
        """Send all responses, of which STATS knows by then; raises PeerGoneError, HangUpError."""
        if not self._replies:
            return
        self.settle()
        self._send_replies()

    def flush_ready(self) -> None:
        """Send the responses before the first one that is not there, when there will be no more.

        Raises PeerGoneError.
        """
        self._replies = [*itertools.takewhile(lambda item: not isinstance(item, _Promised), self._replies)]
        self._has_promises = False
        self._send_replies()

    def send_pieces(self, pieces: Sequence[Piece]) -> None:
        """Send the response to a Fetch now; what was answered before must have been flushed.

        Its records are LogSlices.
        """
        found = cast("Sequence[bytearray | LogSlice]", pieces)
        self.last_fetch_bytes = sum(map(size_of, found))
        self.bytes_out += self.last_fetch_bytes
        self.transfer.send_pieces(self.peer, found)

    def _send_replies(self) -> None:
        data = b"".join(self._replies)  # type: ignore[arg-type]
        self._replies = []
        self._unsent_bytes = 0
        self.bytes_out += len(data)
        if data:
            self.peer.send(data)

    def refuse(self, what: str) -> None:
        """Say in the log what this client cannot be served, once in a while."""
        self.broker.refusals.say(self.peer.host, self.describe(), what)

    def describe(self) -> str:
        """Who this is, for the log."""
        software = f", {self.software}" if self.software else ""
        return f"{self.peer.name} (client id {self.client_id!r}{software})"

    def release(self) -> None:
        """Give back the memory of a burst; bodies of requests that were received already stay true."""
        self.transfer.release()
        self.connection.release()

    def close(self) -> None:
        """The connection is over."""
        self.borrowed.close()
        self.broker.metrics.absorb(self)

    def caller(self) -> Caller:
        """Who is to be answered after a long wait.

        No client of this protocol shuts down one side of its connection and waits on, so that counts as gone.
        """
        return Caller(self.peer.fileno(), may_be_half_closed=False)


def advertised_address(advertised: tuple[str, ...], reached: tuple[str, int]) -> tuple[str, int]:
    """Host and port that clients are told: what was configured, else what this one reached.

    Of several configured addresses, the one with the port that was reached, else the first; so listeners for
    different networks can each have theirs.
    """
    addresses = [_split_address(address) for address in advertised]
    if not addresses:
        return reached[0].removeprefix(IPV4_IN_IPV6), reached[1]
    return next((address for address in addresses if address[1] == reached[1]), addresses[0])


def _split_address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
