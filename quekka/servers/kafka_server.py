"""The loop of a Kafka connection: read all there is, understand it, do it, answer it in one piece.

One request at a time, and responses in the order of the requests, as Kafka does it. A Fetch or JoinGroup
that waits makes those behind it on the same connection wait; clients know and use connections of their own
for what must not wait.
"""

import logging
from typing import Any

from quekka.broker.broker import BrokerCore
from quekka.deadline import Deadline
from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_keys import API_VERSIONS, APIS_BY_KEY, FETCH, PRODUCE
from quekka.protocols.kafka.codec import decode_request, encode_response, response_type
from quekka.protocols.kafka.connection import Event, Refused, Request
from quekka.protocols.kafka.fetch_pieces import response_pieces
from quekka.protocols.kafka.fields import specs_of
from quekka.servers.kafka_handlers import HANDLER_NAMES, handler_for
from quekka.servers.kafka_session import HangUpError, KafkaSession, Promise
from quekka.servers.peer import Peer, PeerGoneError
from quekka.servers.receiving import receive_some

logger = logging.getLogger(__name__)



class KafkaServer:
    """Serves Kafka connections of one listener.

    Threads: any number of connections' own at once; it is immutable.
    """

    def __init__(self, broker: BrokerCore) -> None:
        self._broker = broker

    def serve(self, peer: Peer, first: bytes) -> None:
        """Serve one connection until it ends; `first` are the bytes read from it already.

        Raises PeerGoneError when it broke.
        """
        session = KafkaSession(self._broker, peer)
        try:
            _serve_logged(session, first)
            session.flush_ready()
        finally:
            session.close()
        peer.linger()


def _serve_logged(session: KafkaSession, first: bytes) -> None:
    """Handle requests until the connection has to end, and say why where that is not for its peer to know."""
    try:
        _serve_all(session, first)
    except HangUpError as error:
        session.errors += 1
        session.refuse(f"{error}; closing")
    except PeerGoneError:
        raise
    except Exception:
        logger.exception("%s: a request failed", session.describe())


def _serve_all(session: KafkaSession, first: bytes) -> None:
    """Handle request after request. Raises PeerGoneError, HangUpError."""
    connection = session.connection
    session.bytes_in += len(first)
    events = connection.feed(first)
    while True:
        _handle_all(session, events)
        if connection.closed or session.peer.is_interrupted:
            break
        events = _receive(session)
        if not events:
            break
    session.flush()


def _handle_all(session: KafkaSession, events: list[Event]) -> None:
    """Handle requests and forget them: a body keeps all the memory that it lies in, also of an idle peer."""
    for event in events:
        _handle(session, event)
    events.clear()


def _receive(session: KafkaSession) -> list[Event]:
    """Wait for bytes that make at least one request whole; nothing at the end of the stream.

    Raises PeerGoneError when the peer takes longer for that than it may be idle.
    """
    connection = session.connection
    deadline = Deadline(session.peer.idle_s)
    while True:
        size_bytes = receive_some(session, connection, deadline)
        if size_bytes == 0:
            if connection.in_frame:
                logger.info("%s went away in the middle of a request", session.describe())
            return []
        events = connection.buffer_updated(size_bytes)
        if events:
            return events
        if deadline.expired():
            raise PeerGoneError(f"half a request in {session.peer.idle_s:g} s (connections.max.idle.ms)")


def _handle(session: KafkaSession, event: Event) -> None:
    if isinstance(event, Refused):
        _refuse(session, event)
        return
    session.requests += 1
    session.client_id = event.client_id or session.client_id
    if event.api_key not in HANDLER_NAMES:
        raise HangUpError(f"{APIS_BY_KEY[event.api_key].name} is not served")
    if event.api_key != PRODUCE:
        session.settle()
    session.api_key, session.api_version = event.api_key, event.api_version
    try:
        response = _ask(session, event)
    except QuekkaError as error:
        response = _error_response(session, error)
    _answer(session, event, response)


def _ask(session: KafkaSession, request: Request) -> Any:
    """What the handler says to the request; raises HangUpError for one that is malformed."""
    try:
        asked = decode_request(request.api_key, request.api_version, request.body)
    except InvalidRequestError as error:
        raise HangUpError(error.message) from error
    return handler_for(request.api_key)(session, asked, request.api_version)


def _refuse(session: KafkaSession, refused: Refused) -> None:
    """Say in the log who cannot be served what: the first thing that a user with a failing client needs."""
    session.errors += 1
    if refused.header is not None:
        session.client_id = refused.header.client_id or session.client_id
    if refused.header is not None and refused.header.api_key == API_VERSIONS and not refused.closes:
        # Newer clients ask so on every connection, and then as they were told (KIP-511).
        logger.debug("%s: %s; told so", session.describe(), refused.error.message)
    else:
        session.refuse(f"{refused.error.message}; {'closing' if refused.closes else 'told so'}")
    if refused.reply:
        session.settle()
        session.reply(refused.reply)


def _answer(session: KafkaSession, request: Request, response: Any) -> None:
    if response is None:
        return
    if isinstance(response, Promise):
        session.promise(request, response)
    elif request.api_key == FETCH:
        session.flush()
        session.send_pieces(response_pieces(response, request.api_version, request.correlation_id))
    else:
        session.reply(encode_response(*request[:3], response))


def _error_response(session: KafkaSession, error: QuekkaError) -> Any:
    """The response of the present request's kind that says nothing but the error.

    Raises HangUpError where such a response, in the version of the request, has no place for it.
    """
    kind = response_type(APIS_BY_KEY[session.api_key])
    names = {field.name for field, spec in specs_of(kind) if session.api_version in spec.versions}
    if "error_code" not in names:
        raise HangUpError(f"{error.code} {error.message}") from error
    values: dict[str, Any] = {"error_code": session.error_number(error)}
    if "error_message" in names:
        values["error_message"] = error.message
    return kind(**values)
