"""What a consumer has to do from time to time besides reading: notice its share, commit, find lost positions.

It is done inside `poll` and between the records of an iteration, when it is due; there is no thread for it.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping

from quekka.client.assignment import Assignment
from quekka.client.fetcher import CONNECTION_TROUBLE
from quekka.client.membership import Membership
from quekka.client.topic_partition import TopicPartition
from quekka.clock import Clock
from quekka.errors import QuekkaError, RebalanceInProgressError, UnknownMemberIdError

logger = logging.getLogger(__name__)

OnRebalance = Callable[[list[TopicPartition]], None]

SHARE_CHANGED = (RebalanceInProgressError, UnknownMemberIdError)
"""Answers to COMMIT that say that the partition is another member's by now."""
NEVER_S = float("inf")


class ConsumerCoordinator:
    """Keeps the assignment in step with the group, and what is committed in step with what was handed out.

    Threads: one at a time, the consumer's.
    """

    def __init__(
        self,
        membership: Membership,
        assignment: Assignment,
        *,
        heartbeat_interval_ms: float,
        auto_commit_interval_ms: float | None,
        clock: Clock,
    ) -> None:
        """`auto_commit_interval_ms` None: the program commits, or nobody does."""
        # Constant
        self._membership = membership
        self._assignment = assignment
        self._heartbeat_interval_s = heartbeat_interval_ms / 1000
        self._auto_commit_interval_s = (
            NEVER_S if auto_commit_interval_ms is None else auto_commit_interval_ms / 1000
        )
        self._clock = clock
        # Changing
        self.topics: tuple[str, ...] = ()
        """Subscribed to; none when partitions were assigned by hand."""
        self._on_assigned: OnRebalance | None = None
        self._on_revoked: OnRebalance | None = None
        self._refresh_at_s = NEVER_S
        self._commit_at_s = clock.monotonic_s() + self._auto_commit_interval_s
        self._was_reached = False
        self._reported_topics: set[str] = set()
        self.due_at_s = 0.0
        """When `run_due` has something to do, in monotonic time."""

    def subscribe(
        self, topics: Collection[str], on_assigned: OnRebalance | None, on_revoked: OnRebalance | None
    ) -> None:
        """Be a reader of `topics`, and of no others, from the next `run_due` on."""
        self.topics = tuple(dict.fromkeys(topics))
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._reported_topics.clear()
        self._refresh_at_s = self.due_at_s = 0.0

    def remaining_s(self) -> float:
        """Seconds until something is due; infinite when nothing ever is."""
        return max(0.0, self.due_at_s - self._clock.monotonic_s())

    def run_due(self) -> None:
        """Do what is due.

        Trouble with the connection is logged and the work tried again soon; it is raised when the broker has
        never been reached. Raises OffsetOutOfRangeError where `auto_offset_reset` is none, and what callbacks
        raise.
        """
        try:
            self._assignment.reset_lost()
            if self._clock.monotonic_s() >= self.due_at_s:
                self._run_due()
        except CONNECTION_TROUBLE as error:
            if not self._was_reached:
                raise
            logger.warning("the broker is away: %s", error.message)
            self._refresh_at_s = 0.0 if self.topics else NEVER_S
            self.due_at_s = self._clock.monotonic_s() + self._membership.connection.backoff.remaining_s()

    def commit(self, offsets: Mapping[TopicPartition, int] | None) -> None:
        """Commit `offsets`, or all positions; raises the first refusal."""
        refused = self._assignment.commit(self._assignment.uncommitted() if offsets is None else offsets)
        self._look_at(refused.values())
        for partition, error in refused.items():
            raise type(error)(f"{partition}: {error.message}")

    def leave(self) -> None:
        """Commit what was handed out, give up all partitions, leave the group; trouble is logged."""
        try:
            self._give_up(sorted(self._assignment.partitions))
            self._membership.leave()
        except CONNECTION_TROUBLE as error:
            logger.warning("leaving without a commit: %s", error.message)
            self._assignment.remove(self._assignment.partitions)
        self.topics = ()
        self._refresh_at_s = NEVER_S

    def _run_due(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._commit_at_s:
            self._auto_commit(None)
            self._commit_at_s = now_s + self._auto_commit_interval_s
        if now_s >= self._refresh_at_s:
            self._refresh()
            self._refresh_at_s = now_s + self._heartbeat_interval_s
        self._was_reached = True
        self.due_at_s = min(self._refresh_at_s, self._commit_at_s)

    def _refresh(self) -> None:
        """Ask for the present share and follow it."""
        opened = self._membership.connection.opened
        share = self._membership.share(self.topics)
        self._report_unknown_topics()
        has = self._assignment.partitions
        if has - share:
            self._give_up(sorted(has - share))
        if self._membership.connection.opened != opened and has & share:
            self._assignment.adopt_commits()
        if share - has:
            self._assignment.add(sorted(share - has))
            self._tell(self._on_assigned, sorted(share - has))

    def _give_up(self, partitions: list[TopicPartition]) -> None:
        self._auto_commit(partitions)
        self._tell(self._on_revoked, partitions)
        self._assignment.remove(partitions)

    def _auto_commit(self, partitions: Iterable[TopicPartition] | None) -> None:
        """Commit positions where that is this class' business; a refusal is no reason to stop reading."""
        if self._auto_commit_interval_s == NEVER_S:
            return
        refused = self._assignment.commit(self._assignment.uncommitted(partitions))
        self._look_at(refused.values())
        for partition, error in refused.items():
            logger.warning("%s: what was handed out may be read again: %s", partition, error.message)

    def _look_at(self, refusals: Iterable[QuekkaError]) -> None:
        """A refusal may be the first sign of another share."""
        if self.topics and any(isinstance(error, SHARE_CHANGED) for error in refusals):
            self._refresh_at_s = self.due_at_s = 0.0

    def _tell(self, callback: OnRebalance | None, partitions: list[TopicPartition]) -> None:
        if callback is not None and self.topics and partitions:
            callback(partitions)

    def _report_unknown_topics(self) -> None:
        """Say once that a topic is waited for."""
        for topic in sorted(self._membership.unknown_topics - self._reported_topics):
            logger.warning("topic %s does not exist; waiting until it does", topic)
        self._reported_topics = set(self._membership.unknown_topics)
