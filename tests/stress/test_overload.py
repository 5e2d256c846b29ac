"""Load beyond capacity: more connections than there is room for, more producers than a writer can serve,
consumers that stop reading, and all of it at once.

Memory stays under a bound that follows from the settings, whoever behaves gets on, health answers, what is
refused is told so, and when the load ends all is as before.
"""

import resource
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from quekkad_process import QuekkadProcess
from wire_client import WireClient

from quekka.deadline import Deadline
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.framing import RequestHeader

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
CONNECTIONS = 1000
CONNECTIONS_CAMPAIGN = 5000
OWN_DESCRIPTORS = 200
"""What the test and the broker need beside connections."""
CONNECTION_BYTES_MAX = 40 * 1024
"""Of a connection that is idle or has sent little: thread, buffers, objects."""
ALL_ANSWERED_TIMEOUT_S = 60.0
"""Only a fault takes this long."""
VERSIONS = bytes(encode_request(RequestHeader(18, 3, 0, "crowd"), ApiVersionsRequest("test", "1")))
REFUSED = b"-ERR TOO_MANY_CONNECTIONS"


@pytest.fixture
def connections(rounds: int) -> Iterator[int]:
    """How many connections there may be: the soft limit is raised for the test and the broker it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS if rounds == 1 else CONNECTIONS_CAMPAIGN
    allowed = min(wanted, hard - OWN_DESCRIPTORS)
    if allowed < wanted:
        print(f"{allowed} instead of {wanted} connections: the hard limit of descriptors is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed + OWN_DESCRIPTORS), hard))
    yield allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def crowd(process: QuekkadProcess, count: int) -> Iterator[list[socket.socket]]:
    """Connections opened without waiting for any of them."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            connected = stack.enter_context(socket.socket())
            connected.setblocking(False)
            connected.connect_ex((process.host, process.port))
            sockets.append(connected)
        yield sockets


def ask_all(sockets: Sequence[socket.socket]) -> Counter[str]:
    """Every second one asks PING, the others ApiVersions, each as soon as it can; what they got."""
    deadline = Deadline(ALL_ANSWERED_TIMEOUT_S)
    found: Counter[str] = Counter()
    waiting = {connected.fileno(): (connected, number % 2 == 0) for number, connected in enumerate(sockets)}
    with select.epoll() as poll:
        for fileno in waiting:
            poll.register(fileno, select.EPOLLOUT)
        while waiting and not deadline.expired():
            for fileno, events in poll.poll(1.0):
                connected, is_text = waiting[fileno]
                if events & select.EPOLLOUT:
                    poll.modify(fileno, select.EPOLLIN)
                outcome = _ask(connected, is_text) if events & select.EPOLLOUT else _answer(connected)
                if outcome:
                    found[outcome] += 1
                    poll.unregister(fileno)
                    del waiting[fileno]
    found["unanswered"] += len(waiting)
    return +found


def _ask(connected: socket.socket, is_text: bool) -> str:
    try:
        connected.send(b"PING\r\n" if is_text else VERSIONS)
    except OSError:
        return "closed"
    return ""


def _answer(connected: socket.socket) -> str:
    try:
        answer = connected.recv(4096)
    except OSError:
        return "closed"
    if answer.startswith(REFUSED):
        return "told so"
    return "served" if answer else "closed"


def check_health(process: QuekkadProcess) -> dict[str, str]:
    """Both protocols answer; what STATS says."""
    with KafkaWire(process.host, process.port) as wire:
        assert wire.ask(18, 3, ApiVersionsRequest("test", "1")).error_code == 0
    with WireClient(process.host, process.port) as client:
        assert client.ask("PING") == "+OK PONG"
        return dict(word.split("=", 1) for word in client.ask("STATS").split(" ")[1:])


def first_words(process: QuekkadProcess) -> str:
    """What the first of several clients in turn hears; one is just closed while 64 others are told."""
    deadline = Deadline(ALL_ANSWERED_TIMEOUT_S)
    while not deadline.expired():
        try:
            with WireClient(process.host, process.port) as client:
                words = client.ask("PING")
        except OSError:
            continue
        if words:
            return words
    return ""


def wait_until_recovered(process: QuekkadProcess, watch: MemoryWatch, slack: int = 12) -> None:
    """Threads and descriptors of all who have gone are back; slack for files, writers and who asks."""
    deadline = Deadline(ALL_ANSWERED_TIMEOUT_S)
    while not watch.is_back(threads=slack, descriptors=slack):
        check_health(process)
        assert not deadline.expired(), f"{watch.threads()} threads, {watch.descriptors()} descriptors"


@pytest.mark.campaign
def test_thousands_of_connections_at_once_are_all_served(
    quekkad: Callable[..., QuekkadProcess], connections: int
) -> None:
    process = quekkad(env=MALLOC)
    with MemoryWatch(process) as watch:
        with crowd(process, connections) as sockets:
            assert ask_all(sockets) == {"served": connections}
            check_health(process)
        wait_until_recovered(process, watch)
    watch.assert_growth_within((16 << 20) + connections * CONNECTION_BYTES_MAX)


@pytest.mark.campaign
def test_connections_beyond_the_limit_are_refused_and_cost_nothing(
    quekkad: Callable[..., QuekkadProcess], connections: int
) -> None:
    """64 at a time are told so in the text protocol; Kafka's has no words for it, and more are closed."""
    limit = connections // 5
    process = quekkad(f"--set=max.connections={limit}", env=MALLOC)
    with MemoryWatch(process) as watch:
        with crowd(process, connections) as sockets:
            found = ask_all(sockets)
            assert found["served"] == limit
            assert found["told so"] >= 1
            assert found.total() == connections
            assert not found["unanswered"]
            assert first_words(process).startswith(REFUSED.decode())
        wait_until_recovered(process, watch)
        assert int(check_health(process)["connections_refused"]) >= connections - limit
    assert watch.peak_threads <= watch.idle_threads + limit + 64 + 4
    watch.assert_growth_within((16 << 20) + limit * CONNECTION_BYTES_MAX)


def test_a_broker_without_descriptors_left_serves_again_when_there_are(
    quekkad: Callable[..., QuekkadProcess],
) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    process = quekkad()
    with MemoryWatch(process) as watch:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (watch.descriptors() + 50, hard))
        with crowd(process, 200) as sockets:
            for connected in sockets[:40]:
                connected.setblocking(True)
                connected.sendall(b"PING\r\n")
                assert connected.recv(100) == b"+OK PONG\r\n"
        wait_until_recovered(process, watch)
    assert "Traceback" not in process.log()
