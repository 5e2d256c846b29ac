"""What a mixed load asked of a broker and what was acknowledged, in the order in which it happened.

Topics come, go and come again under the same name, so a record's place alone does not say in which of them
it is. Every note therefore has a time, counted in events, and two rules follow for the topic that is there:

    must be there   acknowledged, and sent after the deletion of the topic before it was acknowledged
    must not        refused, or over (acknowledged, or its process dead) before its creation was asked for

What was neither may be there or not, once. `history_check.py` holds a broker against all of it.
"""

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import Place, RecordId

CommitPlace = tuple[str, str, int]
"""Group, topic, partition."""


@dataclass(slots=True)
class SentRecord:
    """A record as its sender knows it."""

    topic: str
    sent_at: int
    is_aged: bool
    """Its timestamp is so old that retention by time may take it."""
    place: Place | None = None
    over_at: int | None = None
    is_refused: bool = False


@dataclass(slots=True)
class Incarnation:
    """A topic from its creation to its deletion."""

    asked_at: int
    keeps: str
    """`all`, or what may be missing: `young` (retention by time), `size_bytes` (retention by size)."""
    partitions: int
    settings: dict[str, str]
    is_made: bool = False
    is_doomed: bool = False
    partitions_asked: int = 0
    settings_in_doubt: dict[str, str] = field(default_factory=dict)
    cut_asked: dict[int, int] = field(default_factory=dict)
    """By partition, the highest offset before which records were asked to be deleted."""
    log_start: dict[int, int] = field(default_factory=dict)
    """By partition, the highest log start offset that was seen or acknowledged."""


@dataclass(slots=True)
class TopicNotes:
    """All that is known of a name."""

    gone_at: int = 0
    """When the last deletion was acknowledged, or its end was seen."""
    was_cut_off: bool = False
    """The last deletion was not acknowledged: what groups have committed may still be there."""
    present: Incarnation | None = None


class Commit(NamedTuple):
    offset: int
    sent_at: int
    over_at: int


@dataclass(slots=True)
class CommitNotes:
    """Commits of one group for one partition; their offsets only rise."""

    sent: int = -1
    """The highest offset that was sent, acknowledged or not."""
    over: list[Commit] = field(default_factory=list)
    acknowledged: Commit | None = None


class History:
    """The notes of all workers of one data directory; any thread may write."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ticks = itertools.count(1)
        self._failure: BaseException | None = None
        self._pending: set[RecordId] = set()
        self._pending_commits: dict[CommitPlace, list[tuple[int, int]]] = {}
        self.sent_count = 0
        self.acknowledged_count = 0
        self.records: dict[RecordId, SentRecord] = {}
        self.topics: dict[str, TopicNotes] = {}
        self.commits: dict[CommitPlace, CommitNotes] = {}
        self.producer_ids: set[int] = set()
        self.is_over = threading.Event()
        """Asks the workers to end by themselves."""

    # Records

    def note_sent(self, topic: str, identities: Iterable[RecordId], *, is_aged: bool = False) -> None:
        with self._changed:
            now = next(self._ticks)
            for identity in identities:
                self.records[identity] = SentRecord(topic, now, is_aged)
                self._pending.add(identity)
                self.sent_count += 1

    def note_acknowledged(self, places: Mapping[RecordId, Place]) -> None:
        with self._changed:
            now = next(self._ticks)
            for identity, place in places.items():
                record = self.records[identity]
                assert record.place in (None, place), f"{identity} was at {record.place}, now at {place}"
                if record.place is None:
                    self.acknowledged_count += 1
                record.place, record.over_at = place, now
                self._pending.discard(identity)
            self._changed.notify_all()

    def note_refused(self, identities: Iterable[RecordId]) -> None:
        with self._changed:
            now = next(self._ticks)
            for identity in identities:
                self.records[identity].is_refused, self.records[identity].over_at = True, now
                self._pending.discard(identity)

    # Topics

    def note_creation(
        self, name: str, partitions: int, settings: Mapping[str, str], keeps: str = "all"
    ) -> None:
        """Asked for; `note_created` when it was acknowledged."""
        with self._changed:
            notes = self.topics.setdefault(name, TopicNotes())
            notes.present = Incarnation(next(self._ticks), keeps, partitions, dict(settings))

    def note_created(self, name: str) -> None:
        self.topic(name).is_made = True

    def note_deletion(self, name: str) -> None:
        self.topic(name).is_doomed = True

    def note_deleted(self, name: str, *, was_cut_off: bool = False) -> None:
        with self._changed:
            notes = self.topics[name]
            notes.present, notes.gone_at, notes.was_cut_off = None, next(self._ticks), was_cut_off

    def topic(self, name: str) -> Incarnation:
        present = self.topics[name].present
        assert present is not None, name
        return present

    def present_topics(self) -> list[str]:
        """Names of topics that are there, as far as acknowledged, in order."""
        return sorted(
            name for name, notes in list(self.topics.items()) if notes.present and notes.present.is_made
        )

    # Commits

    def note_commit(self, group: str, offsets: Mapping[tuple[str, int], int]) -> int:
        """Asked for; what is returned goes to `note_committed`, when it was answered."""
        with self._changed:
            now = next(self._ticks)
            for (topic, partition), offset in offsets.items():
                place = (group, topic, partition)
                notes = self.commits.setdefault(place, CommitNotes())
                assert offset > notes.sent, f"{place}: the test commits {offset} after {notes.sent}"
                notes.sent = offset
                self._pending_commits.setdefault(place, []).append((offset, now))
            return now

    def note_committed(
        self, group: str, offsets: Mapping[tuple[str, int], int], sent_at: int, *, is_refused: bool = False
    ) -> None:
        with self._changed:
            now = next(self._ticks)
            for (topic, partition), offset in offsets.items():
                place = (group, topic, partition)
                self._pending_commits[place].remove((offset, sent_at))
                commit = Commit(offset, sent_at, now)
                self.commits[place].over.append(commit)
                if not is_refused:
                    self.commits[place].acknowledged = commit
                    self.acknowledged_count += 1
            self._changed.notify_all()

    # Processes

    def note_end_of_process(self) -> None:
        """What is unanswered now was never done, or was done before now."""
        with self._changed:
            now = next(self._ticks)
            for identity in self._pending:
                self.records[identity].over_at = now
            self._pending.clear()
            for place, commits in self._pending_commits.items():
                self.commits[place].over += [Commit(offset, sent_at, now) for offset, sent_at in commits]
            self._pending_commits.clear()

    def forget_before(self, tick: int) -> int:
        """Let go of what was over by then, so that a long run needs no more memory than a short one; the
        present time. Afterwards a broker cannot be held against the notes any more.
        """
        with self._changed:
            old = [identity for identity, record in self.records.items() if (record.over_at or tick) < tick]
            for identity in old:
                del self.records[identity]
            for notes in self.commits.values():
                notes.over.clear()
            return next(self._ticks)

    def note_failure(self, error: BaseException) -> None:
        """A worker failed, so nobody should wait for it."""
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def wait_for(self, acknowledged: int, timeout_s: float = 60.0) -> None:
        """Wait until so many records and commits are acknowledged; raises what a worker failed with."""
        with self._changed:
            enough = self._changed.wait_for(
                lambda: self._failure is not None or self.acknowledged_count >= acknowledged, timeout_s
            )
            if self._failure is not None:
                raise self._failure
            assert enough, f"{self.acknowledged_count} of {acknowledged} acknowledged in {timeout_s} s"
