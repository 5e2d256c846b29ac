"""Which code serves which protocol: a table, so that one more protocol is one more row."""

import functools
from collections.abc import Callable

from quekka.broker.broker import BrokerCore
from quekka.errors import BadRequestError
from quekka.protocols.text import replies
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.peer import Peer
from quekka.servers.text_server import TextServer

ProtocolHandler = Callable[[Peer, bytes], None]
"""Serves a connection until it ends; the bytes are what was read to find out its protocol."""

HTTP_BODY = b"This broker does not serve HTTP; it speaks Kafka's and a text protocol, quekka-protocol(7).\n"


def protocol_handlers(broker: BrokerCore, connections: ConnectionSlots) -> dict[str, ProtocolHandler]:
    """A handler for every protocol that `sniff` can name."""
    return {
        "text": TextServer(broker, connections).serve,
        "http": functools.partial(refuse_http, broker),
        "kafka": functools.partial(serve_kafka, broker),
        "tls": functools.partial(refuse_tls, broker),
    }


def refuse_http(broker: BrokerCore, peer: Peer, first: bytes) -> None:
    """Answer 501, whatever was asked."""
    asked = first.partition(b"\r\n")[0][:80].decode("latin-1")
    broker.refusals.say(peer.host, peer.name, f"HTTP is not served: {asked!r}")
    peer.send(
        b"HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(HTTP_BODY), HTTP_BODY)
    )
    peer.linger()


def serve_kafka(broker: BrokerCore, peer: Peer, first: bytes) -> None:
    """Serve a Kafka client. What that takes is imported with the first one: not all brokers have any."""
    from quekka.servers.kafka_server import KafkaServer

    KafkaServer(broker).serve(peer, first)


def refuse_tls(broker: BrokerCore, peer: Peer, _first: bytes) -> None:
    """Hang up, and tell the operator."""
    what = "speaks TLS, which this broker does not: turn it off in the client (security.protocol=PLAINTEXT)"
    broker.refusals.say(peer.host, peer.name, what)


def refuse_here(broker: BrokerCore, protocol: str, peer: Peer) -> None:
    """Turn away a protocol that the listener is not meant for (`protocols=`)."""
    what = f"speaks {protocol}, which this listener is not meant for (protocols= of --listen)"
    broker.refusals.say(peer.host, peer.name, what)
    if protocol == "text":
        peer.send(replies.error(BadRequestError("this listener does not speak the text protocol")))
        peer.linger()
