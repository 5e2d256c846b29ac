"""How long to wait before trying again: twice as long each time, up to a limit."""

from quekka.clock import Clock

DOUBLINGS_MAX = 16
"""More would only make large numbers on the way to the limit."""


class Backoff:
    """Says when the next attempt may be made, and leaves the waiting to whoever has something to wait on.

    Threads: one at a time.
    """

    def __init__(self, clock: Clock, *, initial_ms: float = 50, maximum_ms: float = 1000) -> None:
        self._clock = clock
        self._initial_s = initial_ms / 1000
        self._maximum_s = maximum_ms / 1000
        self._next_attempt_at_s = 0.0
        self.failures = 0
        """Attempts that failed since the last one that succeeded."""

    def failed(self) -> None:
        self._next_attempt_at_s = self._clock.monotonic_s() + self._delay_s()
        self.failures += 1

    def succeeded(self) -> None:
        self.failures = 0
        self._next_attempt_at_s = 0.0

    def remaining_s(self) -> float:
        """Seconds until the next attempt may be made; 0 when it may be made now."""
        if not self.failures:
            return 0.0
        return max(0.0, self._next_attempt_at_s - self._clock.monotonic_s())

    def _delay_s(self) -> float:
        return float(min(self._maximum_s, self._initial_s * 2 ** min(self.failures, DOUBLINGS_MAX)))
