"""DescribeCluster (key 60), versions 0 to 2: one broker, which is its own controller.

Who asks for controllers (endpoint type 2, version 1 and above) is told MISMATCHED_ENDPOINT_TYPE, as by any
broker of Kafka; every other type is UNSUPPORTED_ENDPOINT_TYPE.
"""

from quekka.protocols.kafka.api_60_describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from quekka.servers.kafka_errors import MismatchedEndpointTypeError, UnsupportedEndpointTypeError
from quekka.servers.kafka_handlers.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED_FOR
from quekka.servers.kafka_session import KafkaSession

BROKER_ENDPOINT, CONTROLLER_ENDPOINT = 1, 2


def describe_cluster(
    session: KafkaSession, request: DescribeClusterRequest, _version: int
) -> DescribeClusterResponse:
    """Raises MismatchedEndpointTypeError, UnsupportedEndpointTypeError."""
    if request.endpoint_type == CONTROLLER_ENDPOINT:
        raise MismatchedEndpointTypeError("controllers were asked for, and this is a broker")
    if request.endpoint_type != BROKER_ENDPOINT:
        raise UnsupportedEndpointTypeError(
            f"endpoint type {request.endpoint_type} is neither that of brokers nor of controllers"
        )
    broker = session.broker
    asked = request.include_cluster_authorized_operations
    return DescribeClusterResponse(
        cluster_id=broker.cluster_id,
        controller_id=broker.broker_id,
        brokers=[DescribeClusterBroker(broker.broker_id, session.host, session.port)],
        cluster_authorized_operations=CLUSTER_OPERATIONS if asked else NOT_ASKED_FOR,
    )
