"""The language of the stories: what is asked of both brokers, as data.

    Story("offsets", "1-9", [
        Step("Metadata", {"topics": [{"name": "t{r}"}]}, "it is made", until={"topics/0/error_code": 0}),
        Step("OffsetFetch", {"group_id": "g{r}", "topics": [...], "groups": [...]}, "nothing is committed"),
    ])

A story is played once for each of its rounds. The round is the version of every request in it, brought into
the range that the API has, so that a story with the rounds 1-9 goes through the versions 1 to 9 of
OffsetFetch and 2 to 9 of OffsetCommit. A request is a dict of Kafka's field names (see protocols/kafka/);
fields that the version does not have are left out of it, and fields that are left out take Kafka's default.
In its strings `{r}` is the round and the first letters of the story's name, and a string that is `$name`
alone is what an earlier step has saved under this name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

T0_MS = 1_700_000_000_000
"""The timestamp of the first record in most stories."""


class Batch(NamedTuple):
    """A record batch for a field of type `records`, made when it is sent."""

    values: Sequence[bytes | None]
    keys: Sequence[bytes | None] = ()
    timestamps_ms: Sequence[int] = (T0_MS,)
    """Of the records; the last one goes for all that follow."""
    codec: int = 0
    producer: tuple[int | str, int, int] = (-1, -1, -1)
    """Producer id (or `$name`), producer epoch, base sequence."""
    attributes: int = 0
    """Set in addition to the codec's."""
    header: Mapping[str, int] = {}
    """Fields of `BatchHeader` that get another value, with a CRC that fits."""
    flip: int | None = None
    """This byte gets another value, and the CRC stays as it was."""
    cut: int | None = None
    """Only so many bytes of it are sent; negative ones are left out at the end."""
    times: int = 1
    """So often one after the other."""


class Step(NamedTuple):
    """One request and its response."""

    api: str
    request: Mapping[str, Any]
    label: str
    """What is asked, in words that no other step of the story has."""
    versions: str | None = None
    """The rounds in which it is played; all where it is None."""
    on: str = "main"
    """The connection: each name is a connection of its own."""
    once: bool = False
    """Only in the first round."""
    later: bool = False
    """The response is read by an `Answer` step."""
    silent: bool = False
    """There is no response (acks=0)."""
    until: Mapping[str, Any] | None = None
    """Ask again until the response has these values: Kafka does much of its work after it has answered."""
    save: Mapping[str, str] | None = None
    """By name, the path of a value in the response (`topics/0/topic_id`)."""
    version: int | None = None
    """The version in all rounds, where it shall not be the round's."""
    compare: bool = True
    """False where the step is only there to get somewhere."""


class Answer(NamedTuple):
    """The response to the oldest `later` step on this connection."""

    of: str
    """The label of that step."""
    on: str
    save: Mapping[str, str] | None = None


class Frame(NamedTuple):
    """Bytes as they are, after the size: for headers that the codec does not write."""

    data: bytes
    label: str
    read_as: tuple[str, int] | None = None
    """API and version of the response, where it is not expected that the broker closes."""
    on: str = "raw"


class Story(NamedTuple):
    name: str
    rounds: str
    """`2-7`, or one number."""
    steps: Sequence[Step | Answer | Frame]


def produce(
    topic: str, *batches: Batch | bytes | None, label: str, partition: int = 0, acks: int = -1, **others: Any
) -> Step:
    """A Produce request with one batch after the other in as many partitions as there are batches."""
    partitions = [{"index": partition + number, "records": batch} for number, batch in enumerate(batches)]
    request = {
        "acks": acks,
        "timeout_ms": 5000,
        "topic_data": [{"name": topic, "partition_data": partitions}],
    }
    return Step("Produce", request, label, **others)


def fetch(
    topic: str,
    offset: int,
    *,
    label: str,
    partition: int = 0,
    more: Mapping[str, Any] | None = None,
    of_partition: Mapping[str, Any] | None = None,
    **others: Any,
) -> Step:
    """A Fetch request that waits for nothing unless `more` says so."""
    asked = {
        "partition": partition,
        "fetch_offset": offset,
        "partition_max_bytes": 1 << 20,
        **(of_partition or {}),
    }
    request = {"max_wait_ms": 0, "topics": [{"topic": topic, "partitions": [asked]}], **(more or {})}
    return Step("Fetch", request, label, **others)


def topic(name: str, partitions: int = 1, *, once: bool = False, **configs: str) -> list[Step]:
    """Make a topic and wait until it is there; `configs` are spelled with `_` for `.`."""
    made = {
        "name": name,
        "num_partitions": partitions,
        "replication_factor": 1,
        "configs": [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()],
    }
    return [
        Step(
            "CreateTopics",
            {"topics": [made], "timeout_ms": 10_000},
            f"{name} is made",
            until={"topics/0/error_code": 0},
            once=once,
            compare=False,
        ),
        led(name, partitions, once=once),
        seen(
            name,
            f"{name} is there",
            {"topics/0/error_code": 0, f"topics/0/partitions/{partitions - 1}/error_code": 0},
            once=once,
        ),
    ]


def led(name: str, partitions: int, *, once: bool = False) -> Step:
    """Wait until the broker leads all of them."""
    asked = [{"partition_index": index, "timestamp": -1} for index in range(partitions)]
    request = {"replica_id": -1, "topics": [{"name": name, "partitions": asked}]}
    until = {f"topics/0/partitions/{index}/error_code": 0 for index in range(partitions)}
    label = f"{name} is led"
    return Step("ListOffsets", request, label, until=until, once=once, version=4, compare=False)


def seen(name: str, label: str, until: Mapping[str, Any], *, once: bool = False) -> Step:
    """Wait until Metadata tells this of a topic; before version 4 the question would make the topic."""
    request = {"topics": [{"name": name}], "allow_auto_topic_creation": False}
    return Step("Metadata", request, label, until=until, once=once, version=4, compare=False)
