from quekka.client import TopicPartition
from quekka.client.partition_queue import PartitionQueue, TopicQueues
from quekka.client.producer_batch import ProducerBatch

LIMIT = 100


def make_queue(partition: int = 0) -> PartitionQueue:
    return PartitionQueue(TopicPartition("logs", partition))


def add_batch(queue: PartitionQueue, *, send_at_s: float = 5.0) -> ProducerBatch:
    batch = ProducerBatch(queue.topic_partition, 0, number=1, send_at_s=send_at_s, expires_at_s=100.0)
    queue.batches.append(batch)
    return batch


def test_a_batch_lingers_while_it_is_open_and_alone() -> None:
    queue = make_queue()
    batch = add_batch(queue)
    assert queue.open_batch(1, LIMIT) is batch
    assert queue.send_at_s() == 5.0


def test_a_full_batch_is_due_at_once() -> None:
    queue = make_queue()
    add_batch(queue).is_closed = True
    assert queue.send_at_s() == 0.0
    assert queue.open_batch(1, LIMIT) is None


def test_a_batch_without_room_is_closed_and_the_next_partition_taken() -> None:
    topic = TopicQueues((make_queue(0), make_queue(1)), refresh_at_ms=0, sticky=0)
    batch = add_batch(topic.queues[0])
    batch.reserved_bytes = 60
    assert topic.sticky_queue(40, LIMIT) is topic.queues[0]
    assert topic.sticky_queue(41, LIMIT) is topic.queues[1]
    assert batch.is_closed


def test_a_batch_with_another_behind_it_is_due_at_once() -> None:
    queue = make_queue()
    add_batch(queue)
    behind = add_batch(queue)
    assert queue.send_at_s() == 0.0
    assert queue.open_batch(1, LIMIT) is behind


def test_a_batch_that_is_tried_again_is_due_after_its_pause_whatever_waits_behind_it() -> None:
    queue = make_queue()
    retried = add_batch(queue, send_at_s=7.0)
    retried.is_closed = True
    retried.attempts = 1
    add_batch(queue)
    assert queue.send_at_s() == 7.0


def test_records_without_a_key_stick_to_a_partition_until_its_batch_is_closed() -> None:
    queues = tuple(make_queue(partition) for partition in range(3))
    topic = TopicQueues(queues, refresh_at_ms=0, sticky=0)
    chosen = []
    for _ in range(5):
        queue = topic.sticky_queue(1, LIMIT)
        batch = queue.open_batch(1, LIMIT) or add_batch(queue)
        assert topic.sticky_queue(1, LIMIT) is queue, "as long as its batch is open"
        batch.is_closed = True
        chosen.append(queue.topic_partition.partition)
    assert chosen == [1, 2, 0, 1, 2]


def test_a_sticky_partition_that_is_gone_is_left() -> None:
    assert TopicQueues((make_queue(),), refresh_at_ms=0, sticky=5).sticky == 0
