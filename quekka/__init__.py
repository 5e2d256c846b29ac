"""Quekka: a Kafka-style message broker in one Python process, and the clients for it.

    import quekka

    with quekka.Broker() as broker:
        with quekka.Producer(broker.address) as producer: ...

The names below are loaded at first use, so that `import quekka` costs a program only what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from quekka.version import __version__

if TYPE_CHECKING:
    from quekka.client.admin import Admin
    from quekka.client.consumer import Consumer
    from quekka.client.producer import Producer
    from quekka.embedded import Broker

__all__ = ["Admin", "Broker", "Consumer", "Producer", "__version__"]

_HOMES = {
    "Admin": "quekka.client.admin",
    "Broker": "quekka.embedded",
    "Consumer": "quekka.client.consumer",
    "Producer": "quekka.client.producer",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
