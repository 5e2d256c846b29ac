"""What a consumer tells the group of itself: its subscription, the metadata of protocol type `consumer`.

    +-----------+-----------------+---------+- - -+---------+- - - - - - - - - - - - - - - - +
    | version 2 | topics, count 4 | topic   | ... | topic   | what each version adds, unread |
    +-----------+-----------------+---------+- - -+---------+- - - - - - - - - - - - - - - - +

The numbers in the boxes are sizes in bytes. Big-endian; before a topic's name stands its length in two bytes.
Every version begins as version 0 does, so that a broker can read the topics of versions it does not know.
Source: ConsumerProtocolSubscription.json in Kafka's clients.
"""

import struct

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer

PROTOCOL_TYPE = "consumer"

_START = struct.Struct(">hi")
_LENGTH = struct.Struct(">h")


def subscribed_topics(metadata: Buffer) -> frozenset[str]:
    """The topics that a consumer reads; raises CorruptMessageError where this is no subscription."""
    try:
        version, count = _START.unpack_from(metadata)
        position = _START.size
        topics = []
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(metadata, position)
            position += _LENGTH.size
            topics.append(_text(metadata, position, length))
            position += length
    except (struct.error, UnicodeDecodeError) as error:
        raise CorruptMessageError(f"a consumer's subscription that cannot be read: {error}") from None
    if version < 0 or count < 0:
        raise CorruptMessageError(f"a consumer's subscription of version {version} with {count} topics")
    return frozenset(topics)


def _text(data: Buffer, position: int, length: int) -> str:
    if not 0 <= length <= len(data) - position:
        raise CorruptMessageError(f"a consumer's subscription is cut at byte {position}")
    return str(data[position : position + length], "utf-8")
