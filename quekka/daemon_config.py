"""The settings of quekkad itself, and how all settings come together.

What an embedded broker leaves to its process (where to listen, where data lies, how to log, how the
interpreter shares time) is a row of DAEMON_SETTINGS; all else is a row of the broker's own table. Of the
places where a setting may be given, the later one counts:

    1. its default
    2. the file of --config
    3. the environment, QUEKKA_<NAME>
    4. --set name=value
    5. the option of its own: --listen, --port, --data-dir, --log-level, --log-format
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from quekka.broker.config import BROKER_SETTINGS, EMBEDDED_DEFAULTS
from quekka.config_file import Given
from quekka.cpu_affinity import check_affinity
from quekka.errors import InvalidConfigError, QuekkaError
from quekka.log_format import FORMATS, LEVELS
from quekka.servers.listen_address import ListenAddress
from quekka.setting import Setting, boolean, choice, integer

INSECURE_FLAG = "--insecure-listen-anywhere"


def _listeners(value: str) -> str:
    """Addresses separated by spaces, each as ListenAddress reads it."""
    addresses = value.split()
    if not addresses:
        raise ValueError("no address to listen on")
    for address in addresses:
        try:
            ListenAddress.parse(address)
        except QuekkaError as error:
            raise ValueError(error.message) from None
    return " ".join(addresses)


def _directory(value: str) -> str:
    if not value:
        raise ValueError("no directory")
    return value


_ROWS = (
    Setting(
        "cpu.affinity",
        check_affinity,
        "auto",
        "The processors to run on: auto (one, where there are at most two), none, or a list as 0,2-3.",
        dynamic=False,
    ),
    Setting(
        "gc.threshold",
        integer(0, 2**31 - 1),
        10_000,
        "How many more objects than before may exist until Python looks for unreachable ones; 0 is never.",
        dynamic=False,
    ),
    Setting(
        "insecure.listen.anywhere",
        boolean,
        False,
        "Listen on addresses that other machines can reach, although there is no authentication.",
        dynamic=False,
    ),
    Setting(
        "listeners",
        _listeners,
        "127.0.0.1:9999",
        "Where to listen: host:port, separated by spaces; with ,protocols=text+kafka added, for these only.",
        dynamic=False,
    ),
    Setting(
        "log.dir", _directory, "./data", "The data directory; it is created when missing.", dynamic=False
    ),
    Setting(
        "logging.format",
        choice(*FORMATS),
        "text",
        "How the log on standard error is written: text for people, json for programs.",
        dynamic=False,
    ),
    Setting(
        "logging.level",
        choice(*LEVELS),
        "info",
        "What is worth a line in the log: debug, info, warning or error.",
        dynamic=False,
    ),
    Setting(
        "shutdown.timeout.ms",
        integer(0, 2**31 - 1),
        10_000,
        "How long a stop waits for requests in progress.",
        dynamic=False,
    ),
)

DAEMON_SETTINGS: Mapping[str, Setting] = MappingProxyType({row.name: row for row in _ROWS})
"""What only quekkad has, by name."""

ALL_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {row.name: row for row in sorted((*_ROWS, *BROKER_SETTINGS.values()), key=lambda row: row.name)}
)
"""What quekkad reads from file, environment and --set, sorted by name."""


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """All settings of a quekkad: `given`, from the least to the most important place, over the defaults."""

    given: Mapping[str, Given]

    @classmethod
    def combine(cls, *places: Mapping[str, Given]) -> "DaemonConfig":
        """Later places override earlier ones. Raises InvalidConfigError for an address that is not safe."""
        config = cls({name: given for place in places for name, given in place.items()})
        config._refuse_strangers()
        return config

    @property
    def listeners(self) -> tuple[str, ...]:
        return tuple(self._value("listeners").split())

    @property
    def log_dir(self) -> str:
        """The data directory as it was given."""
        return str(self._value("log.dir"))

    @property
    def data_dir(self) -> Path:
        return Path(self.log_dir)

    @property
    def cpu_affinity(self) -> str:
        return str(self._value("cpu.affinity"))

    @property
    def logging_format(self) -> str:
        return str(self._value("logging.format"))

    @property
    def logging_level(self) -> str:
        return str(self._value("logging.level"))

    @property
    def gc_threshold(self) -> int:
        return int(self._value("gc.threshold"))

    @property
    def switch_interval_s(self) -> float:
        return float(self._value("thread.switch.interval.ms")) / 1000

    @property
    def shutdown_timeout_s(self) -> float:
        return int(self._value("shutdown.timeout.ms")) / 1000

    def broker_settings(self) -> dict[str, str]:
        """What was given for the broker itself, and what else is another's default in a `quekka.Broker`."""
        given = {name: given.text for name, given in self.given.items() if name in BROKER_SETTINGS}
        return {name: BROKER_SETTINGS[name].show(self._value(name)) for name in EMBEDDED_DEFAULTS} | given

    def show(self) -> Iterator[str]:
        """The lines of a quekka.conf(5) that has every setting, and says which were given and where."""
        for name, row in ALL_SETTINGS.items():
            if name in self.given:
                yield f"# given by {self.given[name].origin}"
            yield f"{name} = {row.show(self._value(name))}"

    def _value(self, name: str) -> Any:
        row = ALL_SETTINGS[name]
        return row.read(self.given[name].text) if name in self.given else row.default

    def _refuse_strangers(self) -> None:
        """An address that other machines can reach needs to be meant."""
        if self._value("insecure.listen.anywhere"):
            return
        for address in self.listeners:
            if not _is_loopback(ListenAddress.parse(address).host):
                raise InvalidConfigError(
                    f"{address}: other machines can reach this address, and quekkad has no authentication: "
                    f"whoever connects can read, write and delete everything. Where the network is trusted, "
                    f"say so with {INSECURE_FLAG}"
                )


def describe_settings() -> Iterator[str]:
    """All settings as a quekka.conf(5) in which each is explained and commented out."""
    for name, row in ALL_SETTINGS.items():
        yield f"# {row.doc}"
        yield f"#{name} = {row.show(row.default)}"
        yield ""


def _is_loopback(host: str) -> bool:
    if host in ("127.0.0.1", "localhost", "::1"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: where it leads may change
