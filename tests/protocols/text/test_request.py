"""Requests are plain values."""

import pytest

from quekka.protocols.text.request import ACKS_ALL, Append, Publish


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Publish("logs", 5).topic = "other"  # type: ignore[misc]


def test_a_publish_that_says_nothing_else_is_a_value_without_a_key_that_wants_a_reply() -> None:
    assert Publish("logs", 5) == Publish(
        topic="logs", length=5, partition=None, key=None, headers=(), timestamp_ms=None, acks=ACKS_ALL
    )
    assert Append("logs", 0, 61).acks == ACKS_ALL


def test_equal_requests_are_equal() -> None:
    assert Publish("logs", 5, key=b"k") == Publish("logs", 5, None, b"k")
    assert Publish("logs", 5) != Publish("logs", 6)
