"""All groups in short, of whatever protocol, as ListGroups and its states filter need them.

It leaves out members and lags, which cost a look at every partition (`GroupCoordinator.describe`).
"""

from typing import NamedTuple

from quekka.broker.classic_group import EMPTY, STABLE
from quekka.broker.group_coordinator import PROTOCOL_TYPE, GroupCoordinator


class GroupOverview(NamedTuple):
    """A group's name, its state in Kafka's words, and what kind of members it has, or had.

    Threads: any; immutable.
    """

    group: str
    state: str
    protocol_type: str
    """Empty where that is not known, as for who only commits offsets."""


def overviews(groups: GroupCoordinator) -> list[GroupOverview]:
    """Every group that there is, by name."""
    return [overview(groups, name) for name in groups.names()]


def overview(groups: GroupCoordinator, name: str) -> GroupOverview:
    """One group that is known to exist."""
    if groups.has_members(name):
        return GroupOverview(name, STABLE, PROTOCOL_TYPE)
    classic = groups.classic.find(name)
    if classic is None:
        return GroupOverview(name, EMPTY, "")
    with classic.mutex:
        return GroupOverview(name, classic.state, classic.protocol_type)
