"""Keeps the expiry of a group's offsets out of the way of its commits.

An expiry decides by what was committed and then appends tombstones. Were a commit appended in between, the
tombstone would come after it in the log, and an acknowledged commit would be lost. So a group's commits pass
the gate side by side, and an expiry only when none is under way; commits that come meanwhile wait for it.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class CommitGate:
    """One gate for all groups; each passes for itself.

    Guarded by `_changed`: both collections.

    Threads: any.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._commits: Counter[str] = Counter()
        """By group, the commits that are under way."""
        self._expiring: set[str] = set()

    @contextmanager
    def commit(self, group: str) -> Iterator[None]:
        """Held while a commit is appended; waits while the group's offsets expire."""
        with self._changed:
            while group in self._expiring:
                self._changed.wait()
            self._commits[group] += 1
        try:
            yield
        finally:
            with self._changed:
                self._commits[group] -= 1
                if not self._commits[group]:
                    del self._commits[group]

    @contextmanager
    def expiry(self, group: str) -> Iterator[bool]:
        """Held while offsets expire; False where commits are under way, for then the group is not idle.

        One thread at a time has a group's offsets expire.
        """
        with self._changed:
            is_idle = group not in self._commits
            if is_idle:
                self._expiring.add(group)
        try:
            yield is_idle
        finally:
            with self._changed:
                self._expiring.discard(group)
                self._changed.notify_all()
