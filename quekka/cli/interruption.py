"""SIGINT as something to look at, for a loop that must not be torn out of the middle of a request."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Inside its `with` block the first SIGINT only sets `happened`; the second one is a KeyboardInterrupt.

    A SIGINT that the program was started to ignore, as shells start what runs behind `&`, stays ignored.
    """

    def __init__(self) -> None:
        self.happened = False
        self._previous = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> Self:
        if self._previous is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.happened = True
        signal.signal(signal.SIGINT, self._previous)
