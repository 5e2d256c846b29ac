"""All fetch sessions: as many as there are slots, and no more partitions than there is memory for.

Nobody says when a session is over, so one stays until its slot is wanted. A new session takes the slot

1. of the one that was used longest ago, if that is longer ago than
   `MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`;
2. else of the smallest of those that are older than that, if it has fewer partitions than the new one, for
   what a session saves grows with its partitions.

Else there is no new session, and the client names all of its partitions again next time.

The partitions of all sessions are bounded too (`PARTITIONS_MAX`), by the same rule: a session of more of them
is made as if its slots were wanted, and one that grows beyond is closed.

Source: KIP-227; FetchSessionCacheShard.java of Apache Kafka, where followers come first; there are none here.
"""

import secrets
import threading
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Sequence

from quekka.broker.cached_partition import Asked, Told
from quekka.broker.fetch_session import EPOCH_MAX, FetchSession
from quekka.clock import Clock

MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS = 120_000
PARTITIONS_MAX = 128 * 1024
"""Of all sessions together: more than there may be partitions (max.partitions), and 128 MiB of memory, for
each takes less than 1 KiB, as tests/broker/test_fetch_session_cache.py measures."""
NO_SESSION_ID = 0


class FetchSessionCache:
    """Fetch sessions by id.

    No lock of a session is taken while `_mutex` is held, nor the other way round.

    Threads: any.
    """

    def __init__(self, clock: Clock, slots: int, partitions_max: int = PARTITIONS_MAX) -> None:
        self._clock = clock
        self._slots = slots
        self._partitions_max = partitions_max
        self._mutex = threading.Lock()
        self._sessions: OrderedDict[int, FetchSession] = OrderedDict()
        """Whoever was used longest ago comes first."""
        self._evictable: list[tuple[int, int]] = []
        """Size and id of the sessions that are old enough to make place for a larger one, sorted."""
        self._partitions_count = 0

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def partitions_count(self) -> int:
        """Of all sessions together."""
        return self._partitions_count

    def get(self, session_id: int) -> FetchSession | None:
        with self._mutex:
            return self._sessions.get(session_id)

    def open(self, told: Sequence[tuple[str, Asked, Told]]) -> int:
        """Make a session of what a full request asked for and was told; its id, or NO_SESSION_ID."""
        with self._mutex:
            evicted = self._evict_for_locked(len(told))
            session = self._new_session_locked(len(told)) if self._has_room_locked(len(told)) else None
        for each in evicted:
            each.close()
        if session is None:
            return NO_SESSION_ID
        session.fill(told)
        return session.id

    def touch(self, session: FetchSession) -> bool:
        """A request uses the session, whose size may be another since; False when it is closed."""
        size, now_s = session.size, self._clock.monotonic_s()
        with self._mutex:
            if session.id not in self._sessions:
                return False
            is_fit = self._partitions_count - session.counted_size + size <= self._partitions_max
            if is_fit:
                self._sessions.move_to_end(session.id)
                self._count_locked(session, size, now_s)
        if not is_fit:
            self.remove(session.id)
        return is_fit

    def remove(self, session_id: int) -> None:
        """Close a session, if there is such a one."""
        with self._mutex:
            session = self._sessions.get(session_id)
            if session is not None:
                self._remove_locked(session)
        if session is not None:
            session.close()

    def close(self) -> None:
        """Close all sessions."""
        for session_id in list(self._sessions):
            self.remove(session_id)

    def _has_room_locked(self, size: int) -> bool:
        return len(self._sessions) < self._slots and self._partitions_count + size <= self._partitions_max

    def _evict_for_locked(self, size: int) -> list[FetchSession]:
        """Let go of sessions until one of that size has room, or nobody gives way to it."""
        evicted: list[FetchSession] = []
        if size > self._partitions_max:
            return evicted
        now_s = self._clock.monotonic_s()
        while not self._has_room_locked(size):
            session = self._first_to_go_locked(size, now_s)
            if session is None:
                break
            self._remove_locked(session)
            evicted.append(session)
        return evicted

    def _first_to_go_locked(self, size: int, now_s: float) -> FetchSession | None:
        oldest = next(iter(self._sessions.values()), None)
        if oldest is not None and _is_long(now_s - oldest.last_used_s):
            return oldest
        if self._evictable and self._evictable[0][0] < size:
            return self._sessions[self._evictable[0][1]]
        return None

    def _new_session_locked(self, size: int) -> FetchSession:
        now_s = self._clock.monotonic_s()
        session_id = 1 + secrets.randbelow(EPOCH_MAX)
        while session_id in self._sessions:
            session_id = 1 + secrets.randbelow(EPOCH_MAX)
        session = self._sessions[session_id] = FetchSession(session_id, now_s)
        self._count_locked(session, size, now_s)
        return session

    def _count_locked(self, session: FetchSession, size: int, now_s: float) -> None:
        """Note size and time of use."""
        self._uncount_locked(session)
        session.last_used_s = now_s
        session.counted_size = size
        self._partitions_count += size
        if _is_long(now_s - session.created_s):
            session.is_evictable = True
            insort(self._evictable, (size, session.id))

    def _uncount_locked(self, session: FetchSession) -> None:
        self._partitions_count -= session.counted_size
        if session.is_evictable:
            session.is_evictable = False
            del self._evictable[bisect_left(self._evictable, (session.counted_size, session.id))]

    def _remove_locked(self, session: FetchSession) -> None:
        self._uncount_locked(session)
        del self._sessions[session.id]


def _is_long(time_s: float) -> bool:
    return time_s * 1000 > MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS
