"""Waiting for data, without asking again and again."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from quekka.broker.caller import Caller
from quekka.broker.partition import Partition
from quekka.broker.signal import Signal, Watch
from quekka.deadline import Deadline

if TYPE_CHECKING:
    from quekka.broker.broker import BrokerCore


def wait_for_data(
    broker: "BrokerCore",
    positions: Sequence[tuple[Partition, int]],
    min_bytes: int,
    deadline: Deadline,
    is_outdated: Callable[[], bool] | None = None,
    caller: Caller | None = None,
) -> bool:
    """Wait until `min_bytes` can be read at the positions (partition, offset to read).

    True as well when a position has fallen out of its log, since then the reader has something to be told,
    and when `is_outdated` says, after a rebalance, that these are not the reader's positions any more. False
    when the deadline came first, the broker stops, or the caller is gone. Woken by appends, by deletion, by
    rebalances, by stop and by the end of the caller.
    """
    return has_data(positions, min_bytes) or sleep_until_data(
        broker, positions, min_bytes, deadline, is_outdated, caller
    )


def sleep_until_data(
    broker: "BrokerCore",
    positions: Sequence[tuple[Partition, int]],
    min_bytes: int,
    deadline: Deadline,
    is_outdated: Callable[[], bool] | None = None,
    caller: Caller | None = None,
    outdated: Signal | None = None,
) -> bool:
    """As `wait_for_data`, for who has looked already.

    `outdated` fires when `is_outdated` has become true; None means after a rebalance.
    """
    signals = [broker.stop_signal, *(partition.log_end for partition, _ in positions)]
    if is_outdated is not None:
        signals.append(outdated or broker.groups.rebalanced)
    with ExitStack() as stack:
        waiter = stack.enter_context(Watch(signals, broker.wakes))
        stack.callback(broker.clock.on_advance(waiter.wake))
        while not broker.stopping:
            if has_data(positions, min_bytes) or (is_outdated is not None and is_outdated()):
                return True
            if deadline.expired():
                return False
            waiter.wait(deadline, caller)
            if caller is not None and caller.is_gone:
                return False
    return False


def has_data(positions: Sequence[tuple[Partition, int]], min_bytes: int) -> bool:
    """True when the positions have `min_bytes` after them, or one of them needs the reader's attention."""
    missing_bytes = min_bytes
    for partition, offset in positions:
        view = partition.view()
        if not view.log_start_offset <= offset <= view.log_end_offset or partition.is_gone:
            return True
        if offset < view.log_end_offset:
            if missing_bytes <= 1 or offset < view.active.base_offset:
                return True  # what is read ends with its segment, and waiting makes no sealed one longer
            missing_bytes -= view.read(offset, view.size_bytes).size_bytes
            if missing_bytes <= 0:
                return True
    return False
