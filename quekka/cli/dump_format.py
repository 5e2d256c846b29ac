"""How quekka-dump-log writes what it finds: lines as kafka-dump-log writes them, or JSON objects.

The words in a line are those of Kafka's tool, so that scripts made for it go on working. A JSON object has
the same facts in names of its own, one object a line, told apart by `type`: file, batch, record, index,
timeindex, mismatch. Bytes that are not UTF-8 are `{"base64": "..."}`.
"""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from quekka.cli.table import printable
from quekka.formats.compression import CODEC_NAMES
from quekka.formats.index_entry import OffsetIndexEntry, TimeIndexEntry
from quekka.formats.record import Record
from quekka.storage.batch_filter import delete_horizon_ms
from quekka.storage.log_inspector import InspectedBatch


class DumpFormat(Protocol):
    """Turns each thing that is found in one file into a line."""

    def header(self) -> str:
        """Which file it is."""

    def batch(self, batch: InspectedBatch) -> str:
        """A batch as a whole."""

    def record(self, batch: InspectedBatch, record: Record) -> str:
        """One record of it."""

    def offset_entry(self, entry: OffsetIndexEntry) -> str:
        """An entry of an .index file."""

    def time_entry(self, entry: TimeIndexEntry) -> str:
        """An entry of a .timeindex file."""

    def mismatch(self, index: Path, what: str) -> str:
        """Where an index is not that of its log."""


class TextFormat:
    """Lines for people and for scripts made for kafka-dump-log."""

    def __init__(self, path: Path, base_offset: int) -> None:
        self._path = path
        self._base_offset = base_offset

    def header(self) -> str:
        return f"Dumping {printable(str(self._path))}\nLog starting offset: {self._base_offset}"

    def batch(self, batch: InspectedBatch) -> str:
        return " ".join(f"{name}: {_text(value)}" for name, value in _batch_facts(batch))

    def record(self, batch: InspectedBatch, record: Record) -> str:
        names = ",".join(printable(name) for name, _ in record.headers)
        words = [
            f"| offset: {record.offset}",
            f"{_time_name(batch)}: {record.timestamp_ms}",
            f"keySize: {_size(record.key)}",
            f"valueSize: {_size(record.value)}",
            f"sequence: {_sequence(batch, record)}",
            f"headerKeys: [{names}]",
        ]
        if record.key is not None:
            words.append(f"key: {_readable(record.key)}")
        if record.value is not None:
            words.append(f"payload: {_readable(record.value)}")
        return " ".join(words)

    def offset_entry(self, entry: OffsetIndexEntry) -> str:
        return f"offset: {self._base_offset + entry.relative_offset} position: {entry.position}"

    def time_entry(self, entry: TimeIndexEntry) -> str:
        return f"timestamp: {entry.timestamp_ms} offset: {self._base_offset + entry.relative_offset}"

    def mismatch(self, index: Path, what: str) -> str:
        return f"Mismatch in {printable(str(index))}: {what}"


class JsonFormat:
    """One JSON object a line."""

    def __init__(self, path: Path, base_offset: int) -> None:
        self._path = path
        self._base_offset = base_offset

    def header(self) -> str:
        return self._json("file", base_offset=self._base_offset)

    def batch(self, batch: InspectedBatch) -> str:
        return self._json("batch", **dict(_batch_facts(batch)))

    def record(self, batch: InspectedBatch, record: Record) -> str:
        return self._json(
            "record",
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            sequence=_sequence(batch, record),
            key=_json_value(record.key),
            value=_json_value(record.value),
            headers=[[name, _json_value(value)] for name, value in record.headers],
        )

    def offset_entry(self, entry: OffsetIndexEntry) -> str:
        offset = self._base_offset + entry.relative_offset
        return self._json("index", offset=offset, position=entry.position)

    def time_entry(self, entry: TimeIndexEntry) -> str:
        offset = self._base_offset + entry.relative_offset
        return self._json("timeindex", timestamp_ms=entry.timestamp_ms, offset=offset)

    def mismatch(self, index: Path, what: str) -> str:
        return self._json("mismatch", index=str(index), what=what)

    def _json(self, kind: str, **facts: object) -> str:
        return json.dumps({"type": kind, "file": str(self._path), **facts}, ensure_ascii=False)


FORMATS: dict[str, Callable[[Path, int], DumpFormat]] = {"text": TextFormat, "json": JsonFormat}
"""Made anew for each file, of its path and base offset."""


def _batch_facts(batch: InspectedBatch) -> Iterator[tuple[str, int | str | bool | None]]:
    """Names, as Kafka's tool has them, and values."""
    header = batch.header
    has_sequence = header.base_sequence >= 0
    yield "baseOffset", header.base_offset
    yield "lastOffset", header.last_offset
    yield "count", header.records_count
    yield "baseSequence", header.base_sequence
    yield "lastSequence", _wrapped(header.base_sequence + header.last_offset_delta) if has_sequence else -1
    yield "producerId", header.producer_id
    yield "producerEpoch", header.producer_epoch
    yield "partitionLeaderEpoch", header.partition_leader_epoch
    yield "isTransactional", header.is_transactional
    yield "isControl", header.is_control
    yield "deleteHorizonMs", delete_horizon_ms(header)
    yield "position", batch.position
    yield _time_name(batch), header.max_timestamp_ms
    yield "size", header.size_bytes
    yield "magic", header.magic
    yield "compresscodec", CODEC_NAMES[header.codec] if header.codec < len(CODEC_NAMES) else str(header.codec)
    yield "crc", header.crc
    yield "isvalid", batch.fault is None


def _time_name(batch: InspectedBatch) -> str:
    return "LogAppendTime" if batch.header.is_log_append_time else "CreateTime"


def _sequence(batch: InspectedBatch, record: Record) -> int:
    header = batch.header
    return (
        -1
        if header.base_sequence < 0
        else _wrapped(header.base_sequence + record.offset - header.base_offset)
    )


def _wrapped(sequence: int) -> int:
    """Sequences start again at 0 after 2^31 - 1."""
    return sequence % 2**31


def _text(value: int | str | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "OptionalLong.empty" if value is None else str(value)


def _size(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _readable(data: bytes) -> str:
    return printable(data.decode("utf-8", "backslashreplace"))


def _json_value(data: bytes | None) -> str | dict[str, str] | None:
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
