"""What a connection begins with, and so which protocol it speaks."""

from quekka.deadline import Deadline
from quekka.protocols.sniff import sniff
from quekka.servers.peer import Peer, PeerGoneError

READ_BYTES = 4096


def receive_first(peer: Peer) -> tuple[str, bytes]:
    """The protocol and the bytes read to find it out; none where the peer closed without a word.

    Raises PeerGoneError.
    """
    deadline = Deadline(peer.idle_s)
    first = bytearray()
    space = memoryview(bytearray(READ_BYTES))
    while (protocol := sniff(first)) is None:
        size_bytes = peer.receive_into(space)
        if size_bytes is None:
            peer.wait_until_readable(deadline)
            continue
        first += space[:size_bytes]
        if size_bytes == 0:
            return sniff(first, ended=True) or "text", bytes(first)
        if deadline.expired():
            raise PeerGoneError("the first line takes too long (connections.max.idle.ms)")
    return protocol, bytes(first)
