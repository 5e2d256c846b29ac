"""InitProducerId: a new id for each producer, none for a transaction."""

from pathlib import Path

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest

INIT_PRODUCER_ID = 22


@pytest.mark.parametrize("version", range(6))
def test_everyone_gets_an_id_of_its_own_with_epoch_0(broker: Broker, wire: KafkaWire, version: int) -> None:
    given = [wire.ask(INIT_PRODUCER_ID, version, InitProducerIdRequest(None, 1000)) for _ in range(3)]
    assert [(row.error_code, row.producer_id, row.producer_epoch) for row in given] == [
        (0, 0, 0),
        (0, 1, 0),
        (0, 2, 0),
    ]


def test_who_had_an_id_gets_a_new_one(broker: Broker, wire: KafkaWire) -> None:
    response = wire.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 1000, 77, 5))
    assert (response.error_code, response.producer_id, response.producer_epoch) == (0, 0, 0)


def test_an_id_is_not_given_again_after_a_restart(broker: Broker, wire: KafkaWire) -> None:
    first = wire.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 1000)).producer_id
    broker.stop()
    broker.start()
    with KafkaWire(broker.host, broker.port) as again:
        assert again.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 1000)).producer_id > first


def test_a_broker_that_cannot_store_ids_tells_producers_to_come_again(
    tmp_path: Path, wire: KafkaWire
) -> None:
    (tmp_path / "data" / "producer-ids").mkdir()
    response = wire.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 1000))
    assert (response.error_code, response.producer_id, response.producer_epoch) == (14, -1, -1)


@pytest.mark.parametrize(("producer_id", "epoch"), [(77, -1), (-1, 5)], ids=["id_only", "epoch_only"])
def test_an_id_and_its_epoch_come_together(wire: KafkaWire, producer_id: int, epoch: int) -> None:
    response = wire.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(None, 1000, producer_id, epoch))
    assert (response.error_code, response.producer_id, response.producer_epoch) == (42, -1, -1)


@pytest.mark.parametrize(
    ("transactional_id", "error_code"), [("mover", 53), ("", 42)], ids=["transaction", "empty"]
)
def test_there_are_no_transactions(
    broker: Broker, wire: KafkaWire, transactional_id: str, error_code: int
) -> None:
    response = wire.ask(INIT_PRODUCER_ID, 4, InitProducerIdRequest(transactional_id, 1000))
    assert (response.error_code, response.producer_id, response.producer_epoch) == (error_code, -1, -1)
