"""A real quekkad under damaged sessions of both protocols, on many connections at once.

However it was bothered: it answers or hangs up, never fails (its log has no traceback), stays within its
memory, and what was published before and in between is there, also after a restart.
"""

import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from fuzz_targets import TARGETS
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from mutation import mutate
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import Worker, joined, read_partition

from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest

BOTHERERS = 6
SESSIONS = 40
"""Of each botherer, in a round."""
ANSWER_TIMEOUT_S = 0.05
"""Some requests wait, as they should; nobody stays to see how long."""
GROWTH_BYTES_MAX = 128 << 20
SETTINGS = ("--set=max.partitions=500", "--set=max.groups=1000", "--set=socket.request.max.bytes=4194304")
"""So that a damaged number makes a test no longer."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Botherer(Worker):
    """Sends sessions that began as valid ones."""

    def __init__(self, number: int, process: QuekkadProcess, seed: int) -> None:
        super().__init__(f"botherer-{number}")
        self._chance = random.Random(f"{seed}/{number}")
        self._address = process.host, process.port

    def work(self) -> None:
        for _ in range(SESSIONS):
            with socket.create_connection(self._address) as connected:
                connected.settimeout(ANSWER_TIMEOUT_S)
                with suppress(OSError):
                    self._bother(connected)

    def _bother(self, connected: socket.socket) -> None:
        chance = self._chance
        data = self._session()
        position = 0
        while position < len(data):
            step = chance.choice((1, 7, len(data)))
            connected.sendall(data[position : position + step])
            position += step
        if chance.random() < 0.5:
            connected.shutdown(socket.SHUT_WR)
        if chance.random() < 0.8:
            while connected.recv(65536):
                continue
        if chance.random() < 0.3:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _session(self) -> bytes:
        chance = self._chance
        if chance.random() < 0.1:
            return chance.randbytes(chance.randint(1, 2000))
        valid = TARGETS[chance.choice(("text", "kafka-stream"))].make(chance)
        return bytes(mutate(chance, valid)) if chance.random() < 0.8 else valid


def check_health(process: QuekkadProcess) -> None:
    with WireClient(process.host, process.port) as client:
        assert client.ask("PING") == "+OK PONG"
    with KafkaWire(process.host, process.port) as wire:
        assert wire.ask(18, 3, ApiVersionsRequest("test", "1")).error_code == 0


def stored_values(process: QuekkadProcess) -> list[bytes]:
    with WireClient(process.host, process.port) as client:
        return [value for _, value in read_partition(client, "ledger", 0)]


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_damaged_sessions_break_nothing(
    quekkad: Callable[..., QuekkadProcess], seed: int, rounds: int
) -> None:
    process = quekkad(*SETTINGS)
    published: list[bytes] = []
    with WireClient(process.host, process.port) as client, MemoryWatch(process) as watch:
        for round_number in range(rounds):
            print(f"round {round_number}: --seed {seed + round_number} --rounds 1")
            client.ask("CREATE orders partitions=2")
            with joined([Botherer(number, process, seed + round_number) for number in range(BOTHERERS)]):
                for number in range(20):
                    published.append(b"round %d, number %d" % (round_number, number))
                    client.publish("ledger", published[-1])
            check_health(process)
            assert "Traceback" not in process.log()
            assert stored_values(process) == published
    watch.assert_growth_within(GROWTH_BYTES_MAX)
    assert process.terminate() == 0
    assert "Traceback" not in process.log()
    process = quekkad(*SETTINGS)
    assert stored_values(process) == published
    assert "Traceback" not in process.log()
