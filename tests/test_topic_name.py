"""quekka.topic_name: Kafka's rules for the names of topics."""

import pytest

from quekka.errors import InvalidTopicError, TopicAuthorizationFailedError
from quekka.topic_name import OFFSETS_TOPIC, check_topic_name, check_writable, collision_key, is_internal


@pytest.mark.parametrize("name", ["a", "logs", "A-Z_0.9", "...", "-", "__consumer_offsets", "x" * 249])
def test_a_legal_name_is_given_back(name: str) -> None:
    assert check_topic_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a b", "a/b", "../etc", "a\n", "a\0", "tést", "٣", "x" * 250, "%41"], ids=ascii
)
def test_a_name_outside_the_rules_is_refused_and_shown(name: str) -> None:
    with pytest.raises(InvalidTopicError) as refused:
        check_topic_name(name)
    assert repr(name[:64]) in refused.value.message


def test_names_that_begin_with_two_underscores_are_the_brokers_own() -> None:
    assert is_internal(OFFSETS_TOPIC)
    assert not is_internal("_one")


def test_the_brokers_own_topics_are_not_writable() -> None:
    assert check_writable("_one") == "_one"
    with pytest.raises(TopicAuthorizationFailedError, match="__consumer_offsets"):
        check_writable(OFFSETS_TOPIC)


def test_dot_and_underscore_collide_as_in_kafka() -> None:
    assert collision_key("a.b_c") == collision_key("a_b.c")
    assert collision_key("a.b") != collision_key("a-b")
