"""DescribeLogDirs (key 35): how many bytes partitions take on disk.

| version | change |
|---|---|
| 2 | flexible |
| 3 | an error_code for the whole (KIP-784) |
| 4 | total_bytes and usable_bytes (KIP-827) |

Source: DescribeLogDirsRequest.json and DescribeLogDirsResponse.json of Apache Kafka; KIP-113.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import INT32, array_of, boolean, int16, int32, int64, string


@dataclass(slots=True)
class DescribableLogDirTopic:
    topic: str = string("0+")
    partitions: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class DescribeLogDirsRequest:
    topics: Sequence[DescribableLogDirTopic] | None = array_of(DescribableLogDirTopic, "0+", nullable="0+")


@dataclass(slots=True)
class DescribeLogDirsPartition:
    partition_index: int = int32("0+")
    partition_size: int = int64("0+")
    offset_lag: int = int64("0+")
    is_future_key: bool = boolean("0+")


@dataclass(slots=True)
class DescribeLogDirsTopic:
    name: str = string("0+")
    partitions: Sequence[DescribeLogDirsPartition] = array_of(DescribeLogDirsPartition, "0+")


@dataclass(slots=True)
class DescribeLogDirsResult:
    error_code: int = int16("0+")
    log_dir: str = string("0+")
    topics: Sequence[DescribeLogDirsTopic] = array_of(DescribeLogDirsTopic, "0+")
    total_bytes: int = int64("4+", default=-1)
    usable_bytes: int = int64("4+", default=-1)


@dataclass(slots=True)
class DescribeLogDirsResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("3+")
    results: Sequence[DescribeLogDirsResult] = array_of(DescribeLogDirsResult, "0+")
