"""The loop of a text connection: read all there is, understand it, do it, answer it in one piece."""

import logging

from quekka.broker.broker import BrokerCore
from quekka.deadline import Deadline
from quekka.errors import QuekkaError, UnknownServerError
from quekka.protocols.text.connection import AppendRun, Event, PublishRun, TextConnection
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.peer import Peer, PeerGoneError
from quekka.servers.receiving import receive_some
from quekka.servers.text_handlers import HANDLERS
from quekka.servers.text_handlers.appending import payload_limit
from quekka.servers.text_session import TextSession

logger = logging.getLogger(__name__)


_PIPELINED = (PublishRun, AppendRun)
"""Requests that need not see what those before them appended."""


class TextServer:
    """Serves text connections of one listener.

    Threads: any number of connections' own at once; it is immutable.
    """

    def __init__(self, broker: BrokerCore, connections: ConnectionSlots) -> None:
        self._broker = broker
        self._connections = connections

    def serve(self, peer: Peer, first: bytes) -> None:
        """Serve one connection until it ends; `first` are the bytes read from it already.

        Raises PeerGoneError when it broke.
        """
        session = TextSession(self._broker, peer, self._connections)
        connection = TextConnection(lambda request: payload_limit(self._broker, request), session.borrowed)
        try:
            session.bytes_in += len(first)
            is_going_on = handle_all(session, connection.feed(first))
            while is_going_on and not connection.closed and not peer.is_interrupted:
                is_going_on = handle_all(session, _receive(session, connection))
            session.flush()
        finally:
            session.close()
        peer.linger()


def _receive(session: TextSession, connection: TextConnection) -> list[Event]:
    """Wait for bytes that make at least one request whole, or for the end of the stream.

    Raises PeerGoneError when the peer takes longer for that than it may be idle.
    """
    deadline = Deadline(session.peer.idle_s)
    while True:
        size_bytes = receive_some(session, connection, deadline)
        if size_bytes == 0:
            return connection.eof_received()
        events = connection.buffer_updated(size_bytes)
        if events:
            return events
        if deadline.expired():
            raise PeerGoneError(f"half a request in {session.peer.idle_s:g} s (connections.max.idle.ms)")


def handle_all(session: TextSession, events: list[Event]) -> bool:
    """Do what was asked; False when the connection cannot go on."""
    try:
        for event in events:
            _handle(session, event)
    except PeerGoneError:
        raise
    except Exception:
        logger.exception("%s: a request failed", session.peer.name)
        session.give_up(UnknownServerError("the broker failed to handle the request; its log says more"))
        return False
    return True


def _handle(session: TextSession, event: Event) -> None:
    if not isinstance(event, _PIPELINED):
        session.requests += 1
        session.settle()
    try:
        HANDLERS[type(event)](session, event)
    except QuekkaError as error:
        session.reply_error(error)
