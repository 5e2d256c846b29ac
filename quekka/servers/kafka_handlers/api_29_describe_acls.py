"""DescribeAcls (key 29), versions 1 to 3: there are none, SECURITY_DISABLED as a Kafka without authorizer."""

from quekka.protocols.kafka.api_29_describe_acls import DescribeAclsRequest, DescribeAclsResponse
from quekka.servers.kafka_errors import SecurityDisabledError
from quekka.servers.kafka_session import KafkaSession


def describe_acls(
    _session: KafkaSession, _request: DescribeAclsRequest, _version: int
) -> DescribeAclsResponse:
    """Raises SecurityDisabledError."""
    raise SecurityDisabledError("no authorizer: everyone may do everything")
