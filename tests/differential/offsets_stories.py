"""Committed offsets: by members and by nobody, fetched, deleted."""

from collections.abc import Mapping, Sequence

from differential.groups_stories import first_member, leave, sync
from differential.records_stories import KEPT
from differential.steps import Step, Story, topic

Places = Sequence[tuple[int, int]]


def commit(
    label: str,
    name: str = "t{r}",
    places: Places = ((0, 5),),
    *,
    group: str = "g{r}",
    member: str = "",
    generation: int = -1,
    of_partition: Mapping[str, object] | None = None,
    more: Mapping[str, object] | None = None,
) -> Step:
    asked = [
        {"partition_index": index, "committed_offset": offset, **(of_partition or {})}
        for index, offset in places
    ]
    request = {
        "group_id": group,
        "generation_id_or_member_epoch": generation,
        "member_id": member,
        "topics": [{"name": name, "partitions": asked}],
        **(more or {}),
    }
    return Step("OffsetCommit", request, label)


def committed(
    label: str, name: str | None = "t{r}", *indexes: int, group: str = "g{r}", **more: object
) -> Step:
    """Both forms: one group up to version 7, several from 8 on; null topics are all topics."""
    topics = None if name is None else [{"name": name, "partition_indexes": list(indexes)}]
    groups = [{"group_id": group, "topics": topics}]
    return Step("OffsetFetch", {"group_id": group, "topics": topics, "groups": groups, **more}, label)


def forget(label: str, name: str = "t{r}", *indexes: int, group: str = "g{r}") -> Step:
    places = [{"partition_index": index} for index in indexes]
    return Step("OffsetDelete", {"group_id": group, "topics": [{"name": name, "partitions": places}]}, label)


SIMPLE = Story(
    "offsets without members",
    "1-9",
    [
        *topic("t{r}", 3, **KEPT),
        committed("of an unknown group", "t{r}", 0, 1),
        committed("of a group without a name", "t{r}", 0, group=""),
        commit("offset 5"),
        committed("what was committed", "t{r}", 0, 1),
        commit(
            "with an epoch and a note",
            places=((0, 7),),
            of_partition={"committed_leader_epoch": 3, "committed_metadata": "note"},
        ),
        committed("with epoch and note", "t{r}", 0),
        commit("with a null note", places=((1, 7),), of_partition={"committed_metadata": None}),
        commit("with a note of 4096", places=((1, 8),), of_partition={"committed_metadata": "x" * 4096}),
        commit("with a note of 4097", places=((1, 9),), of_partition={"committed_metadata": "x" * 4097}),
        commit("a negative offset", places=((2, -5),)),
        committed("after a negative offset", "t{r}", 2),
        commit("two partitions", places=((1, 1), (2, 2))),
        commit("a known and an unknown partition", places=((1, 3), (9, 3))),
        commit("partition -1", places=((-1, 3),)),
        commit("the same partition twice", places=((1, 4), (1, 5))),
        commit("an unknown topic", "nowhere"),
        commit("a bad topic name", "a b"),
        commit("a group without a name", group=""),
        commit("nothing", more={"topics": []}),
        commit("no partitions", places=()),
        commit("of a member that is none", member="nobody"),
        commit("of a generation", generation=1),
        commit("of a member and a generation", member="nobody", generation=1),
        commit("of an instance", more={"group_instance_id": "i"}),
        commit("of a new group with a generation", group="h{r}", generation=1),
        commit("of a new group with a member", group="h{r}", member="nobody"),
        committed("three partitions", "t{r}", 0, 1, 2),
        committed("an unknown partition", "t{r}", 9),
        committed("an unknown topic", "nowhere", 0),
        committed("no partitions", "t{r}"),
        committed("only stable ones", "t{r}", 0, 1, require_stable=True),
        Step(
            "OffsetFetch",
            {"group_id": "g{r}", "topics": [], "groups": [{"group_id": "g{r}", "topics": []}]},
            "no topics",
        ),
        Step(
            "OffsetFetch",
            {"group_id": "g{r}", "topics": None, "groups": [{"group_id": "g{r}", "topics": None}]},
            "all topics",
            "2-9",
        ),
        Step(
            "OffsetFetch",
            {"group_id": "no", "topics": None, "groups": [{"group_id": "no", "topics": None}]},
            "all topics of an unknown group",
            "2-9",
        ),
        Step("OffsetFetch", {"groups": []}, "no groups", "8-9"),
        Step(
            "OffsetFetch",
            {"groups": [{"group_id": "g{r}", "topics": None}, {"group_id": "no", "topics": None}]},
            "two groups",
            "8-9",
        ),
        Step(
            "OffsetFetch",
            {"groups": [{"group_id": "g{r}", "topics": [], "member_id": "nobody", "member_epoch": 3}]},
            "as a member that is none",
            "9",
        ),
        Step("DescribeGroups", {"groups": ["g{r}"]}, "such a group"),
        forget("of one partition", "t{r}", 0),
        forget("of a partition without one", "t{r}", 0),
        forget("of an unknown partition", "t{r}", 9),
        forget("of an unknown topic", "nowhere", 0),
        forget("of an unknown group", "t{r}", 0, group="no"),
        forget("of a group without a name", "t{r}", 0, group=""),
        Step("OffsetDelete", {"group_id": "g{r}"}, "of nothing"),
        Step("OffsetDelete", {"group_id": "no"}, "of nothing of an unknown group"),
        committed("what is left", "t{r}", 0, 1, 2),
        Step("DeleteGroups", {"groups_names": ["g{r}"]}, "the group is deleted"),
        committed("nothing is left", "t{r}", 0, 1, 2),
        forget("of a deleted group", "t{r}", 0),
    ],
)

MEMBERS = Story(
    "offsets of members",
    "2-9",
    [
        *topic("t{r}", 2, **KEPT),
        *first_member(),
        commit("before the sync", member="$one", generation=1),
        sync("the leader syncs", "$one", 1, "$one"),
        commit("of a member", member="$one", generation=1),
        commit("of an old generation", member="$one", generation=0),
        commit("of a generation to come", member="$one", generation=2),
        commit("of generation -1", member="$one"),
        commit("of a member that is none", member="nobody", generation=1),
        commit("of nobody"),
        commit("of nobody with a generation", generation=1),
        commit("of an unknown instance", member="$one", generation=1, more={"group_instance_id": "j"}),
        committed("what was committed", "t{r}", 0),
        forget("of a topic that is read", "t{r}", 0),
        forget("of a topic that is not read", "t{r}", 1),
        Step("DeleteGroups", {"groups_names": ["g{r}"]}, "the group is not deleted"),
        leave("it leaves", "$one"),
        commit("after it left", member="$one", generation=1),
        commit("by nobody after it left"),
        forget("after it left", "t{r}", 0),
        Step(
            "DeleteTopics",
            {"topic_names": ["t{r}"], "topics": [{"name": "t{r}"}], "timeout_ms": 9000},
            "the topic is deleted",
        ),
    ],
)

STORIES = (SIMPLE, MEMBERS)
