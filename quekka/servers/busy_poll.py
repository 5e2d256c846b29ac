"""Looking for the next request a moment longer before going to sleep.

A thread that sleeps in recv(2) has to be woken, and with it its processor, which on a virtual machine costs
as much as many a request (quekka-internals(7), What a hand-over costs). A peer that sends its next request as
soon as it has the reply to the last one needs so little time for that, that it pays to wait awake.

Two things keep that from costing anybody else something: between two looks all other threads and processes on
the processor have their turn, and after a look that was in vain the next 1, then 3, then 7... waits sleep at
once. So a peer that takes its time, and a broker with many busy ones, soon have no such looks at all.
"""

import os
import socket

from quekka.deadline import Deadline
from quekka.servers.peer import Peer

SLEEPS_MAX = 1023
"""So many waits sleep at once, after many that were awake in vain; then one more is tried."""

_give_way = getattr(os, "sched_yield", lambda: None)


class BusyPoll:
    """Whether to wait awake for one peer.

    Threads: the connection's own.
    """

    __slots__ = ("_budget_s", "_sleeps", "_sleeps_left")

    def __init__(self, budget_us: int) -> None:
        """`budget_us` is how long one wait may be (`busy.poll.us`); 0 for never."""
        self._budget_s = budget_us / 1_000_000
        self._sleeps = 0
        self._sleeps_left = 0

    def receive_into(self, peer: Peer, view: memoryview) -> int | None:
        """As `Peer.receive_into`, which sleeps, but awake for a moment before that where it may pay."""
        if not self._budget_s:
            return peer.receive_into(view)
        if self._sleeps_left:
            self._sleeps_left -= 1
            return peer.receive_into(view)
        deadline = Deadline(self._budget_s)
        while not deadline.expired():
            _give_way()
            size_bytes = peer.receive_into(view, socket.MSG_DONTWAIT)
            if size_bytes is not None:
                self._sleeps = 0
                return size_bytes
        self._sleeps = min(2 * self._sleeps + 1, SLEEPS_MAX)
        self._sleeps_left = self._sleeps
        return peer.receive_into(view)
