"""ApiVersions (key 18), versions 0 to 4: which requests are served, exactly those of the table.

No features are told: without `transaction.version` clients use the transaction protocol that they all know,
without `group.version` the classic groups. A version that is not known is answered in version 0 by
`protocols/kafka/connection.py`.
"""

import re

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka.api_18_api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from quekka.servers.kafka_handlers import served_apis
from quekka.servers.kafka_session import KafkaSession

SOFTWARE_NAMES_FROM = 3
_software = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?", re.ASCII)


def api_versions(session: KafkaSession, request: ApiVersionsRequest, version: int) -> ApiVersionsResponse:
    """Raises InvalidRequestError for a software name that KIP-511 does not allow."""
    if version >= SOFTWARE_NAMES_FROM:
        name, number = request.client_software_name, request.client_software_version
        if not (_software.fullmatch(name) and _software.fullmatch(number)):
            raise InvalidRequestError(f"client software {name!r}, version {number!r}: not a legal name")
        session.software = f"{name} {number}"
    return ApiVersionsResponse(
        api_keys=[ApiVersion(api.key, api.versions.first, api.versions.last) for api in served_apis()]
    )
