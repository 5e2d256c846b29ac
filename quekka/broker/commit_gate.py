"""Keeps the removal of a group's offsets out of the way of its commits.

A removal decides by what was committed and then appends tombstones. Were a commit appended in between, the
tombstone would come after it in the log, and an acknowledged commit would be lost; and were the two applied
in memory the other way round, memory and log would disagree until the next start. So a group's commits pass
the gate side by side, and a removal alone; commits that come meanwhile wait for it.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class CommitGate:
    """One gate for all groups; each passes for itself. Nobody inside takes the lock of the topic map.

    Guarded by `_changed`: both collections.

    Threads: any.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._commits: Counter[str] = Counter()
        """By group, the commits that are under way."""
        self._removing: set[str] = set()
        """Groups whose offsets are removed, or will be when their commits have passed."""

    def committing(self) -> list[str]:
        """Groups whose commits are under way."""
        with self._changed:
            return list(self._commits)

    @contextmanager
    def commit(self, group: str) -> Iterator[None]:
        """Held while a commit is appended; waits while offsets of the group are removed."""
        with self._changed:
            while group in self._removing:
                self._changed.wait()
            self._commits[group] += 1
        try:
            yield
        finally:
            with self._changed:
                self._commits[group] -= 1
                if not self._commits[group]:
                    del self._commits[group]
                    self._changed.notify_all()

    @contextmanager
    def removal(self, group: str) -> Iterator[None]:
        """Held while offsets are removed; waits for commits that are under way, and for other removals."""
        with self._changed:
            while group in self._removing:
                self._changed.wait()
            self._removing.add(group)
            while group in self._commits:
                self._changed.wait()
        try:
            yield
        finally:
            self._end_removal(group)

    @contextmanager
    def expiry(self, group: str) -> Iterator[bool]:
        """A removal that is not worth waiting for: False where anything is under way, for then the group is
        not idle.
        """
        with self._changed:
            is_idle = group not in self._commits and group not in self._removing
            if is_idle:
                self._removing.add(group)
        try:
            yield is_idle
        finally:
            if is_idle:
                self._end_removal(group)

    def _end_removal(self, group: str) -> None:
        with self._changed:
            self._removing.discard(group)
            self._changed.notify_all()
