"""ListGroups (key 16), versions 0 to 5: the groups that there are, of the Kafka and of the text protocol.

The latter have the protocol type `quekka-text`. A filter that is empty lets everything through; states
(from version 4 on) and types (from version 5 on) are compared in any case, as Kafka does, and one that does
not exist fits no group. All groups are of type `classic`.
"""

from collections.abc import Sequence

from quekka.broker.group_overview import overviews
from quekka.protocols.kafka.api_16_list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from quekka.servers.kafka_session import KafkaSession

GROUP_TYPE = "classic"


def list_groups(session: KafkaSession, request: ListGroupsRequest, _version: int) -> ListGroupsResponse:
    """Every group that passes both filters, sorted by name."""
    if not _passes(GROUP_TYPE, request.types_filter):
        return ListGroupsResponse()
    return ListGroupsResponse(
        groups=[
            ListedGroup(group.group, group.protocol_type, group.state, GROUP_TYPE)
            for group in overviews(session.broker.groups)
            if _passes(group.state, request.states_filter)
        ]
    )


def _passes(word: str, allowed: Sequence[str]) -> bool:
    return not allowed or word.lower() in {name.lower() for name in allowed}
