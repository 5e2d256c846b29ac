"""The bounded queue in front of a topic's writer thread.

A `SimpleQueue` carries the commands, because it hands over several times as fast as `queue.Queue`; the
bound, in bytes, is kept beside it. Invariants:

1. `_queued_bytes` is the sum of `size_bytes` over commands that were put and not yet released.
2. A command is put only while the queue is open, under `_mutex`; so whoever closes it knows what is the last
one.
3. A single command larger than the bound is let in when nothing else is queued: it waits, it is never stuck.
"""

import queue
import threading
from collections.abc import Callable

from quekka.broker.commands import Command
from quekka.deadline import Deadline
from quekka.errors import QuekkaError, ThrottlingError


class CommandQueue:
    """Commands for one writer.

    Threads: `put` and `close` by any; `take_all` and `release` by the writer that serves the queue.
    """

    def __init__(self, topic_name: str, bytes_max: Callable[[], int], on_first: Callable[[], None]) -> None:
        """`on_first` is called under the queue's lock when a command is put and nobody serves the queue."""
        self._topic_name = topic_name
        self._bytes_max = bytes_max
        self._on_first = on_first
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self._room = threading.Condition(self._mutex)
        self._queued_bytes = 0
        self._waiting_for_room = 0
        self._closed_by: QuekkaError | None = None
        self._served = False

    def put(self, command: Command, size_bytes: int = 0, deadline: Deadline | None = None) -> None:
        """Queue `command`, after waiting for room where there is none.

        Raises ThrottlingError when there was no room before the deadline, and what `close` named once it is
        closed.
        """
        with self._mutex:
            if self._queued_bytes and self._queued_bytes + size_bytes > self._bytes_max():
                self._wait_for_room_locked(size_bytes, deadline)
            self._put_locked(command, size_bytes)

    def put_if_served(self, command: Command) -> bool:
        """Queue `command` unless that would start a thread only for it, or the queue is closed."""
        with self._mutex:
            if not self._served or self._closed_by is not None:
                return False
            self._put_locked(command, 0)
            return True

    def close(self, last: Command, reason: QuekkaError) -> bool:
        """Every later `put` raises `reason`; `last` goes in as the last command if a thread serves the queue.

        False where nobody serves it (or it was closed before), so that nobody will ever carry out `last`.
        """
        with self._mutex:
            if self._closed_by is not None:
                return False
            if self._served:
                self._put_locked(last, 0)
            self._closed_by = reason
            self._room.notify_all()
            return self._served

    def take_all(self) -> list[Command]:
        """Wait for a command and take it with all that came meanwhile, in order."""
        commands = [self._commands.get()]
        while not self._commands.empty():
            commands.append(self._commands.get())
        return commands

    def release(self, size_bytes: int) -> None:
        """Give back the room of commands that are done."""
        with self._mutex:
            self._queued_bytes -= size_bytes
            if self._waiting_for_room:
                self._room.notify_all()

    def leave(self) -> bool:
        """The serving thread wants to end: True when nothing is queued; the next `put` calls `on_first`."""
        with self._mutex:
            if not self._commands.empty():
                return False
            self._served = False
            return True

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    def _put_locked(self, command: Command, size_bytes: int) -> None:
        assert self._mutex.locked()
        if self._closed_by is not None:
            raise type(self._closed_by)(self._closed_by.message)
        if not self._served:
            self._on_first()
            self._served = True
        self._queued_bytes += size_bytes
        self._commands.put(command)

    def _wait_for_room_locked(self, size_bytes: int, deadline: Deadline | None) -> None:
        assert self._mutex.locked()
        self._waiting_for_room += 1
        try:
            while (
                self._queued_bytes
                and self._queued_bytes + size_bytes > self._bytes_max()
                and self._closed_by is None
            ):
                if deadline is not None and deadline.expired():
                    raise ThrottlingError(
                        f"{self._topic_name}: {self._queued_bytes} bytes wait for its writer already "
                        f"(queued.max.request.bytes={self._bytes_max()})"
                    )
                self._room.wait(None if deadline is None else deadline.remaining_s())
        finally:
            self._waiting_for_room -= 1
