"""Settings, logs, access rules and leaders: what an administrator asks."""

from collections.abc import Sequence

from differential.records_stories import KEPT
from differential.steps import Batch, Step, Story, produce, topic

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
DELETED = {"topics/0/error_code": 3}
TOPIC_SETTINGS = (
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
)


def resource(name: str, kind: int = TOPIC, keys: Sequence[str] | None = None) -> dict[str, object]:
    return {"resource_type": kind, "resource_name": name, "configuration_keys": keys}


def show(label: str, *resources: dict[str, object], **more: object) -> Step:
    return Step("DescribeConfigs", {"resources": list(resources), **more}, label)


DESCRIBE = Story(
    "DescribeConfigs",
    "1-4",
    [
        *topic("x", 1, once=True, retention_ms="60000", cleanup_policy="compact"),
        show("a setting that was set", resource("x", keys=["retention.ms"])),
        show("settings that were not set", resource("x", keys=["max.message.bytes", "segment.ms"])),
        show(
            "with synonyms",
            resource("x", keys=["retention.ms", "cleanup.policy", "segment.bytes"]),
            include_synonyms=True,
        ),
        show("with documentation", resource("x", keys=["retention.ms"]), include_documentation=True),
        show("an unknown setting", resource("x", keys=["no.such"])),
        show("no settings", resource("x", keys=[])),
        show("all types", resource("x", keys=TOPIC_SETTINGS)),
        show("all settings", resource("x")),
        show("an unknown topic", resource("nowhere")),
        show("a bad name", resource("a b")),
        show("a topic without a name", resource("")),
        show("twice", resource("x", keys=["retention.ms"]), resource("x", keys=["segment.ms"])),
        show("two", resource("x", keys=["retention.ms"]), resource("nowhere")),
        show(
            "the broker",
            resource("1", BROKER, ["message.max.bytes", "num.partitions", "auto.create.topics.enable"]),
        ),
        show("an unknown setting of the broker", resource("1", BROKER, ["no.such"])),
        show("all brokers", resource("", BROKER, ["message.max.bytes"])),
        show("another broker", resource("7", BROKER)),
        show("a broker that is no number", resource("x", BROKER)),
        show("a type that is none", resource("x", 99)),
        show("type 0", resource("x", 0)),
        show("nothing"),
    ],
)


def replace(label: str, name: str, kind: int = TOPIC, *, only: bool = False, **settings: str | None) -> Step:
    configs = [{"name": key.replace("_", "."), "value": value} for key, value in settings.items()]
    wanted = {"resource_type": kind, "resource_name": name, "configs": configs}
    return Step("AlterConfigs", {"resources": [wanted], "validate_only": only}, label)


def shown(label: str, name: str, **expected: str) -> Step:
    """Until the settings are these: a change takes its time to come into force."""
    asked = [resource(name, keys=[key.replace("_", ".")]) for key in expected]
    until = {f"results/{number}/configs/0/value": value for number, value in enumerate(expected.values())}
    return Step("DescribeConfigs", {"resources": asked}, label, until=until)


# To AlterConfigs of the same topic twice Kafka 4.1 gives no answer at all.
ALTER = Story(
    "AlterConfigs",
    "0-2",
    [
        *topic("y{r}"),
        replace("two are set", "y{r}", retention_ms="1000", segment_ms="2000"),
        shown("they are in force", "y{r}", retention_ms="1000"),
        replace("one of them is set", "y{r}", retention_ms="3000"),
        shown("only this one is in force", "y{r}", retention_ms="3000"),
        replace("validate only", "y{r}", retention_ms="9", only=True),
        replace("an unknown one", "y{r}", no_such="1"),
        replace("a bad value", "y{r}", retention_ms="long"),
        replace("a bad value, validate only", "y{r}", retention_ms="long", only=True),
        replace("a null value", "y{r}", retention_ms=None),
        replace("of an unknown topic", "nowhere", retention_ms="1"),
        replace("of a bad name", "a b", retention_ms="1"),
        replace("of a topic without a name", "", retention_ms="1"),
        replace("of a type that is none", "y{r}", 99, retention_ms="1"),
        replace("of another broker", "7", BROKER, message_max_bytes="1000"),
        replace("of a broker that is no number", "x", BROKER, message_max_bytes="1000"),
        Step(
            "AlterConfigs",
            {
                "resources": [
                    {
                        "resource_type": TOPIC,
                        "resource_name": "y{r}",
                        "configs": [{"name": "retention.ms", "value": "5"}] * 2,
                    }
                ]
            },
            "the same setting twice",
        ),
        Step("AlterConfigs", {}, "nothing"),
        replace("none are set", "y{r}"),
    ],
)


def change(
    label: str, name: str, *changes: tuple[int, str, str | None], kind: int = TOPIC, only: bool = False
) -> Step:
    configs = [
        {"name": key, "config_operation": operation, "value": value} for operation, key, value in changes
    ]
    wanted = {"resource_type": kind, "resource_name": name, "configs": configs}
    return Step("IncrementalAlterConfigs", {"resources": [wanted], "validate_only": only}, label)


INCREMENTAL = Story(
    "IncrementalAlterConfigs",
    "0-1",
    [
        *topic("v{r}"),
        change("one is set", "v{r}", (SET, "retention.ms", "1000")),
        shown("it is in force", "v{r}", retention_ms="1000"),
        change("two more", "v{r}", (SET, "segment.ms", "2000"), (SET, "cleanup.policy", "compact")),
        shown("they are in force", "v{r}", segment_ms="2000", cleanup_policy="compact", retention_ms="1000"),
        change("appended to a list", "v{r}", (APPEND, "cleanup.policy", "delete")),
        shown("both are in force", "v{r}", cleanup_policy="compact,delete"),
        change("appended again", "v{r}", (APPEND, "cleanup.policy", "delete")),
        change("taken from a list", "v{r}", (SUBTRACT, "cleanup.policy", "compact")),
        shown("one is left", "v{r}", cleanup_policy="delete"),
        change("what is not in the list taken from it", "v{r}", (SUBTRACT, "cleanup.policy", "compact")),
        change("appended to a number", "v{r}", (APPEND, "retention.ms", "1")),
        change("taken from a number", "v{r}", (SUBTRACT, "retention.ms", "1")),
        change("one is deleted", "v{r}", (DELETE, "retention.ms", None)),
        change("what is not set is deleted", "v{r}", (DELETE, "flush.ms", None)),
        change("an unknown one is deleted", "v{r}", (DELETE, "no.such", None)),
        change("an unknown one is set", "v{r}", (SET, "no.such", "1")),
        change("an unknown operation", "v{r}", (9, "retention.ms", "1")),
        change("a bad value", "v{r}", (SET, "retention.ms", "long")),
        change("a value out of range", "v{r}", (SET, "segment.bytes", "1")),
        change("a null value", "v{r}", (SET, "retention.ms", None)),
        change("a null value appended", "v{r}", (APPEND, "cleanup.policy", None)),
        change("the same one twice", "v{r}", (SET, "retention.ms", "5"), (SET, "retention.ms", "6")),
        change("nothing", "v{r}"),
        change("validate only", "v{r}", (SET, "retention.ms", "7"), only=True),
        change("a bad value, validate only", "v{r}", (SET, "retention.ms", "long"), only=True),
        change("an unknown topic", "nowhere", (SET, "retention.ms", "1")),
        change("a bad name", "a b", (SET, "retention.ms", "1")),
        change("a topic without a name", "", (SET, "retention.ms", "1")),
        change("a type that is none", "v{r}", (SET, "retention.ms", "1"), kind=99),
        change("another broker", "7", (SET, "message.max.bytes", "1000"), kind=BROKER),
        change("a broker that is no number", "x", (SET, "message.max.bytes", "1000"), kind=BROKER),
        change("a read-only setting of the broker", "1", (SET, "node.id", "3"), kind=BROKER),
        Step(
            "IncrementalAlterConfigs",
            {
                "resources": [
                    {
                        "resource_type": TOPIC,
                        "resource_name": "v{r}",
                        "configs": [{"name": "retention.ms", "value": "5"}],
                    }
                ]
                * 2
            },
            "the same topic twice",
        ),
        Step("IncrementalAlterConfigs", {}, "no resources"),
        show(
            "what is in force at the end",
            resource("v{r}", keys=["segment.ms", "retention.ms", "cleanup.policy", "flush.ms"]),
        ),
    ],
)

ACL_FILTER = {
    "resource_type_filter": 2,
    "resource_name_filter": "x",
    "principal_filter": "User:a",
    "host_filter": "*",
    "operation": 3,
    "permission_type": 3,
}
ACL = {
    "resource_type": 2,
    "resource_name": "x",
    "principal": "User:a",
    "host": "*",
    "operation": 3,
    "permission_type": 3,
}
ANY_ACL = {
    "resource_type_filter": 1,
    "resource_name_filter": None,
    "pattern_type_filter": 1,
    "principal_filter": None,
    "host_filter": None,
    "operation": 1,
    "permission_type": 1,
}

ACLS = Story(
    "access rules",
    "1-3",
    [
        Step("DescribeAcls", ANY_ACL, "all"),
        Step("DescribeAcls", ACL_FILTER, "one"),
        Step("CreateAcls", {"creations": [ACL]}, "one is made"),
        Step("CreateAcls", {"creations": [ACL, {**ACL, "resource_name": "y"}]}, "two are made"),
        Step("CreateAcls", {}, "none is made"),
        Step("DeleteAcls", {"filters": [ANY_ACL]}, "all are deleted"),
        Step("DeleteAcls", {"filters": [ANY_ACL, ACL_FILTER]}, "two are deleted"),
        Step("DeleteAcls", {}, "none is deleted"),
    ],
)


def logs(label: str, name: str, *partitions: int) -> Step:
    return Step("DescribeLogDirs", {"topics": [{"topic": name, "partitions": list(partitions)}]}, label)


LOG_DIRS = Story(
    "DescribeLogDirs",
    "1-4",
    [
        *topic("u", 2, once=True, **KEPT),
        produce("u", Batch([b"abc"]), label="a record", once=True),
        logs("one", "u", 0),
        logs("two", "u", 1, 0),
        logs("an unknown partition", "u", 9),
        logs("an unknown topic", "nowhere", 0),
        logs("no partitions", "u"),
        Step("DescribeLogDirs", {"topics": []}, "nothing"),
    ],
)


def elect(label: str, name: str, *partitions: int, kind: int = 0) -> Step:
    wanted = [{"topic": name, "partitions": list(partitions)}]
    return Step(
        "ElectLeaders", {"election_type": kind, "topic_partitions": wanted, "timeout_ms": 5000}, label
    )


def moves(label: str, name: str, *partitions: int) -> Step:
    wanted = [{"name": name, "partition_indexes": list(partitions)}]
    return Step("ListPartitionReassignments", {"topics": wanted, "timeout_ms": 5000}, label)


LEADERS = Story(
    "ElectLeaders",
    "0-2",
    [
        *topic("w", 2, once=True),
        elect("the preferred one", "w", 0),
        elect("of two partitions", "w", 1, 0),
        elect("an unclean one", "w", 0, kind=1),
        elect("of no kind", "w", 0, kind=7),
        elect("of an unknown partition", "w", 9),
        elect("of an unknown topic", "nowhere", 0),
        elect("of no partitions", "w"),
        Step("ElectLeaders", {"topic_partitions": [], "timeout_ms": 5000}, "of nothing"),
    ],
)

MOVES = Story(
    "ListPartitionReassignments",
    "0",
    [
        *topic("wm", 2),
        moves("of a topic", "wm", 0),
        moves("of an unknown partition", "wm", 9),
        moves("of an unknown topic", "nowhere", 0),
        Step("ListPartitionReassignments", {"topics": [], "timeout_ms": 5000}, "of nothing"),
    ],
)

STORIES = (DESCRIBE, ALTER, INCREMENTAL, ACLS, LOG_DIRS, LEADERS, MOVES)
