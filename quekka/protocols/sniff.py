"""Which language a peer speaks, told by the first bytes of its connection, so that one address serves all.

| first bytes | language | why |
|---|---|---|
| `0x16` | tls | the content type of a TLS handshake record (RFC 8446, 5.1) |
| below `0x08` | kafka | the high byte of a frame length: frames stay far below 128 MiB |
| a first line that ends in `HTTP/1.x` | http | the request line (RFC 9112, 3) |
| everything else | text | the text protocol answers nonsense with an error a person can read |
"""

from quekka.formats import Buffer

PROTOCOLS = ("text", "kafka", "http", "tls")

TLS_HANDSHAKE = 0x16
KAFKA_LENGTH_BYTE_MAX = 0x07
FIRST_LINE_BYTES_MAX = 8192
"""The longest line of the text protocol; a longer first line is no HTTP request line we would serve."""


def sniff(first: Buffer, *, ended: bool = False) -> str | None:
    """The language of a stream that begins with `first`: one of `PROTOCOLS`, or None while more bytes are
    needed.

    `ended` says that no more will come; the answer is then never None.
    """
    if not first:
        return "text" if ended else None
    if first[0] == TLS_HANDSHAKE:
        return "tls"
    if first[0] <= KAFKA_LENGTH_BYTE_MAX:
        return "kafka"
    line, newline, _ = bytes(first[: FIRST_LINE_BYTES_MAX + 1]).partition(b"\n")
    if not newline and not ended and len(first) <= FIRST_LINE_BYTES_MAX:
        return None
    return "http" if _is_http_request_line(line) else "text"


def _is_http_request_line(line: bytes) -> bool:
    words = line.split()
    return len(words) == 3 and words[2].startswith(b"HTTP/1.") and words[2][7:].isdigit()
