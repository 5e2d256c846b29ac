"""quekka.protocols.kafka.framing: headers of every kind, whole and cut."""

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka.api_keys import API_VERSIONS, APIS_BY_KEY, FETCH
from quekka.protocols.kafka.framing import (
    RequestHeader,
    begin_request,
    begin_response,
    finish,
    read_request_header,
)

HEADERS = [
    pytest.param(RequestHeader(1, 11, 7, "me"), b"\x00\x01\x00\x0b\x00\x00\x00\x07\x00\x02me", id="plain"),
    pytest.param(RequestHeader(1, 11, 7, ""), b"\x00\x01\x00\x0b\x00\x00\x00\x07\x00\x00", id="empty"),
    pytest.param(RequestHeader(1, 11, -1, None), b"\x00\x01\x00\x0b\xff\xff\xff\xff\xff\xff", id="null"),
    pytest.param(
        RequestHeader(1, 12, 7, "me"), b"\x00\x01\x00\x0c\x00\x00\x00\x07\x00\x02me\x00", id="flexible"
    ),
    pytest.param(
        RequestHeader(18, 3, 7, None), b"\x00\x12\x00\x03\x00\x00\x00\x07\xff\xff\x00", id="api-versions"
    ),
    pytest.param(RequestHeader(47, 0, 7, "me"), b"\x00\x2f\x00\x00\x00\x00\x00\x07\x00\x02me", id="never"),
]


@pytest.mark.parametrize(("header", "data"), HEADERS)
def test_a_header_is_written_and_read(header: RequestHeader, data: bytes) -> None:
    out = begin_request(header)
    finish(out)
    assert out == len(data).to_bytes(4) + data
    assert read_request_header(data + b"body") == (header, len(data))


@pytest.mark.parametrize(("header", "data"), HEADERS)
def test_a_header_that_is_cut_is_refused(header: RequestHeader, data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(InvalidRequestError, match="request header at byte"):
            read_request_header(data[:end])


def test_tagged_fields_of_a_header_are_passed_over() -> None:
    data = b"\x00\x01\x00\x0c\x00\x00\x00\x07\x00\x02me\x01\x05\x03abc"
    assert read_request_header(data + b"body") == ((1, 12, 7, "me"), len(data))


@pytest.mark.parametrize("start", [b"\x00\x63\x00\x00", b"\x00\x01\x00\x63"], ids=["key", "version"])
def test_a_header_is_read_as_far_as_it_is_known_where_the_request_is_not(start: bytes) -> None:
    header, position = read_request_header(start + b"\x00\x00\x00\x07\x00\x02me\x00")
    assert header[2:] == (7, "me")
    assert position == 12


@pytest.mark.parametrize(
    ("key", "version", "start"),
    [
        (FETCH, 11, b"\x00\x00\x00\x09\x00\x00\x00\x05body!"),
        (FETCH, 12, b"\x00\x00\x00\x0a\x00\x00\x00\x05\x00body!"),
        (API_VERSIONS, 4, b"\x00\x00\x00\x09\x00\x00\x00\x05body!"),
    ],
)
def test_a_response_begins_with_its_size_and_the_number_of_its_request(
    key: int, version: int, start: bytes
) -> None:
    out = begin_response(APIS_BY_KEY[key], version, 5)
    out += b"body!"
    finish(out)
    assert out == start


def test_a_size_counts_what_is_sent_separately() -> None:
    out = begin_response(APIS_BY_KEY[FETCH], 11, 5)
    finish(out, 1000)
    assert out[:4] == (1004).to_bytes(4)
