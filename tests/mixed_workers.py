"""What the workers of a mixed load have in common: connections until the broker is gone, and a History."""

import random
from typing import NamedTuple

from history import History
from ledger import LARGE_SHARE, RecordId, make_value
from workload import Worker


class Address(NamedTuple):
    """Where the broker listens."""

    host: str
    port: int


class MixedWorker(Worker):
    """Works on one connection after the other until the broker is gone or the load is over.

    A broker may close a connection (after a refused Produce with acks=0), so only a refused connection says
    that it is gone.
    """

    ends_with_connection = False
    """True for a worker that must not go on while it does not know how its last request went."""

    pace_s = 0.0
    """How long it waits between two turns."""

    def __init__(self, name: str, address: Address, history: History, seed: str) -> None:
        super().__init__(name)
        self.address = address
        self.history = history
        self.rng = random.Random(f"{seed}/{name}")

    def is_over(self) -> bool:
        """Whether the load is over; asked before each turn."""
        return self.history.is_over.wait(self.pace_s)

    def work(self) -> None:
        try:
            while not self.history.is_over.is_set():
                try:
                    self.use_connection()
                except ConnectionRefusedError:
                    return
                except OSError:
                    if self.ends_with_connection:
                        return
        except BaseException as error:
            self.history.note_failure(error)
            raise

    def use_connection(self) -> None:
        """Connect and work until the load is over; OSError when the connection ends."""
        raise NotImplementedError


class Numbering:
    """Gives a producer's records their numbers and values, through all lives of the broker."""

    def __init__(self, producer: int) -> None:
        self.producer = producer
        self._next_number = 0

    def take(self, count: int, rng: random.Random, large_share: float = LARGE_SHARE) -> dict[RecordId, bytes]:
        """New records, in the order in which they are to be sent."""
        numbers = range(self._next_number, self._next_number + count)
        self._next_number += count
        return {
            identity: make_value(identity, rng, large_share)
            for identity in (RecordId(self.producer, number) for number in numbers)
        }
