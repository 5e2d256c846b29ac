"""Messages by API key: the way from the body of a frame to a value and from a value to a frame.

The field tables of a key are imported when the first request with it comes, its reader and its writer are
compiled for the version then. A broker needs `decode_request` and `encode_response` only; `encode_request`
and `decode_response` are the same tables the other way round, for whoever plays the client.

The response to Fetch is not whole in memory: `api_01_fetch.response_pieces` encodes it.
"""

import functools
from importlib import import_module
from typing import Any

from quekka.errors import InvalidRequestError
from quekka.formats import Buffer
from quekka.protocols.kafka import framing
from quekka.protocols.kafka.api_keys import APIS_BY_KEY, Api
from quekka.protocols.kafka.primitives import (
    MALFORMED,
    describe_malformed,
    read_int32_length,
    skip_tagged_fields,
)
from quekka.protocols.kafka.schema import reader_for, reader_of_body, writer_for


@functools.cache
def _module(api: Api) -> Any:
    return import_module(api.module_name)


def request_type(api: Api) -> Any:
    """The dataclass of the request: `HeartbeatRequest`."""
    return getattr(_module(api), f"{api.name}Request")


def response_type(api: Api) -> Any:
    """The dataclass of the response: `HeartbeatResponse`."""
    return getattr(_module(api), f"{api.name}Response")


def decode_request(api_key: int, version: int, body: Buffer) -> Any:
    """The request in `body`, which begins after the header; raises InvalidRequestError naming the field.

    What holds records (Produce) stays true as long as `body` does, all else is copied out of it.
    """
    api = APIS_BY_KEY[api_key]
    by_hand = getattr(_module(api), "read_request", None)
    if by_hand is not None:
        return by_hand(body, version)
    return reader_of_body(request_type(api), version, api.is_flexible(version), len(body))(body, 0)[0]


def encode_response(api_key: int, version: int, correlation_id: int, response: Any) -> bytearray:
    """The whole frame; raises ValueError for a value that its field cannot hold, naming the field."""
    api = APIS_BY_KEY[api_key]
    out = framing.begin_response(api, version, correlation_id)
    writer_for(response_type(api), version, api.is_flexible(version))(out, response)
    framing.finish(out)
    return out


def encode_request(header: framing.RequestHeader, request: Any) -> bytearray:
    """The whole frame; raises ValueError for a value that its field cannot hold, naming the field."""
    api = APIS_BY_KEY[header.api_key]
    out = framing.begin_request(header)
    writer_for(request_type(api), header.api_version, api.is_flexible(header.api_version))(out, request)
    framing.finish(out)
    return out


def decode_response(api_key: int, version: int, frame: Buffer) -> tuple[int, Any]:
    """Correlation id and response in `frame`, which has no size before it; raises InvalidRequestError."""
    api = APIS_BY_KEY[api_key]
    position = 0
    try:
        correlation_id, position = read_int32_length(frame, position)
        if api.response_header_version(version) == 1:
            position = skip_tagged_fields(frame, position)
    except MALFORMED as error:
        problem = describe_malformed(error)
        raise InvalidRequestError(f"response header at byte {position}: {problem}") from error
    read = reader_for(response_type(api), version, api.is_flexible(version))
    return correlation_id, read(frame, position)[0]
