"""Addresses to listen on, as people write them."""

import pytest

from quekka.errors import BadRequestError
from quekka.protocols.sniff import PROTOCOLS
from quekka.servers.listen_address import ListenAddress, format_address

ADDRESSES = {
    "ipv4": ("127.0.0.1:9999", ListenAddress("127.0.0.1", 9999)),
    "name": ("localhost:0", ListenAddress("localhost", 0)),
    "ipv6": ("[::1]:9999", ListenAddress("::1", 9999)),
    "one_protocol": ("0.0.0.0:65535,protocols=kafka", ListenAddress("0.0.0.0", 65535, ("kafka",))),
    "protocols": ("[::]:1,protocols=text+http", ListenAddress("::", 1, ("text", "http"))),
}


@pytest.mark.parametrize(("text", "address"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_is_read_and_written(text: str, address: ListenAddress) -> None:
    assert ListenAddress.parse(text) == address
    assert str(address) == text


def test_a_star_is_all_of_ipv4() -> None:
    assert ListenAddress.parse("*:9999,protocols=text") == ListenAddress("0.0.0.0", 9999, ("text",))


def test_every_protocol_is_served_where_none_is_named() -> None:
    assert ListenAddress.parse("127.0.0.1:9999").protocols == PROTOCOLS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9999",
        ":9999",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:٣",
        "127.0.0.1:" + "9" * 5000,
        "::1:9999",
        "[::1:9999",
        "127.0.0.1:1,protocols=",
        "127.0.0.1:1,protocols=text+gopher",
        "127.0.0.1:1,protocol=text",
    ],
)
def test_what_is_no_address_is_refused_and_repeated(text: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        ListenAddress.parse(text)
    assert repr(text)[1:-1][:50] in caught.value.message


def test_an_ipv6_host_is_shown_in_brackets() -> None:
    assert format_address("::1", 9999) == "[::1]:9999"
    assert format_address("127.0.0.1", 9999) == "127.0.0.1:9999"
