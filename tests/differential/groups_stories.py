"""Groups: members that come, go, are fenced and are refused, and what is told of them."""

from collections.abc import Sequence

from differential.steps import Answer, Step, Story

HELD = b"\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff"
"""A consumer's subscription to topic t, version 0."""


def protocols(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "metadata": HELD} for name in names]


def join(label: str, member: str = "", *, group: str = "g{r}", **more: object) -> Step:
    """The options of `Step` are told from the fields of the request by their names."""
    options = {name: more.pop(name) for name in ("on", "later", "versions", "save", "until") if name in more}
    request = {
        "group_id": group,
        "session_timeout_ms": 30_000,
        "rebalance_timeout_ms": 30_000,
        "member_id": member,
        "protocol_type": "consumer",
        "protocols": protocols("range", "roundrobin"),
        **more,
    }
    return Step("JoinGroup", request, label, **options)


def sync(
    label: str, member: str, generation: int, *assigned: str, group: str = "g{r}", **more: object
) -> Step:
    options = {name: more.pop(name) for name in ("on", "later", "versions", "save") if name in more}
    request = {
        "group_id": group,
        "generation_id": generation,
        "member_id": member,
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": [{"member_id": each, "assignment": b"for you"} for each in assigned],
        **more,
    }
    return Step("SyncGroup", request, label, **options)


def beat(
    label: str,
    member: str,
    generation: int,
    *,
    group: str = "g{r}",
    instance: str | None = None,
    **more: object,
) -> Step:
    request = {
        "group_id": group,
        "generation_id": generation,
        "member_id": member,
        "group_instance_id": instance,
    }
    return Step("Heartbeat", request, label, **more)


def leave(
    label: str, member: str, *, group: str = "g{r}", more: Sequence[str] = (), instance: str | None = None
) -> Step:
    members = [{"member_id": member, "group_instance_id": instance}, *({"member_id": each} for each in more)]
    return Step("LeaveGroup", {"group_id": group, "member_id": member, "members": members}, label)


def describe(label: str, *groups: str, **more: object) -> Step:
    return Step("DescribeGroups", {"groups": list(groups), **more}, label)


def first_member(name: str = "one", group: str = "g{r}", on: str = "main") -> list[Step]:
    """A member comes: from JoinGroup 4 on it is told its id first."""
    asked = {"group": group, "on": on}
    return [
        join(f"{name} comes", versions="0-3", save={name: "member_id"}, **asked),
        join(f"{name} is told its id", versions="4-9", save={name: "member_id"}, **asked),
        join(f"{name} comes with its id", f"${name}", versions="4-9", **asked),
    ]


# What DescribeGroups tells of a group before its first sync depends on what Kafka has stored by then.
LIFE = Story(
    "the life of a group",
    "0-9",
    [
        describe("before there is one", "g{r}"),
        *first_member(),
        beat("a heartbeat before the sync", "$one", 1),
        sync("a sync of an old generation", "$one", 0, "$one"),
        sync("a sync of a generation to come", "$one", 2, "$one"),
        sync("a sync of nobody", "nobody", 1),
        sync("a sync for a protocol that is not chosen", "$one", 1, "$one", protocol_name="roundrobin"),
        sync("a sync for another type", "$one", 1, "$one", protocol_type="connect"),
        sync("the leader syncs", "$one", 1, "$one"),
        sync("it syncs again", "$one", 1),
        describe("stable", "g{r}", include_authorized_operations=True),
        beat("a heartbeat", "$one", 1),
        beat("a heartbeat of an old generation", "$one", 0),
        beat("a heartbeat of a generation to come", "$one", 2),
        beat("a heartbeat of nobody", "nobody", 1),
        beat("a heartbeat without a member id", "", 1),
        beat("a heartbeat to an unknown group", "$one", 1, group="nowhere"),
        beat("a heartbeat to a group without a name", "$one", 1, group=""),
        beat("a heartbeat of an unknown instance", "$one", 1, instance="nobody", versions="3-9"),
        sync("a sync to an unknown group", "$one", 1, group="nowhere"),
        sync("a sync to a group without a name", "$one", 1, group=""),
        join("of another type", protocol_type="connect"),
        join("with another protocol", protocols=protocols("sticky")),
        Step("DeleteGroups", {"groups_names": ["g{r}"]}, "deleted while somebody is in it"),
    ],
)

AFTER_JOIN: list[Step | Answer] = [
    sync("a follower's sync", "$two", 2, on="two", later=True, protocol_name="range"),
    sync("the leader's sync", "$one", 2, "$one", "$two", protocol_name="range"),
    Answer("a follower's sync", "two"),
    describe("two are in it", "g{r}"),
    Step("ListGroups", {"states_filter": ["Stable"]}, "the stable groups", "4-5"),
    leave("a member that is none leaves", "nobody"),
    leave("the second one leaves", "$two"),
    beat("it beats on", "$two", 2),
    beat("the first one sees it", "$one", 2, until={"error_code": 27}),
    leave("the first one leaves", "$one"),
    describe("nobody is left", "g{r}"),
    leave("nobody leaves an empty group", "$one"),
    beat("a heartbeat to an empty group", "$one", 2),
    sync("a sync to an empty group", "$one", 2),
    leave("an unknown group is left", "$one", group="nowhere"),
    leave("a group without a name is left", "$one", group=""),
    Step("DeleteGroups", {"groups_names": ["g{r}", "nowhere", ""]}, "deleted"),
    describe("deleted groups", "g{r}"),
]

OLD_LIFE = Story(
    "the life of a group, old",
    "0-3",
    [
        *first_member(group="g{r}"),
        sync("the leader syncs", "$one", 1, "$one"),
        join("a second one comes", on="two", later=True),
        beat("the first one sees a second one", "$one", 1, until={"error_code": 27}),
        describe("while a second one waits", "g{r}"),
        sync("a sync meanwhile", "$one", 1),
        join("the first one joins again", "$one", on="one"),
        Answer("a second one comes", "two", save={"two": "member_id"}),
        *AFTER_JOIN,
    ],
)

NEW_LIFE = Story(
    "the life of a group, new",
    "4-9",
    [
        *first_member(group="g{r}"),
        sync("the leader syncs", "$one", 1, "$one"),
        join("a second one is told its id", on="two", save={"two": "member_id"}),
        describe("nobody is told of who was only told an id", "g{r}"),
        beat("one that was only told its id beats", "$two", 1),
        join("a second one comes", "$two", on="two", later=True),
        beat("the first one sees a second one", "$one", 1, until={"error_code": 27}),
        describe("while a second one waits", "g{r}"),
        sync("a sync meanwhile", "$one", 1),
        join("the first one joins again", "$one", on="one"),
        Answer("a second one comes", "two"),
        *AFTER_JOIN,
        leave("several leave", "$one", more=["nobody", ""]),
    ],
)

BAD_JOINS = Story(
    "JoinGroup that is refused",
    "0-9",
    [
        join("a session too short", session_timeout_ms=5999),
        join("a session too long", session_timeout_ms=1_800_001),
        join("a session of 0", session_timeout_ms=0),
        join("a group without a name", group=""),
        join("nobody", "nobody"),
        join("without protocols", protocols=[]),
        join("without a type", protocol_type=""),
        join("without both", protocol_type="", protocols=[]),
        join("a member id that is none, and a session too short", "nobody", session_timeout_ms=1),
        join("an instance with a bad name", group="j{r}", group_instance_id="a b", versions="5-9"),
        join("an instance that claims an id", "nobody", group="k{r}", group_instance_id="i", versions="5-9"),
        join("an instance without a name", group="i{r}", group_instance_id="", versions="5-9"),
    ],
)

STATIC = Story(
    "static members",
    "5-9",
    [
        join("an instance comes", group_instance_id="i", save={"one": "member_id"}),
        sync("it syncs", "$one", 1, "$one", group_instance_id="i"),
        beat("it beats", "$one", 1, instance="i"),
        beat("another instance beats with its id", "$one", 1, instance="j"),
        beat("it beats without saying who it is", "$one", 1),
        describe("it is there", "g{r}"),
        join("the same instance comes again", group_instance_id="i", save={"again": "member_id"}),
        describe("it is there again", "g{r}"),
        beat("the old one beats", "$one", 1, instance="i"),
        sync("the old one syncs", "$one", 1, group_instance_id="i"),
        join("the old one joins", "$one", group_instance_id="i"),
        sync("the new one syncs", "$again", 1, group_instance_id="i"),
        beat("the new one beats", "$again", 1, instance="i"),
        leave("the old one leaves", "$one", instance="i"),
        leave("an instance leaves that is none", "", instance="j"),
        leave("the instance leaves", "", instance="i"),
        describe("nobody is left", "g{r}"),
    ],
)


def filtered(label: str, states: Sequence[str] = (), types: Sequence[str] = (), **more: object) -> Step:
    return Step("ListGroups", {"states_filter": list(states), "types_filter": list(types)}, label, **more)


LISTS = Story(
    "groups that are listed",
    "0-5",
    [
        filtered("no state", ["nowhere"], versions="4-5"),
        filtered("dead ones", ["Dead"], versions="4-5"),
        filtered("stable ones, in small letters", ["stable"], versions="4-5"),
        filtered("of no type", types=["nowhere"], versions="5"),
        filtered("consumers", types=["consumer"], versions="5"),
        describe("unknown", "nowhere"),
        describe("several", "nowhere", "", "nowhere"),
        describe("nothing"),
        describe("unknown with operations", "nowhere", include_authorized_operations=True),
        Step("DeleteGroups", {"groups_names": []}, "nothing is deleted"),
        Step("DeleteGroups", {"groups_names": ["nowhere"]}, "an unknown one is deleted"),
        Step("DeleteGroups", {"groups_names": ["nowhere", "nowhere"]}, "it is deleted twice"),
        Step("DeleteGroups", {"groups_names": [""]}, "one without a name is deleted"),
    ],
)


def find(label: str, *keys: str, kind: int = 0) -> Step:
    return Step(
        "FindCoordinator",
        {"key": keys[0] if keys else "", "key_type": kind, "coordinator_keys": list(keys)},
        label,
    )


FIND = Story(
    "FindCoordinator",
    "0-5",
    [
        Step(
            "FindCoordinator",
            {"key": "g", "coordinator_keys": ["g"]},
            "there at last",
            until={"error_code": 0},
            compare=False,
        ),
        Step(
            "DescribeGroups",
            {"groups": ["g"]},
            "loaded at last",
            until={"groups/0/error_code": 0},
            version=5,
            compare=False,
        ),
        find("a group", "g"),
        find("two groups", "g", "h"),
        find("the same twice", "g", "g"),
        find("a group without a name", ""),
        find("no group"),
        find("of a share group", "g:x:0", kind=2),
        find("of no type", "g", kind=7),
    ],
)

STORIES = (FIND, LIFE, OLD_LIFE, NEW_LIFE, BAD_JOINS, STATIC, LISTS)
