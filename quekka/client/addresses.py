"""The addresses of brokers, as people write them: `localhost:9999`, `[::1]:9999`, or several of them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from quekka.errors import InvalidConfigError

PORT_MAX = 65535

_HOST_AND_PORT = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII
)


class Address(NamedTuple):
    """A host's name or number, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(servers: str | Sequence[str]) -> tuple[Address, ...]:
    """The addresses in `servers`: a text, with commas between several, or a list of such texts.

    Raises InvalidConfigError that repeats what is no address.
    """
    texts = [servers] if isinstance(servers, str) else list(servers)
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    if not words:
        raise InvalidConfigError("servers: no address is given; write host:port, such as 127.0.0.1:9999")
    return tuple(_parse(word) for word in words)


def _parse(word: str) -> Address:
    match = _HOST_AND_PORT.fullmatch(word)
    if match is None or not 1 <= int(match["port"]) <= PORT_MAX:
        raise InvalidConfigError(f"servers={word[:128]}: not host:port, such as 127.0.0.1:9999")
    return Address(match["ipv6"] or match["host"], int(match["port"]))
