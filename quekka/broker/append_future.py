"""What a thread that appended holds until the writer has done it."""

from typing import TYPE_CHECKING

from quekka.broker.completion import as_fresh_error
from quekka.broker.wake import Wake, WakePool
from quekka.deadline import Deadline
from quekka.errors import RequestTimedOutError

if TYPE_CHECKING:
    from quekka.storage.producer_state import ProducerBatch


class AppendFuture:
    """The base offset of an append, or the error, handed over once.

    It costs no system call when the writer was faster than the thread that waits: a wake is taken only to
    sleep. The two cannot miss each other, because each does its own part before it looks at the other's: the
    writer sets `_is_done` and then looks for a wake; who waits leaves the wake and then looks at `_is_done`.

    Threads: one waits; exactly one call of `complete` or `fail`, by the topic's writer.
    """

    __slots__ = ("_base_offset", "_error", "_is_done", "_wake", "_wakes", "duplicate_of")

    def __init__(self, wakes: WakePool) -> None:
        self._wakes = wakes
        self._wake: Wake | None = None
        self._is_done = False
        self._error: BaseException | None = None
        self._base_offset = -1
        self.duplicate_of: ProducerBatch | None = None
        """Once it is done: the batch of an earlier append that this one repeated, so nothing was written."""

    def complete(self, base_offset: int) -> None:
        self._base_offset = base_offset
        self._finish()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._finish()

    def wait(self, deadline: Deadline | None = None) -> int:
        """The base offset of the first batch; raises the error, or RequestTimedOutError at the deadline.

        A deadline that came first does not take the append back: it may still be carried out.
        """
        if not self._is_done:
            self._sleep(deadline)
        if self._error is not None:
            raise as_fresh_error(self._error)
        return self._base_offset

    def _finish(self) -> None:
        self._is_done = True
        wake = self._wake
        if wake is not None:
            wake.set()

    def _sleep(self, deadline: Deadline | None) -> None:
        wake = self._wake = self._wakes.take()
        try:
            while not self._is_done:
                if deadline is not None and deadline.expired():
                    raise RequestTimedOutError("the append did not finish in time; it may still happen")
                wake.wait(None if deadline is None else deadline.remaining_s())
        finally:
            self._wake = None
            self._wakes.give_back(wake)
