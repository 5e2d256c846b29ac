import pytest

from quekka.client.addresses import parse_addresses
from quekka.errors import InvalidConfigError


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        pytest.param("localhost:9999", [("localhost", 9999)], id="name"),
        pytest.param("127.0.0.1:1", [("127.0.0.1", 1)], id="number"),
        pytest.param("[::1]:65535", [("::1", 65535)], id="ipv6"),
        pytest.param("a:1,b:2", [("a", 1), ("b", 2)], id="commas"),
        pytest.param(" a:1 , ", [("a", 1)], id="spaces"),
        pytest.param(["a:1", "b:2"], [("a", 1), ("b", 2)], id="list"),
    ],
)
def test_addresses_are_read(servers: str | list[str], expected: list[tuple[str, int]]) -> None:
    assert list(parse_addresses(servers)) == expected


@pytest.mark.parametrize(
    "servers", ["", ",", [], "localhost", "localhost:", ":9999", "a:0", "a:65536", "a:b", "::1:9999", "a b:1"]
)
def test_what_is_no_address_is_refused_with_its_text(servers: str | list[str]) -> None:
    with pytest.raises(InvalidConfigError, match="host:port") as refused:
        parse_addresses(servers)
    assert str(servers).strip(",[]") in refused.value.message


@pytest.mark.parametrize("text", ["localhost:9999", "[::1]:9999"])
def test_an_address_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse_addresses(text)[0]) == text
