"""Looking for the next request a moment longer before going to sleep.

A thread that sleeps in recv(2) has to be woken, and with it its processor, which on a virtual machine costs
as much as many a request (quekka-internals(7), What a hand-over costs). A peer that sends its next request as
soon as it has the reply to the last one needs so little time for that, that it pays to wait awake.

Three things keep that from costing anybody else something. Only one thread of the process waits awake at a
time, since each look takes the GIL. Between two looks all other threads and processes on the processor have
their turn. And after a wait that was awake in vain the next 1, then 3, then 7... waits sleep at once, so a
peer that takes its time soon has no such waits at all. A new connection has to show first that it stays.
"""

import os
import socket
import threading

from quekka.deadline import Deadline
from quekka.servers.peer import Peer

SLEEPS_MAX = 1023
"""So many waits sleep at once, after many that were awake in vain; then one more is tried."""
SLEEPS_AT_FIRST = 15
"""Of a new connection."""

_turn = threading.Lock()
"""Held by the one who waits awake."""

_give_way = getattr(os, "sched_yield", lambda: None)


class BusyPoll:
    """Whether to wait awake for one peer.

    Threads: the connection's own.
    """

    __slots__ = ("_budget_s", "_sleeps", "_sleeps_left")

    def __init__(self, budget_us: int) -> None:
        """`budget_us` is how long one wait may be (`busy.poll.us`); 0 for never."""
        self._budget_s = budget_us / 1_000_000
        self._sleeps = self._sleeps_left = SLEEPS_AT_FIRST

    def receive_into(self, peer: Peer, view: memoryview) -> int | None:
        """As `Peer.receive_into`, which sleeps, but awake for a moment before that where it may pay."""
        if self._sleeps_left:
            self._sleeps_left -= 1
        elif self._budget_s and _turn.acquire(blocking=False):
            try:
                size_bytes = self._look(peer, view)
            finally:
                _turn.release()
            if size_bytes is not None:
                self._sleeps = 0
                return size_bytes
            self._sleeps = self._sleeps_left = min(2 * self._sleeps + 1, SLEEPS_MAX)
        return peer.receive_into(view)

    def _look(self, peer: Peer, view: memoryview) -> int | None:
        """What comes within the budget."""
        deadline = Deadline(self._budget_s)
        while not deadline.expired():
            _give_way()
            size_bytes = peer.receive_into(view, socket.MSG_DONTWAIT)
            if size_bytes is not None:
                return size_bytes
        return None
