"""What a client's record batches must be before they may enter a log.

Runs in the thread of the connection that received them, once per request, so that the topic's writer only
numbers and writes. Everything is read from the 61 bytes of each header and one CRC-32C over the rest; records
are looked at one by one only where a topic is compacted, since each must then have a key. So the timestamps
that are checked are those of the header: the first record's and the highest. And of a count that is wrong
only what costs nothing to see is seen: too many for the bytes that there are, and more than the one that is
said. Of compressed records it is the first bytes, which tell most codecs. Kafka walks through all records.

Source: org.apache.kafka.storage.internals.log.LogValidator, UnifiedLog.analyzeAndValidateRecords.
"""

from collections.abc import Callable, Sequence

from quekka.errors import (
    CorruptMessageError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageTooLargeError,
    RecordListTooLargeError,
)
from quekka.formats.compression import CODEC_NAMES, NONE, begins_as, check_codec
from quekka.formats.record_batch import (
    HEADER_BYTES,
    BatchHeader,
    iter_batches,
    iter_raw_records,
    patch_log_append_time,
    read_header,
    verify_crc,
)
from quekka.formats.varint import decode_varint
from quekka.storage.decompression_slots import decompression_slot
from quekka.storage.log_config import LogConfig

NO_TIMESTAMP = -1
NO_PRODUCER_ID = -1
RECORD_BYTES_MIN = 7
"""Length, attributes, timestamp, offset, key length, value length, number of headers: a byte each."""


class RecordsWithoutKeyError(InvalidRecordError):
    """Records of a compacted topic without the key that they need.

    Threads: any.
    """

    def __init__(self, position: int, indexes: Sequence[int]) -> None:
        super().__init__(f"byte {position}: record {indexes[0]} has no key, which a compacted topic needs")
        self.indexes = indexes
        """Which records of the batch they are."""


def validate_batches(buf: bytearray | memoryview, config: LogConfig, now_ms: int) -> list[BatchHeader]:
    """Check all batches that `buf` consists of; their headers, in order.

    Where the topic's timestamps are LogAppendTime, `now_ms` is written into the batches in place. Nothing is
    kept of `buf`. Every message names the byte where the batch begins that was refused:

    CorruptMessageError: bytes that are no whole batch, or a CRC-32C that does not match
    MessageTooLargeError: a batch larger than max.message.bytes
    RecordListTooLargeError: a batch larger than segment.bytes
    UnsupportedCompressionTypeError: an unknown codec, or one whose library is missing
    InvalidRecordError: no batch at all, a count that contradicts the offsets or the bytes, bytes that the
    codec does not write, a control batch, no key where one must be, a producer id without epoch or sequence
    InvalidTimestampError: LogAppendTime set by the client, or a time too far from `now_ms`
    """
    headers = []
    for position, header in iter_batches(buf):
        for check in _CHECKS:
            check(position, header, config, now_ms)
        verify_crc(buf, position, header)
        _check_records(buf, position, header)
        if config.cleanup_compact:
            _check_keys(buf, position, header)
        if config.message_timestamp_type == "LogAppendTime":
            patch_log_append_time(buf, now_ms, position)
            headers.append(read_header(buf, position))
        else:
            headers.append(header)
    if not headers:
        raise InvalidRecordError("no record batch")
    return headers


def _check_size(position: int, header: BatchHeader, config: LogConfig, _now_ms: int) -> None:
    size_bytes = header.size_bytes
    if size_bytes > config.max_message_bytes:
        raise MessageTooLargeError(
            f"byte {position}: a batch of {size_bytes} bytes, max.message.bytes is {config.max_message_bytes}"
        )
    if size_bytes > config.segment_bytes:
        raise RecordListTooLargeError(
            f"byte {position}: a batch of {size_bytes} bytes, segment.bytes is {config.segment_bytes}"
        )


def _check_contents(position: int, header: BatchHeader, _config: LogConfig, _now_ms: int) -> None:
    count = header.records_count
    if count < 1 or header.last_offset_delta != count - 1:
        raise InvalidRecordError(
            f"byte {position}: {count} records, but last offset delta {header.last_offset_delta}"
        )
    if header.base_offset != 0:
        raise InvalidRecordError(f"byte {position}: base offset {header.base_offset}, not 0")
    if header.is_control:
        raise InvalidRecordError(f"byte {position}: a control batch, which only a broker may write")
    if header.codec != NONE:
        check_codec(header.codec)


def _check_producer(position: int, header: BatchHeader, _config: LogConfig, _now_ms: int) -> None:
    if header.producer_id == NO_PRODUCER_ID:
        if header.is_transactional:
            raise InvalidRecordError(f"byte {position}: a transactional batch without a producer id")
        return
    if header.producer_id < 0 or header.producer_epoch < 0 or header.base_sequence < 0:
        raise InvalidRecordError(
            f"byte {position}: producer id {header.producer_id}, epoch {header.producer_epoch}, "
            f"base sequence {header.base_sequence}"
        )


def _check_timestamps(position: int, header: BatchHeader, config: LogConfig, now_ms: int) -> None:
    if header.is_log_append_time:
        raise InvalidTimestampError(f"byte {position}: LogAppendTime is set, which only a broker may do")
    if config.message_timestamp_type == "LogAppendTime":
        return
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    if header.max_timestamp_ms > latest_ms or header.base_timestamp_ms > latest_ms:
        timestamp_ms = max(header.max_timestamp_ms, header.base_timestamp_ms)
        raise InvalidTimestampError(
            f"byte {position}: timestamp {timestamp_ms} is more than "
            f"message.timestamp.after.max.ms={config.message_timestamp_after_max_ms} after now, {now_ms}"
        )
    earliest_ms = now_ms - config.message_timestamp_before_max_ms
    if header.base_timestamp_ms < earliest_ms and header.base_timestamp_ms != NO_TIMESTAMP:
        raise InvalidTimestampError(
            f"byte {position}: timestamp {header.base_timestamp_ms} is more than "
            f"message.timestamp.before.max.ms={config.message_timestamp_before_max_ms} before now, {now_ms}"
        )


_CHECKS: tuple[Callable[[int, BatchHeader, LogConfig, int], None], ...] = (
    _check_size,
    _check_contents,
    _check_producer,
    _check_timestamps,
)
"""All checks of a header, cheap ones before the CRC-32C."""


def _check_records(buf: bytearray | memoryview, position: int, header: BatchHeader) -> None:
    start, end = position + HEADER_BYTES, position + header.size_bytes
    count, codec = header.records_count, header.codec
    if codec != NONE:
        if not begins_as(codec, memoryview(buf)[start:end]):
            name = CODEC_NAMES[codec]
            raise InvalidRecordError(f"byte {start}: records that are not compressed with {name}")
    elif count == 1:
        _check_only_record(buf, start, end)
    elif count * RECORD_BYTES_MIN > end - start:
        raise InvalidRecordError(f"byte {start}: {count} records in {end - start} bytes")


def _check_only_record(buf: bytearray | memoryview, start: int, end: int) -> None:
    try:
        length, begin = decode_varint(buf, start)
    except CorruptMessageError as error:
        raise InvalidRecordError(error.message) from error
    if length < RECORD_BYTES_MIN - 1 or begin + length != end:
        raise InvalidRecordError(f"byte {start}: one record of {length} bytes, there are {end - begin}")


def _check_keys(buf: bytearray | memoryview, position: int, header: BatchHeader) -> None:
    try:
        with decompression_slot(header.codec):
            records = enumerate(iter_raw_records(buf, position))
            indexes = [index for index, (_, _, key, _, _) in records if key is None]
    except CorruptMessageError as error:
        raise InvalidRecordError(f"byte {position}: {error.message}") from error
    if indexes:
        raise RecordsWithoutKeyError(position, indexes)
