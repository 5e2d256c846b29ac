import pytest

from quekka.client.request import Word, request_line


@pytest.mark.parametrize(
    ("words", "options", "expected"),
    [
        pytest.param(("PING",), None, b"PING\r\n", id="command"),
        pytest.param(
            ("READ", "logs", 0, 17, 500),
            {"max_bytes": 1},
            b"READ logs 0 17 500 max_bytes=1\r\n",
            id="options",
        ),
        pytest.param(("GROUP", "a b%c"), None, b"GROUP a%20b%25c\r\n", id="space-and-percent"),
        pytest.param(("GROUP", "g\r\nDELETE logs"), None, b"GROUP g%0D%0ADELETE%20logs\r\n", id="line-end"),
        pytest.param(("GROUP", "ü"), None, b"GROUP %C3%BC\r\n", id="utf-8"),
        pytest.param(("CONFIG", "logs"), {"a=b": "c=d"}, b"CONFIG logs a%3Db=c=d\r\n", id="equal-signs"),
    ],
)
def test_requests_are_written(
    words: tuple[str, ...], options: dict[str, Word] | None, expected: bytes
) -> None:
    assert request_line(*words, options=options) == expected
