"""Tests of quekka.broker.fetch."""

import socket
import threading
from collections.abc import Callable

import pytest
from broker_helpers import publish

from quekka.broker.broker import BrokerCore
from quekka.broker.caller import Caller
from quekka.broker.fetch import has_data, wait_for_data
from quekka.broker.partition import Partition
from quekka.clock import ManualClock
from quekka.deadline import Deadline


@pytest.fixture
def partition(core: BrokerCore) -> Partition:
    publish(core, "logs", b"0", b"1")
    return core.topics.get("logs").partition(0)


def in_thread(work: Callable[[], object]) -> Callable[[], object]:
    """Start `work`; what is returned waits for its result."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()

    def result() -> object:
        thread.join(timeout=10)
        assert results, "still waiting"
        return results[0]

    return result


def watched(partition: Partition) -> None:
    """Return once somebody waits on the partition."""
    while not partition.log_end._waiters:
        threading.Event().wait(0.001)


def test_what_is_there_already_is_not_waited_for(core: BrokerCore, partition: Partition) -> None:
    assert wait_for_data(core, [(partition, 1)], 1, Deadline(0, core.clock))


def test_an_append_wakes(core: BrokerCore, partition: Partition) -> None:
    result = in_thread(lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock)))
    watched(partition)
    publish(core, "logs", b"2")
    assert result() is True
    assert not partition.log_end._waiters


def test_the_deadline_ends_the_wait(
    core: BrokerCore, partition: Partition, manual_clock: ManualClock
) -> None:
    result = in_thread(lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(5, core.clock)))
    watched(partition)
    manual_clock.advance(5)
    assert result() is False


def test_stopping_the_broker_ends_the_wait(core: BrokerCore, partition: Partition) -> None:
    result = in_thread(lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock)))
    watched(partition)
    core.begin_stop()
    assert result() is False
    core.stop()


def test_deleting_the_topic_ends_the_wait(core: BrokerCore, partition: Partition) -> None:
    result = in_thread(lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock)))
    watched(partition)
    core.topics.delete("logs")
    assert result() is True


def test_a_rebalance_ends_the_wait_of_those_it_concerns(core: BrokerCore, partition: Partition) -> None:
    outdated = threading.Event()
    result = in_thread(
        lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock), outdated.is_set)
    )
    watched(partition)
    core.groups.rebalanced.fire()
    outdated.set()
    core.groups.rebalanced.fire()
    assert result() is True


def test_min_bytes_are_gathered_over_all_positions(core: BrokerCore, partition: Partition) -> None:
    size_bytes = partition.view().read(0, 1).size_bytes
    assert has_data([(partition, 0)], size_bytes)
    assert not has_data([(partition, 0)], size_bytes + 1)
    assert has_data([(partition, 0), (partition, 0)], size_bytes + 1)


@pytest.mark.parametrize(
    "offset", [pytest.param(3, id="after_the_end"), pytest.param(0, id="before_the_start")]
)
def test_a_position_outside_the_log_is_told_at_once(
    core: BrokerCore, partition: Partition, offset: int
) -> None:
    partition.delete_records(1)
    assert wait_for_data(core, [(partition, offset)], 1, Deadline(None, core.clock))


def test_a_large_batch_behind_a_small_one_counts_towards_min_bytes(
    core: BrokerCore, partition: Partition
) -> None:
    publish(core, partition.topic_name, b"small")
    publish(core, partition.topic_name, b"large" * 200)
    assert has_data([(partition, 0)], 1000)


def test_a_position_in_a_sealed_segment_is_not_kept_waiting(core: BrokerCore) -> None:
    topic = core.topics.create("rolled", 1, {"segment.bytes": "100"})
    for value in (b"a" * 60, b"b" * 60):
        publish(core, "rolled", value)
    assert has_data([(topic.partition(0), 0)], 1 << 20)
    assert not has_data([(topic.partition(0), 1)], 1 << 20)


def test_a_caller_that_hangs_up_ends_the_wait(core: BrokerCore, partition: Partition) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        caller = Caller(ours.fileno(), may_be_half_closed=False)
        result = in_thread(
            lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock), caller=caller)
        )
        watched(partition)
        theirs.close()
        assert result() is False
    assert caller.is_gone


def test_an_append_wakes_who_waits_for_a_caller(core: BrokerCore, partition: Partition) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        caller = Caller(ours.fileno(), may_be_half_closed=False)
        result = in_thread(
            lambda: wait_for_data(core, [(partition, 2)], 1, Deadline(None, core.clock), caller=caller)
        )
        watched(partition)
        publish(core, "logs", b"2")
        assert result() is True
