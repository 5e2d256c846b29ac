"""How a connection's thread takes in requests, whatever the protocol: all that is there, then it answers.

Appends are not waited for one by one, so while a peer sends on, its next requests are received before the
last ones are answered; a peer that stops to send, or has sent enough, gets its answers first.
"""

import socket
from typing import Protocol

from quekka.deadline import Deadline
from quekka.servers.borrowed_memory import BorrowedMemory
from quekka.servers.busy_poll import BusyPoll
from quekka.servers.peer import Peer

BURST_BYTES = 16 * 1024
"""A read of at least this much hints that more is there already."""
UNANSWERED_BYTES_MAX = 2 * 1024 * 1024
"""How much is received from a peer that does not stop to send, before it gets replies."""


class Session(Protocol):
    """What is asked of a connection's session.

    Threads: the connection's own.
    """

    peer: Peer
    borrowed: BorrowedMemory
    busy_poll: BusyPoll
    bytes_in: int
    is_bursting: bool
    unanswered_bytes: int

    def flush(self) -> None:
        """Send all replies."""

    def release(self) -> None:
        """Give back the memory of a burst."""


class Receiver(Protocol):
    """What is asked of a connection's sans-I/O side.

    Threads: the connection's own.
    """

    def get_buffer(self) -> memoryview:
        """Where the next received bytes go."""

    def reclaim(self) -> None:
        """Use the memory of all requests handed out so far again."""

    def release(self) -> None:
        """Give back the memory of a burst."""


def receive_some(session: Session, receiver: Receiver, deadline: Deadline) -> int:
    """Take what is there into the receiver's buffer; the number of bytes, 0 at the end of the stream.

    Before it waits for more, what there is to answer is sent. Raises PeerGoneError.
    """
    size_bytes = _take(session, receiver, deadline)
    session.bytes_in += size_bytes
    session.is_bursting = size_bytes >= BURST_BYTES
    return size_bytes


def _take(session: Session, receiver: Receiver, deadline: Deadline) -> int:
    if session.is_bursting and session.unanswered_bytes < UNANSWERED_BYTES_MAX:
        size_bytes = session.peer.receive_into(receiver.get_buffer(), socket.MSG_DONTWAIT)
        if size_bytes is not None:
            session.unanswered_bytes += size_bytes
            return size_bytes
    session.flush()
    receiver.reclaim()
    while (size_bytes := session.busy_poll.receive_into(session.peer, receiver.get_buffer())) is None:
        receiver.reclaim()
        receiver.release()
        session.release()
        session.peer.wait_until_readable(session.borrowed.limit(deadline))
    session.unanswered_bytes = size_bytes
    return size_bytes
