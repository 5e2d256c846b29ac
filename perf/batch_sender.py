"""Appends the same record batch many times without waiting, as fast as the broker takes it."""

import threading
import time
from typing import Self

from perf.batches import append_request, batch_of
from perf.wire import Address, LineReplies, connect, payload_of

SEND_BYTES = 1 << 20


class BatchSender:
    """One connection with a sending and a counting thread.

    Threads: one thread.
    """

    def __init__(self, address: Address, batch_bytes: int, record_bytes: int) -> None:
        now_ms = int(time.time() * 1000)
        self._batch, self.records_per_batch = batch_of(batch_bytes, payload_of(record_bytes), now_ms)
        self.batch_bytes = len(self._batch)
        self._socket = connect(address)
        self._replies = LineReplies(self._socket)

    def append(self, topic: str, count: int) -> float:
        """The seconds until the last of `count` batches was acknowledged; raises WrongReplyError."""
        request = append_request(topic, self._batch)
        sender = threading.Thread(target=self._send, args=(request, count), daemon=True)
        started_at = time.monotonic()
        sender.start()
        self._replies.expect(count)
        elapsed_s = time.monotonic() - started_at
        sender.join()
        return elapsed_s

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, request: bytes, count: int) -> None:
        at_once = max(1, SEND_BYTES // len(request))
        many = request * at_once
        for _ in range(count // at_once):
            self._socket.sendall(many)
        self._socket.sendall(request * (count % at_once))
