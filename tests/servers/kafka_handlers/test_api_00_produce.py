"""Produce: one batch for each partition, checked, appended, answered in the order of the requests."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from broker_helpers import batch_of, values_of
from kafka_wire import KafkaWire
from log_bench import batch_by

from quekka.broker.append_future import AppendFuture
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.embedded import Broker
from quekka.errors import KafkaStorageError, RequestTimedOutError, ThrottlingError
from quekka.formats.compression import GZIP, ZSTD
from quekka.formats.crc32c import crc32c
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)

PRODUCE = 0
NOW_MS = 1_700_000_000_000
VERSIONS = [*range(3, 12)]


def request_of(
    *batches: bytes | bytearray | None,
    topic: str = "orders",
    acks: int = -1,
    transactional_id: str | None = None,
) -> ProduceRequest:
    """A request with a batch for partition 0, one for partition 1 and so on."""
    data = [
        PartitionProduceData(index, None if batch is None else memoryview(batch))
        for index, batch in enumerate(batches)
    ]
    return ProduceRequest(transactional_id, acks, 1000, [TopicProduceData(topic, data)])


def outcomes(response: object) -> list[PartitionProduceResponse]:
    (topic,) = response.responses  # type: ignore[attr-defined]
    return [*topic.partition_responses]


def changed(batch: bytearray, position: int, value: int, *, seal: bool = True) -> bytearray:
    """The batch with another byte, and a CRC that says so."""
    batch = bytearray(batch)
    batch[position] = value
    if seal:
        batch[17:21] = crc32c(memoryview(batch)[21:]).to_bytes(4, "big")
    return batch


@pytest.fixture
def orders(broker: Broker) -> Broker:
    """The broker with a topic of two partitions."""
    broker.core.topics.create("orders", 2)
    return broker


def stored(broker: Broker, partition: int = 0) -> list[bytes | None]:
    return values_of(broker.core.topics.get("orders").partition(partition))


@pytest.mark.parametrize("version", VERSIONS)
def test_batches_are_appended_and_the_base_offset_is_told(
    orders: Broker, wire: KafkaWire, version: int
) -> None:
    asked = request_of(batch_of([b"a", b"b"], NOW_MS), batch_of([b"c"], NOW_MS))
    for base in (0, 1):
        first, second = outcomes(wire.ask(PRODUCE, version, asked))
        assert (first.index, first.error_code, first.base_offset) == (0, 0, 2 * base)
        assert (second.index, second.error_code, second.base_offset) == (1, 0, base)
        assert first.log_append_time_ms == -1
        assert first.log_start_offset == (0 if version >= 5 else -1)
    assert stored(orders) == [b"a", b"b"] * 2
    assert stored(orders, 1) == [b"c"] * 2


@pytest.mark.parametrize("acks", [1, -1])
def test_one_replica_makes_acks_1_and_all_the_same(orders: Broker, wire: KafkaWire, acks: int) -> None:
    (outcome,) = outcomes(wire.ask(PRODUCE, 9, request_of(batch_of([b"a"], NOW_MS), acks=acks)))
    assert (outcome.error_code, outcome.base_offset) == (0, 0)


def test_acks_0_is_not_answered(orders: Broker, wire: KafkaWire) -> None:
    wire.send_only(PRODUCE, 9, request_of(batch_of([b"silent"], NOW_MS), acks=0))
    (outcome,) = outcomes(wire.ask(PRODUCE, 9, request_of(batch_of([b"loud"], NOW_MS))))
    assert outcome.base_offset == 1
    assert stored(orders) == [b"silent", b"loud"]


def test_an_error_with_acks_0_closes_the_connection_and_is_logged(
    orders: Broker, wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "quekka.servers"):
        wire.send_only(PRODUCE, 9, request_of(batch_of([b"a"], NOW_MS), topic="nowhere", acks=0))
        assert wire.is_closed()
    assert "acks=0" in caplog.text
    assert "UNKNOWN_TOPIC_OR_PARTITION" in caplog.text


def test_what_was_asked_before_an_error_with_acks_0_is_still_answered(
    orders: Broker, wire: KafkaWire
) -> None:
    wire.send(PRODUCE, 9, request_of(batch_of([b"a"], NOW_MS)))
    wire.send_only(PRODUCE, 9, request_of(batch_of([b"b"], NOW_MS), topic="nowhere", acks=0))
    assert outcomes(wire.receive())[0].base_offset == 0
    assert wire.is_closed()


def test_requests_that_come_together_are_answered_in_their_order(orders: Broker, wire: KafkaWire) -> None:
    for number in range(20):
        wire.send(PRODUCE, 9, request_of(batch_of([b"%d" % number], NOW_MS)))
    offsets = [outcomes(wire.receive())[0].base_offset for _ in range(20)]
    assert offsets == [*range(20)]
    assert stored(orders) == [b"%d" % number for number in range(20)]


def test_large_requests_that_come_together_are_not_mixed_up(orders: Broker, wire: KafkaWire) -> None:
    sent = [bytes([number]) * 300_000 for number in range(12)]
    for value in sent:
        wire.send(PRODUCE, 9, request_of(batch_of([value], NOW_MS)))
    assert [outcomes(wire.receive())[0].base_offset for _ in sent] == [*range(12)]
    assert stored(orders) == sent


def test_a_retry_is_answered_as_the_first_try_was(orders: Broker, wire: KafkaWire) -> None:
    orders.core.topics.alter("orders", {"message.timestamp.type": "LogAppendTime"})
    answers = []
    for base_sequence in (0, 2, 0, 2):
        asked = request_of(batch_by(7, base_sequence, 2), batch_by(7, base_sequence))
        answers.append(outcomes(wire.ask(PRODUCE, 9, asked))[0])
    assert answers[2:] == answers[:2]
    assert [answer.base_offset for answer in answers[:2]] == [0, 2]
    assert answers[0].log_append_time_ms > 0
    assert stored(orders) == [b"7/0", b"7/1", b"7/2", b"7/3"]


@pytest.mark.parametrize(
    ("epoch", "base_sequence", "number"), [(1, 2, 45), (0, 1, 47), (2, 1, 45)], ids=["gap", "fenced", "new"]
)
def test_a_batch_out_of_turn_is_refused_and_the_other_partitions_go_on(
    orders: Broker, wire: KafkaWire, epoch: int, base_sequence: int, number: int
) -> None:
    wire.ask(PRODUCE, 9, request_of(batch_by(7, 0, epoch=1)))
    asked = request_of(batch_by(7, base_sequence, epoch=epoch), batch_by(7, 0, epoch=1))
    refused, accepted = outcomes(wire.ask(PRODUCE, 9, asked))
    assert (refused.error_code, refused.base_offset) == (number, -1)
    assert "producer id 7" in (refused.error_message or "")
    assert (accepted.error_code, accepted.base_offset) == (0, 0)
    assert stored(orders) == [b"7/0"]


BATCH = batch_of([b"value"], NOW_MS)
BAD_BATCHES = {
    "no_records": (None, 87),
    "empty_records": (b"", 87),
    "old_magic": (changed(BATCH, 16, 1), 87),
    "two_batches": (BATCH + BATCH, 87),
    "cut": (BATCH[:-1], 87),
    "cut_in_the_header": (BATCH[:40], 87),
    "cut_before_the_magic": (BATCH[:16], 87),
    "length_too_large": (changed(BATCH, 10, 1), 87),
    "length_too_small": (changed(BATCH, 11, 9), 2),
    "negative_length": (changed(BATCH, 8, 0xFF), 2),
    "second_cut": (BATCH + BATCH[:-1], 2),
    "wrong_crc": (changed(BATCH, 62, 99, seal=False), 2),
    "wrong_count": (changed(BATCH, 60, 9), 87),
    "control": (changed(BATCH, 22, 0x20), 87),
    "log_append_time": (changed(BATCH, 22, 0x08), 32),
    "transactional": (changed(changed(BATCH, 22, 0x10), 43, 0), 87),
}


@pytest.mark.parametrize(("batch", "error_code"), BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_bad_batch_is_refused_and_the_other_partition_is_not(
    orders: Broker, wire: KafkaWire, batch: bytes | None, error_code: int
) -> None:
    good = batch_of([b"good"], NOW_MS)
    refused, appended = outcomes(wire.ask(PRODUCE, 9, request_of(batch, good)))
    assert (refused.error_code, refused.base_offset) == (error_code, -1)
    assert refused.error_message
    assert refused.record_errors == ()
    assert (appended.error_code, appended.base_offset) == (0, 0)
    assert stored(orders) == []


def test_a_transactional_batch_is_refused_as_transactions_are(orders: Broker, wire: KafkaWire) -> None:
    builder = BatchBuilder(NOW_MS)
    builder.append(None, b"a")
    builder.set_producer(7, 0, 0, is_transactional=True)
    assert outcomes(wire.ask(PRODUCE, 9, request_of(builder.build())))[0].error_code == 53


REFUSED_REQUESTS = {
    "unknown_topic": (request_of(BATCH, topic="nowhere"), 3),
    "illegal_name": (request_of(BATCH, topic="no topic"), 3),
    "internal_topic": (request_of(BATCH, topic="__consumer_offsets"), 17),
    "acks_2": (request_of(BATCH, acks=2), 21),
    "transactional_id": (request_of(BATCH, transactional_id="mover"), 53),
}


@pytest.mark.parametrize(("asked", "error_code"), REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS)
def test_a_request_is_refused(
    orders: Broker, wire: KafkaWire, asked: ProduceRequest, error_code: int
) -> None:
    assert [outcome.error_code for outcome in outcomes(wire.ask(PRODUCE, 9, asked))] == [error_code]
    assert orders.core.topics.find("nowhere") is None


def test_an_unknown_partition_is_refused(orders: Broker, wire: KafkaWire) -> None:
    codes = [
        outcome.error_code for outcome in outcomes(wire.ask(PRODUCE, 9, request_of(BATCH, BATCH, BATCH)))
    ]
    assert codes == [0, 0, 3]


def test_a_batch_beyond_max_message_bytes_is_too_large(orders: Broker, wire: KafkaWire) -> None:
    orders.core.topics.alter("orders", {"max.message.bytes": "1000"})
    batch = batch_of([b"x" * 1000], NOW_MS)
    assert outcomes(wire.ask(PRODUCE, 9, request_of(batch)))[0].error_code == 10


@pytest.mark.parametrize(("codec", "version", "error_code"), [(ZSTD, 6, 76), (ZSTD, 7, 0), (GZIP, 3, 0)])
def test_zstd_needs_version_7(
    orders: Broker, wire: KafkaWire, codec: int, version: int, error_code: int
) -> None:
    builder = BatchBuilder(NOW_MS)
    builder.append(None, b"a" * 100)
    batch = builder.build(codec)
    assert outcomes(wire.ask(PRODUCE, version, request_of(batch)))[0].error_code == error_code


def test_a_codec_that_is_not_there_leaves_one_line_in_the_log(
    orders: Broker, wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    batch = batch_of([b"a"], NOW_MS)
    batch[22] |= 6
    batch[17:21] = crc32c(memoryview(batch)[21:]).to_bytes(4, "big")
    for _ in range(3):
        assert outcomes(wire.ask(PRODUCE, 9, request_of(batch)))[0].error_code == 76
    (line,) = [record.getMessage() for record in caplog.records if "not taken" in record.getMessage()]
    assert "(client id 'wire'): a batch was not taken" in line


def test_log_append_time_is_told(orders: Broker, wire: KafkaWire) -> None:
    orders.core.topics.alter("orders", {"message.timestamp.type": "LogAppendTime"})
    (outcome,) = outcomes(wire.ask(PRODUCE, 9, request_of(batch_of([b"a"], NOW_MS))))
    assert outcome.log_append_time_ms == orders.core.topics.get("orders").partition(0).view().max_timestamp_ms
    assert outcome.log_append_time_ms > NOW_MS


@pytest.mark.parametrize("version", [0, 1, 2])
def test_versions_with_older_records_are_told_that_they_are_not_served(
    orders: Broker, wire: KafkaWire, version: int
) -> None:
    (outcome,) = outcomes(wire.ask(PRODUCE, version, request_of(BATCH)))
    assert (outcome.error_code, outcome.base_offset) == (35, -1)


def test_the_partitions_of_a_request_share_one_deadline(
    orders: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[Deadline] = []

    def full(*arguments: Any) -> None:
        deadlines.extend(argument for argument in arguments if isinstance(argument, Deadline))
        raise ThrottlingError("the queue is full")

    monkeypatch.setattr(Partition, "append", full)
    topic = TopicProduceData("orders", [PartitionProduceData(0, memoryview(batch_of([b"x"], 0)))] * 3)
    found = outcomes(wire.ask(PRODUCE, 9, ProduceRequest(None, -1, 1000, [topic])))
    assert [outcome.error_code for outcome in found] == [RequestTimedOutError.number] * 3
    assert len(deadlines) == 3
    assert all(deadline is deadlines[0] for deadline in deadlines)


def test_records_are_counted_when_they_are_stored(
    orders: Broker, open_wire: Callable[..., KafkaWire], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: AppendFuture) -> int:
        raise KafkaStorageError("no space")

    before = orders.core.metrics.snapshot()["records_in"]
    with open_wire(orders) as wire:
        wire.ask(PRODUCE, 9, request_of(batch_of([b"a", b"b", b"c"], NOW_MS)))
        wire.ask(PRODUCE, 9, request_of(BATCH, topic="nowhere"))
        with monkeypatch.context() as failing:
            failing.setattr(AppendFuture, "wait", no_space)
            wire.ask(PRODUCE, 9, request_of(BATCH))
    assert orders.core.metrics.snapshot()["records_in"] == before + 3


def test_the_records_without_a_key_that_a_compacted_topic_needs_are_told(
    orders: Broker, wire: KafkaWire
) -> None:
    orders.core.topics.alter("orders", {"cleanup.policy": "compact"})
    builder = BatchBuilder(NOW_MS)
    for key in (None, b"k", None):
        builder.append(key, b"value")
    (refused,) = outcomes(wire.ask(PRODUCE, 9, request_of(builder.build())))
    assert (refused.error_code, [row.batch_index for row in refused.record_errors]) == (87, [0, 2])


def test_a_retry_is_told_the_time_of_the_first_try(orders: Broker, wire: KafkaWire) -> None:
    first, again = (outcomes(wire.ask(PRODUCE, 9, request_of(batch_by(7, 0))))[0] for _ in range(2))
    assert (first.log_append_time_ms, again.log_append_time_ms) == (-1, NOW_MS)
