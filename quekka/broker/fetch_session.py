"""A fetch session: the partitions of a consumer, kept here, so that its requests name only what changes.

    request, epoch n       update     what the request names is added or changed, what it forgets is let go
        |                                                                the session expects n + 1 from now on
        v
    positions, wait        those pending are looked at; those with nothing new go to sleep at their partition
        |                                                         and come back when something happens there
        v
    pending, read          in the order of their turns
        |
        v
    settle                 what the client knows already is left out; a partition that gave records takes
                           a new turn, behind all others

So a request costs what its changed partitions cost, however many the session has.

Requests of a session come one after the other, each with the next epoch. Another connection may send the next
one while one waits; that one is outdated then.

Source: KIP-227; FetchSession.java, FetchContext.java and FetchMetadata.java of Apache Kafka.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TypeVar

from quekka.broker.cached_partition import Asked, CachedPartition, FindPartition, Told, size_of
from quekka.broker.partition import Partition
from quekka.broker.signal import Signal

Place = tuple[str, int]
"""Topic and partition."""

AnyTold = TypeVar("AnyTold", bound=Told)

INITIAL_EPOCH = 0
"""Of a full request that wants a session."""
FINAL_EPOCH = -1
"""Of a full request that wants none; here also of a session that is closed."""
EPOCH_MAX = 2**31 - 1


def next_epoch(epoch: int) -> int:
    """What follows an epoch; 1 follows the largest, for 0 asks for a new session."""
    return epoch + 1 if epoch < EPOCH_MAX else 1


def _by_turn(looked_at: tuple[CachedPartition, object]) -> int:
    return looked_at[0].turn


class FetchSession:
    """The partitions of one consumer.

    Constant: `id`, `created_s` (monotonic). Of the cache, under its lock: `last_used_s`, `counted_size`,
    `is_evictable`. Under `_mutex`: the rest. `_pending` is a dict whose single operations are atomic, for
    writers that wake a partition take no lock.

    Threads: any.
    """

    __slots__ = (
        "_has_news", "_mutex", "_partitions", "_pending", "_turns", "changed", "counted_size", "created_s",
        "epoch", "id", "is_evictable", "last_used_s",
    )  # fmt: skip

    def __init__(self, session_id: int, now_s: float) -> None:
        self.id = session_id
        self.created_s = self.last_used_s = now_s
        self.counted_size = 0
        self.is_evictable = False
        self.epoch = next_epoch(INITIAL_EPOCH)
        """What the next request has to name; FINAL_EPOCH once it is closed."""
        self.changed = Signal()
        """Fires when `has_news` has become true."""
        self._mutex = threading.Lock()
        self._has_news = False
        self._partitions: dict[Place, CachedPartition] = {}
        self._pending: dict[CachedPartition, None] = {}
        self._turns = count()

    @property
    def size(self) -> int:
        """How many partitions it has."""
        return len(self._partitions)

    def fill(self, told: Iterable[tuple[str, Asked, Told]]) -> None:
        """Begin with what a full request asked for and was told, in its order."""
        with self._mutex:
            for topic, asked, data in told:
                self._add_locked(topic, asked).note(data)

    def _add_locked(self, topic: str, asked: Asked) -> CachedPartition:
        cached = CachedPartition(topic, asked, next(self._turns), self._wake)
        self._partitions[topic, asked.partition] = cached
        self._pending[cached] = None
        return cached

    def update(self, epoch: int, asked: Mapping[Place, Asked], forgotten: Iterable[Place]) -> bool:
        """Begin with a request; False when that is not its epoch."""
        with self._mutex:
            if epoch != self.epoch or epoch == FINAL_EPOCH:
                return False
            for place, wanted in asked.items():
                cached = self._partitions.get(place)
                if cached is None:
                    self._add_locked(place[0], wanted)
                else:
                    cached.want(wanted)
                    self._pending[cached] = None
            for place in forgotten:
                self._forget_locked(place)
            self.epoch = next_epoch(epoch)
        self._tell()
        return True

    def _forget_locked(self, place: Place) -> None:
        cached = self._partitions.pop(place, None)
        if cached is not None:
            cached.is_forgotten = True
            cached.leave()
            self._pending.pop(cached, None)

    def positions(self, epoch: int, find: FindPartition) -> list[tuple[Partition, int]] | None:
        """The partitions where something may be to tell, each with the offset to read next.

        None when an error is to be told, or `epoch`, the one that the session expects since this request, is
        outdated.
        """
        with self._mutex:
            self._has_news = False
            if epoch != self.epoch:
                return None
            positions = []
            for cached, partition in self._look_locked(find):
                if partition is None:
                    return None
                positions.append((partition, cached.fetch_offset))
            return positions

    def has_news(self) -> bool:
        """True when `positions` would say something else than it did."""
        return self._has_news

    def pending(self, epoch: int, find: FindPartition) -> list[tuple[CachedPartition, Partition | None]]:
        """What a response may have to tell, in its order; nothing where `epoch` is outdated.

        None stands in the place of a partition that was not found.
        """
        with self._mutex:
            if epoch != self.epoch:
                return []
            return sorted(self._look_locked(find), key=_by_turn)

    def _look_locked(self, find: FindPartition) -> Iterator[tuple[CachedPartition, Partition | None]]:
        """Those pending that stay so; the others go to sleep."""
        for cached in list(self._pending):
            if cached.is_forgotten:  # woken in that moment
                self._pending.pop(cached, None)
                continue
            partition = cached.find(find)
            if partition is None or not self._put_to_sleep_locked(cached, partition):
                yield cached, partition

    def _put_to_sleep_locked(self, cached: CachedPartition, partition: Partition) -> bool:
        if partition.is_gone or not cached.is_idle(partition.view()):
            return False
        self._pending.pop(cached, None)
        cached.sleep(partition)
        return True

    def settle(
        self, epoch: int, answers: Sequence[tuple[CachedPartition, AnyTold]]
    ) -> list[tuple[str, AnyTold]] | None:
        """Those of the answers that the client does not know yet, with their topics.

        None where `epoch` is outdated, so that nothing may be answered.
        """
        with self._mutex:
            if epoch != self.epoch:
                return None
            told = []
            for cached, data in answers:
                if cached.note(data):
                    told.append((cached.topic, data))
                if size_of(data):
                    cached.turn = next(self._turns)
            return told

    def _wake(self, cached: CachedPartition) -> None:
        self._pending[cached] = None
        self._tell()

    def _tell(self) -> None:
        self._has_news = True
        self.changed.fire()

    def close(self) -> None:
        """End it; a request that waits is outdated."""
        with self._mutex:
            self.epoch = FINAL_EPOCH
            for cached in self._partitions.values():
                cached.is_forgotten = True
                cached.leave()
            self._partitions.clear()
            self._pending.clear()
        self._tell()
