"""How long a thread may compute before another one has its turn: the longer, the more threads may want one.

A thread that waits for the GIL wakes up once every switch interval to ask for it (CPython, take_gil in
ceval_gil.h). With an interval of 0.5 ms and 1,000 connections that have a request, that is two million times
a second, which is more than a processor can do: nobody gets anywhere, and nobody who could help gets the GIL
either. So the interval grows with the connections that are open, before they send anything.
"""

import sys

WAKE_UPS_PER_S_MAX = 50_000
"""Of all threads of connections together."""
INTERVAL_S_MAX = 0.1


def interval_s_for(configured_s: float, connections: int) -> float:
    """The switch interval while so many connections are open; `configured_s` is the shortest."""
    return max(configured_s, min(connections / WAKE_UPS_PER_S_MAX, INTERVAL_S_MAX))


class ThreadTurns:
    """Sets the interpreter's switch interval.

    Threads: any; calls follow each other in the order of the numbers that they are given.
    """

    def __init__(self, configured_s: float) -> None:
        """`configured_s` is `thread.switch.interval.ms`."""
        self._configured_s = self._interval_s = configured_s
        sys.setswitchinterval(configured_s)

    def adjust(self, connections: int) -> None:
        """So many connections are open from now on."""
        interval_s = interval_s_for(self._configured_s, connections)
        if interval_s != self._interval_s:
            self._interval_s = interval_s
            sys.setswitchinterval(interval_s)
