"""Heartbeat (key 12), versions 0 to 4: a member says that it is alive, and learns of a rebalance.

REBALANCE_IN_PROGRESS tells it to join again; UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION and FENCED_INSTANCE_ID
that the group goes on without it.
"""

from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest, HeartbeatResponse
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_session import KafkaSession


def heartbeat(session: KafkaSession, request: HeartbeatRequest, _version: int) -> HeartbeatResponse:
    """Keep a member's session alive."""
    session.broker.groups.classic.heartbeat(
        check_group_id(request.group_id),
        request.generation_id,
        request.member_id,
        request.group_instance_id,
    )
    return HeartbeatResponse()
