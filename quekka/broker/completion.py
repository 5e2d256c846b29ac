"""The way back: what a thread that queued a command holds until another thread has carried it out."""

import threading
from typing import Generic, TypeVar

from quekka.deadline import Deadline
from quekka.errors import QuekkaError, RequestTimedOutError

T = TypeVar("T")


class Completion(Generic[T]):
    """One result or one error, handed over once.

    A plain lock that is born taken and let go by `complete` or `fail`: the cheapest hand-over between two
    threads that CPython has (quekka-internals(7), what a hand-over costs).

    Threads: any thread waits; exactly one call of `complete` or `fail`, by the thread that did the work.
    """

    __slots__ = ("_done", "_error", "_result")

    def __init__(self) -> None:
        self._done = threading.Lock()
        self._done.acquire()
        self._error: BaseException | None = None

    def complete(self, result: T) -> None:
        self._result = result
        self._done.release()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._done.release()

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


def without_traceback(error: Exception) -> Exception:
    """The same, but it keeps no frame alive: what a frame holds (files, partitions) would stay as long."""
    return error.with_traceback(None)


def as_fresh_error(error: BaseException) -> BaseException:
    """A copy to raise: one object raised by several threads would gather all their tracebacks."""
    if isinstance(error, QuekkaError):
        return type(error)(error.message)
    return error
