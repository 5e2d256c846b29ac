"""DeleteAcls (key 31), versions 1 to 3: there are none, SECURITY_DISABLED for each filter."""

from quekka.protocols.kafka.api_31_delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)
from quekka.servers.kafka_errors import SecurityDisabledError
from quekka.servers.kafka_session import KafkaSession


def delete_acls(session: KafkaSession, request: DeleteAclsRequest, _version: int) -> DeleteAclsResponse:
    error = SecurityDisabledError("no authorizer: everyone may do everything")
    return DeleteAclsResponse(
        filter_results=[
            DeleteAclsFilterResult(session.error_number(error), error.message) for _ in request.filters
        ]
    )
