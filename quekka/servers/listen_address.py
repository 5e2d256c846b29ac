"""Where a server listens, as `--listen` and quekka.conf(5) write it.

    127.0.0.1:9999                         every protocol
    [::1]:9999                             IPv6 in brackets
    0.0.0.0:9092,protocols=kafka+text      only these, on all addresses of IPv4
    *:9999                                 the same as 0.0.0.0:9999

Port 0 means any free one.
"""

from dataclasses import dataclass

from quekka.errors import BadRequestError
from quekka.protocols.sniff import PROTOCOLS

PORT_MAX = 65535
ALL_IPV4 = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host, a port (0: any free one) and the protocols that are served there.

    Threads: any; it is immutable.
    """

    host: str
    port: int
    protocols: tuple[str, ...] = PROTOCOLS

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """Read `host:port[,protocols=<name>+<name>...]`; raises BadRequestError that repeats it."""
        address, _, option = text.partition(",")
        host, colon, port = address.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5) or int(port) > PORT_MAX:
            raise BadRequestError(f"'{text}' is no address: <host>:<port>[,protocols=<name>+<name>...]")
        if not host:
            raise BadRequestError(f"'{text}' is no address: there is no host (0.0.0.0 is all of IPv4)")
        if host == "*":
            host = ALL_IPV4
        elif host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise BadRequestError(f"'{text}' is no address: an IPv6 host is written in brackets, as [::1]")
        return cls(host, int(port), _parse_protocols(text, option) if option else PROTOCOLS)

    def __str__(self) -> str:
        shown = format_address(self.host, self.port)
        return shown if self.protocols == PROTOCOLS else f"{shown},protocols={'+'.join(self.protocols)}"


def format_address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_protocols(text: str, option: str) -> tuple[str, ...]:
    name, _, value = option.partition("=")
    protocols = tuple(value.split("+"))
    if name != "protocols" or not set(protocols) <= set(PROTOCOLS):
        raise BadRequestError(f"'{text}': after the port only protocols= with {'+'.join(PROTOCOLS)} of it")
    return protocols
