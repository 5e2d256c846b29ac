"""The response to Fetch, of which only the bytes around the records are made here.

Records never come by: they stay what the broker found, a stretch of a file for instance, and stand between
the bytes in front of and behind them, to be sent with sendfile or however it suits.

    +----------+-------+------------+   +-------+------------+   +-----------+
    | header   | topic | partition, | R | next  | partition, | R | what is   |
    |          | name  | size of R  |   |       | size of R  |   | behind R  |
    +----------+-------+------------+   +-------+------------+   +-----------+

Source: FetchResponse.json; the fields are described in `api_01_fetch`.
"""

import struct
from collections.abc import Sequence
from typing import Any

from quekka.protocols.kafka.api_01_fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
    Records,
)
from quekka.protocols.kafka.api_keys import APIS_BY_KEY, FETCH
from quekka.protocols.kafka.framing import begin_response, finish
from quekka.protocols.kafka.primitives import (
    UNWRITABLE,
    put_compact_length,
    put_compact_string,
    put_int32_length,
    put_string,
    put_tagged_fields,
)
from quekka.protocols.kafka.schema import unwritable, writer_for

Piece = bytearray | Records
"""Bytes to send, or records to send from wherever they are."""

_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_ERROR_AND_SESSION = struct.Struct(">hi")
_OFFSETS = struct.Struct(">ihqq")
_ABORTED = struct.Struct(">qq")


def response_pieces(response: FetchResponse, version: int, correlation_id: int) -> list[Piece]:
    """The whole frame in the order of the wire: bytes, and between them the records of the partitions.

    Records of size 0 are left out. Raises ValueError for a value that its field cannot hold.
    """
    try:
        return _Pieces(response, version, correlation_id).pieces
    except UNWRITABLE as error:
        raise unwritable(f"FetchResponse v{version}", "responses", error) from error


class _Pieces:
    """A response on its way to the wire."""

    def __init__(self, response: FetchResponse, version: int, correlation_id: int) -> None:
        api = APIS_BY_KEY[FETCH]
        self.version = version
        self.put_count = put_compact_length if api.is_flexible(version) else put_int32_length
        self.out = frame = begin_response(api, version, correlation_id)
        self.pieces: list[Piece] = [frame]
        self.records_bytes = 0
        frame += _INT32.pack(response.throttle_time_ms)
        if version >= 7:
            frame += _ERROR_AND_SESSION.pack(response.error_code, response.session_id)
        self.put_count(frame, len(response.responses))
        put_topic = self.put_flexible_topic if api.is_flexible(version) else self.put_plain_topic
        for topic in response.responses:
            put_topic(topic)
        if api.is_flexible(version):
            self.out.append(0)
        if not self.out:
            self.pieces.pop()
        bytes_after_first = sum(len(piece) for piece in self.pieces[1:] if isinstance(piece, bytearray))
        finish(frame, bytes_after_first + self.records_bytes)

    def put_plain_topic(self, topic: FetchableTopicResponse) -> None:
        put_string(self.out, topic.topic)
        put_int32_length(self.out, len(topic.partitions))
        for partition in topic.partitions:
            self.put_partition(partition)

    def put_flexible_topic(self, topic: FetchableTopicResponse) -> None:
        put_compact_string(self.out, topic.topic)
        put_compact_length(self.out, len(topic.partitions))
        for partition in topic.partitions:
            self.put_partition(partition)
            self.put_tagged(partition)
        self.out.append(0)

    def put_partition(self, partition: PartitionData) -> None:
        out = self.out
        out += _OFFSETS.pack(
            partition.partition_index,
            partition.error_code,
            partition.high_watermark,
            partition.last_stable_offset,
        )
        if self.version >= 5:
            out += _INT64.pack(partition.log_start_offset)
        self.put_aborted(partition.aborted_transactions)
        if self.version >= 11:
            out += _INT32.pack(partition.preferred_read_replica)
        self.put_records(partition.records)

    def put_aborted(self, aborted: Sequence[AbortedTransaction] | None) -> None:
        if aborted is None:
            self.put_count(self.out, -1)
            return
        self.put_count(self.out, len(aborted))
        for transaction in aborted:
            self.out += _ABORTED.pack(transaction.producer_id, transaction.first_offset)
            if self.version >= APIS_BY_KEY[FETCH].flexible_from:
                self.out.append(0)

    def put_records(self, records: Records | None) -> None:
        size_bytes = 0 if records is None else records.size_bytes
        self.put_count(self.out, size_bytes)
        if records is not None and size_bytes:
            self.records_bytes += size_bytes
            self.out = bytearray()
            self.pieces += (records, self.out)

    def put_tagged(self, partition: PartitionData) -> None:
        values = (partition.diverging_epoch, partition.current_leader, partition.snapshot_id)
        if not any(values):
            self.out.append(0)
            return
        tagged = []
        for tag, value in enumerate(values):
            if value is not None:
                kind: Any = type(value)
                data = bytearray()
                writer_for(kind, self.version, True)(data, value)
                tagged.append((tag, data))
        put_tagged_fields(self.out, tagged)
