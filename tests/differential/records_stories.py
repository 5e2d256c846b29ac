"""Records: produced well and badly, fetched, looked up by time, cut off at the start."""

from differential.steps import T0_MS, Batch, Step, Story, fetch, produce, topic

FAR_MS = 5_000_000_000_000
"""In the year 2128."""
BIG = b"x" * 400
ONE = Batch([b"a"])
TWO = Batch([b"b", b"c"], keys=[b"k", None], timestamps_ms=[T0_MS + 10, T0_MS + 20])
KEPT = {"retention_ms": "-1"}
"""What is older than a week shall stay."""

BAD_BATCHES: dict[str, Batch | bytes | None] = {
    "no records": b"",
    "a byte of the records flipped": Batch([b"abc"], flip=-3),
    "a byte of the CRC flipped": Batch([b"abc"], flip=18),
    "cut at the end": Batch([b"abc"], cut=-2),
    "cut in the header": Batch([b"abc"], cut=40),
    "cut before the magic": Batch([b"abc"], cut=15),
    "two batches": Batch([b"abc"], times=2),
    "magic 1": Batch([b"abc"], header={"magic": 1}),
    "magic 3": Batch([b"abc"], header={"magic": 3}),
    "a base offset": Batch([b"abc"], header={"base_offset": 5}),
    "a leader epoch": Batch([b"abc"], header={"partition_leader_epoch": 5}),
    "count and last offset differ": Batch([b"a", b"b"], header={"last_offset_delta": 5}),
    "count of no records": Batch([b"a"], header={"records_count": 0, "last_offset_delta": -1}),
    "a batch length too small": Batch([b"abc"], header={"batch_length": 20}),
    "a batch length of -1": Batch([b"abc"], header={"batch_length": -1}),
    "a batch length too large": Batch([b"abc"], header={"batch_length": 5000}),
    "control": Batch([b"abc"], attributes=0x20),
    "transactional without a producer": Batch([b"abc"], attributes=0x10),
    "unused attributes": Batch([b"abc"], attributes=0x80),
    "a delete horizon": Batch([b"abc"], attributes=0x40),
    "codec 5": Batch([b"abc"], attributes=0x05),
    "a producer without a sequence": Batch([b"abc"], producer=(1, 0, -1)),
    "a max timestamp too low": Batch(
        [b"a", b"b"], timestamps_ms=[T0_MS, T0_MS + 9], header={"max_timestamp_ms": T0_MS}
    ),
    "a max timestamp too high": Batch([b"a"], header={"max_timestamp_ms": T0_MS + 9}),
    "a timestamp in the future": Batch([b"a"], timestamps_ms=[FAR_MS]),
    "no timestamp": Batch([b"a"], timestamps_ms=[-1]),
    "timestamp -2": Batch([b"a"], timestamps_ms=[-2]),
    "timestamp 0": Batch([b"a"], timestamps_ms=[0]),
    "too large": Batch([b"x" * 1_048_600]),
}
"""Nearly all of them are refused. To null records Kafka 4.1 gives no answer at all."""

LIES: dict[str, Batch] = {
    "a record too few counted": Batch([b"a", b"b"], header={"records_count": 1, "last_offset_delta": 0}),
    "a record too many counted": Batch([b"a"], header={"records_count": 2, "last_offset_delta": 1}),
    "said to be gzip": Batch([b"abc"], attributes=0x01),
    "said to be lz4": Batch([b"abc"], attributes=0x03),
    "LogAppendTime": Batch([b"abc"], attributes=0x08),
    "a producer without an epoch": Batch([b"abc"], producer=(1, -1, 0)),
}
"""Batches that quekkad takes and Kafka does not, or the other way round; see `allowed.py`."""

PRODUCE = Story(
    "Produce",
    "3-11",
    [
        *topic("r{r}", 2, **KEPT),
        produce("r{r}", ONE, label="one record"),
        produce("r{r}", TWO, label="two records, acks 1", acks=1),
        produce("r{r}", ONE, TWO, label="two partitions"),
        produce("r{r}", Batch([None], keys=[b"k"]), label="a tombstone"),
        produce("r{r}", Batch([b""]), label="an empty value"),
        *(
            produce("r{r}", Batch([b"abc" * 50] * 3, codec=codec), label=f"codec {codec}")
            for codec in (1, 2, 3)
        ),
        produce("r{r}", Batch([b"abc" * 50], codec=4), label="zstd"),
        produce("r{r}", ONE, label="acks 2", acks=2),
        produce("r{r}", ONE, label="acks -2", acks=-2),
        produce("nowhere", ONE, label="an unknown topic"),
        produce("a b", ONE, label="a bad topic name"),
        produce("", ONE, label="no topic name"),
        produce("r{r}", ONE, label="an unknown partition", partition=2),
        produce("r{r}", ONE, label="partition -1", partition=-1),
        produce("__consumer_offsets", ONE, label="an internal topic"),
        produce("r{r}", ONE, b"", label="one good, one bad"),
        Step("Produce", {"acks": -1, "timeout_ms": 1000}, "nothing"),
        Step("Produce", {"acks": -1, "timeout_ms": 1000, "topic_data": [{"name": "r{r}"}]}, "no partitions"),
        produce("r{r}", ONE, label="acks 0", acks=0, silent=True),
        produce("r{r}", Batch([b"after"]), label="after acks 0"),
        fetch("r{r}", 0, label="all of it"),
        Step(
            "Produce",
            {
                "transactional_id": "t",
                "acks": -1,
                "timeout_ms": 1000,
                "topic_data": [{"name": "r{r}", "partition_data": [{"index": 0, "records": ONE}]}],
            },
            "a transactional id for a plain batch",
        ),
    ],
)

SILENT = Story(
    "Produce with acks 0",
    "3-11",
    [
        *topic("s{r}", **KEPT),
        produce("s{r}", Batch([b"abc"], flip=-3), label="a corrupt batch", acks=0, silent=True, on="closed"),
        Step("Metadata", {"topics": [{"name": "s{r}"}]}, "after a corrupt batch", on="closed"),
        produce("nowhere", ONE, label="an unknown topic", acks=0, silent=True, on="closed too"),
        Step("Metadata", {"topics": [{"name": "s{r}"}]}, "after an unknown topic", on="closed too"),
        fetch("s{r}", 0, label="nothing is there"),
    ],
)

BAD = Story(
    "Produce of bad batches",
    "3-11",
    [
        *topic("b{r}", **KEPT),
        *topic("l{r}", **KEPT, max_message_bytes="300"),
        *topic("g{r}", **KEPT, segment_bytes="1048576"),
        *topic("k{r}", **KEPT, cleanup_policy="compact"),
        *topic("h{r}", **KEPT, message_timestamp_before_max_ms="1000"),
        *topic("w{r}", **KEPT, message_timestamp_type="LogAppendTime"),
        *(produce("b{r}", batch, label=label) for label, batch in BAD_BATCHES.items()),
        fetch("b{r}", 0, label="what was taken"),
        produce("l{r}", Batch([b"x" * 300]), label="more than max.message.bytes"),
        produce("l{r}", Batch([b"x" * 3000], codec=1), label="more than max.message.bytes if decompressed"),
        produce(
            "k{r}",
            Batch([b"a", b"b"], keys=[b"k", None]),
            label="a record without a key in a compacted topic",
        ),
        produce("k{r}", Batch([b"a", b"b"], keys=[None, None]), label="only such records"),
        produce(
            "k{r}",
            Batch([b"a", b"b"], keys=[b"k", None], codec=2),
            label="such a record in a compressed batch",
        ),
        produce("h{r}", ONE, label="a timestamp too old for the topic"),
        produce("h{r}", TWO, label="two of them"),
        produce("w{r}", TWO, label="into a topic with LogAppendTime"),
        fetch("w{r}", 0, label="with the time of the append"),
        fetch("l{r}", 0, label="what was small enough"),
    ],
)

TOLD = Story(
    "Produce of batches that are not what they say",
    "3-11",
    [*topic("x{r}", **KEPT), *(produce("x{r}", batch, label=label) for label, batch in LIES.items())],
)

OLD = Story(
    "Produce of old versions",
    "0-2",
    [
        *topic("v{r}", **KEPT),
        *(
            produce("v{r}", ONE, label=f"version {version}", version=version, on=f"{version}")
            for version in (0, 1, 2)
        ),
    ],
)

FILLED = [
    *topic("f", 3, once=True, **KEPT),
    produce("f", ONE, label="offset 0", once=True, compare=False),
    produce("f", TWO, label="offsets 1 and 2", once=True, compare=False),
    produce("f", Batch([b"d", b"e", b"f"], codec=1), label="offsets 3 to 5", once=True, compare=False),
    produce("f", Batch([BIG]), label="offset 6", once=True, compare=False),
    produce("f", ONE, label="of another partition", partition=1, once=True, compare=False),
]


def both(first: int, second: int) -> dict[str, object]:
    places = [(0, first), (1, second)]
    asked = [
        {"partition": index, "fetch_offset": offset, "partition_max_bytes": 9999} for index, offset in places
    ]
    return {"topics": [{"topic": "f", "partitions": asked}]}


FETCH = Story(
    "Fetch",
    "4-12",
    [
        *FILLED,
        fetch("f", 0, label="from the start"),
        fetch("f", 2, label="from the middle of a batch"),
        fetch("f", 4, label="from the middle of a compressed batch"),
        fetch("f", 7, label="from the end"),
        fetch("f", 7, label="from the end, waiting", more={"max_wait_ms": 50, "min_bytes": 1}),
        fetch("f", 6, label="more than there is, waiting", more={"max_wait_ms": 50, "min_bytes": 1 << 20}),
        fetch("f", 8, label="past the end"),
        fetch("f", -1, label="offset -1"),
        fetch("f", 99, label="past the end, waiting", more={"max_wait_ms": 20_000, "min_bytes": 1}),
        fetch("f", 0, label="an empty partition", partition=2),
        fetch("f", 0, label="an unknown partition", partition=3),
        fetch("f", 0, label="partition -1", partition=-1),
        fetch("nowhere", 0, label="an unknown topic"),
        fetch("a b", 0, label="a bad topic name"),
        fetch("f", 0, label="read committed", more={"isolation_level": 1}),
        fetch("f", 0, label="isolation level 7", more={"isolation_level": 7}),
        fetch("f", 0, label="at most a byte in all", more={"max_bytes": 1}),
        fetch("f", 0, label="no bytes in all", more={"max_bytes": 0}),
        fetch("f", 0, label="at most a byte of the partition", of_partition={"partition_max_bytes": 1}),
        fetch("f", 0, label="no bytes of the partition", of_partition={"partition_max_bytes": 0}),
        fetch("f", 0, label="200 bytes of the partition", of_partition={"partition_max_bytes": 200}),
        fetch("f", 6, label="a batch too large for the partition", of_partition={"partition_max_bytes": 100}),
        fetch("f", 0, label="two partitions", more=both(0, 0)),
        fetch("f", 0, label="two partitions, one past the end", more=both(0, 99)),
        fetch("f", 0, label="two partitions, a byte in all", more={**both(6, 0), "max_bytes": 1}),
        fetch("f", 0, label="two partitions, 70 bytes in all", more={**both(0, 0), "max_bytes": 70}),
        fetch("f", 0, label="a leader epoch", of_partition={"current_leader_epoch": 0}),
        fetch("f", 0, label="a leader epoch to come", of_partition={"current_leader_epoch": 5}),
        fetch(
            "f",
            0,
            label="a last fetched epoch",
            of_partition={"last_fetched_epoch": 0, "current_leader_epoch": 0},
        ),
        fetch("f", 0, label="a last fetched epoch to come", of_partition={"last_fetched_epoch": 5}),
        fetch("f", 0, label="a replica that is none", more={"replica_id": 7}),
        fetch("f", 0, label="an unknown session", more={"session_id": 77, "session_epoch": 1}),
        fetch("f", 0, label="an unknown session, whole", more={"session_id": 77, "session_epoch": 0}),
        fetch("f", 0, label="a session to be made", more={"session_id": 0, "session_epoch": 0}),
        Step("Fetch", {"max_wait_ms": 0}, "nothing"),
        Step("Fetch", {"max_wait_ms": 20, "min_bytes": 1}, "nothing, waiting"),
        Step("Fetch", {"max_wait_ms": 0, "topics": [{"topic": "f"}]}, "no partitions"),
    ],
)


def list_offsets(label: str, name: str, *places: tuple[int, int], **more: object) -> Step:
    asked = [{"partition_index": index, "timestamp": timestamp} for index, timestamp in places]
    request = {"replica_id": -1, "topics": [{"name": name, "partitions": asked}], **more}
    return Step("ListOffsets", request, label)


def with_epoch(epoch: int) -> dict[str, object]:
    asked = {"partition_index": 0, "timestamp": -1, "current_leader_epoch": epoch}
    return {"replica_id": -1, "topics": [{"name": "o", "partitions": [asked]}]}


TIMES_MS = {
    "latest": -1,
    "earliest": -2,
    "max timestamp": -3,
    "earliest local": -4,
    "latest tiered": -5,
    "-6": -6,
    "-7": -7,
    "0": 0,
    "before all": T0_MS - 1,
    "the first": T0_MS,
    "after the first": T0_MS + 1,
    "between": T0_MS + 11,
    "the last": T0_MS + 20,
    "after all": T0_MS + 21,
}

LIST_OFFSETS = Story(
    "ListOffsets",
    "1-9",
    [
        *topic("o", 3, once=True, **KEPT),
        produce("o", ONE, label="offset 0", once=True, compare=False),
        produce("o", TWO, label="offsets 1 and 2", once=True, compare=False),
        produce("o", Batch([b"late"], timestamps_ms=[T0_MS + 5]), label="offset 3", once=True, compare=False),
        *(list_offsets(label, "o", (0, time_ms)) for label, time_ms in TIMES_MS.items()),
        *(list_offsets(f"{label}, empty", "o", (1, time_ms)) for label, time_ms in TIMES_MS.items()),
        list_offsets("three partitions", "o", (0, -1), (1, -2), (2, -1)),
        list_offsets("the same partition twice", "o", (0, -1), (0, -2)),
        list_offsets("an unknown partition", "o", (9, -1), (0, -1)),
        list_offsets("partition -1", "o", (-1, -1)),
        list_offsets("an unknown topic", "nowhere", (0, -1)),
        list_offsets("a bad name", "a b", (0, -1)),
        list_offsets("read committed", "o", (0, -1), isolation_level=1),
        list_offsets("as a replica", "o", (0, -1), replica_id=7),
        list_offsets("as the debugging consumer", "o", (0, -1), replica_id=-2),
        list_offsets("nothing", "o", topics=[]),
        list_offsets("no partitions", "o"),
        Step("ListOffsets", with_epoch(0), "the leader epoch", "4-9"),
        Step("ListOffsets", with_epoch(3), "a leader epoch to come", "4-9"),
    ],
)


def delete_records(label: str, name: str, *places: tuple[int, int], **more: object) -> Step:
    asked = [{"partition_index": index, "offset": offset} for index, offset in places]
    return Step(
        "DeleteRecords", {"topics": [{"name": name, "partitions": asked}], "timeout_ms": 5000}, label, **more
    )


DELETE_RECORDS = Story(
    "DeleteRecords",
    "0-2",
    [
        *topic("e{r}", 2, **KEPT),
        produce("e{r}", Batch([b"a", b"b", b"c", b"d"]), label="offsets 0 to 3"),
        produce("e{r}", Batch([b"e"], timestamps_ms=[T0_MS + 9]), label="offset 4"),
        delete_records("to 0", "e{r}", (0, 0)),
        delete_records("to 2", "e{r}", (0, 2)),
        delete_records("back to 1", "e{r}", (0, 1)),
        delete_records("past the end", "e{r}", (0, 6)),
        delete_records("to -2", "e{r}", (0, -2)),
        delete_records("of an empty partition", "e{r}", (1, 0)),
        delete_records("of an empty partition, to the end", "e{r}", (1, -1)),
        delete_records("of an unknown partition", "e{r}", (2, 0)),
        delete_records("of an unknown topic", "nowhere", (0, 0)),
        delete_records("of two partitions", "e{r}", (0, 2), (1, 5)),
        delete_records("of the same partition twice", "e{r}", (0, 2), (0, 3)),
        delete_records("of an internal topic", "__consumer_offsets", (0, 0)),
        Step("DeleteRecords", {"timeout_ms": 5000}, "nothing"),
        delete_records("no partitions", "e{r}"),
        *(fetch("e{r}", offset, label=f"fetch from {offset}") for offset in (0, 1, 2, 3, 4)),
        *(
            list_offsets(f"after it, {label}", "e{r}", (0, TIMES_MS[label]))
            for label in ("earliest", "latest", "0", "the first", "max timestamp")
        ),
        delete_records("to the end", "e{r}", (0, -1)),
        *(fetch("e{r}", offset, label=f"fetch from {offset} of nothing") for offset in (4, 5)),
        *(
            list_offsets(f"of nothing, {label}", "e{r}", (0, TIMES_MS[label]))
            for label in ("earliest", "latest", "0", "max timestamp")
        ),
    ],
)


def end_of_epoch(label: str, name: str, *asked: tuple[int, int, int], **more: object) -> Step:
    places = [
        {"partition": index, "current_leader_epoch": current, "leader_epoch": epoch}
        for index, current, epoch in asked
    ]
    return Step("OffsetForLeaderEpoch", {"topics": [{"topic": name, "partitions": places}], **more}, label)


LEADER_EPOCH = Story(
    "OffsetForLeaderEpoch",
    "2-4",
    [
        *topic("q", 3, once=True, **KEPT),
        produce("q", ONE, label="offset 0", once=True, compare=False),
        produce("q", TWO, label="offsets 1 and 2", once=True, compare=False),
        end_of_epoch("epoch 0", "q", (0, -1, 0), replica_id=-1),
        end_of_epoch("epoch 0, knowing it", "q", (0, 0, 0), replica_id=-1),
        end_of_epoch("epoch 3", "q", (0, -1, 3), replica_id=-1),
        end_of_epoch("epoch -1", "q", (0, -1, -1), replica_id=-1),
        end_of_epoch("epoch 0, expecting a later leader", "q", (0, 5, 0), replica_id=-1),
        end_of_epoch("an empty partition", "q", (2, -1, 0), replica_id=-1),
        end_of_epoch("two partitions", "q", (0, -1, 0), (1, -1, 0), replica_id=-1),
        end_of_epoch("an unknown partition", "q", (9, -1, 0), replica_id=-1),
        end_of_epoch("an unknown topic", "nowhere", (0, -1, 0), replica_id=-1),
        Step("OffsetForLeaderEpoch", {"replica_id": -1}, "nothing"),
    ],
)

STORIES = (PRODUCE, SILENT, BAD, TOLD, OLD, FETCH, LIST_OFFSETS, DELETE_RECORDS, LEADER_EPOCH)
