"""Everything at once: a crowd, producers that flood a slow writer, consumers that stop reading.

Among them are clients that behave: each has a number of things to do, and the load goes on until they are
all done. So nobody may starve, whatever the others do.
"""

import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import Lines, Target, Worker, joined, read_partition

from quekka.deadline import Deadline
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest

NOW_MS = 1_700_000_000_000
MAX_CONNECTIONS = 150
CROWD = 400
FLOODERS = 10
NON_READERS = 20
STEPS = 30
"""What each client that behaves has to do."""
BATCH_BYTES = 200_000
BATCHES_AHEAD = 10
QUEUE_BYTES = 1 << 20
SETTINGS = (
    f"--set=max.connections={MAX_CONNECTIONS}",
    f"--set=queued.max.request.bytes={QUEUE_BYTES}",
    "--set=request.timeout.ms=300",
    "--set=log.flush.interval.messages=1",  # a sync for each group keeps the writer behind
)
GROWTH_BYTES_MAX = (
    (32 << 20)
    + MAX_CONNECTIONS * 40 * 1024
    + QUEUE_BYTES
    + FLOODERS * (2 << 20)
    + FLOODERS * BATCHES_AHEAD * BATCH_BYTES
    + NON_READERS * (1 << 20)
)
"""Connections, the queue, 2 MiB that each flooder sends ahead of its answers, and what a reader is being
sent: with READ that is a piece of the log, not all of the reply."""
KEPT_DESCRIPTORS_MAX = 20 + 2 * (FLOODERS + 10)
"""Files of logs, and a pipe for each thread that had to wait for a writer, which is kept for the next one."""
END_TIMEOUT_S = 60.0
"""Only a client that starves takes this long."""
THROTTLED = "THROTTLING_QUOTA_EXCEEDED"
REQUEST_TIMED_OUT = 7


def batch(*values: bytes) -> bytes:
    builder = BatchBuilder(NOW_MS)
    builder.append_values(values)
    return bytes(builder.build())


class Flooder(Worker):
    """Sends many appends, reads their answers, and begins again, until it is told to end."""

    def __init__(self, target: Target, over: threading.Event) -> None:
        super().__init__("flooder")
        self.answers: Counter[str] = Counter()
        self._lines = Lines(target)
        self._over = over

    def work(self) -> None:
        payload = batch(bytes(BATCH_BYTES))
        request = b"APPEND flood 0 %d\r\n" % len(payload) + payload
        with closing(self._lines):
            while not self._over.is_set():
                for _ in range(BATCHES_AHEAD):
                    self._lines.send(request)
                for _ in range(BATCHES_AHEAD):
                    answer = self._lines.read()
                    self.answers[answer[1] if answer[0] == "-ERR" else answer[0]] += 1


class TextProducer(Worker):
    """Publishes one record after the other into the flooded topic's other partition."""

    def __init__(self, process: QuekkadProcess) -> None:
        super().__init__("text-producer")
        self._client = WireClient(process.host, process.port)

    def work(self) -> None:
        with self._client as client:
            for number in range(STEPS):
                value = b"text %d" % number
                while not self._publish(client, value):
                    continue

    def _publish(self, client: WireClient, value: bytes) -> bool:
        answer = client.ask(f"PUBLISH flood {len(value)} partition=1", value)
        assert answer.startswith(("+OK ", f"-ERR {THROTTLED}")), answer
        return answer.startswith("+OK ")


class KafkaProducer(Worker):
    """As TextProducer, in the other protocol and into a topic of its own."""

    def __init__(self, process: QuekkadProcess) -> None:
        super().__init__("kafka-producer")
        self._wire = KafkaWire(process.host, process.port)

    def work(self) -> None:
        with self._wire as wire:
            for number in range(STEPS):
                while self._produce(wire, batch(b"kafka %d" % number)) == REQUEST_TIMED_OUT:
                    continue

    def _produce(self, wire: KafkaWire, records: bytes) -> int:
        data = [TopicProduceData("calm", [PartitionProduceData(0, memoryview(records))])]
        answer = wire.ask(0, 9, ProduceRequest(None, -1, 1000, data)).responses[0].partition_responses[0]
        assert answer.error_code in (0, REQUEST_TIMED_OUT), answer.error_message
        return int(answer.error_code)


class KafkaConsumer(Worker):
    """Fetches what KafkaProducer produces, as it comes."""

    def __init__(self, process: QuekkadProcess) -> None:
        super().__init__("kafka-consumer")
        self._wire = KafkaWire(process.host, process.port)

    def work(self) -> None:
        deadline = Deadline(END_TIMEOUT_S)
        log_end = 0
        with self._wire as wire:
            while log_end < STEPS:
                assert not deadline.expired(), f"{log_end} of {STEPS} records"
                place = FetchPartition(0, fetch_offset=log_end, partition_max_bytes=1 << 20)
                request = FetchRequest(max_wait_ms=200, min_bytes=1, topics=[FetchTopic("calm", [place])])
                log_end = wire.ask(1, 11, request).responses[0].partitions[0].high_watermark


class HealthProbe(Worker):
    """Asks both protocols for a sign of life."""

    def __init__(self, process: QuekkadProcess) -> None:
        super().__init__("health-probe")
        self._client = WireClient(process.host, process.port)
        self._wire = KafkaWire(process.host, process.port)

    def work(self) -> None:
        with self._client as client, self._wire as wire:
            for _ in range(STEPS):
                assert client.ask("PING") == "+OK PONG"
                assert client.ask("STATS").startswith("+OK ")
                assert wire.ask(18, 3, ApiVersionsRequest("test", "1")).error_code == 0


def _assert_refused(process: QuekkadProcess) -> None:
    """Who comes now is told so, or, where too many are being told so already, is just closed."""
    with WireClient(process.host, process.port) as late:
        try:
            answer = late.ask("PING")
        except ConnectionError:
            return
        assert not answer or answer.startswith("-ERR TOO_MANY_CONNECTIONS")


def open_non_reader(process: QuekkadProcess) -> socket.socket:
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connected.connect((process.host, process.port))
    connected.sendall(b"READ flood 0 0 max_bytes=50000000\r\n" * 20)
    return connected


def open_crowd(process: QuekkadProcess) -> list[socket.socket]:
    sockets = []
    for _ in range(CROWD):
        connected = socket.socket()
        connected.setblocking(False)
        connected.connect_ex((process.host, process.port))
        sockets.append(connected)
    return sockets


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_who_behaves_gets_on_while_all_others_press(
    quekkad: Callable[..., QuekkadProcess], rounds: int
) -> None:
    process = quekkad(*SETTINGS, env={"MALLOC_MMAP_THRESHOLD_": str(1 << 20)})
    with WireClient(process.host, process.port) as client:
        assert client.ask("CREATE flood partitions=2") == "+OK flood"
        assert client.ask("CREATE calm") == "+OK calm"
        client.ask(f"APPEND flood 0 {len(batch(bytes(BATCH_BYTES)))}", batch(bytes(BATCH_BYTES)))
    with MemoryWatch(process) as watch:
        for round_number in range(rounds):
            print(f"round {round_number}")
            _press(process)
            _wait_until_recovered(process, watch)
    watch.assert_growth_within(GROWTH_BYTES_MAX)
    assert "Traceback" not in process.log()
    assert process.terminate() == 0


def _press(process: QuekkadProcess) -> None:
    """One load that ends when all who behave are done; what they did is there, each once and in order."""
    over = threading.Event()
    behaving = [kind(process) for kind in (TextProducer, KafkaProducer, KafkaConsumer, HealthProbe)]
    flooders = [Flooder(Target(process.host, process.port, "flood", 2), over) for _ in range(FLOODERS)]
    with ExitStack() as pressing:
        for connected in [open_non_reader(process) for _ in range(NON_READERS)] + open_crowd(process):
            pressing.enter_context(connected)
        with joined(flooders):
            try:
                with joined(behaving):
                    _assert_refused(process)
            finally:
                over.set()
    answers = sum((flooder.answers for flooder in flooders), Counter())
    print(dict(answers))
    assert set(answers) <= {"+OK", THROTTLED}
    assert all(flooder.answers["+OK"] for flooder in flooders), "a producer starved"
    with WireClient(process.host, process.port) as client:
        told = [value for _, value in read_partition(client, "flood", 1)][-STEPS:]
        assert told == [b"text %d" % number for number in range(STEPS)]
        calm = [value for _, value in read_partition(client, "calm", 0)][-STEPS:]
        assert calm == [b"kafka %d" % number for number in range(STEPS)]


def _wait_until_recovered(process: QuekkadProcess, watch: MemoryWatch) -> None:
    deadline = Deadline(END_TIMEOUT_S)
    while not watch.is_back(threads=8, descriptors=KEPT_DESCRIPTORS_MAX):
        assert not deadline.expired(), f"{watch.threads()} threads, {watch.descriptors()} descriptors"
        with WireClient(process.host, process.port) as client:
            client.ask("PING")
