"""The promise that `Producer.send` returns.

It is a `concurrent.futures.Future`, made cheap: a plain one creates a condition, a lock and three lists,
eight objects for the garbage collector, while of thousands of records in flight few have anyone who waits. So
here they are made when the first one waits, asks or adds a callback; `settle` sets the outcome of the others
without them.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from quekka.client.record_metadata import RecordMetadata
from quekka.errors import QuekkaError

OnDelivery = Callable[[QuekkaError | None, RecordMetadata | None], None]
"""Called with the error or, for a record that was stored, with None and where it is."""

Outcome = RecordMetadata | QuekkaError

PENDING = "PENDING"
FINISHED = "FINISHED"
"""As in concurrent.futures, whose functions look at them."""


class DeliveryFuture(Future[RecordMetadata]):
    """A Future that cannot be cancelled: the record is already on its way.

    Threads: any; the producer's sender thread sets the outcome and runs the callbacks.
    """

    _state: str = PENDING
    _result: Any = None
    _exception: BaseException | None = None
    _is_watched = False
    """There is a condition, on which someone may be waiting."""

    def __init__(self, mutex: threading.Lock) -> None:
        """`mutex` may be shared by any number of futures; it is held for moments only."""
        self._mutex = mutex

    def __getattr__(self, name: str) -> Any:
        """The first look at what Future's own methods need makes it."""
        if name not in ("_condition", "_waiters", "_done_callbacks"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._mutex:
            if not self._is_watched:
                self._waiters = []
                self._done_callbacks: list[Callable[[Future[RecordMetadata]], object]] = []
                self._condition = threading.Condition()
                self._is_watched = True
        return self.__dict__[name]

    def cancel(self) -> bool:
        """False, always."""
        return False

    def done(self) -> bool:
        return self._state == FINISHED

    def call_on_delivery(self, on_delivery: OnDelivery) -> None:
        """Have `on_delivery` called once with the outcome; what it raises is logged by concurrent.futures."""

        def report(future: Future[RecordMetadata]) -> None:
            error = future.exception()
            if isinstance(error, QuekkaError):
                on_delivery(error, None)
            else:
                on_delivery(None, future.result())

        self.add_done_callback(report)


def settle(mutex: threading.Lock, outcomes: Iterable[tuple[DeliveryFuture, Outcome]]) -> None:
    """Give each of the futures that share `mutex` its outcome, then wake and call whoever wants to know."""
    watched = []
    with mutex:
        for future, outcome in outcomes:
            if future._is_watched:
                watched.append((future, outcome))
            elif isinstance(outcome, QuekkaError):
                future._exception = outcome
                future._state = FINISHED
            else:
                future._result = outcome
                future._state = FINISHED
    for future, outcome in watched:
        if isinstance(outcome, QuekkaError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
