"""How long a thread may compute before another one has its turn: the longer, the more threads want one.

A thread that waits for the GIL wakes up once every switch interval to ask for it (CPython, take_gil in
ceval_gil.h). With an interval of 0.5 ms and 1,000 connections at work, that is two million times a second,
which is more than a processor can do: nobody gets anywhere, for seconds. So the interval grows with the
number of connections that are at work, and shrinks again when they rest.
"""

import sys

from quekka.broker.metrics import Metrics

LOOK_EVERY_S = 0.5
"""How often to look who is at work."""
WAKE_UPS_PER_S_MAX = 50_000
"""Of all waiting threads together."""


def interval_s_for(configured_s: float, connections: int) -> float:
    """The switch interval while so many connections are at work."""
    return max(configured_s, connections / WAKE_UPS_PER_S_MAX)


class ThreadTurns:
    """Sets the interpreter's switch interval.

    Threads: one, the daemon's main thread.
    """

    def __init__(self, configured_s: float, metrics: Metrics) -> None:
        """`configured_s` is `thread.switch.interval.ms`, and the shortest interval there will be."""
        self._configured_s = configured_s
        self._metrics = metrics

    def adjust(self) -> None:
        """Look who was at work since the last look."""
        interval_s = interval_s_for(self._configured_s, self._metrics.connections_at_work())
        if interval_s != sys.getswitchinterval():
            sys.setswitchinterval(interval_s)
