"""Counters that STATS shows."""

import threading


class Counts:
    """What one connection did since it began: plain attributes, which only its own thread changes.

    So a request costs no lock; who wants the sums adds them up.

    Threads: the connection's own; any may read.
    """

    NAMES = ("bytes_in", "bytes_out", "errors", "records_in", "records_out", "requests")

    def __init__(self) -> None:
        self.requests = self.errors = 0
        self.records_in = self.records_out = 0
        self.bytes_in = self.bytes_out = 0


class Metrics:
    """Named sums since the broker started.

    Threads: any. `add` is called once for a group of appends, never once for a record, so one lock serves.
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
        self._watched: dict[Counts, None] = {}

    def add(self, name: str, number: int = 1) -> None:
        """Count `number` more; raises KeyError for a name that is not in NAMES."""
        with self._mutex:
            self._sums[name] += number

    def add_pair(self, first: str, first_number: int, second: str, second_number: int) -> None:
        """Count two at once."""
        with self._mutex:
            self._sums[first] += first_number
            self._sums[second] += second_number

    def watch(self, counts: Counts) -> None:
        """Have what `counts` says in the sums from now on."""
        with self._mutex:
            self._watched[counts] = None

    def absorb(self, counts: Counts) -> None:
        """What was watched changes no more: its last numbers stay in the sums. Again does nothing."""
        with self._mutex:
            if counts in self._watched:
                del self._watched[counts]
                _add_to(self._sums, counts)

    def snapshot(self) -> dict[str, int]:
        """All sums, with what the connections have counted by now."""
        with self._mutex:
            sums = dict(self._sums)
            for counts in self._watched:
                _add_to(sums, counts)
        return sums


def _add_to(sums: dict[str, int], counts: Counts) -> None:
    for name in Counts.NAMES:
        sums[name] += getattr(counts, name)
