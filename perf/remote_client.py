"""A client that lives in a process of its own, so that it and the broker do not share an interpreter lock.

The parent asks for rounds and gets a Round back for each:

    parent                         child
      -- (class, arguments) -->    spawns, connects
      <-- None ---------------     ready
      -- count -------------->     client.run(count)
      <-- Round or Failure ---
      -- None --------------->     ends
"""

import multiprocessing
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self

from perf.errors import ClientFailedError

_SPAWN = multiprocessing.get_context("spawn")
REPLY_TIMEOUT_S = 600.0


@dataclass(slots=True)
class Round:
    """What a client did: messages or batches, their bytes, the time it took, and each one's latency."""

    count: int
    size_bytes: int
    elapsed_s: float
    latencies_s: Sequence[float] = ()
    cpu_s: float = 0.0

    @property
    def per_s(self) -> float:
        return self.count / self.elapsed_s

    @property
    def gb_per_s(self) -> float:
        return self.size_bytes / self.elapsed_s / 1e9


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception of the child, as text."""

    trace: str


class Client(Protocol):
    """What runs in the child: made there with its arguments, then asked for rounds."""

    def run(self, count: int) -> Round: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class RemoteClient:
    """The parent's end of a client of class `make`; use in `with`.

    Threads: one thread.
    """

    make: Callable[..., Client]
    arguments: tuple[Any, ...]
    timeout_s: float = REPLY_TIMEOUT_S
    _channel: Connection | None = field(default=None, init=False)
    _process: Any = field(default=None, init=False)

    def run(self, count: int) -> Round:
        """One round, waited for."""
        self.begin(count)
        return self.finish()

    def begin(self, count: int) -> None:
        """Starts a round and returns at once, so that several clients can run at the same time."""
        self._open_channel().send(count)

    def finish(self) -> Round:
        """The result of the round that `begin` started; raises ClientFailedError."""
        answer = self._receive()
        if not isinstance(answer, Round):
            raise ClientFailedError(f"a round was expected, not {answer!r}")
        return answer

    def __enter__(self) -> Self:
        self._channel, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_child_loop, args=(theirs, self.make, self.arguments), name=self.make.__name__, daemon=True
        )
        self._process.start()
        theirs.close()
        self._receive()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None:
            self._open_channel().send(None)
        else:
            self._process.terminate()
        self._process.join()
        self._process.close()
        self._open_channel().close()

    def _open_channel(self) -> Connection:
        assert self._channel is not None, "used outside with"
        return self._channel

    def _receive(self) -> object:
        channel = self._open_channel()
        if not channel.poll(self.timeout_s):
            raise ClientFailedError(f"{self.make.__name__} did not answer within {self.timeout_s:g} s")
        try:
            answer: object = channel.recv()
        except EOFError:
            raise ClientFailedError(f"{self.make.__name__} ended without an answer") from None
        if isinstance(answer, Failure):
            raise ClientFailedError(answer.trace)
        return answer


def _child_loop(channel: Connection, make: Callable[..., Client], arguments: tuple[Any, ...]) -> None:
    """The child's whole life. Whatever is raised goes to the parent, which alone can tell the user."""
    try:
        client = make(*arguments)
        channel.send(None)
        while (count := channel.recv()) is not None:
            cpu_before_s = time.process_time()
            done = client.run(count)
            done.cpu_s = time.process_time() - cpu_before_s
            channel.send(done)
        client.close()
    except BaseException:
        channel.send(Failure(traceback.format_exc()))
        raise
