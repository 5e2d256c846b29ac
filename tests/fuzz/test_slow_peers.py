"""Peers that take their time: senders of a byte now and then, of half a request, and readers who never read.

Each costs a thread and a bounded piece of memory until connections.max.idle.ms is over; everybody else is
served meanwhile, and a stop does not wait for them longer than its time.
"""

import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from broker_helpers import batch_of
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from quekkad_process import QuekkadProcess
from wire_client import WireClient

from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic
from quekka.protocols.kafka.api_03_metadata import MetadataRequest, MetadataRequestTopic
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.framing import RequestHeader

IDLE_S = 1.0
PEERS = 40
PROBES_MAX = 12
"""Threads of connections that ask for health: they linger after their client has gone."""
MESSAGE_BYTES = 1_000_000
MESSAGES = 12
SMALL_BUFFER_BYTES = 4096
GONE_TIMEOUT_S = 60.0
"""Only a leak takes so long: a reply is given up when nothing of it was taken for `IDLE_S`."""
REPLY_BYTES_MAX = MESSAGES * (MESSAGE_BYTES + 100)
PEER_BYTES_MAX = 2 * REPLY_BYTES_MAX + (2 << 20)
"""Of a reader: its reply in parts and joined, and 2 MiB of requests that are taken in before it is sent."""


def frame(api_key: int, version: int, request: object) -> bytes:
    return bytes(encode_request(RequestHeader(api_key, version, 0, "slow"), request))


METADATA = frame(3, 12, MetadataRequest([MetadataRequestTopic(name="t")] * 50, False))
FETCH = frame(
    1,
    11,
    FetchRequest(
        max_wait_ms=0,
        min_bytes=1,
        max_bytes=50_000_000,
        topics=[FetchTopic("t", [FetchPartition(0, fetch_offset=0, partition_max_bytes=50_000_000)])],
    ),
)
APPEND = bytes(batch_of([b"value"], 1_700_000_000_000))

HALVES = {
    "silence": b"",
    "half a word": b"PUB",
    "half a line": b"PUBLISH t 5",
    "half a payload": b"PUBLISH t 1000000\r\n" + bytes(50_000),
    "half of a large payload": b"APPEND t 0 100000000\r\n" + bytes(200_000),
    "half a size": FETCH[:3],
    "half a header": FETCH[:9],
    "half a frame": FETCH[:-1],
    "half of a large frame": b"\x05\x00\x00\x00" + METADATA[4:],
}
TRICKLES = {
    "a line": b"PUBLISH " + b"t" * 8000,
    "a payload": b"PUBLISH t 8000\r\n" + bytes(8000),
    "a frame": struct.pack(">i", 8000) + FETCH[4:] + bytes(8000),
    "a large frame": struct.pack(">i", 8_000_000) + FETCH[4:] + bytes(8000),
}
"""More than is sent before the time is over."""
NEVER_READ = {
    "READ": b"READ t 0 0 max_bytes=50000000\r\n" * 20,
    "FETCH": b"FETCH t 0 0 1000 0 max_bytes=50000000\r\n" * 20,
    "POLL": b"POLL t team 1000 0 max_bytes=50000000\r\n" * 20,
    "HELP": b"HELP\r\n" * 50_000,
    "PUBLISH": b"PUBLISH t 1\r\nx" * 50_000,
    "APPEND": (b"APPEND t 0 %d\r\n" % len(APPEND) + APPEND) * 10_000,
    "Kafka's Fetch": FETCH * 20,
    "Kafka's Metadata": METADATA * 1000,
}


@pytest.fixture
def process(quekkad: Callable[..., QuekkadProcess]) -> Iterator[QuekkadProcess]:
    process = quekkad(
        f"--set=connections.max.idle.ms={IDLE_S * 1000:.0f}", env={"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
    )
    with WireClient(process.host, process.port) as client:
        for _ in range(MESSAGES):
            client.publish("t", bytes(MESSAGE_BYTES))
    yield process
    assert "Traceback" not in process.log()


def connect(process: QuekkadProcess) -> socket.socket:
    """A connection that takes as little as the system lets it, and is never waited for."""
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    connected.connect((process.host, process.port))
    connected.setblocking(False)
    return connected


def send_some(connected: socket.socket, data: bytes) -> None:
    """As much as the system takes; nothing where the broker has hung up."""
    try:
        connected.send(data)
    except OSError:
        return


def check_health(process: QuekkadProcess) -> int:
    """PING and ApiVersions are answered; how many connections are open beside the one that asks."""
    with KafkaWire(process.host, process.port) as wire:
        assert wire.ask(18, 3, ApiVersionsRequest("test", "1")).error_code == 0
    with WireClient(process.host, process.port) as client:
        assert client.ask("PING") == "+OK PONG"
        words = dict(word.split("=", 1) for word in client.ask("STATS").split(" ")[1:])
        return int(words["connections"]) - 1


def wait_until_gone(process: QuekkadProcess, is_expired: Callable[[], bool]) -> None:
    while check_health(process):
        assert not is_expired(), "connections of peers that do nothing stay open"


@pytest.fixture
def is_expired() -> Callable[[], bool]:
    from quekka.deadline import Deadline

    return Deadline(GONE_TIMEOUT_S).expired


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_half_a_request_that_stays_is_let_go_of(
    process: QuekkadProcess, half: bytes, is_expired: Callable[[], bool]
) -> None:
    with MemoryWatch(process) as watch:
        peers = [connect(process) for _ in range(PEERS)]
        for peer in peers:
            send_some(peer, half)
        check_health(process)
        wait_until_gone(process, is_expired)
        for peer in peers:
            peer.close()
    assert watch.peak_threads <= watch.idle_threads + PEERS + PROBES_MAX
    watch.assert_growth_within((16 << 20) + PEERS * (32 * 1024 + 4 * len(half)))


@pytest.mark.parametrize("name", TRICKLES)
def test_a_byte_now_and_then_does_not_keep_a_request_open(
    process: QuekkadProcess, name: str, is_expired: Callable[[], bool]
) -> None:
    """The time counts for the whole request: bytes that trickle in do not begin it anew."""
    peers = [connect(process) for _ in range(PEERS)]
    position = 0
    while check_health(process) or not position:
        assert not is_expired(), "a trickle of bytes keeps a connection for ever"
        for peer in peers:
            send_some(peer, TRICKLES[name][position : position + 1])
        position += 1
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("name", NEVER_READ)
def test_who_never_reads_costs_one_reply_and_is_given_up(
    process: QuekkadProcess, name: str, is_expired: Callable[[], bool]
) -> None:
    readers = 4
    with MemoryWatch(process) as watch:
        peers = [connect(process) for _ in range(readers)]
        for peer in peers:
            send_some(peer, NEVER_READ[name])
        wait_until_gone(process, is_expired)
        for peer in peers:
            peer.close()
    watch.assert_growth_within((32 << 20) + readers * PEER_BYTES_MAX)


def test_a_stop_waits_for_none_of_them_longer_than_its_time(quekkad: Callable[..., QuekkadProcess]) -> None:
    """Their idle time is ten minutes here; the process would not end in time if anybody waited for it."""
    process = quekkad("--set=shutdown.timeout.ms=1000")
    with WireClient(process.host, process.port) as client:
        client.publish("t", bytes(MESSAGE_BYTES))
    peers = [connect(process) for _ in range(2 * (len(HALVES) + len(NEVER_READ)))]
    for peer, data in zip(peers, [*HALVES.values(), *NEVER_READ.values()] * 2, strict=True):
        send_some(peer, data)
    check_health(process)
    assert process.terminate() == 0
    for peer in peers:
        peer.close()
