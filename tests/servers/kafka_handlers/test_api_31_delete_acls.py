"""DeleteAcls: no authorizer."""

import pytest
from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_31_delete_acls import DeleteAclsFilter, DeleteAclsRequest


@pytest.mark.parametrize("version", [1, 2, 3])
def test_security_is_disabled_for_each_filter(wire: KafkaWire, version: int) -> None:
    response = wire.ask(31, version, DeleteAclsRequest([DeleteAclsFilter(), DeleteAclsFilter()]))
    assert [result.error_code for result in response.filter_results] == [54, 54]
    assert all(result.matching_acls == () for result in response.filter_results)
