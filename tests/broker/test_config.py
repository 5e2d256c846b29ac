"""Tests of quekka.broker.config."""

import pytest

from quekka.broker.config import BROKER_SETTINGS, TOPIC_DEFAULT_NAMES, BrokerConfig, field_names
from quekka.errors import InvalidConfigError
from quekka.storage.log_config import TOPIC_SETTINGS


def test_every_setting_has_its_field_with_the_same_default() -> None:
    own = [name for name in BROKER_SETTINGS if name not in TOPIC_DEFAULT_NAMES]
    assert sorted(field_names()) == own
    config = BrokerConfig()
    assert {name: getattr(config, name.replace(".", "_")) for name in own} == {
        name: BROKER_SETTINGS[name].default for name in own
    }


def test_every_topic_default_is_of_a_topic_setting() -> None:
    assert set(TOPIC_DEFAULT_NAMES.values()) <= set(TOPIC_SETTINGS)
    for name, topic_name in TOPIC_DEFAULT_NAMES.items():
        assert BROKER_SETTINGS[name].default == TOPIC_SETTINGS[topic_name].default


def test_settings_are_read_and_shown_again() -> None:
    config = BrokerConfig.from_settings({"num.partitions": "3", "log.retention.ms": "1000"})
    assert config.num_partitions == 3
    assert config.topic_defaults == {"retention.ms": "1000"}
    shown = config.show()
    assert (shown["num.partitions"], shown["log.retention.ms"]) == ("3", "1000")
    assert set(shown) == set(BROKER_SETTINGS)
    assert BrokerConfig.from_settings({k: v for k, v in shown.items() if v}).num_partitions == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("num.partition", "3", "num.partition: no such setting", id="unknown"),
        pytest.param("num.partitions", "0", r"num\.partitions=0: not between 1 and", id="out_of_bounds"),
        pytest.param("num.partitions", "many", r"num\.partitions=many: not a whole number", id="no_number"),
        pytest.param("log.retention.ms", "soon", r"log\.retention\.ms=soon", id="topic_default"),
        pytest.param("auto.create.topics.enable", "yes", "neither true nor false", id="boolean"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        BrokerConfig.from_settings({name: value})


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", ()),
        ("broker.example.com:9092", ("broker.example.com:9092",)),
        ("PLAINTEXT://[2001:db8::1]:9092", ("[2001:db8::1]:9092",)),
        ("INTERNAL://kafka:29092, EXTERNAL://localhost:9092", ("kafka:29092", "localhost:9092")),
    ],
    ids=["none", "plain", "ipv6_named_as_in_kafka", "two"],
)
def test_advertised_listeners_are_addresses_with_or_without_kafkas_names(
    text: str, addresses: tuple[str, ...]
) -> None:
    config = BrokerConfig.from_settings({"advertised.listeners": text})
    assert config.advertised_listeners == addresses
    shown = config.show()["advertised.listeners"]
    assert BrokerConfig.from_settings({"advertised.listeners": shown}) == config


@pytest.mark.parametrize(
    "text",
    ["localhost", "localhost:0", "localhost:70000", ":9092", "localhost:port", "0.0.0.0:9092", "[::]:1"],
)
def test_what_no_client_could_connect_to_is_not_advertised(text: str) -> None:
    with pytest.raises(InvalidConfigError, match=r"advertised\.listeners"):
        BrokerConfig.from_settings({"advertised.listeners": text})
