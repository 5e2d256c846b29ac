"""How threads wait for the log to grow: nobody polls, nobody is woken for nothing that concerns him."""

from collections.abc import Iterable
from typing import Protocol

from quekka.broker.caller import Caller
from quekka.broker.wake import Wake, WakePool
from quekka.deadline import Deadline


class Wakeable(Protocol):
    """Who wants to know of a signal.

    Threads: `wake` by the one that fires, so it must not wait.
    """

    def wake(self) -> None: ...


class Waiter:
    """What one thread sleeps on; any number of signals may wake it, any number of times.

    Threads: `wait` by the thread that made it; `wake` by any.
    """

    __slots__ = ("_is_woken", "_wake")

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._is_woken = False

    def wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._wake.set()

    def wait(self, deadline: Deadline, caller: Caller | None = None) -> None:
        """Return after a `wake`, also one that came before, or at the deadline; now and then for no reason.

        Who waits looks at the state afterwards, so that a `wake` from now on is about what it has not seen.
        The end of the `caller` ends the wait, too, and is noted there.
        """
        if caller is None:
            self._wake.wait(deadline.remaining_s())
        else:
            caller.note(self._wake.wait_with(caller.fd, caller.events, deadline.remaining_s()))
        self._is_woken = False


class Signal:
    """Something happened: whoever waits for it looks again.

    Lost wake-ups are excluded by order: a waiter is added first, then looks at the state, then sleeps; who
    changes the state does so first and fires then.

    Threads: any. Every method is one operation on a dict, which is atomic, so the writer thread never waits
    here.
    """

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: dict[Wakeable, None] = {}

    def add(self, waiter: Wakeable) -> None:
        self._waiters[waiter] = None

    def remove(self, waiter: Wakeable) -> None:
        self._waiters.pop(waiter, None)

    def fire(self) -> None:
        if self._waiters:
            for waiter in list(self._waiters):
                waiter.wake()


class Watch:
    """A waiter that is added to many signals for the length of a `with` block.

    Threads: the thread that made it.
    """

    __slots__ = ("_signals", "_waiter", "_wake", "_wakes")

    def __init__(self, signals: Iterable[Signal], wakes: WakePool) -> None:
        self._signals = tuple(signals)
        self._wakes = wakes
        self._wake = wakes.take()
        self._waiter = Waiter(self._wake)

    def __enter__(self) -> Waiter:
        for signal in self._signals:
            signal.add(self._waiter)
        return self._waiter

    def __exit__(self, *_: object) -> None:
        for signal in self._signals:
            signal.remove(self._waiter)
        self._wakes.give_back(self._wake)
