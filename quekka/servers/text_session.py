"""What one text connection has going on: who it is, and its replies, in the order of the requests.

Appends are not waited for one by one: a reply may be promised (`promise`), and promises are kept when the
replies are sent, or when a request comes that must see what was appended before it (`settle`).
"""

import itertools
from typing import Protocol

from quekka.broker.broker import BrokerCore
from quekka.broker.caller import Caller
from quekka.broker.metrics import Counts
from quekka.errors import QuekkaError
from quekka.protocols.text import replies
from quekka.servers.borrowed_memory import BorrowedMemory
from quekka.servers.busy_poll import BusyPoll
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.peer import Peer
from quekka.servers.transfer import Transfer

UNSENT_BYTES_MAX = 256 * 1024
"""Replies beyond this are sent before more requests are handled, so that pipelining costs bounded memory."""


class Promise(Protocol):
    """A reply that needs something to be finished first.

    Threads: the connection's own.
    """

    def keep(self, session: "TextSession") -> bytes:
        """Wait for it; the reply, which may be an error."""


class TextSession(Counts):
    """The state of a connection that outlives a request.

    Constant: `broker`, `peer`, `member` (the name under which groups know it), `connections`,
    `transfer`, `busy_poll`.
    It counts what STATS shows, for all connections together, until `close`.

    Threads: the connection's own.
    """

    def __init__(self, broker: BrokerCore, peer: Peer, connections: ConnectionSlots) -> None:
        super().__init__()
        self.broker = broker
        self.peer = peer
        self.member = f"text-{peer.name}-{peer.number}"
        self.connections = connections
        self.borrowed = BorrowedMemory(broker, peer, self.flush)
        self.transfer = Transfer()
        self.busy_poll = BusyPoll(broker.config.busy_poll_us)
        self.has_memberships = False
        self.is_bursting = False
        """The peer sends faster than we read."""
        self.unanswered_bytes = 0
        self._replies: list[bytes | Promise] = []
        self._unsent_bytes = 0
        self._has_promises = False
        broker.metrics.watch(self)

    def reply(self, data: bytes) -> None:
        """Answer a request; it is sent with the next `flush`."""
        self._replies.append(data)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > UNSENT_BYTES_MAX:
            self.flush()

    def reply_error(self, error: QuekkaError) -> None:
        self.errors += 1
        self.reply(replies.error(error))

    def promise(self, promise: Promise) -> None:
        """Answer a request later, in its place."""
        self._replies.append(promise)
        self._has_promises = True

    def settle(self) -> None:
        """Keep all promises: what was appended so far can be seen from now on."""
        if not self._has_promises:
            return
        self._has_promises = False
        for index, item in enumerate(self._replies):
            if not isinstance(item, bytes):
                data = self._replies[index] = item.keep(self)
                self._unsent_bytes += len(data)

    def flush(self) -> None:
        """Send all replies; raises PeerGoneError."""
        if not self._replies:
            return
        self.settle()
        data = b"".join(self._replies)  # type: ignore[arg-type]
        self._replies.clear()
        self._unsent_bytes = 0
        self.send(data)

    def give_up(self, error: QuekkaError) -> None:
        """Send the replies that are ready and, in the place of the next one, why there will be no more."""
        ready = itertools.takewhile(lambda item: isinstance(item, bytes), self._replies)
        self._replies = [*ready]
        self.reply_error(error)
        self.flush()

    def send(self, data: bytes) -> None:
        """Send bytes now, of which STATS knows by then; what was answered before must have been flushed."""
        if data:
            self.bytes_out += len(data)
            self.peer.send(data)

    def release(self) -> None:
        """Give back the memory of a burst."""
        self.transfer.release()

    def caller(self) -> Caller:
        """Who is to be answered after a long wait.

        A client may shut down its sending side and wait on. But a member of a group could commit nothing any
        more and looks as if it had died, so its share is not kept for it.
        """
        return Caller(self.peer.fileno(), may_be_half_closed=not self.has_memberships)

    def close(self) -> None:
        """The connection is over: its groups go on without it."""
        if self.has_memberships:
            self.broker.groups.disconnect(self.member)
        self.borrowed.close()
        self.broker.metrics.absorb(self)
