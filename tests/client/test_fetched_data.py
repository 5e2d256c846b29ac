import pytest
from fake_server import batch

from quekka.client import ConsumerRecord, TopicPartition
from quekka.client.fetched_data import FetchedData, RecordDecoder, next_fetch_offset
from quekka.client.partition_state import PartitionState
from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import CONTROL, CRC_START, read_header, write_crc

PAYLOAD = batch(10, b"a", b"b", b"c") + batch(13, b"d", b"e")


def make_data(payload: bytes = PAYLOAD, position: int = 10, **options: object) -> FetchedData:
    state = PartitionState(TopicPartition("logs", 0), position, None)
    state.fetch_position = 15
    return FetchedData(state, payload, RecordDecoder(**options))  # type: ignore[arg-type]


def values(records: list[ConsumerRecord]) -> list[bytes]:
    return [record.value for record in records]


def test_records_come_in_order_with_their_place() -> None:
    data = make_data()
    assert data.take(100) == [
        ConsumerRecord("logs", 0, 10 + index, 1000, None, value)
        for index, value in enumerate([b"a", b"b", b"c", b"d", b"e"])
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_the_position_follows_what_is_taken(limit: int) -> None:
    data = make_data()
    assert len(data.take(limit)) == limit
    assert data.state.position == 10 + limit


def test_records_may_be_taken_one_by_one_and_many_at_once() -> None:
    data = make_data()
    assert next(data.records).value == b"a"
    assert values(data.take(2)) == [b"b", b"c"]
    assert next(data.records).value == b"d"
    assert values(data.take(100)) == [b"e"]
    assert data.take(100) == []
    assert data.state.position == 15


def test_records_before_the_position_are_left_out() -> None:
    assert values(make_data(position=12).take(100)) == [b"c", b"d", b"e"]


def test_the_position_passes_offsets_that_compaction_has_removed() -> None:
    payload = bytearray(batch(10, b"a"))
    payload[23:27] = (4).to_bytes(4, "big")  # last offset delta
    write_crc(memoryview(payload))
    data = make_data(bytes(payload))
    assert values(data.take(100)) == [b"a"]
    assert data.state.position == 15


def test_control_batches_are_passed_over() -> None:
    control = bytearray(batch(10, b"marker"))
    control[CRC_START : CRC_START + 2] = CONTROL.to_bytes(2, "big")
    write_crc(memoryview(control))
    data = make_data(bytes(control) + batch(11, b"a"))
    assert values(data.take(100)) == [b"a"]
    assert data.state.position == 12


def test_after_a_seek_nothing_more_comes() -> None:
    data = make_data()
    iterator = data.records
    assert next(iterator).value == b"a"
    data.state.seek(14)
    assert list(iterator) == []
    assert not data.is_current
    assert data.state.position == 14


def damaged() -> bytes:
    payload = bytearray(PAYLOAD)
    payload[-2] ^= 1  # in the last value
    return bytes(payload)


def test_damage_is_told_with_its_place_after_what_lies_before_it() -> None:
    data = make_data(damaged())
    assert values(data.take(100)) == [b"a", b"b", b"c"]
    assert data.state.position == data.state.fetch_position == 13
    again = make_data(damaged(), position=13)
    with pytest.raises(CorruptMessageError, match="CRC") as raised:
        again.take(100)
    assert raised.value.__notes__ == ["in logs/0, at or after offset 13"]
    assert not again.is_current


def test_crcs_are_not_compared_where_that_is_not_wanted() -> None:
    assert len(make_data(damaged(), check_crcs=False).take(100)) == 5


def test_deserializers_are_called_for_keys_and_values() -> None:
    data = make_data(key_deserializer=lambda key: key is None, value_deserializer=lambda value: value + b"!")
    assert [(record.key, record.value) for record in data.take(2)] == [(True, b"a!"), (True, b"b!")]


def test_a_deserializer_that_refuses_stops_at_its_record() -> None:
    def refuse_c(value: bytes | None) -> bytes | None:
        if value == b"c":
            raise ValueError("not c")
        return value

    data = make_data(value_deserializer=refuse_c)
    assert values(data.take(100)) == [b"a", b"b"]
    assert data.state.position == 12
    with pytest.raises(ValueError, match="not c"):
        make_data(position=12, value_deserializer=refuse_c).take(100)


def test_the_next_fetch_begins_after_the_last_batch() -> None:
    assert next_fetch_offset(PAYLOAD) == 15
    with pytest.raises(CorruptMessageError):
        next_fetch_offset(PAYLOAD[:-1])


def test_a_batch_made_for_these_tests_is_one() -> None:
    assert read_header(PAYLOAD).base_offset == 10
