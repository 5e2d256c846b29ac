"""aiokafka as people use it: produce, consume, administer, without a warning."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from quekka.embedded import Broker

aiokafka = pytest.importorskip("aiokafka")
admin = pytest.importorskip("aiokafka.admin")

TIMEOUT_S = 30


@pytest.fixture(autouse=True)
def no_warning(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client may log a warning."""
    caplog.set_level(logging.INFO)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def produce(broker: Broker, values: list[bytes], **settings: Any) -> list[int]:
    """Produce to partition 0 of `orders`, one after the other; the offsets."""
    async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, **settings) as producer:
        sent = [await producer.send_and_wait("orders", value, partition=0) for value in values]
    return [-1 if metadata is None else metadata.offset for metadata in sent]


async def consume(broker: Broker, count: int, reset: str = "earliest") -> list[bytes]:
    """The values of `orders`, read without a group."""
    settings = {"bootstrap_servers": broker.address, "auto_offset_reset": reset}
    async with aiokafka.AIOKafkaConsumer("orders", **settings) as consumer:
        return [(await asyncio.wait_for(consumer.getone(), TIMEOUT_S)).value for _ in range(count)]


@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
@pytest.mark.parametrize("codec", [None, "gzip"])
def test_records_go_in_and_come_out(broker: Broker, idempotent: bool, codec: str | None) -> None:
    broker.core.topics.create("orders")
    sent = [b"%d " % number * 50 for number in range(30)]
    settings = {"enable_idempotence": idempotent, "compression_type": codec}
    assert asyncio.run(produce(broker, sent, **settings)) == [*range(30)]
    assert asyncio.run(consume(broker, 30)) == sent


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_acks_works(broker: Broker, acks: int | str) -> None:
    broker.core.topics.create("orders")
    asyncio.run(produce(broker, [b"a", b"b"], acks=acks))
    assert asyncio.run(consume(broker, 2)) == [b"a", b"b"]


def test_offsets_are_found(broker: Broker) -> None:
    broker.core.topics.create("orders")
    asyncio.run(produce(broker, [b"a", b"b"]))

    async def offsets() -> tuple[int, int, int]:
        place = aiokafka.TopicPartition("orders", 0)
        async with aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address) as consumer:
            first = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            return first, end, (await consumer.offsets_for_times({place: 1}))[place].offset

    assert asyncio.run(offsets()) == (0, 2, 0)


def test_topics_are_administered(broker: Broker) -> None:
    async def administer() -> None:
        client = admin.AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await client.start()
        try:
            await client.create_topics([admin.NewTopic("orders", 2, 1)])
            assert await client.list_topics() == ["orders"]
            (described,) = await client.describe_topics(["orders"])
            assert [row["leader"] for row in described["partitions"]] == [1, 1]
            assert (await client.describe_cluster())["cluster_id"] == broker.core.cluster_id
            await client.create_partitions({"orders": admin.NewPartitions(4)})
            await client.delete_topics(["orders"])
            assert await client.list_topics() == []
        finally:
            await client.close()

    asyncio.run(administer())
