"""What quekka-dump-log writes: Kafka's words, or JSON, and nothing that a terminal would obey."""

import json
from pathlib import Path

import pytest

from quekka.cli.dump_format import JsonFormat, TextFormat
from quekka.formats.index_entry import OffsetIndexEntry, TimeIndexEntry
from quekka.formats.record import Record
from quekka.formats.record_batch import patch_log_append_time, patch_offsets, read_header
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.log_inspector import InspectedBatch

PATH = Path("orders/0/00000000000000000100.log")


def make_batch(
    *, producer: bool = False, append_time: bool = False, fault: str | None = None
) -> InspectedBatch:
    builder = BatchBuilder(1_700)
    builder.append(b"k", b"one", (("a", b"1"), ("b", None)))
    builder.append(None, None)
    if producer:
        builder.set_producer(9, 2, 2**31 - 1)
    data = builder.build(1)
    patch_offsets(data, 100, 4)
    if append_time:
        patch_log_append_time(data, 1_800)
    return InspectedBatch(512, read_header(data), memoryview(data), fault)


def test_a_batch_line_has_kafkas_words_in_kafkas_order() -> None:
    batch = make_batch()
    assert TextFormat(PATH, 100).batch(batch) == (
        "baseOffset: 100 lastOffset: 101 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 "
        "producerEpoch: -1 partitionLeaderEpoch: 4 isTransactional: false isControl: false "
        "deleteHorizonMs: OptionalLong.empty position: 512 CreateTime: 1700 "
        f"size: {len(batch.data)} magic: 2 compresscodec: gzip crc: {batch.header.crc} isvalid: true"
    )


def test_sequences_wrap_and_log_append_time_is_named() -> None:
    batch = make_batch(producer=True, append_time=True, fault="bad")
    line = TextFormat(PATH, 100).batch(batch)
    assert "baseSequence: 2147483647 lastSequence: 0 producerId: 9 producerEpoch: 2" in line
    assert "LogAppendTime: 1800" in line
    assert line.endswith("isvalid: false")
    last = list(batch.records())[1]
    assert "LogAppendTime: 1800 keySize: -1 valueSize: -1 sequence: 0" in TextFormat(PATH, 100).record(
        batch, last
    )


def test_a_record_line_shows_key_payload_and_the_names_of_headers() -> None:
    batch = make_batch()
    first, second = batch.records()
    assert TextFormat(PATH, 100).record(batch, first) == (
        "| offset: 100 CreateTime: 1700 keySize: 1 valueSize: 3 sequence: -1 headerKeys: [a,b] "
        "key: k payload: one"
    )
    assert TextFormat(PATH, 100).record(batch, second) == (
        "| offset: 101 CreateTime: 1700 keySize: -1 valueSize: -1 sequence: -1 headerKeys: []"
    )


def test_what_a_terminal_would_obey_is_escaped() -> None:
    record = Record(0, 0, b"\x1b[2J", b"\xff\x00", (("\x07", b""),))
    line = TextFormat(PATH, 100).record(make_batch(), record)
    assert line.isprintable()
    assert r"headerKeys: [\x07] key: \x1b[2J payload: \xff\x00" in line


@pytest.mark.parametrize("entry_format", [TextFormat, JsonFormat])
def test_index_entries_show_offsets_of_the_log(entry_format: type[TextFormat | JsonFormat]) -> None:
    shown = entry_format(PATH, 100)
    offset_line = shown.offset_entry(OffsetIndexEntry(42, 4096))
    time_line = shown.time_entry(TimeIndexEntry(1_700, 7))
    if isinstance(shown, TextFormat):
        assert (offset_line, time_line) == ("offset: 142 position: 4096", "timestamp: 1700 offset: 107")
    else:
        facts = json.loads(offset_line)
        assert (facts["type"], facts["offset"], facts["position"]) == ("index", 142, 4096)
        facts = json.loads(time_line)
        assert (facts["type"], facts["timestamp_ms"], facts["offset"]) == ("timeindex", 1_700, 107)


def test_json_has_the_facts_of_the_text() -> None:
    batch = make_batch()
    shown = JsonFormat(PATH, 100)
    assert json.loads(shown.header()) == {"type": "file", "file": str(PATH), "base_offset": 100}
    facts = json.loads(shown.batch(batch))
    assert (facts["type"], facts["file"]) == ("batch", str(PATH))
    assert (facts["baseOffset"], facts["isvalid"], facts["deleteHorizonMs"]) == (100, True, None)
    first = json.loads(shown.record(batch, next(batch.records())))
    assert (first["offset"], first["key"], first["value"]) == (100, "k", "one")
    assert first["headers"] == [["a", "1"], ["b", None]]
    binary = json.loads(shown.record(batch, Record(1, 2, None, b"\xff", ())))
    assert (binary["key"], binary["value"]) == (None, {"base64": "/w=="})


def test_a_mismatch_names_the_index() -> None:
    index = PATH.with_suffix(".index")
    assert TextFormat(PATH, 100).mismatch(index, "what") == f"Mismatch in {index}: what"
    assert json.loads(JsonFormat(PATH, 100).mismatch(index, "what"))["index"] == str(index)
