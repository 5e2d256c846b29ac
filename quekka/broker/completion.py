"""The way back: what a thread that queued a command holds until another thread has carried it out."""

import threading
from typing import Generic, TypeVar

from quekka.broker.caller import Caller, CallerGoneError
from quekka.broker.wake import Wake
from quekka.deadline import Deadline
from quekka.errors import QuekkaError, RequestTimedOutError

T = TypeVar("T")


class Completion(Generic[T]):
    """One result or one error, handed over once.

    A plain lock that is born taken and let go by `complete` or `fail`: the cheapest hand-over between two
    threads that CPython has (quekka-internals(7), what a hand-over costs).

    Threads: any thread waits; exactly one call of `complete` or `fail`, by the thread that did the work.
    """

    __slots__ = ("_done", "_error", "_result", "_wake")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._error: BaseException | None = None
        self._wake: Wake | None = None

    def complete(self, result: T) -> None:
        self._result = result
        self._finish()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._finish()

    def wait(self, deadline: Deadline | None = None) -> T:
        """The result; raises the error, or RequestTimedOutError when the deadline came first.

        A deadline that came first does not take the command back: it may still be carried out.
        """
        remaining_s = None if deadline is None else deadline.remaining_s()
        if not self._done.acquire(timeout=-1 if remaining_s is None else remaining_s):
            raise RequestTimedOutError("the broker did not finish in time; what was asked may still happen")
        self._done.release()
        if self._error is not None:
            raise as_fresh_error(self._error)
        return self._result

    def wait_for(self, caller: Caller) -> T:
        """As `wait`, for one thread, as long as there is somebody to tell; raises CallerGoneError.

        For long waits, of which there are few: each makes a wake of its own. It is left here before a look at
        whether all is done, and `_finish` looks for it after all is done, so the two cannot miss each other.
        """
        if self._done.locked():
            self._sleep(caller)
        return self.wait()

    def _sleep(self, caller: Caller) -> None:
        wake = self._wake = Wake()
        try:
            while self._done.locked():
                if caller.is_gone:
                    raise CallerGoneError("nobody waits for the answer any more")
                caller.note(wake.wait_with(caller.fd, caller.events))
        finally:
            self._wake = None

    def _finish(self) -> None:
        self._done.release()
        wake = self._wake
        if wake is not None:
            wake.set()


def without_traceback(error: Exception) -> Exception:
    """The same, but it keeps no frame alive: what a frame holds (files, partitions) would stay as long."""
    return error.with_traceback(None)


def as_fresh_error(error: BaseException) -> BaseException:
    """A copy to raise: one object raised by several threads would gather all their tracebacks."""
    if isinstance(error, QuekkaError):
        return type(error)(error.message)
    return error
