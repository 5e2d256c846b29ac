"""Tests of quekka.broker.partition."""

import logging

import pytest
from broker_helpers import batch_of, publish, values_of

from quekka.broker.broker import BrokerCore
from quekka.clock import ManualClock
from quekka.errors import InvalidRecordError, OffsetOutOfRangeError
from quekka.offset_spec import OffsetSpec


def test_several_batches_of_one_append_stay_together(core: BrokerCore) -> None:
    partition = core.topics.create("logs").partition(0)
    batches = [batch_of([b"0", b"1"], 1), batch_of([b"2"], 1)]
    assert partition.append(batches, 3).wait() == 0
    assert publish(core, "logs", b"3") == 3
    assert values_of(partition) == [b"0", b"1", b"2", b"3"]


def test_a_view_does_not_change_after_it_was_taken(core: BrokerCore) -> None:
    publish(core, "logs", b"0")
    view = core.topics.get("logs").partition(0).view()
    publish(core, "logs", b"1")
    assert view.log_end_offset == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param("earliest", 0, id="earliest"),
        pytest.param("latest", 3, id="latest"),
        pytest.param("2", 2, id="offset"),
        pytest.param("99", 99, id="an_offset_is_not_checked"),
        pytest.param("timestamp:1700000001000", 1, id="exact_time"),
        pytest.param("timestamp:1700000001001", 2, id="time_between"),
        pytest.param("timestamp:1700000002001", 3, id="after_all"),
    ],
)
def test_find(core: BrokerCore, manual_clock: ManualClock, where: str, expected: int) -> None:
    for value in (b"0", b"1", b"2"):
        publish(core, "logs", value)
        manual_clock.advance(1)
    assert core.topics.get("logs").partition(0).find(OffsetSpec.parse(where)) == expected


def test_records_after_the_end_cannot_be_deleted(core: BrokerCore) -> None:
    publish(core, "logs", b"0")
    with pytest.raises(OffsetOutOfRangeError):
        core.topics.get("logs").partition(0).delete_records(2)


def test_damage_is_told_once_for_each_place(core: BrokerCore, caplog: pytest.LogCaptureFixture) -> None:
    partition = core.topics.create("logs").partition(0)
    with caplog.at_level(logging.ERROR):
        for offset in (3, 3, 3, 8, 8):
            partition.report_damage(offset, f"bad batch at {offset}")
    told = [record.message for record in caplog.records]
    assert told == ["damage: bad batch at 3", "damage: bad batch at 8"]


def test_an_append_of_nothing_is_refused(core: BrokerCore) -> None:
    with pytest.raises(InvalidRecordError, match="no record batch"):
        core.topics.create("logs").partition(0).append([], 0)
