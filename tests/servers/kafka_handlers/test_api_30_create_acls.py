"""CreateAcls: no authorizer."""

import pytest
from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_30_create_acls import AclCreation, CreateAclsRequest


@pytest.mark.parametrize("version", [1, 2, 3])
def test_security_is_disabled_for_each(wire: KafkaWire, version: int) -> None:
    acl = AclCreation(2, "orders", 3, "User:me", "*", 3, 3)
    response = wire.ask(30, version, CreateAclsRequest([acl, acl]))
    assert [result.error_code for result in response.results] == [54, 54]
    assert all("authorizer" in result.error_message for result in response.results)
