"""quekka.formats.consumer_protocol: subscriptions of consumers, as their clients write them."""

import struct

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.consumer_protocol import subscribed_topics


def subscription(*topics: str, version: int = 0, more: bytes = b"") -> bytes:
    names = b"".join(struct.pack(">h", len(topic.encode())) + topic.encode() for topic in topics)
    return struct.pack(">hi", version, len(topics)) + names + more


@pytest.mark.parametrize(
    ("metadata", "topics"),
    [
        pytest.param(subscription(), set(), id="none"),
        pytest.param(subscription("logs", more=b"\xff\xff\xff\xff"), {"logs"}, id="version_0"),
        pytest.param(subscription("a", "b", version=3, more=b"\0" * 20), {"a", "b"}, id="version_3"),
        pytest.param(subscription("a", version=99, more=b"unheard of"), {"a"}, id="version_unknown"),
        pytest.param(memoryview(subscription("logs")), {"logs"}, id="memoryview"),
    ],
)
def test_the_topics_of_every_version_are_read(metadata: bytes, topics: set[str]) -> None:
    assert subscribed_topics(metadata) == topics


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"range", id="too_short"),
        pytest.param(subscription("logs")[:-1], id="cut_in_a_name"),
        pytest.param(struct.pack(">hi", 0, 2**31 - 1), id="more_topics_than_bytes"),
        pytest.param(struct.pack(">hih", 0, 1, -1), id="negative_length"),
        pytest.param(struct.pack(">hi", 0, -1), id="negative_count"),
        pytest.param(struct.pack(">hi", -1, 0), id="negative_version"),
        pytest.param(struct.pack(">hih", 0, 1, 1) + b"\xff", id="no_utf_8"),
    ],
)
def test_what_is_no_subscription_is_refused(metadata: bytes) -> None:
    with pytest.raises(CorruptMessageError, match="a consumer's subscription"):
        subscribed_topics(metadata)
