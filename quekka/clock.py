"""Time: the only place in Quekka where a clock is read.

Everything that waits, expires or stamps takes a `Clock`, so a test (or a user's test) can hold time still and
move it with `ManualClock.advance`. Wall time is for timestamps in records and for retention; monotonic time
is for waiting.
"""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What the broker asks of time."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""

    def monotonic_s(self) -> float:
        """Seconds from some fixed point; never goes back."""

    def on_advance(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after time was moved by hand; returns a function that ends that.

        Waiting threads need it, because a wait in real seconds does not notice that a ManualClock moved.
        A clock that moves by itself never calls.
        """


class SystemClock:
    """The machine's clocks."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def on_advance(self, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002
        return _nothing


def _nothing() -> None:
    """What there is to undo for a clock that nobody moves."""


class ManualClock:
    """A clock that stands still until `advance` is called.

    Threads: any. Assignments are atomic; only one thread should move it.
    """

    def __init__(self, wall_ms: int = 1_700_000_000_000) -> None:
        self._wall_ms = wall_ms
        self._elapsed_ms = 0
        self._callbacks: dict[object, Callable[[], None]] = {}

    def wall_ms(self) -> int:
        return self._wall_ms + self._elapsed_ms

    def monotonic_s(self) -> float:
        return self._elapsed_ms / 1000

    def on_advance(self, callback: Callable[[], None]) -> Callable[[], None]:
        token = object()
        self._callbacks[token] = callback

        def forget() -> None:
            self._callbacks.pop(token, None)

        return forget

    def advance(self, seconds: float = 0.0, *, ms: int = 0) -> None:
        """Move both clocks forward and tell everyone who waits on them."""
        step_ms = round(seconds * 1000) + ms
        if step_ms < 0:
            raise ValueError(f"a clock does not go back: {step_ms} ms")
        self._elapsed_ms += step_ms
        for callback in list(self._callbacks.values()):
            callback()


SYSTEM_CLOCK = SystemClock()
