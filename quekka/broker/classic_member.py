"""A member of a group of Kafka's classic protocol."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quekka.broker.completion import Completion
from quekka.broker.timers import Timer

Protocols = tuple[tuple[str, bytes], ...]
"""Assignors by name, favourite first, each with metadata (the topics) in its own format."""


class JoinedMember(NamedTuple):
    """What the leader is told of each member.

    Threads: any; immutable.
    """

    member_id: str
    group_instance_id: str | None
    metadata: bytes


class JoinResult(NamedTuple):
    """The answer to JoinGroup (api key 11).

    Threads: any; immutable.
    """

    generation: int
    protocol_type: str
    protocol_name: str
    leader: str
    member_id: str
    members: Sequence[JoinedMember]
    """For the leader; followers get none."""
    skip_assignment: bool = False
    """For a static leader that came back: the assignment stands, only watch over it (KIP-814)."""


class SyncResult(NamedTuple):
    """The answer to SyncGroup (api key 14).

    Threads: any; immutable.
    """

    protocol_type: str
    protocol_name: str
    assignment: bytes


class JoinRequest(NamedTuple):
    """What a member says of itself in JoinGroup (api key 11).

    Threads: any; immutable.
    """

    group_id: str
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    """Below 0 in version 0, which has none: then the session timeout is meant."""
    protocol_type: str
    protocols: Protocols
    require_known_member_id: bool
    """From version 4 on: whoever comes without a member id is given one and has to come again (KIP-394)."""
    supports_skipping_assignment: bool
    """From version 9 on."""


@dataclass(slots=True, eq=False)
class ClassicMember:
    """One member.

    Threads: any that holds the group's `mutex`.
    """

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: Protocols
    assignment: bytes = b""
    awaiting_join: Completion[JoinResult] | None = field(default=None, repr=False)
    """Set while a JoinGroup waits."""
    awaiting_sync: Completion[SyncResult] | None = field(default=None, repr=False)
    """Set while a SyncGroup waits for the leader's."""
    is_new: bool = True
    """Until its first JoinGroup is answered: should the client hang up before, nothing tells of it."""
    session_ends_s: float = 0.0
    """Monotonic time at which the member is taken for dead unless it is heard of before."""
    session_timer: Timer | None = field(default=None, repr=False)
    session_checked_s: float = 0.0
    """Monotonic time at which `session_timer` looks whether the session has ended."""

    @classmethod
    def of(cls, member_id: str, request: JoinRequest) -> "ClassicMember":
        member = cls(member_id, request.group_instance_id, "", "", 0, 0, ())
        member.update(request)
        return member

    def update(self, request: JoinRequest) -> None:
        """Take over what a new JoinGroup of the same member says."""
        self.client_id = request.client_id
        self.client_host = request.client_host
        self.session_timeout_ms = request.session_timeout_ms
        self.rebalance_timeout_ms = request.rebalance_timeout_ms
        if request.rebalance_timeout_ms < 0:
            self.rebalance_timeout_ms = request.session_timeout_ms
        self.protocols = request.protocols

    @property
    def is_alive_without_heartbeat(self) -> bool:
        """It waits for the broker, on the connection on which it would send its heartbeats.

        A new member is not believed to: its client may have hung up, and each attempt of a client that gives
        up and comes again would leave another member behind.
        """
        return not self.is_new and (self.awaiting_join is not None or self.awaiting_sync is not None)

    def protocol_names(self) -> set[str]:
        return {name for name, _ in self.protocols}

    def metadata(self, protocol_name: str) -> bytes:
        """What it said for one assignor; empty where it does not support it."""
        return dict(self.protocols).get(protocol_name, b"")

    def vote(self, candidates: set[str]) -> str:
        """The first of its protocols that all members support."""
        return next(name for name, _ in self.protocols if name in candidates)
