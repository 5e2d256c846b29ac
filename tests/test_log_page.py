"""quekka-log(5) says what the code does: its example is what a log writes, and decodes to what it says."""

import re
from pathlib import Path

from source_tree import ROOT

from quekka.formats.index_entry import decode_offset_entry, decode_time_entry
from quekka.formats.producer_snapshot import ENTRY_BYTES, HEAD_BYTES
from quekka.formats.record import Record
from quekka.formats.record_batch import HEADER, iter_batches, iter_records, verify_crc
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.checkpoint_file import CHECKPOINT_NAMES
from quekka.storage.data_dir import CLEAN_SHUTDOWN_NAME, LOCK_NAME, META_NAME
from quekka.storage.directory_sweep import BROKEN_SUFFIX, DELETED_SUFFIX
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_log import PartitionLog
from quekka.storage.segment_replacement import CLEANED_SUFFIX, SWAP_SUFFIX
from quekka.storage.topic_file import TOPIC_FILE_NAME

PAGE = (ROOT / "man" / "quekka-log.5").read_text(encoding="utf-8")
BASE_MS = 1_700_000_000_000
NAME = "00000000000000000000"


def dump(file_name: str) -> bytes:
    """The bytes of the hexadecimal dump under a file's name in the EXAMPLES."""
    _, _, after = PAGE.partition(f".Pa {file_name} :\n.Bd -literal\n")
    lines = after.partition(".Ed")[0].splitlines()
    return b"".join(bytes.fromhex(line[8:]) for line in lines)


def test_the_example_is_what_a_log_writes(tmp_path: Path) -> None:
    log = PartitionLog.open(
        tmp_path,
        config=LogConfig.from_settings({"index.interval.bytes": "0"}),
        files=FILES,
        file_cache=FileCache(FILES, 16),
    )
    first, second = BatchBuilder(BASE_MS), BatchBuilder(BASE_MS + 500)
    first.append(None, b"first")
    first.append(b"k", b"second", (("trace", b"1"),), BASE_MS + 20)
    second.append(None, b"third")
    for builder in (first, second):
        log.writer.append([builder.build()])
        log.writer.publish()
    log.close()
    for suffix in (".log", ".index", ".timeindex"):
        assert dump(NAME + suffix) == (tmp_path / (NAME + suffix)).read_bytes(), suffix


def test_the_example_decodes_to_what_the_page_says() -> None:
    data = dump(NAME + ".log")
    batches = list(iter_batches(data))
    assert [position for position, _ in batches] == [0, 95]
    for position, header in batches:
        verify_crc(data, position, header)
    assert [record for position, _ in batches for record in iter_records(data, position)] == [
        Record(0, BASE_MS, None, b"first"),
        Record(1, BASE_MS + 20, b"k", b"second", (("trace", b"1"),)),
        Record(2, BASE_MS + 500, None, b"third"),
    ]
    assert decode_offset_entry(dump(NAME + ".index"), 0) == (2, 95)
    assert decode_time_entry(dump(NAME + ".timeindex"), 0) == (BASE_MS + 500, 2)


def test_the_bytes_explained_are_the_first_batch() -> None:
    explained = "".join(re.findall(r'^\.It Li "([0-9a-f ]+)" Ta', PAGE, re.MULTILINE))
    assert bytes.fromhex(explained) == dump(NAME + ".log")[:95]


def test_the_header_table_has_the_offsets_and_sizes_of_the_header() -> None:
    rows = re.findall(r"^\.It (\d+) Ta (\d+) Ta (?!relative)", PAGE, re.MULTILINE)
    ends = [int(offset) + int(size) for offset, size in rows]
    assert [int(offset) for offset, _ in rows] == [0, *ends[:-1]]
    assert ends[-1] == HEADER.size


def test_every_kind_of_file_is_on_the_page() -> None:
    names = [META_NAME, LOCK_NAME, CLEAN_SHUTDOWN_NAME, TOPIC_FILE_NAME, *CHECKPOINT_NAMES]
    names += [BROKEN_SUFFIX, CLEANED_SUFFIX, SWAP_SUFFIX, DELETED_SUFFIX]
    missing = [name for name in names if name not in PAGE]
    assert not missing


def test_the_snapshot_table_has_the_sizes_of_a_snapshot() -> None:
    _, _, after = PAGE.partition(".Sh THE PRODUCER SNAPSHOTS\n")
    sizes = [int(size) for size in re.findall(r"^\.It (\d+) Ta ", after.partition(".El")[0], re.MULTILINE)]
    assert (sum(sizes[:3]), sum(sizes[3:])) == (HEAD_BYTES, ENTRY_BYTES)
