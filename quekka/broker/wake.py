"""What threads sleep on when another thread is to wake them: a pipe, not a lock.

Who lets go of a lock that another thread sleeps on holds the GIL through the system call that wakes it, so
the woken thread runs straight into the GIL and sleeps again. Writing to a descriptor lets the GIL go around
the call. And a pipe rather than an eventfd: the kernel wakes the reader of a pipe in the knowledge that the
writer is about to wait, and leaves both on one processor more often (quekka-internals(7), What a hand-over
costs).
"""

import contextlib
import os
import select
from collections import deque

KEPT_MAX = 1024
"""Wakes that a pool keeps for the next sleeper."""

_READ_BYTES = 4096


class Wake:
    """One thread waits on it, any thread sets it; a set that came before the wait ends the wait at once.

    A wait may also end for a reason of long ago (who set it looked at state that has changed since), so who
    waits looks at the state and waits again. The descriptors close with the last reference, so nobody can
    ever write to one that has become another file's.

    Threads: any sets; one at a time waits.
    """

    __slots__ = ("_read_fd", "_write_fd")

    def __init__(self) -> None:
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)

    def __del__(self) -> None:
        os.close(self._read_fd)
        os.close(self._write_fd)

    def set(self) -> None:
        """End the wait that is, or the next one."""
        with contextlib.suppress(BlockingIOError):  # a pipe that is full of sets is set
            os.write(self._write_fd, b"\0")

    def wait(self, timeout_s: float | None = None) -> None:
        """Sleep until it is set, or for `timeout_s`."""
        if timeout_s is not None:
            poll = select.poll()
            poll.register(self._read_fd, select.POLLIN)
            # Rounded up: a wait that ends too early would be a busy one.
            if not poll.poll(int(timeout_s * 1000) + 1):
                return
        os.read(self._read_fd, _READ_BYTES)

    def wait_with(self, fd: int, events: int, timeout_s: float | None = None) -> int:
        """As `wait`, but events of another descriptor end it, too (poll(2)): those that came, 0 for none."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        poll.register(fd, events)
        ready = dict(poll.poll(None if timeout_s is None else int(timeout_s * 1000) + 1))
        if self._read_fd in ready:
            os.read(self._read_fd, _READ_BYTES)
        return ready.get(fd, 0)


class WakePool:
    """Wakes that nobody sleeps on at the moment; so there are as many as threads ever slept at the same time.

    Threads: any.
    """

    __slots__ = ("_spare",)

    def __init__(self) -> None:
        self._spare: deque[Wake] = deque(maxlen=KEPT_MAX)

    def take(self) -> Wake:
        """One to sleep on; it may be set already, by somebody who was late."""
        try:
            return self._spare.pop()
        except IndexError:
            return Wake()

    def give_back(self, wake: Wake) -> None:
        self._spare.append(wake)

    def clear(self) -> None:
        """Let go of the descriptors that are not in use."""
        self._spare.clear()
