"""The one rule for the names of groups of Kafka's protocol."""

from quekka.errors import InvalidGroupIdError


def check_group_id(group_id: str) -> str:
    """`group_id` itself; raises InvalidGroupIdError where it is empty.

    Groups without a name are refused wherever one would be made or changed, so that none is there which the
    text protocol could not show.
    """
    if not group_id:
        raise InvalidGroupIdError("a group needs a name")
    return group_id
