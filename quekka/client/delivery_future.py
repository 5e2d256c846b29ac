"""The promise that `Producer.send` returns."""

from collections.abc import Callable
from concurrent.futures import Future

from quekka.client.record_metadata import RecordMetadata
from quekka.errors import QuekkaError

OnDelivery = Callable[[QuekkaError | None, RecordMetadata | None], None]
"""Called with the error or, for a record that was stored, with None and where it is."""


class DeliveryFuture(Future[RecordMetadata]):
    """A `concurrent.futures.Future` that cannot be cancelled: the record is already on its way.

    Threads: any; the producer's sender thread sets the outcome and runs the callbacks.
    """

    def cancel(self) -> bool:
        """False, always."""
        return False

    def call_on_delivery(self, on_delivery: OnDelivery) -> None:
        """Have `on_delivery` called once with the outcome; what it raises is logged by concurrent.futures."""

        def report(future: Future[RecordMetadata]) -> None:
            error = future.exception()
            if error is None:
                on_delivery(None, future.result())
            else:
                on_delivery(error if isinstance(error, QuekkaError) else QuekkaError(str(error)), None)

        self.add_done_callback(report)
