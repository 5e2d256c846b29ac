"""What producers sent and what the broker acknowledged, held against what a broker gives back.

Every record's value names its producer and its number there, and carries the CRC-32 of the rest, so that a
record that is lost, doubled, changed, moved or out of order can be told from all others.
"""

import random
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

FILLING_BYTES_MAX = 200
LARGE_FILLING_BYTES_MAX = 4_000
LARGE_SHARE = 0.03


class RecordId(NamedTuple):
    producer: int
    number: int


class Place(NamedTuple):
    partition: int
    offset: int


def make_value(identity: RecordId, rng: random.Random, large_share: float = LARGE_SHARE) -> bytes:
    """A value of random length and content that `identify` can read back."""
    bytes_max = LARGE_FILLING_BYTES_MAX if rng.random() < large_share else FILLING_BYTES_MAX
    filling = rng.randbytes(rng.randrange(bytes_max))
    body = b"%d %d " % identity + filling
    return b"%08x " % zlib.crc32(body) + body


def identify(value: bytes) -> RecordId:
    """Whose value it is; fails when it is not what `make_value` made."""
    checksum, _, body = value.partition(b" ")
    assert int(checksum, 16) == zlib.crc32(body), f"a value was changed: {value[:60]!r}"
    producer, number, _ = body.split(b" ", 2)
    return RecordId(int(producer), int(number))


class Ledger:
    """Notes of many producers about one topic; any thread may write and wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sent: set[RecordId] = set()
        self._places: dict[RecordId, Place] = {}
        self._finished = False
        self._failure: BaseException | None = None

    def note_sent(self, identities: Iterable[RecordId]) -> None:
        with self._changed:
            self._sent.update(identities)

    def note_acknowledged(self, places: Mapping[RecordId, Place]) -> None:
        with self._changed:
            self._places.update(places)
            self._changed.notify_all()

    def note_failure(self, error: BaseException) -> None:
        """A producer failed, so nobody should wait for it."""
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def note_finished(self) -> None:
        """Nobody will write any more."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    @property
    def acknowledged(self) -> dict[RecordId, Place]:
        with self._changed:
            return dict(self._places)

    @property
    def is_finished(self) -> bool:
        with self._changed:
            return self._finished

    def wait_for(self, acknowledged: int, timeout_s: float = 60.0) -> None:
        """Wait until so many records are acknowledged; raises what a producer failed with meanwhile."""
        with self._changed:
            enough = self._changed.wait_for(
                lambda: self._failure is not None or len(self._places) >= acknowledged, timeout_s
            )
            if self._failure is not None:
                raise self._failure
            assert enough, f"{len(self._places)} of {acknowledged} records were acknowledged in {timeout_s} s"

    def check(self, stored: Mapping[int, Sequence[tuple[int, bytes]]]) -> None:
        """Hold what is in each partition, as (offset, value), against the notes.

        Every acknowledged record is there, at its place, unchanged; no record is there twice or was never
        sent; offsets count from 0 without gaps; and a producer's records are in the order of sending.
        """
        found: dict[RecordId, Place] = {}
        for partition, records in stored.items():
            assert [offset for offset, _ in records] == list(range(len(records))), (
                f"partition {partition} has gaps or doubles among its offsets"
            )
            last_number: dict[int, int] = defaultdict(lambda: -1)
            for offset, value in records:
                identity = identify(value)
                place = Place(partition, offset)
                assert identity not in found, f"{identity} twice: at {found[identity]} and {place}"
                assert identity.number > last_number[identity.producer], f"{identity} out of order at {place}"
                last_number[identity.producer] = identity.number
                found[identity] = place
        with self._changed:
            wrong = {
                identity: (place, found.get(identity))
                for identity, place in self._places.items()
                if found.get(identity) != place
            }
            assert not wrong, f"{len(wrong)} acknowledged records are not where they were: {_some(wrong)}"
            never_sent = found.keys() - self._sent
            assert not never_sent, f"{len(never_sent)} records nobody sent: {_some(never_sent)}"

    def check_delivered(self, delivered: Iterable[RecordId]) -> None:
        """Exactly the acknowledged records were delivered, each at least once."""
        seen = set(delivered)
        with self._changed:
            missing, extra = self._places.keys() - seen, seen - self._places.keys()
        assert not missing, f"{len(missing)} acknowledged records were not delivered: {_some(missing)}"
        assert not extra, f"{len(extra)} records were delivered that nobody acknowledged: {_some(extra)}"


def _some(things: Iterable[object]) -> str:
    return ", ".join(str(thing) for thing in sorted(things, key=str)[:5])
