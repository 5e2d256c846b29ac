"""DescribeLogDirs (key 35), versions 1 to 4: the one data directory, and the size of each partition in it.

Null topics ask for all. A partition that is not there is left out, as in Kafka.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from quekka.broker.broker import BrokerCore
from quekka.errors import KafkaStorageError
from quekka.protocols.kafka.api_35_describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from quekka.servers.kafka_session import KafkaSession


def describe_log_dirs(
    session: KafkaSession, request: DescribeLogDirsRequest, _version: int
) -> DescribeLogDirsResponse:
    """Raises KafkaStorageError when the file system does not say how large it is."""
    broker = session.broker
    path = broker.data_dir.path.absolute()
    total_bytes, usable_bytes = _volume_bytes(path)
    topics = _all_topics(broker) if request.topics is None else _topics(broker, request.topics)
    return DescribeLogDirsResponse(
        results=[DescribeLogDirsResult(0, str(path), [*topics], total_bytes, usable_bytes)]
    )


def _volume_bytes(path: Path) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        raise KafkaStorageError(f"{path}: {error.strerror}") from error
    return usage.total, usage.free


def _all_topics(broker: BrokerCore) -> Iterator[DescribeLogDirsTopic]:
    for name in broker.topics.names(internal=True):
        yield from _describe(broker, name, None)


def _topics(broker: BrokerCore, asked: Iterable[DescribableLogDirTopic]) -> Iterator[DescribeLogDirsTopic]:
    for topic in asked:
        yield from _describe(broker, topic.topic, set(topic.partitions))


def _describe(broker: BrokerCore, name: str, wanted: set[int] | None) -> Iterator[DescribeLogDirsTopic]:
    topic = broker.topics.find(name)
    if topic is None:
        return
    partitions = [
        DescribeLogDirsPartition(partition.index, partition.view().size_bytes)
        for partition in topic.partitions
        if wanted is None or partition.index in wanted
    ]
    if partitions:
        yield DescribeLogDirsTopic(name, partitions)
