"""The memory that one connection has from all connections' share, for its large requests."""

import logging
from collections.abc import Callable

from quekka.broker.broker import BrokerCore
from quekka.deadline import Deadline
from quekka.errors import ThrottlingError
from quekka.servers.peer import Peer, PeerGoneError

logger = logging.getLogger(__name__)


class BorrowedMemory:
    """What a connection's MemoryPool asks before it takes large memory.

    Threads: the connection's own.
    """

    __slots__ = ("_broker", "_flush", "_peer", "held_bytes")

    def __init__(self, broker: BrokerCore, peer: Peer, flush: Callable[[], None]) -> None:
        """`flush` sends what there is to answer, before a wait."""
        self._broker = broker
        self._peer = peer
        self._flush = flush
        self.held_bytes = 0

    def hold(self, size_bytes: int) -> None:
        """Hold so much in all from now on, when there is room for that.

        Raises PeerGoneError when that takes longer than `request.timeout.ms`, after saying so in the log.
        """
        memory = self._broker.request_memory
        if not memory.try_hold(self, size_bytes):
            self._flush()
            deadline = Deadline(self._broker.config.request_timeout_ms / 1000)
            try:
                memory.hold(self, size_bytes, deadline)
            except ThrottlingError as error:
                logger.warning("%s: %s; closing", self._peer.name, error.message)
                raise PeerGoneError(error.message) from error
        self.held_bytes = size_bytes

    def limit(self, deadline: Deadline) -> Deadline:
        """How long the peer may be silent: in the middle of what others may wait for, half as long as they
        wait.
        """
        if not self.held_bytes:
            return deadline
        patience_s = self._broker.config.request_timeout_ms / 2000
        remaining_s = deadline.remaining_s()
        return Deadline(patience_s if remaining_s is None else min(patience_s, remaining_s))

    def close(self) -> None:
        """The connection is over."""
        if self.held_bytes:
            self.hold(0)
