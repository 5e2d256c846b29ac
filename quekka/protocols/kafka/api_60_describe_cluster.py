"""DescribeCluster (key 60): brokers, controller and cluster id.

| version | change |
|---|---|
| 1 | endpoint_type (KIP-919) |
| 2 | include_fenced_brokers, is_fenced (KIP-1073) |

Source: DescribeClusterRequest.json and DescribeClusterResponse.json of Apache Kafka; KIP-700.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, boolean, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class DescribeClusterRequest:
    include_cluster_authorized_operations: bool = boolean("0+")
    endpoint_type: int = int8("1+", default=1)
    include_fenced_brokers: bool = boolean("2+")


@dataclass(slots=True)
class DescribeClusterBroker:
    broker_id: int = int32("0+")
    host: str = string("0+")
    port: int = int32("0+")
    rack: str | None = nullable_string("0+", nullable="0+")
    is_fenced: bool = boolean("2+")


@dataclass(slots=True)
class DescribeClusterResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+")
    endpoint_type: int = int8("1+", default=1)
    cluster_id: str = string("0+")
    controller_id: int = int32("0+", default=-1)
    brokers: Sequence[DescribeClusterBroker] = array_of(DescribeClusterBroker, "0+")
    cluster_authorized_operations: int = int32("0+", default=-(2**31))
