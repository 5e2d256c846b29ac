"""Counters that STATS shows."""

import threading


class Metrics:
    """Named sums since the broker started.

    Threads: any. `add` is called once for a request or a group of appends, never once for a record, so one
    lock serves.
    """

    NAMES = (
        "append_groups",
        "appends",
        "bytes_in",
        "bytes_out",
        "connections_accepted",
        "connections_refused",
        "errors",
        "fsyncs",
        "records_in",
        "records_out",
        "requests",
        "segments_cleaned",
        "segments_deleted",
    )

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._sums = dict.fromkeys(self.NAMES, 0)

    def add(self, name: str, number: int = 1) -> None:
        """Count `number` more; raises KeyError for a name that is not in NAMES."""
        with self._mutex:
            self._sums[name] += number

    def add_pair(self, first: str, first_number: int, second: str, second_number: int) -> None:
        """Count two at once, for the hot paths: records and bytes."""
        with self._mutex:
            self._sums[first] += first_number
            self._sums[second] += second_number

    def snapshot(self) -> dict[str, int]:
        """All sums, taken at one moment."""
        with self._mutex:
            return dict(self._sums)
