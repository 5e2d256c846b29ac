"""One listener: accepts connections, gives each a thread, finds out its protocol and hands it over.

A new protocol is one more row in `protocol_handlers`; nothing here changes for it.
"""

import itertools
import logging
import socket
import threading
from collections.abc import Callable

from quekka.broker.broker import BrokerCore
from quekka.deadline import Deadline
from quekka.errors import TooManyConnectionsError
from quekka.protocols.text import replies
from quekka.servers.acceptor import Acceptor, bind
from quekka.servers.connection_registry import ConnectionRegistry
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.first_bytes import receive_first
from quekka.servers.listen_address import ListenAddress
from quekka.servers.peer import Peer, PeerGoneError
from quekka.servers.protocol_handlers import protocol_handlers, refuse_here

__all__ = ["ListenAddress", "ListenError", "TcpServer"]

logger = logging.getLogger(__name__)

REFUSALS_MAX = 64
"""Connections beyond `max.connections` that are told so at the same time; more of them are just closed."""
REFUSED_IDLE_S = 0.5
"""How long a connection that is refused may take to show its protocol; a silent one is taken for text."""
CUT_TIMEOUT_S = 1.0
"""What a thread needs to notice that its connection was cut."""


class ListenError(Exception):
    """An address that cannot be listened on; the message names it and says why.

    Threads: any.
    """


class TcpServer:
    """A listener of a broker.

    `slots` counts the connections of all listeners of the broker; without it, this one counts its own.

    Threads: start and stop by one thread; connections have threads of their own, `quekka-conn-<n>`.
    """

    def __init__(
        self, broker: BrokerCore, listen: ListenAddress, slots: ConnectionSlots | None = None
    ) -> None:
        self._broker = broker
        self._listen = listen
        self._slots = slots or ConnectionSlots()
        self._refusals = ConnectionSlots()
        self._connections = ConnectionRegistry()
        self._numbers = itertools.count(1)
        self._handlers = protocol_handlers(broker, self._slots)
        self._acceptor: Acceptor | None = None
        self._address: tuple[str, int] = (listen.host, listen.port)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the real port once started."""
        return self._address

    def start(self) -> None:
        """Listen; raises ListenError."""
        try:
            listening = bind(self._listen.host, self._listen.port)
        except OSError as error:
            raise ListenError(f"cannot listen on {self._listen}: {error.strerror or error}") from error
        self._address = listening.getsockname()[:2]
        self._acceptor = Acceptor(listening, self._take)
        self._acceptor.start()

    def stop_accepting(self) -> None:
        """Nobody new; those who are connected are served on."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.stop()

    def close_connections(self, deadline: Deadline) -> None:
        """End all connections: idle ones at once, the others when they are answered, all at the deadline."""
        # 1. What waits for a request gets the end of its stream instead.
        self._connections.interrupt_all()
        # 2. Requests in progress finish.
        if self._connections.join(deadline):
            return
        # 3. The rest is cut off.
        logger.warning("cut off at the end of the stop: %s", ", ".join(self._connections.cut_all()))
        if not self._connections.join(Deadline(CUT_TIMEOUT_S)):
            logger.error("some connections do not end; their threads are left behind")

    def _take(self, connected: socket.socket) -> None:
        """Give an accepted connection its thread, or, beyond max.connections, one that tells it so."""
        config = self._broker.config
        if self._slots.take(config.max_connections):
            self._broker.metrics.add("connections_accepted")
            self._start_thread(connected, config.connections_max_idle_ms / 1000, self._slots, self._serve)
            return
        self._broker.metrics.add("connections_refused")
        if self._refusals.take(REFUSALS_MAX):
            self._start_thread(connected, REFUSED_IDLE_S, self._refusals, self._refuse)
        else:
            connected.close()

    def _start_thread(
        self,
        connected: socket.socket,
        idle_s: float,
        slots: ConnectionSlots,
        serve: Callable[[Peer], None],
    ) -> None:
        number = next(self._numbers)
        try:
            peer = Peer(connected, number, idle_s)
            config = self._broker.config
            peer.set_buffers(config.socket_receive_buffer_bytes, config.socket_send_buffer_bytes)
        except OSError:  # it went away between accept and here
            connected.close()
            slots.give_back()
            return
        thread = threading.Thread(
            target=self._connection_thread,
            args=(peer, slots, serve),
            name=f"quekka-conn-{number}",
            daemon=True,
        )
        if not self._connections.add(peer, thread):
            peer.close()
            slots.give_back()
            return
        try:
            thread.start()
        except RuntimeError as error:
            logger.error("%s is not served: %s", peer.name, error)
            self._connections.remove(peer)
            slots.give_back()

    def _connection_thread(self, peer: Peer, slots: ConnectionSlots, serve: Callable[[Peer], None]) -> None:
        try:
            serve(peer)
        except PeerGoneError as gone:
            logger.debug("%s is gone: %s", peer.name, gone)
        except Exception:
            logger.exception("%s: the connection failed", peer.name)
        finally:
            slots.give_back()
            self._connections.remove(peer)

    def _serve(self, peer: Peer) -> None:
        protocol, first = receive_first(peer)
        if protocol in self._listen.protocols:
            self._handlers[protocol](peer, first)
        else:
            refuse_here(self._broker, protocol, peer)

    def _refuse(self, peer: Peer) -> None:
        try:
            protocol, _ = receive_first(peer)
        except PeerGoneError:
            protocol = "text"
        what = f"is refused: max.connections={self._broker.config.max_connections}"
        self._broker.refusals.say(peer.host, peer.name, what)
        if protocol == "text":
            limit = self._broker.config.max_connections
            peer.send(replies.error(TooManyConnectionsError(f"max.connections={limit} are open")))
            peer.linger()
