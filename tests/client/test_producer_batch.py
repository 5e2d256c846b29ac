import pytest

from quekka.client import RecordMetadata, TopicPartition
from quekka.client.producer_batch import ProducerBatch
from quekka.errors import KafkaStorageError
from quekka.formats.record import Record
from quekka.formats.record_batch import iter_records, read_header

PARTITION = TopicPartition("logs", 2)


def make_batch() -> ProducerBatch:
    return ProducerBatch(PARTITION, 1000, number=7, send_at_s=1.0, expires_at_s=2.0)


def test_records_are_encoded_in_their_order() -> None:
    batch = make_batch()
    batch.append(b"k", b"a", [("h", b"1")], 1000, 40)
    batch.append(None, None, (), 1005, 32)
    assert list(iter_records(batch.encoded(0))) == [
        Record(0, 1000, b"k", b"a", (("h", b"1"),)),
        Record(1, 1005, None, None, ()),
    ]
    assert (batch.count, batch.reserved_bytes) == (2, 72)


@pytest.mark.parametrize("codec", [0, 1], ids=["none", "gzip"])
def test_a_retry_sends_the_same_bytes(codec: int) -> None:
    batch = make_batch()
    batch.append(None, b"a" * 100, (), 1000, 132)
    encoded = batch.encoded(codec)
    assert batch.encoded(codec) is encoded
    assert read_header(encoded).codec == codec


def test_promises_are_kept_with_consecutive_offsets() -> None:
    batch = make_batch()
    futures = [batch.append(None, b"a", (), 1000 + delta, 33) for delta in (0, 3)]
    batch.complete(17)
    assert [future.result() for future in futures] == [
        RecordMetadata("logs", 2, 17, 1000),
        RecordMetadata("logs", 2, 18, 1003),
    ]


def test_where_nobody_said_all_offsets_are_minus_one() -> None:
    batch = make_batch()
    futures = [batch.append(None, b"a", (), 1000, 33) for _ in range(2)]
    batch.complete(-1)
    assert [future.result().offset for future in futures] == [-1, -1]


def test_all_promises_are_broken_together() -> None:
    batch = make_batch()
    futures = [batch.append(None, b"a", (), 1000, 33) for _ in range(2)]
    batch.fail(KafkaStorageError("no space"))
    for future in futures:
        with pytest.raises(KafkaStorageError, match="no space"):
            future.result()


def test_a_split_batch_keeps_records_order_promises_and_limits() -> None:
    batch = make_batch()
    headers = [("h", None)]
    futures = [batch.append(b"%d" % number, b"v", headers, 1000 + number, 35) for number in range(5)]
    first, second = batch.split()
    records = [*iter_records(first.encoded(0)), *iter_records(second.encoded(0))]
    assert [record.key for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record.timestamp_ms for record in records] == [1000, 1001, 1002, 1003, 1004]
    assert {record.headers for record in records} == {(("h", None),)}
    assert (first.count, second.count) == (2, 3)
    assert first.reserved_bytes + second.reserved_bytes == batch.reserved_bytes
    for half in (first, second):
        assert half.is_closed
        assert (half.number, half.expires_at_s) == (batch.number, batch.expires_at_s)
    second.complete(50)
    first.complete(10)
    assert [future.result().offset for future in futures] == [10, 11, 50, 51, 52]
