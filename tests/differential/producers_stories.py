"""Idempotent producers: ids, sequences, epochs, and what brokers tell of them."""

from collections.abc import Mapping

from differential.records_stories import KEPT, delete_records
from differential.steps import T0_MS, Batch, Step, Story, fetch, produce, topic

NEW = {"transactional_id": None, "transaction_timeout_ms": 60_000}


def init(label: str, *, save: Mapping[str, str] | None = None, **fields: object) -> Step:
    request = {**NEW, **fields}
    return Step("InitProducerId", request, label, save=save)


INIT = Story(
    "InitProducerId",
    "0-5",
    [
        Step("InitProducerId", NEW, "there at last", until={"error_code": 0}, compare=False),
        init("a new producer", save={"pid": "producer_id"}),
        init("another new producer"),
        init("timeout 0", transaction_timeout_ms=0),
        init("timeout -1", transaction_timeout_ms=-1),
        init("an id that nobody has given", producer_id=900_000, producer_epoch=0),
        init("its own id and epoch", producer_id="$pid", producer_epoch=0),
        init("an id without an epoch", producer_id="$pid"),
        init("an epoch without an id", producer_epoch=3),
        init("an empty transactional id", transactional_id=""),
    ],
)


def send(label: str, epoch: int, sequence: int, *values: bytes, pid: str = "$pid", **more: object) -> Step:
    batch = Batch(values or [b"v"], producer=(pid, epoch, sequence))
    return produce("i{r}", batch, label=label, **more)


SEQUENCES = Story(
    "the life of an idempotent producer",
    "3-11",
    [
        *topic("i{r}", 2, **KEPT),
        init("it gets its id", save={"pid": "producer_id"}),
        init("so does another", save={"other": "producer_id"}),
        send("sequence 0", 0, 0, b"a", b"b"),
        send("sequence 2", 0, 2),
        send("sequence 2 again", 0, 2),
        send("sequence 0 again", 0, 0, b"a", b"b"),
        send("sequence 0 again, with another length", 0, 0, b"a"),
        send("a gap", 0, 7),
        send("sequence 3", 0, 3),
        send("sequences 4 to 6", 0, 4, b"e", b"f", b"g"),
        send("sequence 7", 0, 7),
        send("sequence 8", 0, 8),
        send("sequence 9", 0, 9),
        send("sequence 3 again, the fifth from behind", 0, 3),
        send("sequence 2 again, forgotten", 0, 2),
        send("sequence 0 again, forgotten", 0, 0, b"a", b"b"),
        send("a part of what is known", 0, 4, b"e", b"f"),
        send("more than what is known", 0, 9, b"j", b"k"),
        send("another producer begins with 5", 0, 5, pid="$other"),
        send("another producer goes on", 0, 6, pid="$other"),
        send("a later epoch begins with 3", 1, 3),
        send("a later epoch begins with 0", 1, 0),
        send("the earlier epoch", 0, 10),
        send("the earlier epoch's duplicate", 0, 9),
        send("a much later epoch", 9, 0),
        send("in another partition", 9, 4, partition=1),
        Step(
            "DescribeProducers", {"topics": [{"name": "i{r}", "partition_indexes": [0, 1]}]}, "who is there"
        ),
        fetch("i{r}", 0, label="all of it"),
        delete_records("all is deleted", "i{r}", (0, -1)),
        send("after the deletion", 9, 1),
        send("a gap after the deletion", 9, 5),
        Step(
            "DescribeProducers",
            {"topics": [{"name": "i{r}", "partition_indexes": [0]}]},
            "who is there still",
        ),
    ],
)

LAST = 2**31 - 1

WRAPPING = Story(
    "sequences that begin anew",
    "3-4",
    [
        *topic("i{r}", **KEPT),
        init("it gets its id", save={"pid": "producer_id"}),
        send("nearly the last", 0, LAST - 1),
        send("the last and 0", 0, LAST, b"a", b"b"),
        send("the last and 0 again", 0, LAST, b"a", b"b"),
        send("sequence 1", 0, 1),
        send("sequence 3", 0, 3),
        Step("DescribeProducers", {"topics": [{"name": "i{r}", "partition_indexes": [0]}]}, "who is there"),
    ],
)


def several(label: str, *batches: Batch) -> Step:
    return produce("n{r}", *batches, label=label)


MIXED = Story(
    "producers in one request",
    "3-4",
    [
        *topic("n{r}", 2, **KEPT),
        init("it gets its id", save={"pid": "producer_id"}),
        several("a producer and none", Batch([b"a"], producer=("$pid", 0, 0)), Batch([b"b"])),
        several(
            "out of order and in order",
            Batch([b"a"], producer=("$pid", 0, 5)),
            Batch([b"b"], producer=("$pid", 0, 0)),
        ),
        several("a transactional batch", Batch([b"a"], producer=("$pid", 0, 1), attributes=0x10)),
        several("a control batch", Batch([b"a"], producer=("$pid", 0, 1), attributes=0x20)),
        several("compressed", Batch([b"a"], codec=1, producer=("$pid", 0, 1), timestamps_ms=[T0_MS])),
        several("epoch -1", Batch([b"a"], producer=("$pid", -1, 2))),
        several("sequence -1", Batch([b"a"], producer=("$pid", 0, -1))),
        several("sequence -2", Batch([b"a"], producer=("$pid", 0, -2))),
        several("producer -2", Batch([b"a"], producer=(-2, 0, 0))),
    ],
)


def described(label: str, name: str, *indexes: int) -> Step:
    return Step("DescribeProducers", {"topics": [{"name": name, "partition_indexes": list(indexes)}]}, label)


DESCRIBE = Story(
    "DescribeProducers",
    "0",
    [
        *topic("j", 2),
        described("nobody", "j", 0, 1),
        described("an unknown partition", "j", 5, 0),
        described("partition -1", "j", -1),
        described("an unknown topic", "nowhere", 0),
        described("a bad name", "a b", 0),
        described("no partitions", "j"),
        Step("DescribeProducers", {}, "nothing"),
    ],
)

STORIES = (INIT, SEQUENCES, WRAPPING, MIXED, DESCRIBE)
