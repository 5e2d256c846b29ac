"""Topics: made, looked at, enlarged, changed, deleted, and all that is refused on the way."""

from uuid import UUID

from differential.steps import Frame, Step, Story, seen, topic

NO_ID = UUID(int=77)
BAD_NAMES = ("", "two..dots", "a/b", "a b", "x" * 250, ".", "..")


def made(name: str, partitions: int = 1, factor: int = 1, **more: object) -> dict[str, object]:
    return {"name": name, "num_partitions": partitions, "replication_factor": factor, **more}


def create(label: str, *topics: dict[str, object], **more: object) -> Step:
    return Step("CreateTopics", {"topics": list(topics), "timeout_ms": 10_000, **more}, label)


def delete(label: str, *names: str, **more: object) -> Step:
    """All versions: names are in different places before version 6 and from it on."""
    states = [{"name": name} for name in names]
    return Step(
        "DeleteTopics", {"topic_names": list(names), "topics": states, "timeout_ms": 10_000, **more}, label
    )


def enlarge(label: str, *topics: tuple[str, int], **more: object) -> Step:
    wanted = [{"name": name, "count": count, "assignments": None} for name, count in topics]
    return Step("CreatePartitions", {"topics": wanted, "timeout_ms": 10_000, **more}, label)


def metadata(label: str, *names: str, create: bool = False, **more: object) -> Step:
    asked = [{"name": name} for name in names]
    return Step("Metadata", {"topics": asked, "allow_auto_topic_creation": create, **more}, label)


def config(name: str, value: str | None) -> dict[str, object]:
    return {"name": name, "value": value}


def assigned(*brokers: int, index: int = 0) -> dict[str, object]:
    return {"partition_index": index, "broker_ids": list(brokers)}


NAMES = ("", ".", "..", "a b", "a/b", "ä", "x" * 249, "x" * 250, "a.b{r}", "a_b{r}", "__mine{r}")

EVERYTHING = Story(
    "everything",
    "0-5",
    [
        Step("Metadata", {"topics": None}, "all topics", "1-5"),
        Step("ListGroups", {}, "all groups"),
        Step("ElectLeaders", {"topic_partitions": None, "timeout_ms": 1000}, "all leaders"),
        Step("ListPartitionReassignments", {"topics": None, "timeout_ms": 1000}, "all moves"),
        Step("DescribeLogDirs", {"topics": None}, "all logs"),
        *topic("all{r}", 2),
    ],
)
"""Comes first: the later stories would be in it too."""

CREATE = Story(
    "CreateTopics",
    "2-7",
    [
        create("one is made", made("c{r}", 3)),
        seen("c{r}", "it is there", {"topics/0/error_code": 0, "topics/0/partitions/2/error_code": 0}),
        create("it is there already", made("c{r}", 3)),
        create("there already, validate only", made("c{r}"), validate_only=True),
        create("validate only", made("cv{r}", 2), validate_only=True),
        metadata("validate only made nothing", "cv{r}"),
        create("nothing is asked"),
        create("without partitions", made("c0{r}", 0)),
        create("-2 partitions", made("c0{r}", -2)),
        create("-1 partitions", made("cd{r}", -1)),
        create("replication factor 0", made("c0{r}", 1, 0)),
        create("replication factor -2", made("c0{r}", 1, -2)),
        create("replication factor 3", made("c0{r}", 1, 3)),
        create("replication factor -1", made("ce{r}", 1, -1)),
        *(create(f"name {name[:10]!r} of {len(name)}", made(name)) for name in NAMES),
        create(
            "with settings",
            made("cs{r}", configs=[config("retention.ms", "1000"), config("cleanup.policy", "compact")]),
        ),
        create("an unknown setting", made("c0{r}", configs=[config("no.such", "1")])),
        create("a setting out of range", made("c0{r}", configs=[config("segment.bytes", "0")])),
        create("a setting that is no number", made("c0{r}", configs=[config("retention.ms", "long")])),
        create("a setting without a value", made("c0{r}", configs=[config("retention.ms", None)])),
        create("a bad policy", made("c0{r}", configs=[config("cleanup.policy", "burn")])),
        create("a bad codec", made("c0{r}", configs=[config("compression.type", "rar")])),
        create(
            "validate only, bad setting",
            made("c0{r}", configs=[config("segment.bytes", "0")]),
            validate_only=True,
        ),
        create("good and bad together", made("cg{r}"), made("cb{r}", 0)),
        create("assigned", made("ca{r}", -1, -1, assignments=[assigned(1), assigned(1, index=1)])),
        create("assigned with a number of partitions", made("c0{r}", 2, -1, assignments=[assigned(1)])),
        create("assigned with a replication factor", made("c0{r}", -1, 1, assignments=[assigned(1)])),
        create("assigned to an unknown broker", made("c0{r}", -1, -1, assignments=[assigned(7)])),
        create("assigned twice to a broker", made("c0{r}", -1, -1, assignments=[assigned(1, 1)])),
        create("assigned to nobody", made("c0{r}", -1, -1, assignments=[assigned()])),
        create("assigned with a gap", made("c0{r}", -1, -1, assignments=[assigned(1), assigned(1, index=2)])),
    ],
)

DELETE = Story(
    "DeleteTopics",
    "1-6",
    [
        *topic("d{r}", 2),
        delete("nothing is asked"),
        delete("unknown", "nowhere"),
        delete("bad name", "a b"),
        delete("empty name", ""),
        delete("one of two is there", "d{r}", "nowhere"),
        seen("d{r}", "it is gone", {"topics/0/error_code": 3}),
        delete("it is gone already", "d{r}"),
        *topic("d{r}"),
        *topic("dd{r}"),
        delete("the same twice", "dd{r}", "dd{r}"),
    ],
)

DELETE_BY_ID = Story(
    "DeleteTopics by id",
    "6",
    [
        *topic("di"),
        *topic("dj"),
        Step(
            "Metadata",
            {"topics": [{"name": "di"}]},
            "has an id",
            version=12,
            save={"id": "topics/0/topic_id"},
        ),
        Step(
            "DeleteTopics",
            {"topics": [{"name": None, "topic_id": NO_ID}], "timeout_ms": 9000},
            "an unknown id",
        ),
        Step("DeleteTopics", {"topics": [{"name": None}], "timeout_ms": 9000}, "neither name nor id"),
        Step(
            "DeleteTopics", {"topics": [{"name": "di", "topic_id": NO_ID}], "timeout_ms": 9000}, "name and id"
        ),
        Step("DeleteTopics", {"topics": [{"name": None, "topic_id": "$id"}], "timeout_ms": 9000}, "an id"),
        Step(
            "DeleteTopics", {"topics": [{"name": "dj"}, {"name": "dj"}], "timeout_ms": 9000}, "the same twice"
        ),
    ],
)

PARTITIONS = Story(
    "CreatePartitions",
    "0-3",
    [
        *topic("p{r}", 2),
        enlarge("nothing is asked"),
        enlarge("to four", ("p{r}", 4)),
        seen("p{r}", "it has four", {"topics/0/partitions/3/error_code": 0}),
        enlarge("to four again", ("p{r}", 4)),
        enlarge("to fewer", ("p{r}", 3)),
        enlarge("to none", ("p{r}", 0)),
        enlarge("to -1", ("p{r}", -1)),
        enlarge("unknown topic", ("nowhere", 3)),
        enlarge("bad name", ("a b", 3)),
        enlarge("validate only", ("p{r}", 9), validate_only=True),
        enlarge("validate only what cannot be", ("p{r}", 3), validate_only=True),
        metadata("validate only made nothing", "p{r}"),
        enlarge("the same twice", ("p{r}", 5), ("p{r}", 6)),
        enlarge("one good, one bad", ("p{r}", 7), ("nowhere", 6)),
        Step(
            "CreatePartitions",
            {
                "topics": [{"name": "p{r}", "count": 8, "assignments": [{"broker_ids": [1]}]}],
                "timeout_ms": 9000,
            },
            "assigned",
        ),
        Step(
            "CreatePartitions",
            {
                "topics": [{"name": "p{r}", "count": 9, "assignments": [{"broker_ids": [7]}]}],
                "timeout_ms": 9000,
            },
            "assigned to an unknown broker",
        ),
        Step(
            "CreatePartitions",
            {
                "topics": [{"name": "p{r}", "count": 9, "assignments": [{"broker_ids": [1]}] * 2}],
                "timeout_ms": 9000,
            },
            "too many assigned",
        ),
        Step(
            "CreatePartitions",
            {
                "topics": [{"name": "p{r}", "count": 11, "assignments": [{"broker_ids": [1]}]}],
                "timeout_ms": 9000,
            },
            "too few assigned",
        ),
        Step(
            "CreatePartitions",
            {
                "topics": [{"name": "p{r}", "count": 9, "assignments": [{"broker_ids": []}]}],
                "timeout_ms": 9000,
            },
            "assigned to nobody",
        ),
    ],
)

METADATA = Story(
    "Metadata",
    "0-12",
    [
        *topic("m", 3, once=True),
        *topic("m2", once=True),
        metadata("one", "m"),
        metadata("unknown", "nowhere"),
        metadata("unknown and known", "nowhere", "m"),
        metadata("m2 before m", "m2", "m"),
        metadata("the same twice", "m", "m"),
        *(metadata(f"name {name[:10]!r} of {len(name)}", name) for name in BAD_NAMES),
        metadata("auto creation of a bad name", "a b", create=True),
        metadata(
            "with operations",
            "m",
            include_cluster_authorized_operations=True,
            include_topic_authorized_operations=True,
        ),
        Step("Metadata", {"topics": []}, "empty", "1-12"),
        Step(
            "Metadata",
            {"topics": [{"name": "auto{r}"}]},
            "auto creation",
            until={"topics/0/error_code": 0},
        ),
    ],
)

METADATA_BY_ID = Story(
    "Metadata by id",
    "10-12",
    [
        *topic("mi", once=True),
        Step("Metadata", {"topics": [{"name": "mi"}]}, "its id", save={"id": "topics/0/topic_id"}),
        Step("Metadata", {"topics": [{"name": None, "topic_id": "$id"}]}, "by id", "12"),
        Step("Metadata", {"topics": [{"name": "mi", "topic_id": "$id"}]}, "by both", "12"),
        Step("Metadata", {"topics": [{"name": None}]}, "by neither", "12"),
        Step("Metadata", {"topics": [{"name": "mi", "topic_id": "$id"}]}, "by id too early", "10-11"),
        Step("Metadata", {"topics": [{"name": None}]}, "by no name too early", "10-11"),
    ],
)

CLUSTER = Story(
    "DescribeCluster",
    "0-2",
    [
        Step("DescribeCluster", {}, "plain"),
        Step("DescribeCluster", {"include_cluster_authorized_operations": True}, "with operations"),
        Step("DescribeCluster", {"endpoint_type": 2}, "controllers", "1-2"),
        Step("DescribeCluster", {"endpoint_type": 9}, "a type that is none", "1-2"),
        Step("DescribeCluster", {"include_fenced_brokers": True}, "fenced ones too", "2"),
    ],
)


def partitions_of(label: str, *names: str, **more: object) -> Step:
    return Step("DescribeTopicPartitions", {"topics": [{"name": name} for name in names], **more}, label)


DESCRIBE = Story(
    "DescribeTopicPartitions",
    "0",
    [
        *topic("dp", 3),
        *topic("dq", 2),
        partitions_of("two", "dq", "dp"),
        partitions_of("unknown", "nowhere"),
        partitions_of("unknown and known", "nowhere", "dp"),
        partitions_of("bad name", "a b"),
        partitions_of("the same twice", "dp", "dp"),
        partitions_of("limited", "dp", "dq", response_partition_limit=2),
        partitions_of("limited at a topic's end", "dp", "dq", response_partition_limit=3),
        partitions_of("limited to none", "dp", response_partition_limit=0),
        partitions_of("from a cursor", "dp", "dq", cursor={"topic_name": "dp", "partition_index": 2}),
        partitions_of(
            "from a cursor at the second", "dp", "dq", cursor={"topic_name": "dq", "partition_index": 1}
        ),
        partitions_of(
            "from a cursor past the end", "dp", "dq", cursor={"topic_name": "dp", "partition_index": 9}
        ),
        partitions_of(
            "from a cursor at nothing asked", "dp", cursor={"topic_name": "do", "partition_index": 0}
        ),
        partitions_of("from a cursor at -1", "dp", cursor={"topic_name": "dp", "partition_index": -1}),
    ],
)

DEAD_ENDS = Story(
    "requests that nobody serves",
    "0",
    [
        Step("ApiVersions", {"client_software_name": "story", "client_software_version": "1"}, "version 0"),
        Frame(b"\x00\x12\x00\x09\x00\x00\x00\x00\x00\x01x\x00", "ApiVersions 9", ("ApiVersions", 0)),
        Frame(b"\x00\x12\x7f\xff\x00\x00\x00\x00\x00\x01x\x00", "ApiVersions 32767", ("ApiVersions", 0)),
        Frame(b"\x00\x03\x00\x63\x00\x00\x00\x00\x00\x01x", "Metadata 99"),
        Frame(b"\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01x", "Fetch 0"),
        Frame(b"\x03\xe7\x00\x00\x00\x00\x00\x00\x00\x01x", "key 999"),
        Frame(b"\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01x", "key -1"),
        Frame(b"\x00\x03\x00\x01\x00\x00\x00\x00\x00\x01x\x00\x00", "Metadata 1 cut short"),
        Frame(
            b"\x00\x03\x00\x01\x00\x00\x00\x00\x00\x01x\x7f\xff\xff\xff", "Metadata 1 with two billion topics"
        ),
        Frame(b"", "nothing"),
        Frame(b"\x00\x12", "half a header"),
    ],
)

API_VERSIONS = Story(
    "ApiVersions",
    "0-4",
    [
        Step("ApiVersions", {"client_software_name": "story", "client_software_version": "1"}, "plain"),
        Step(
            "ApiVersions",
            {"client_software_name": "a b", "client_software_version": "1"},
            "a bad software name",
            "3-4",
        ),
        Step(
            "ApiVersions",
            {"client_software_name": "", "client_software_version": ""},
            "no software name",
            "3-4",
        ),
        Step(
            "ApiVersions",
            {"client_software_name": "x", "client_software_version": "?"},
            "a bad software version",
            "3-4",
        ),
    ],
)

STORIES = (
    EVERYTHING,
    CREATE,
    DELETE,
    DELETE_BY_ID,
    PARTITIONS,
    METADATA,
    METADATA_BY_ID,
    CLUSTER,
    DESCRIBE,
    DEAD_ENDS,
    API_VERSIONS,
)
