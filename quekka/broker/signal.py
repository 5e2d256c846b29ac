"""How threads wait for the log to grow: nobody polls, nobody is woken for nothing that concerns him."""

import queue
from collections.abc import Iterable

from quekka.deadline import Deadline


class Waiter:
    """What one thread sleeps on; any number of signals may wake it, any number of times.

    Threads: `wait` by the thread that made it; `wake` by any.
    """

    __slots__ = ("_wakes",)

    def __init__(self) -> None:
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wake(self) -> None:
        self._wakes.put(None)

    def wait(self, deadline: Deadline) -> None:
        """Return after a `wake`, also one that came before, or when the deadline is there."""
        remaining_s = deadline.remaining_s()
        try:
            self._wakes.get(timeout=remaining_s)
        except queue.Empty:
            return
        while not self._wakes.empty():
            self._wakes.get()


class Signal:
    """Something happened: whoever waits for it looks again.

    Lost wake-ups are excluded by order: a waiter is added first, then looks at the state, then sleeps; who
    changes the state does so first and fires then.

    Threads: any. Every method is one operation on a dict, which is atomic, so the writer thread never waits
    here.
    """

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: dict[Waiter, None] = {}

    def add(self, waiter: Waiter) -> None:
        self._waiters[waiter] = None

    def remove(self, waiter: Waiter) -> None:
        self._waiters.pop(waiter, None)

    def fire(self) -> None:
        if self._waiters:
            for waiter in list(self._waiters):
                waiter.wake()


class Watch:
    """A waiter that is added to many signals for the length of a `with` block.

    Threads: the thread that made it.
    """

    __slots__ = ("_signals", "waiter")

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals = tuple(signals)
        self.waiter = Waiter()

    def __enter__(self) -> Waiter:
        for signal in self._signals:
            signal.add(self.waiter)
        return self.waiter

    def __exit__(self, *_: object) -> None:
        for signal in self._signals:
            signal.remove(self.waiter)
