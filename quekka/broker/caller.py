"""Who waits for an answer: so that no thread goes on waiting for somebody who is gone.

A request that waits (for data, for a rebalance) reads nothing from its connection meanwhile, so the end of
that is looked for where the thread sleeps: with poll(2), beside the pipe by which it is woken. Requests that
lie there unread do not end the sleep.

A peer that has closed its connection and one that has only shut down its sending side look the same, until
something is sent to it. Whoever makes a Caller says what he takes it for.
"""

import select

POLLRDHUP = getattr(select, "POLLRDHUP", 0)
"""The peer will send nothing more; where the system cannot tell, only a broken connection is noticed."""


class CallerGoneError(Exception):
    """Nobody waits for the answer any more.

    Threads: any.
    """


class Caller:
    """The connection behind one wait.

    Constant: `fd` (of its socket), `events` (of poll(2), beside those that are always told: the connection
    broke, or was closed by both sides). `is_gone` is True once such an event came.

    Threads: the one that waits.
    """

    __slots__ = ("events", "fd", "is_gone")

    def __init__(self, fd: int, *, may_be_half_closed: bool) -> None:
        """With `may_be_half_closed`, one that will send nothing more is still answered in its time."""
        self.fd = fd
        self.events = 0 if may_be_half_closed else POLLRDHUP
        self.is_gone = False

    def note(self, events: int) -> None:
        """Take in what poll(2) told of the connection; 0 is nothing."""
        if events:
            self.is_gone = True
