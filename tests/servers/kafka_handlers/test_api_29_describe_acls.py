"""DescribeAcls: no authorizer."""

import pytest
from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_29_describe_acls import DescribeAclsRequest


@pytest.mark.parametrize("version", [1, 2, 3])
def test_security_is_disabled(wire: KafkaWire, version: int) -> None:
    response = wire.ask(29, version, DescribeAclsRequest(operation=1, permission_type=1))
    assert (response.error_code, response.resources) == (54, ())
    assert "authorizer" in response.error_message
