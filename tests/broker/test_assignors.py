"""Tests of quekka.broker.assignors."""

import random

import pytest

from quekka.broker.assignors import share_out


@pytest.mark.parametrize(
    ("partitions", "members", "owners", "expected"),
    [
        pytest.param(3, [], {}, {}, id="nobody"),
        pytest.param(3, ["a"], {}, {0: "a", 1: "a", 2: "a"}, id="one_takes_all"),
        pytest.param(1, ["a", "b"], {}, {0: "a"}, id="the_first_who_joined_gets_the_only_one"),
        pytest.param(1, ["a", "b"], {0: "b"}, {0: "b"}, id="who_has_it_keeps_it"),
        pytest.param(
            4, ["a", "b"], dict.fromkeys(range(4), "a"), {0: "a", 1: "a", 2: "b", 3: "b"}, id="half_moves"
        ),
        pytest.param(
            3, ["b", "c"], {0: "a", 1: "b", 2: "c"}, {0: "b", 1: "b", 2: "c"}, id="the_leavers_is_given_on"
        ),
        pytest.param(4, ["a", "b"], {0: "a", 1: "b"}, {0: "a", 1: "b", 2: "a", 3: "b"}, id="new_partitions"),
    ],
)
def test_share_out(
    partitions: int, members: list[str], owners: dict[int, str], expected: dict[int, str]
) -> None:
    assert share_out(partitions, members, owners) == expected


def test_every_change_of_members_stays_balanced_and_moves_only_what_it_must(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        partitions = rng.randint(1, 20)
        members = [f"m{n}" for n in range(rng.randint(1, 8))]
        before = share_out(partitions, members, {})
        joined = [member for member in members if rng.random() < 0.7] + ["new"]
        after = share_out(partitions, joined, before)
        counts = [list(after.values()).count(member) for member in joined]
        assert sorted(after) == list(range(partitions))
        assert max(counts) - min(counts) <= 1
        stayed = sum(1 for number in range(partitions) if after[number] == before[number])
        low, larger = divmod(partitions, len(joined))
        owned = sorted((sum(owner == member for owner in before.values()) for member in joined), reverse=True)
        possible = sum(min(count, low + (place < larger)) for place, count in enumerate(owned))
        assert stayed == possible
