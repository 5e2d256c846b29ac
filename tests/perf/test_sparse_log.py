"""perf/sparse_log.py: a broker takes it for a log as any other."""

from pathlib import Path

from perf.sparse_log import SEGMENT_BYTES, timestamp_of, write_sparse_log
from quekka.embedded import Broker
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.offset_spec import OffsetSpec


def test_a_log_of_holes_is_served_and_found_whole(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        broker.core.topics.create("sparse", settings={"retention.ms": "-1"})
    end_offset = write_sparse_log(tmp_path / "topics" / "sparse", 2 * SEGMENT_BYTES)
    with Broker(tmp_path) as broker:
        partition = broker.core.topics.get("sparse").partition(0)
        view = partition.view()
        assert (view.log_start_offset, view.log_end_offset) == (0, end_offset)
        assert len(view.segments) > 1
        middle = end_offset // 2
        batch = view.read(middle, 1).read()
        assert [header.base_offset for _, header in iter_batches(batch)] == [middle]
        assert [record.timestamp_ms for record in iter_records(batch)] == [timestamp_of(middle)]
        assert partition.find(OffsetSpec.parse(f"timestamp:{timestamp_of(middle)}")) == middle


def test_it_takes_next_to_no_room(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    write_sparse_log(tmp_path, SEGMENT_BYTES)
    sizes = [path.stat() for path in (tmp_path / "0").iterdir()]
    assert sum(size.st_size for size in sizes) > 0.9 * SEGMENT_BYTES
    assert sum(size.st_blocks * 512 for size in sizes) < 0.05 * SEGMENT_BYTES
