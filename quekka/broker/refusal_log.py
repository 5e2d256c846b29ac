"""Log lines about clients that cannot be served, of which a client that tries on and on gets few.

A client that speaks another protocol, or a version that is not served, comes again at once, many times a
second. The first line about it is what an operator needs; the thousandth hides what else is in the log.
"""

import logging
import threading

from quekka.clock import Clock

logger = logging.getLogger(__name__)

PERIOD_S = 60.0
LINES_MAX = 10
"""In a period, about one host."""
HOSTS_MAX = 1000
"""Of whom is remembered what was said; with one more, the one whose period began first is forgotten."""


class _Said:
    """What was said of one host since `since_s`.

    Threads: any that holds the mutex of its RefusalLog.
    """

    __slots__ = ("left_out", "lines", "since_s")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.lines: set[str] = set()
        self.left_out = 0


class RefusalLog:
    """Says the same about one host once in `PERIOD_S`, and no more than `LINES_MAX` different things.

    Guarded by `_mutex`: all of it; nothing is written under it.

    Threads: any.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._hosts: dict[str, _Said] = {}

    def say(self, host: str, who: str, what: str) -> None:
        """Log that `who`, who is at `host`, was refused, and why.

        `what` alone decides whether it was said before, so it has nothing of this one connection in it.
        """
        with self._mutex:
            left_out = self._left_out_locked(host, what)
        if left_out is None:
            return
        more = f" ({left_out} more lines about {host} were left out)" if left_out else ""
        logger.warning("%s: %s%s", who, what, more)

    def _left_out_locked(self, host: str, what: str) -> int | None:
        """How many lines about the host were left out before this one; None to leave it out, too."""
        said = self._hosts.get(host)
        now_s = self._clock.monotonic_s()
        if said is None or now_s - said.since_s >= PERIOD_S:
            left_out = 0 if said is None else said.left_out
            self._hosts.pop(host, None)
            if len(self._hosts) >= HOSTS_MAX:
                del self._hosts[next(iter(self._hosts))]
            said = self._hosts[host] = _Said(now_s)
        elif what in said.lines or len(said.lines) >= LINES_MAX:
            said.left_out += 1
            return None
        else:
            left_out = 0
        said.lines.add(what)
        return left_out
