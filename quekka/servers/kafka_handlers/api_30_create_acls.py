"""CreateAcls (key 30), versions 1 to 3: nobody would heed them, SECURITY_DISABLED for each."""

from quekka.protocols.kafka.api_30_create_acls import AclCreationResult, CreateAclsRequest, CreateAclsResponse
from quekka.servers.kafka_errors import SecurityDisabledError
from quekka.servers.kafka_session import KafkaSession


def create_acls(session: KafkaSession, request: CreateAclsRequest, _version: int) -> CreateAclsResponse:
    error = SecurityDisabledError("no authorizer: everyone may do everything")
    return CreateAclsResponse(
        results=[AclCreationResult(session.error_number(error), error.message) for _ in request.creations]
    )
