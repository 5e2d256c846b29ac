"""Record batches from the messages of a run of PUBLISH requests."""

from collections.abc import Iterator, Sequence

from quekka.errors import QuekkaError
from quekka.formats.record_batch import HEADER_BYTES
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.text.connection import PublishRun
from quekka.protocols.text.request import Publish
from quekka.storage.batch_validator import validate_batches
from quekka.storage.log_config import LogConfig

RECORD_OVERHEAD_BYTES_MAX = 1 + 5 + 10 + 5 + 5 + 5 + 5
"""Attributes and, as varints: length, timestamp delta, offset delta, three more lengths (kafka-protocol)."""
HEADER_OVERHEAD_BYTES_MAX = 5 + 5

Indexes = Sequence[int]
"""Which messages of a run, by their place in it."""


class BatchMaker:
    """Makes batches that the topic accepts.

    A message is refused for the same reasons as in a client's own batch, by the same check. Batches that can
    only pass it are not put through it: they have the broker's time, and the topic asks for nothing more.

    Threads: the connection's own.
    """

    def __init__(self, run: PublishRun, config: LogConfig, now_ms: int) -> None:
        self._run = run
        self._config = config
        self._now_ms = now_ms
        self._limit_bytes = min(config.max_message_bytes, config.segment_bytes)
        self._asks_for_more = config.cleanup_compact or config.message_timestamp_type != "CreateTime"
        first = run.requests[0]
        self.is_uniform = run.requests.count(first) == len(run.requests)
        """True where all requests are the same, which is most often so and costs least."""

    def make(self, indexes: Indexes, refused: dict[int, QuekkaError]) -> tuple[list[bytearray], Indexes]:
        """Batches for the messages and which of them are in there; the others are put into `refused`."""
        batches: list[bytearray] = []
        accepted: list[int] = []
        for piece in self._split(indexes):
            try:
                batches.append(self._make_one(piece))
            except QuekkaError as error:
                if len(piece) == 1:
                    refused[piece[0]] = error.without_frames()
                    continue
                # One bad message must not take the others with it.
                for index in piece:
                    alone, one = self.make((index,), refused)
                    batches += alone
                    accepted += one
            else:
                if len(piece) == len(indexes):
                    return batches, indexes
                accepted += piece
        return batches, accepted

    def _split(self, indexes: Indexes) -> Iterator[Indexes]:
        """As few pieces as fit in one batch each; a message that is too large even alone is a piece."""
        if self.is_uniform:
            room_bytes = self._limit_bytes - HEADER_BYTES
            count = max(1, room_bytes // self._size_bytes_max(indexes[0]))
            if len(indexes) <= count:
                yield indexes
                return
            for start in range(0, len(indexes), count):
                yield indexes[start : start + count]
            return
        start = 0
        size_bytes = HEADER_BYTES
        for place, index in enumerate(indexes):
            message_bytes = self._size_bytes_max(index)
            if size_bytes + message_bytes > self._limit_bytes and place > start:
                yield indexes[start:place]
                start = place
                size_bytes = HEADER_BYTES
            size_bytes += message_bytes
        yield indexes[start:]

    def _size_bytes_max(self, index: int) -> int:
        request = self._run.requests[index]
        size_bytes = RECORD_OVERHEAD_BYTES_MAX + request.length
        if request.key is not None:
            size_bytes += len(request.key)
        for name, value in request.headers:
            size_bytes += HEADER_OVERHEAD_BYTES_MAX + 4 * len(name) + len(value or b"")
        return size_bytes

    def _make_one(self, indexes: Indexes) -> bytearray:
        builder = BatchBuilder(self._now_ms)
        requests, values = self._run.requests, self._run.values
        can_only_pass = False
        if self.is_uniform and _is_plain(requests[0]):
            is_whole = len(indexes) == len(values)
            builder.append_values(values if is_whole else [values[index] for index in indexes])
            can_only_pass = not self._asks_for_more and builder.size_bytes <= self._limit_bytes
        else:
            self._append_each(builder, indexes)
        batch = builder.build()
        if not can_only_pass:
            validate_batches(batch, self._config, self._now_ms)
        return batch

    def _append_each(self, builder: BatchBuilder, indexes: Indexes) -> None:
        requests, values = self._run.requests, self._run.values
        plain: list[memoryview] = []
        for index in indexes:
            request = requests[index]
            if _is_plain(request):
                plain.append(values[index])
                continue
            builder.append_values(plain)
            plain = []
            builder.append(request.key, values[index], request.headers, request.timestamp_ms)
        builder.append_values(plain)


def _is_plain(request: Publish) -> bool:
    """True for a message that is nothing but a value."""
    return request.key is None and not request.headers and request.timestamp_ms is None
