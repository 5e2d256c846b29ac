"""Kafka's protocol by hand: the oldest versions that Kafka 4 still speaks, since they have the fewest fields.

    request    length int32, api key int16, version int16, correlation id int32, client id string, body
    response   length int32, correlation id int32, body
    string     length int16, bytes      array   count int32, elements      bytes   length int32, bytes

Produce 3, Fetch 4, ListOffsets 1, ApiVersions 0, CreateTopics 2, DeleteTopics 1. Correlation ids are not
needed, as a broker answers one connection's requests in order. Source: Kafka's protocol guide.
"""

import struct
import time
from collections.abc import Mapping, Sequence

from perf.batches import batch_of
from perf.errors import WrongReplyError
from perf.peers.connection import BATCH_BYTES, READS_UNDER_WAY, Connection
from perf.peers.frames import FrameReader
from perf.wire import Address
from quekka.formats.record_batch_builder import BatchBuilder

PRODUCE, FETCH, LIST_OFFSETS, API_VERSIONS = (0, 3), (1, 4), (2, 1), (18, 0)
CREATE_TOPICS, DELETE_TOPICS = (19, 2), (20, 1)
HEADER = struct.Struct(">hhi")
TIMEOUT_MS = 30_000
FETCH_WAIT_MS = 500
FETCH_MAX_BYTES = 55 << 20
LEADER_TIMEOUT_S = 20.0
NO_ERRORS = b"\0"


def string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def frame(api: tuple[int, int], body: bytes) -> bytes:
    header = HEADER.pack(*api, 0) + string("perf")
    return struct.pack(">i", len(header) + len(body)) + header + body


class KafkaConnection(Connection):
    """Produce and Fetch of one partition.

    Threads: one thread.
    """

    # What ordinary clients have as max.in.flight.requests.per.connection.
    produce_under_way_max = 5
    acknowledged_together = True

    def __init__(self, address: Address, topic: str, record_bytes: int) -> None:
        super().__init__(address, topic, record_bytes)
        # topic array of one, partition array of one: partition number, error code, base offset, append time;
        # throttle time behind it.
        self._ack_bytes = 4 + 4 + 4 + len(string(topic)) + 4 + 4 + 2 + 8 + 8 + 4
        self._error_at = 4 + 4 + 4 + len(string(topic)) + 4 + 4
        self._pending = b""
        self._frames: FrameReader | None = None
        self._offset = 0

    def ping(self) -> None:
        self._ask(frame(API_VERSIONS, b""))

    def create(self, *, fsync: bool = False) -> None:
        """Returns when the partition has a leader."""
        settings = {"segment.bytes": str(1 << 30), "file.delete.delay.ms": "1000"}
        if fsync:
            settings["flush.messages"] = "1"
        reply = self._ask(frame(CREATE_TOPICS, self._topic_to_create(settings)))
        error = struct.unpack_from(">h", reply, 4 + 4 + 4 + len(string(self.topic)))[0]
        if error:
            raise WrongReplyError(f"{self.topic} was not created: error {error}")
        give_up_at = time.monotonic() + LEADER_TIMEOUT_S
        while self._end_error():
            if time.monotonic() > give_up_at:
                raise WrongReplyError(f"{self.topic} has no leader after {LEADER_TIMEOUT_S:g} s")
            time.sleep(0.02)

    def delete(self) -> None:
        topics = struct.pack(">i", 1) + string(self.topic)
        self._ask(frame(DELETE_TOPICS, topics + struct.pack(">i", TIMEOUT_MS)))

    def request(self, payloads: Sequence[bytes]) -> bytes:
        """One request of one batch, whose records are acknowledged together."""
        builder = BatchBuilder(int(time.time() * 1000))
        builder.append_values(payloads)
        return self._produce(bytes(builder.build()))

    def batch(self) -> tuple[bytes, int]:
        batch, records = self._batch()
        return self._produce(batch), records

    def replies(self, data: bytes) -> int:
        data = self._pending + data if self._pending else data
        whole = len(data) // self._ack_bytes
        end = whole * self._ack_bytes
        for byte in (self._error_at, self._error_at + 1):
            if data[byte : end : self._ack_bytes].strip(NO_ERRORS):
                raise WrongReplyError(f"a batch was refused: {data[: self._ack_bytes]!r}")
        self._pending = data[end:]
        return whole

    def read(self, count: int) -> int:
        """Fetch, one batch for each, several under way."""
        batch, records = self._batch()
        frames = FrameReader(self.socket)
        batches = count // records
        received_bytes = 0
        for index in range(batches + READS_UNDER_WAY):
            if index < batches:
                self.socket.sendall(self._fetch(index * records, len(batch), min_bytes=1))
            if index >= READS_UNDER_WAY and index - READS_UNDER_WAY < batches:
                length, head = frames.head(self._records_at)
                self._check_fetched(head)
                received_bytes += length - self._records_at
        if received_bytes != batches * len(batch):
            raise WrongReplyError(f"{received_bytes} bytes came, not {batches} batches of {len(batch)}")
        return received_bytes

    def subscribe(self) -> None:
        self._frames = FrameReader(self.socket)
        self._offset = 0

    def receive(self) -> bytes:
        """One Fetch that waits; the next begins behind the last batch that came."""
        assert self._frames is not None, "subscribe first"
        while True:
            self.socket.sendall(self._fetch(self._offset, 4 << 20, min_bytes=1))
            reply = self._frames.whole()
            self._check_fetched(reply[: self._records_at])
            records = reply[self._records_at :]
            if records:
                self._offset = next_offset(records)
                return records

    @property
    def _records_at(self) -> int:
        """Where in a Fetch response the batches begin, no transactions being aborted."""
        return 4 + 4 + 4 + len(string(self.topic)) + 4 + 4 + 2 + 8 + 8 + 4 + 4

    def _check_fetched(self, head: bytes) -> None:
        error = struct.unpack_from(">h", head, 4 + 4 + 4 + len(string(self.topic)) + 4 + 4)[0]
        if error:
            raise WrongReplyError(f"Fetch was refused: error {error}")

    def _batch(self) -> tuple[bytes, int]:
        return batch_of(BATCH_BYTES, self.payload, int(time.time() * 1000))

    def _produce(self, batch: bytes) -> bytes:
        return frame(
            PRODUCE,
            struct.pack(">hhii", -1, -1, TIMEOUT_MS, 1)
            + string(self.topic)
            + struct.pack(">iii", 1, 0, len(batch))
            + batch,
        )

    def _fetch(self, offset: int, max_bytes: int, *, min_bytes: int) -> bytes:
        return frame(
            FETCH,
            struct.pack(">iiiibi", -1, FETCH_WAIT_MS, min_bytes, FETCH_MAX_BYTES, 0, 1)
            + string(self.topic)
            + struct.pack(">iiqi", 1, 0, offset, max_bytes),
        )

    def _topic_to_create(self, settings: Mapping[str, str]) -> bytes:
        configs = b"".join(string(name) + string(value) for name, value in settings.items())
        return (
            struct.pack(">i", 1)
            + string(self.topic)
            + struct.pack(">ihii", 1, 1, 0, len(settings))
            + configs
            + struct.pack(">ib", TIMEOUT_MS, 0)
        )

    def _end_error(self) -> int:
        """The error that ListOffsets has for the partition; zero when it has a leader."""
        body = struct.pack(">ii", -1, 1) + string(self.topic) + struct.pack(">iiq", 1, 0, -1)
        reply = self._ask(frame(LIST_OFFSETS, body))
        error: int = struct.unpack_from(">h", reply, 4 + 4 + len(string(self.topic)) + 4 + 4)[0]
        return error

    def _ask(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        return FrameReader(self.socket).whole()


def next_offset(records: bytes) -> int:
    """The offset behind the last whole batch: base offset, batch length, ..., last offset delta."""
    position = found = 0
    while position + 61 <= len(records):
        base_offset, length = struct.unpack_from(">qi", records, position)
        if position + 12 + length > len(records):
            break
        found = base_offset + struct.unpack_from(">i", records, position + 23)[0] + 1
        position += 12 + length
    return found
