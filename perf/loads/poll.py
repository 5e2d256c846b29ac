"""`poll-N`: a group reads a topic from its start, N messages a request, two requests under way at a time.

The topic is filled by pipelined PUBLISH, so its batches are those that the broker makes itself. Replies are
counted, not parsed (see wire.py).
"""

import time
from dataclasses import dataclass

from perf.bench import Bench, parameters_of, usage_of
from perf.errors import WrongReplyError
from perf.figures import Figure, LoadResult, at_least
from perf.loads.publish_pipelined import PipelinedPublishers
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, Conversation, MessageReplies, connect

COUNT = 300_000
REQUESTS_UNDER_WAY = 2
MESSAGE_LINE_BYTES = 100
GOAL_PER_S = at_least(300_000)


@dataclass(frozen=True, slots=True)
class PollLoad:
    name: str
    messages_per_poll: int

    def run(self, bench: Bench) -> LoadResult:
        options = bench.options
        count = options.count or COUNT
        with bench.broker() as broker:
            with RemoteClient(
                PipelinedPublishers, (broker.address, self.name, options.size_bytes, 1)
            ) as publisher:
                publisher.run(count)
            poller = (broker.address, self.name, options.size_bytes, self.messages_per_poll, count)
            with RemoteClient(Poller, poller) as client:
                rounds, usage = bench.measure(broker, client, count)
        figures = [
            Figure("messages", "1/s", [done.per_s for done in rounds], GOAL_PER_S),
            Figure("payload", "GB/s", [done.gb_per_s for done in rounds]),
        ]
        parameters = parameters_of(options, rounds, messages_per_poll=self.messages_per_poll)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class Poller:
    """In the child: one connection that polls from the start of the topic in each round."""

    def __init__(
        self, address: Address, topic: str, size_bytes: int, messages_per_poll: int, stored: int
    ) -> None:
        self._topic = topic
        self._size_bytes = size_bytes
        self._stored = stored
        max_bytes = messages_per_poll * (size_bytes + MESSAGE_LINE_BYTES)
        self._request = f"POLL {topic} perf {messages_per_poll} 0 max_bytes={max_bytes}\r\n".encode()
        self._control = Conversation(address)
        self._socket = connect(address)

    def run(self, count: int) -> Round:
        """Polls all that is stored; `count` above that is read again from the start."""
        count = max(1, round(count / self._stored)) * self._stored
        elapsed_s = sum(self._poll_all() for _ in range(count // self._stored))
        return Round(count, count * self._size_bytes, elapsed_s)

    def close(self) -> None:
        self._socket.close()
        self._control.close()

    def _poll_all(self) -> float:
        self._control.ask(f"SEEK {self._topic} perf earliest")
        replies = MessageReplies(self._socket)
        started_at = time.monotonic()
        self._socket.sendall(self._request * REQUESTS_UNDER_WAY)
        asked = REQUESTS_UNDER_WAY
        while replies.messages < self._stored:
            replies.receive()
            again = REQUESTS_UNDER_WAY - (asked - replies.replies)
            if again > 0 and replies.messages < self._stored:
                self._socket.sendall(self._request * again)
                asked += again
        elapsed_s = time.monotonic() - started_at
        # What was asked for beyond the end is answered +EMPTY.
        while replies.replies < asked:
            replies.receive()
        if replies.messages != self._stored:
            raise WrongReplyError(f"{replies.messages} messages came, {self._stored} are stored")
        return elapsed_s
