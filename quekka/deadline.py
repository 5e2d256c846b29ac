"""One time limit carried through a sequence of waits."""

from quekka.clock import SYSTEM_CLOCK, Clock


class Deadline:
    """A moment on a clock's monotonic time, or never.

    Make it once where a request begins and hand it down, so that five waits in a row together take no longer
    than the one limit the caller named.
    """

    __slots__ = ("_at_s", "clock")

    def __init__(self, timeout_s: float | None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self._at_s = None if timeout_s is None else clock.monotonic_s() + timeout_s

    def remaining_s(self) -> float | None:
        """Seconds left, never below 0; None for a deadline that never comes."""
        if self._at_s is None:
            return None
        return max(0.0, self._at_s - self.clock.monotonic_s())

    def expired(self) -> bool:
        return self._at_s is not None and self.clock.monotonic_s() >= self._at_s
