"""Bytes that no honest client sends: every decoder answers with InvalidRequestError, or understands them.

What the hand-written readers of Produce and Fetch make of them is what the compiled readers make of them.
"""

import random
import tracemalloc
from typing import Any

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_keys import APIS, FETCH, PRODUCE, Api
from quekka.protocols.kafka.connection import KafkaConnection, Refused, Request
from quekka.protocols.kafka.framing import RequestHeader
from quekka.protocols.kafka.schema import reader_for, writer_for

CASES = [
    pytest.param(api, version, id=f"{api.name}-{version}")
    for api in APIS
    for version in range(api.versions.first, api.versions.last + 1)
]
LYING = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff\x0f",
)
MUTATIONS = 40


def outcome(decode: Any, body: bytes) -> Any:
    """The message, or the text of the one error that is allowed."""
    try:
        return decode(body)
    except InvalidRequestError as error:
        problem = str(error)
    assert " at byte " in problem
    return problem


def decode_both(api: Api, version: int, body: bytes) -> Any:
    """What `decode_request` makes of a body, which must be what the compiled reader makes of it."""
    read = reader_for(codec.request_type(api), version, api.is_flexible(version))
    found = outcome(lambda data: codec.decode_request(api.key, version, data), body)
    assert found == outcome(lambda data: read(data, 0)[0], body)
    return found


def body_of(random_messages: Any, api: Api, version: int, seed: int) -> bytes:
    out = bytearray()
    kind = codec.request_type(api)
    message = random_messages(seed).make(kind, version)
    writer_for(kind, version, api.is_flexible(version))(out, message)
    return bytes(out)


def mutated(source: random.Random, body: bytes) -> bytes:
    """`body` with some bytes overwritten, taken out or put in."""
    out = bytearray(body)
    for _ in range(source.randint(1, 3)):
        position = source.randrange(len(out) + 1)
        end = position + source.choice((0, 1, 2, 4))
        out[position:end] = source.choice((source.choice(LYING), source.randbytes(source.choice((0, 1, 4)))))
    return bytes(out)


@pytest.mark.parametrize(("api", "version"), CASES)
def test_a_request_that_is_cut_anywhere_is_refused(random_messages: Any, api: Api, version: int) -> None:
    body = body_of(random_messages, api, version, seed=version)
    for end in range(min(len(body), 400)):
        assert isinstance(decode_both(api, version, body[:end]), str), f"cut at {end}"


@pytest.mark.parametrize(("api", "version"), CASES)
def test_damaged_requests_give_the_one_error_or_a_message(
    random_messages: Any, api: Api, version: int
) -> None:
    for seed in range(4):
        body = body_of(random_messages, api, version, seed)
        source = random.Random(seed)
        for _ in range(MUTATIONS):
            decode_both(api, version, mutated(source, body))


@pytest.mark.parametrize(("api", "version"), CASES)
def test_garbage_gives_the_one_error_or_a_message(api: Api, version: int) -> None:
    source = random.Random(version)
    for _ in range(MUTATIONS):
        decode_both(api, version, source.randbytes(source.randrange(120)))


@pytest.mark.parametrize(("api", "version"), CASES)
def test_damaged_responses_give_the_one_error_or_a_message(
    random_messages: Any, api: Api, version: int
) -> None:
    source = random.Random(version)
    frame = codec.encode_response(
        api.key, version, 1, random_messages(version).make(codec.response_type(api), version)
    )
    for _ in range(MUTATIONS):
        body = mutated(source, bytes(frame[8:]))
        outcome(lambda data: codec.decode_response(api.key, version, data), bytes(frame[4:8]) + body)


@pytest.mark.parametrize("key", [PRODUCE, FETCH])
@pytest.mark.parametrize("count", [999_999, 1_000_000, 1_000_001, 2**31 - 1])
def test_a_forged_count_takes_no_memory(key: int, count: int) -> None:
    head = b"\xff\xff" + b"\x00\x01" + bytes(4) if key == PRODUCE else bytes(17)
    tracemalloc.start()
    with pytest.raises(InvalidRequestError, match=f"an array of {count} elements"):
        codec.decode_request(key, 3 if key == PRODUCE else 4, head + count.to_bytes(4) + bytes(50))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 100_000


def test_a_connection_survives_any_bytes() -> None:
    for seed in range(300):
        source = random.Random(seed)
        header = RequestHeader(source.choice(APIS).key, 0, seed, "me")
        start = bytes([0, 0, 0, source.randrange(256)]) + header.api_key.to_bytes(2) + b"\x00"
        connection = KafkaConnection(4096)
        for event in connection.feed(mutated(source, start + source.randbytes(300))):
            assert isinstance(event, (Request, Refused)), f"seed {seed}"
            if isinstance(event, Refused):
                assert event.closes == (not event.reply)
