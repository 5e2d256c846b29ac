"""Record batches of the stories: to bytes for a request, and from the bytes of a response to plain values."""

from collections.abc import Mapping
from typing import Any

from differential.steps import Batch

from quekka.errors import QuekkaError
from quekka.formats import Buffer
from quekka.formats.record_batch import HEADER, BatchHeader, iter_batches, iter_records, verify_crc, write_crc
from quekka.formats.record_batch_builder import BatchBuilder

USUAL = {
    "partition_leader_epoch": 0,
    "magic": 2,
    "attributes": 0,
    "last_offset_delta": 0,
    "producer_id": -1,
    "producer_epoch": -1,
    "base_sequence": -1,
    "records_count": 1,
}
"""Header fields that are left out where they have these values."""


def to_bytes(batch: Batch, saved: Mapping[str, Any]) -> bytes:
    """As a client would send it, and then with all the mistakes that the story wants."""
    producer_id, epoch, sequence = batch.producer
    if isinstance(producer_id, str):
        producer_id = saved[producer_id.removeprefix("$")]
    builder = BatchBuilder(batch.timestamps_ms[0])
    builder.set_producer(producer_id, epoch, sequence)
    for number, value in enumerate(batch.values):
        key = batch.keys[number] if number < len(batch.keys) else None
        builder.append(
            key, value, timestamp_ms=batch.timestamps_ms[min(number, len(batch.timestamps_ms) - 1)]
        )
    data = builder.build(batch.codec)
    if batch.header or batch.attributes:
        header = BatchHeader._make(HEADER.unpack_from(data))
        header = header._replace(attributes=header.attributes | batch.attributes)._replace(**batch.header)
        HEADER.pack_into(data, 0, *header)
        if "crc" not in batch.header:
            write_crc(memoryview(data))
    if batch.flip is not None:
        data[batch.flip] ^= 1
    return bytes(data[: batch.cut] if batch.cut is not None else data) * batch.times


def to_plain(records: Buffer | None) -> list[Any] | None:
    """The batches field by field with their records, and a note of what follows that is no whole batch."""
    if records is None:
        return None
    found: list[Any] = []
    try:
        for position, header in iter_batches(records):
            verify_crc(records, position, header)
            fields = {
                name: value
                for name, value in header._asdict().items()
                if name != "crc" and USUAL.get(name) != value
            }
            inside = [_record(record) for record in iter_records(records, position)]
            found.append({**fields, "records": inside})
    except QuekkaError as error:
        found.append({"unreadable": type(error).__name__})
    return found


def _record(record: Any) -> list[Any]:
    headers = [[name, _text(value)] for name, value in record.headers]
    return [record.offset, record.timestamp_ms, _text(record.key), _text(record.value), headers]


def _text(data: Buffer | None) -> str | None:
    return None if data is None else bytes(data).decode("latin-1")
