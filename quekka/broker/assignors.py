"""How a topic's partitions are shared out among the members of a text-protocol group.

The Kafka protocol lets the group's leader decide; a text client only reads, so here the broker does.
"""

from collections.abc import Mapping, Sequence


def share_out(partitions: int, members: Sequence[str], owners: Mapping[int, str]) -> dict[int, str]:
    """Partition number to member: balanced to within one, and otherwise as it was (`owners`).

    Every member gets `partitions // len(members)` or one more. A member keeps what it owned up to its share,
    lowest numbers first; what is left over goes to those who have least, in the order in which they joined.
    So a change of members moves as few partitions as balance allows (as Kafka's StickyAssignor aims to).
    """
    if not members:
        return {}
    low, larger_shares = divmod(partitions, len(members))
    kept: dict[str, list[int]] = {member: [] for member in members}
    homeless = []
    for number in range(partitions):
        owned = kept.get(owners.get(number, ""))
        if owned is None:
            homeless.append(number)
        elif len(owned) < low:
            owned.append(number)
        elif len(owned) == low and larger_shares:
            owned.append(number)
            larger_shares -= 1
        else:
            homeless.append(number)
    for number in homeless:
        min(kept.values(), key=len).append(number)
    return {number: member for member, numbers in kept.items() for number in numbers}
