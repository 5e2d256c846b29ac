"""A member of a group of Kafka's protocol, request by request, for tests of the group handlers."""

import itertools
from collections.abc import Mapping, Sequence

from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest
from quekka.protocols.kafka.api_14_sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)

JOIN_GROUP, HEARTBEAT, SYNC_GROUP = 11, 12, 14
MEMBER_ID_REQUIRED, REBALANCE_IN_PROGRESS = 79, 27
HEARTBEATS_MAX = 10_000
"""A rebalance is seen after a few; only a fault takes so many."""

SUBSCRIPTION = b"\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff"
"""A consumer's metadata, version 0: topic t, no user data."""


class KafkaMember:
    """One member on a connection of its own. What JoinGroup told is kept for the later requests."""

    def __init__(
        self,
        wire: KafkaWire,
        group: str = "g",
        *,
        instance: str | None = None,
        protocol_type: str = "consumer",
        protocols: Sequence[str] = ("range",),
        metadata: bytes = SUBSCRIPTION,
        join_version: int = 5,
    ) -> None:
        self.wire = wire
        self.group = group
        self.instance = instance
        self.protocol_type = protocol_type
        self.protocols = protocols
        self.metadata = metadata
        self.join_version = join_version
        self.member_id = ""
        self.generation = -1
        self.leader = ""

    def join_request(self) -> JoinGroupRequest:
        return JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=20_000,
            member_id=self.member_id,
            group_instance_id=self.instance if self.join_version >= 5 else None,
            protocol_type=self.protocol_type,
            protocols=[JoinGroupRequestProtocol(name, self.metadata) for name in self.protocols],
        )

    def begin_join(self) -> None:
        """Send JoinGroup, with a member id where one is needed; the response may take its time."""
        if self.join_version >= 4 and not self.member_id and self.instance is None:
            response = self.wire.ask(JOIN_GROUP, self.join_version, self.join_request())
            assert response.error_code == MEMBER_ID_REQUIRED
            self.member_id = response.member_id
        self.wire.send(JOIN_GROUP, self.join_version, self.join_request())

    def end_join(self) -> JoinGroupResponse:
        response: JoinGroupResponse = self.wire.receive()
        assert response.error_code == 0
        self.member_id, self.generation = response.member_id, response.generation_id
        self.leader = response.leader
        return response

    def join(self) -> JoinGroupResponse:
        self.begin_join()
        return self.end_join()

    def sync_request(self, assignments: Mapping[str, bytes]) -> SyncGroupRequest:
        return SyncGroupRequest(
            group_id=self.group,
            generation_id=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance,
            protocol_type=self.protocol_type,
            protocol_name=self.protocols[0],
            assignments=[SyncGroupRequestAssignment(*pair) for pair in assignments.items()],
        )

    def sync(self, assignments: Mapping[str, bytes] | None = None, version: int = 3) -> SyncGroupResponse:
        response: SyncGroupResponse = self.wire.ask(SYNC_GROUP, version, self.sync_request(assignments or {}))
        return response

    def join_alone(self) -> "KafkaMember":
        """Become the only member of a stable group, assigned b"all"."""
        self.join()
        assert self.sync({self.member_id: b"all"}).error_code == 0
        return self

    def heartbeat(self, version: int = 3) -> int:
        request = HeartbeatRequest(self.group, self.generation, self.member_id, self.instance)
        return int(self.wire.ask(HEARTBEAT, version, request).error_code)

    def await_rebalance(self) -> None:
        """Send heartbeats until one is answered with REBALANCE_IN_PROGRESS."""
        errors = (self.heartbeat() for _ in range(HEARTBEATS_MAX))
        assert next(itertools.dropwhile(lambda error: error == 0, errors), None) == REBALANCE_IN_PROGRESS

    def let_in(self, other: "KafkaMember") -> None:
        """`other` joins the group in which this one is; both join again, and this one leads."""
        other.begin_join()
        self.await_rebalance()
        self.join()
        other.end_join()
