"""Open connections can be found and ended, and none is forgotten."""

import threading
from collections.abc import Callable

from quekka.deadline import Deadline
from quekka.servers.connection_registry import ConnectionRegistry
from quekka.servers.peer import Peer


def reading_thread(registry: ConnectionRegistry, peer: Peer) -> threading.Thread:
    """As a connection's thread: it waits for bytes and then removes itself."""

    def run() -> None:
        while peer.receive_into(memoryview(bytearray(10))) is None:
            continue
        registry.remove(peer)

    return threading.Thread(target=run)


def test_interrupting_ends_what_waits_for_requests(make_peer: Callable[..., Peer]) -> None:
    registry = ConnectionRegistry()
    peer = make_peer()
    thread = reading_thread(registry, peer)
    assert registry.add(peer, thread)
    thread.start()
    assert len(registry) == 1
    registry.interrupt_all()
    assert registry.join(Deadline(30))
    assert len(registry) == 0


def test_a_thread_that_goes_on_is_not_waited_for_longer_than_the_deadline(
    make_peer: Callable[..., Peer],
) -> None:
    registry = ConnectionRegistry()
    peer = make_peer()
    end = threading.Event()

    def run() -> None:
        end.wait(30)
        registry.remove(peer)

    thread = threading.Thread(target=run)
    registry.add(peer, thread)
    thread.start()
    registry.interrupt_all()
    assert not registry.join(Deadline(0.01))
    assert registry.cut_all() == [peer.name]
    end.set()
    assert registry.join(Deadline(30))


def test_nobody_is_added_once_it_stops(make_peer: Callable[..., Peer]) -> None:
    registry = ConnectionRegistry()
    registry.interrupt_all()
    assert not registry.add(make_peer(), threading.Thread())
    assert registry.join(Deadline(0))


def test_a_removed_connection_is_closed_and_not_touched_again(make_peer: Callable[..., Peer]) -> None:
    registry = ConnectionRegistry()
    peer = make_peer()
    registry.add(peer, threading.Thread())
    registry.remove(peer)
    registry.interrupt_all()
    assert not peer.is_interrupted
    registry.remove(peer)
