"""Which code serves which protocol: a table, so that one more protocol is one more row."""

import functools
import logging
from collections.abc import Callable

from quekka.broker.broker import BrokerCore
from quekka.errors import BadRequestError
from quekka.protocols.text import replies
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.peer import Peer
from quekka.servers.text_server import TextServer

logger = logging.getLogger(__name__)

ProtocolHandler = Callable[[Peer, bytes], None]
"""Serves a connection until it ends; the bytes are what was read to find out its protocol."""

HTTP_BODY = b"This broker does not serve HTTP; it speaks Kafka's and a text protocol, quekka-protocol(7).\n"


def protocol_handlers(broker: BrokerCore, connections: ConnectionSlots) -> dict[str, ProtocolHandler]:
    """A handler for every protocol that `sniff` can name."""
    return {
        "text": TextServer(broker, connections).serve,
        "http": refuse_http,
        "kafka": functools.partial(serve_kafka, broker),
        "tls": refuse_tls,
    }


def refuse_http(peer: Peer, first: bytes) -> None:
    """Answer 501, whatever was asked."""
    logger.info("%s: HTTP request refused: %s", peer.name, first.partition(b"\r\n")[0][:80])
    peer.send(
        b"HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(HTTP_BODY), HTTP_BODY)
    )
    peer.linger()


def serve_kafka(broker: BrokerCore, peer: Peer, first: bytes) -> None:
    """Serve a Kafka client. What that takes is imported with the first one: not all brokers have any."""
    from quekka.servers.kafka_server import KafkaServer

    KafkaServer(broker).serve(peer, first)


def refuse_tls(peer: Peer, _first: bytes) -> None:
    """Hang up, and tell the operator."""
    logger.warning("%s speaks TLS, which this broker does not: turn TLS off in the client", peer.name)


def refuse_here(protocol: str, peer: Peer) -> None:
    """Turn away a protocol that the listener is not meant for (`protocols=`)."""
    logger.warning("%s speaks %s, which this listener is not meant for (protocols=)", peer.name, protocol)
    if protocol == "text":
        peer.send(replies.error(BadRequestError("this listener does not speak the text protocol")))
        peer.linger()
