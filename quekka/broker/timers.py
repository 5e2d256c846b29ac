"""Things that happen later: one thread, one heap.

A callback must be quick and never wait: it puts a command on a writer's queue or a job on a worker's, or
fires a signal. So a slow disk delays no timer.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from quekka.clock import Clock

logger = logging.getLogger(__name__)

MOMENT_S = 1e-6
"""What is due within this is due now: sums of seconds differ in their last bits from the clock's."""

SWEEP_MIN = 64
"""Fewer timers than this are not worth a search for cancelled ones."""


class Timer:
    """One callback that is due at a moment, and again every `interval_s` if that is set.

    Threads: any may cancel; the timers thread runs it.
    """

    __slots__ = ("callback", "cancelled", "interval_s")

    def __init__(self, callback: Callable[[], None], interval_s: float | None) -> None:
        self.callback = callback
        self.interval_s = interval_s
        self.cancelled = False

    def cancel(self) -> None:
        """It will not run again; a run that has begun is not stopped."""
        self.cancelled = True


class Timers:
    """The heap of what is due when, and the thread `quekka-timers` that waits for the first of it.

    Threads: any may add timers; `start` and `stop` by the thread that starts and stops the broker.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Timer]] = []
        self._sweep_at = SWEEP_MIN
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._forget_clock = clock.on_advance(self._wake)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._timers_loop, name="quekka-timers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was due later never runs."""
        self._forget_clock()
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def after(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Have `callback` run once, `delay_s` from now."""
        return self._add(delay_s, Timer(callback, None))

    def every(self, interval_s: float, callback: Callable[[], None]) -> Timer:
        """Have `callback` run again and again, first after `interval_s`."""
        return self._add(interval_s, Timer(callback, interval_s))

    def _add(self, delay_s: float, timer: Timer) -> Timer:
        at_s = self._clock.monotonic_s() + delay_s
        with self._changed:
            if not self._stopped:
                self._sweep_locked()
                heapq.heappush(self._due, (at_s, next(self._numbers), timer))
                if self._due[0][2] is timer:
                    self._changed.notify()
        return timer

    def _sweep_locked(self) -> None:
        """Let go of cancelled timers, whenever there are twice as many as were needed the last time.

        A session or a rebalance sets its timer anew again and again, each far ahead: without this, the heap
        would hold all the old ones.
        """
        if len(self._due) >= self._sweep_at:
            self._due = [entry for entry in self._due if not entry[2].cancelled]
            heapq.heapify(self._due)
            self._sweep_at = max(SWEEP_MIN, 2 * len(self._due))

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _timers_loop(self) -> None:
        while (timer := self._next_due()) is not None:
            if timer.cancelled:
                continue
            try:
                timer.callback()
            except Exception:
                logger.exception("a timer's callback failed; the other timers go on")
            if timer.interval_s is not None and not timer.cancelled:
                self._add(timer.interval_s, timer)

    def _next_due(self) -> Timer | None:
        """Wait for the first timer and take it off the heap; None when stopped."""
        with self._changed:
            while not self._stopped:
                if not self._due:
                    self._changed.wait()
                    continue
                wait_s = self._due[0][0] - self._clock.monotonic_s()
                if wait_s <= MOMENT_S:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(min(wait_s, threading.TIMEOUT_MAX))
            return None
