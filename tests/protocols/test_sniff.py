"""Which protocol a connection speaks is told by its first bytes, however they are cut."""

import pytest

from quekka.protocols.sniff import FIRST_LINE_BYTES_MAX, PROTOCOLS, sniff

CASES = {
    "tls_client_hello": (b"\x16\x03\x01\x02\x00\x01", "tls"),
    "kafka_api_versions": (b"\x00\x00\x00\x23\x00\x12\x00\x03", "kafka"),
    "kafka_largest_frame": (b"\x07\xff\xff\xff", "kafka"),
    "http_get": (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "http"),
    "http_1_0": (b"POST / HTTP/1.0\r\n", "http"),
    "http_delete_is_not_the_text_command": (b"DELETE /topics/a HTTP/1.1\r\n", "http"),
    "text_command": (b"PUBLISH logs 5\r\nhello", "text"),
    "text_lower_case": (b"ping\n", "text"),
    "text_delete": (b"DELETE logs\r\n", "text"),
    "text_empty_line_first": (b"\r\nPING\r\n", "text"),
    "text_http_word_in_the_middle": (b"PUBLISH HTTP/1.1 5\r\n", "text"),
    "text_nonsense": (b"\x80\xff\xfe\n", "text"),
    "text_http_without_a_version": (b"GET / HTTP/1.\r\n", "text"),
    "text_http_2_preface": (b"PRI * HTTP/2.0\r\n", "text"),
}


@pytest.mark.parametrize(("first", "protocol"), CASES.values(), ids=CASES)
def test_the_protocol_is_the_one_of_the_first_bytes(first: bytes, protocol: str) -> None:
    assert sniff(first) == protocol


@pytest.mark.parametrize(("first", "protocol"), CASES.values(), ids=CASES)
def test_a_cut_beginning_is_undecided_or_right(first: bytes, protocol: str) -> None:
    found = [sniff(first[:length]) for length in range(len(first) + 1)]
    undecided = found.index(protocol)
    assert found == [None] * undecided + [protocol] * (len(found) - undecided)


def test_nothing_is_undecided() -> None:
    assert sniff(b"") is None


@pytest.mark.parametrize("first", [b"", b"PIN", b"GET / HTT"])
def test_at_the_end_of_the_stream_the_answer_is_text_and_never_none(first: bytes) -> None:
    assert sniff(first, ended=True) == "text"


def test_an_http_request_line_without_its_end_is_http_at_the_end_of_the_stream() -> None:
    assert sniff(b"GET / HTTP/1.1", ended=True) == "http"


def test_a_line_longer_than_any_request_line_is_text() -> None:
    assert sniff(b"A" * FIRST_LINE_BYTES_MAX) is None
    assert sniff(b"A" * (FIRST_LINE_BYTES_MAX + 1)) == "text"


def test_every_answer_is_one_of_the_protocols() -> None:
    assert {sniff(bytes((first,)) + b"\n") for first in range(256)} <= set(PROTOCOLS)
