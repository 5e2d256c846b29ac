"""quekka.daemon_config: which place counts, what is shown, and who may connect."""

from pathlib import Path

import pytest

from quekka.broker.config import BROKER_SETTINGS, BrokerConfig
from quekka.config_file import Given, read_config_file
from quekka.daemon_config import ALL_SETTINGS, DAEMON_SETTINGS, DaemonConfig, describe_settings
from quekka.errors import InvalidConfigError

OWN_DEFAULTS = {"busy.poll.us": "100"}
"""What quekkad gives a broker that would have another default in another program."""


def given(**settings: str) -> dict[str, Given]:
    """`given(log_dir="x")` is log.dir, given by a test."""
    return {name.replace("_", "."): Given(text, "test") for name, text in settings.items()}


def test_defaults_hold_where_nothing_is_given() -> None:
    config = DaemonConfig.combine()
    assert config.listeners == ("127.0.0.1:9999",)
    assert (config.log_dir, config.data_dir) == ("./data", Path("data"))
    assert (config.logging_level, config.logging_format) == ("info", "text")
    assert config.shutdown_timeout_s == 10.0
    assert config.broker_settings() == OWN_DEFAULTS


def test_a_later_place_overrides_an_earlier_one() -> None:
    config = DaemonConfig.combine(
        given(log_dir="/file", num_partitions="2", logging_level="debug"),
        given(log_dir="/environment", num_partitions="3"),
        given(log_dir="/option"),
    )
    assert config.data_dir == Path("/option")
    assert config.broker_settings() == OWN_DEFAULTS | {"num.partitions": "3"}
    assert config.logging_level == "debug"


def test_the_brokers_settings_are_passed_on_and_the_daemons_are_not() -> None:
    config = DaemonConfig.combine(given(log_dir="/d", gc_threshold="5", log_retention_ms="1000"))
    assert config.broker_settings() == OWN_DEFAULTS | {"log.retention.ms": "1000"}
    assert BrokerConfig.from_settings(config.broker_settings()).topic_defaults == {"retention.ms": "1000"}


def test_no_name_is_a_setting_of_both() -> None:
    assert not DAEMON_SETTINGS.keys() & BROKER_SETTINGS.keys()
    assert list(ALL_SETTINGS) == sorted({*DAEMON_SETTINGS, *BROKER_SETTINGS})


def test_every_default_can_be_written_and_read_back() -> None:
    for row in ALL_SETTINGS.values():
        assert row.read(row.show(row.default)) == row.default, row.name


def test_several_listeners_are_separated_by_blanks() -> None:
    config = DaemonConfig.combine(given(listeners="127.0.0.1:0  127.0.0.1:9092,protocols=kafka"))
    assert config.listeners == ("127.0.0.1:0", "127.0.0.1:9092,protocols=kafka")


@pytest.mark.parametrize("listeners", ["", "  ", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(listeners: str) -> None:
    with pytest.raises(InvalidConfigError, match="listeners="):
        ALL_SETTINGS["listeners"].read(listeners)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:0", "localhost:0", "[::1]:0"])
def test_loopback_needs_no_permission(address: str) -> None:
    assert DaemonConfig.combine(given(listeners=address)).listeners == (address,)


@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "192.0.2.1:9999", "[::]:0", "example.org:9999", "127.example.org:1"]
)
def test_an_address_that_others_can_reach_must_be_meant(address: str) -> None:
    listeners = f"127.0.0.1:0 {address}"
    with pytest.raises(InvalidConfigError) as refused:
        DaemonConfig.combine(given(listeners=listeners))
    assert refused.value.message.startswith(f"{address}: other machines can reach this address")
    assert "--insecure-listen-anywhere" in refused.value.message
    meant = DaemonConfig.combine(given(listeners=listeners, insecure_listen_anywhere="true"))
    assert meant.listeners == ("127.0.0.1:0", address)


def test_what_is_shown_is_a_file_with_the_same_settings(tmp_path: Path) -> None:
    config = DaemonConfig.combine(given(log_dir="/d", num_partitions="3"))
    lines = list(config.show())
    assert lines[lines.index("log.dir = /d") - 1] == "# given by test"
    path = tmp_path / "quekka.conf"
    path.write_text("\n".join(lines))
    again = DaemonConfig.combine(read_config_file(path, ALL_SETTINGS))
    assert [line for line in again.show() if not line.startswith("#")] == [
        line for line in lines if not line.startswith("#")
    ]


def test_the_description_is_a_file_that_changes_nothing_until_lines_are_uncommented(tmp_path: Path) -> None:
    path = tmp_path / "quekka.conf"
    path.write_text("\n".join(describe_settings()))
    assert read_config_file(path, ALL_SETTINGS) == {}
    path.write_text(
        "\n".join(line.removeprefix("#") for line in describe_settings() if not line.startswith("# "))
    )
    assert list(read_config_file(path, ALL_SETTINGS)) == list(ALL_SETTINGS)
