"""Frames and headers: what stands before the body of a request and of a response.

    request   +------------+---------+-------------+----------------+-----------+---------------+------
              | size_bytes | api_key | api_version | correlation_id | client_id | tagged fields | body
              | int32      | int16   | int16       | int32          | string    | version 2     |
              +------------+---------+-------------+----------------+-----------+---------------+------
    response  +------------+----------------+---------------+------
              | size_bytes | correlation_id | tagged fields | body
              | int32      | int32          | version 1     |
              +------------+----------------+---------------+------

`size_bytes` counts what follows it. The headers have tagged fields when the message is flexible, with two
exceptions: `client_id` keeps its int16 length for ever, so that the first fields can be read before anybody
knows the version, and the response to ApiVersions never has tagged fields, because a client reads it before
it knows what the broker speaks. Source: RequestHeader.json, ResponseHeader.json, KIP-482, KIP-511.
"""

import struct
from typing import NamedTuple

from quekka.errors import InvalidRequestError
from quekka.formats import Buffer
from quekka.protocols.kafka.api_keys import APIS_BY_KEY, Api
from quekka.protocols.kafka.primitives import (
    MALFORMED,
    describe_malformed,
    put_nullable_string,
    read_nullable_string,
    skip_tagged_fields,
)

SIZE_BYTES = 4
REQUEST_BYTES_MIN = 8
"""A frame cannot be smaller: api key, api version and correlation id."""

_SIZE = struct.Struct(">i")
_REQUEST = struct.Struct(">hhi")
_RESPONSE = struct.Struct(">ii")


class RequestHeader(NamedTuple):
    """Who asks for what. A null client id is None."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None = None


def read_request_header(frame: Buffer) -> tuple[RequestHeader, int]:
    """The header at the beginning of `frame`, which has no size before it, and where the body begins.

    Tagged fields are passed over where the version is one that we know; without knowing it nobody can say
    whether there are any. Raises InvalidRequestError.
    """
    position = REQUEST_BYTES_MIN
    try:
        api_key, api_version, correlation_id = _REQUEST.unpack_from(frame)
        client_id, position = read_nullable_string(frame, position)
        api = APIS_BY_KEY.get(api_key)
        if api is not None and api_version in api.versions and api.is_flexible(api_version):
            position = skip_tagged_fields(frame, position)
    except MALFORMED as error:
        raise InvalidRequestError(
            f"request header at byte {position}: {describe_malformed(error)}"
        ) from error
    return RequestHeader(api_key, api_version, correlation_id, client_id), position


def begin_request(header: RequestHeader) -> bytearray:
    """The beginning of a request's frame, to which a body is appended."""
    out = bytearray(SIZE_BYTES)
    out += _REQUEST.pack(*header[:3])
    put_nullable_string(out, header.client_id)
    if APIS_BY_KEY[header.api_key].request_header_version(header.api_version) == 2:
        out.append(0)
    return out


def begin_response(api: Api, version: int, correlation_id: int) -> bytearray:
    """The beginning of a response's frame, to which a body is appended."""
    out = bytearray(_RESPONSE.pack(0, correlation_id))
    if api.response_header_version(version) == 1:
        out.append(0)
    return out


def finish(out: bytearray, more_bytes: int = 0) -> None:
    """Write the size of the frame that begins with `out`, and of which `more_bytes` come separately."""
    _SIZE.pack_into(out, 0, len(out) - SIZE_BYTES + more_bytes)
