"""quekka.protocols.kafka.codec: every message in every version, with kio as the second opinion."""

import dataclasses
import datetime
import io
from enum import Enum
from importlib import import_module
from typing import Any

import pytest
from kio.schema.index import api_key_map
from kio.serial import entity_reader, entity_writer

from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_keys import APIS, Api
from quekka.protocols.kafka.fields import specs_of
from quekka.protocols.kafka.framing import RequestHeader, read_request_header
from quekka.protocols.kafka.primitives import ZERO_UUID

SEEDS = range(12)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MILLISECOND = datetime.timedelta(milliseconds=1)
CASES = [
    pytest.param(api, version, id=f"{api.name}-{version}")
    for api in APIS
    for version in range(api.versions.first, api.versions.last + 1)
    if api.serves(version)
]


def kio_kind(api: Api, version: int, suffix: str) -> Any:
    package = f"kio.schema.{api_key_map[api.key]}.v{version}.{suffix.lower()}"
    return getattr(import_module(package), api.name + suffix)


def as_number(value: Any) -> Any:
    """kio's times and error codes as the numbers on the wire."""
    if isinstance(value, datetime.timedelta):
        return value // MILLISECOND
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MILLISECOND
    return value.value if isinstance(value, Enum) else value


def assert_same(ours: Any, theirs: Any, version: int) -> None:
    """All fields of the version have the same names, order and values."""
    names = [field.name for field, spec in specs_of(type(ours)) if version in spec.versions]
    their_names = [field.name for field in dataclasses.fields(theirs)]
    assert [name.removesuffix("_ms") for name in names] == [name.removesuffix("_ms") for name in their_names]
    for name, their_name in zip(names, their_names, strict=True):
        assert_same_value(getattr(ours, name), getattr(theirs, their_name), version)


def assert_same_value(ours: Any, theirs: Any, version: int) -> None:
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for our_element, their_element in zip(ours, theirs, strict=True):
            assert_same_value(our_element, their_element, version)
    elif dataclasses.is_dataclass(theirs):
        if ours is None:
            assert theirs == type(theirs)()
        else:
            assert_same(ours, theirs, version)
    elif theirs is None:
        assert ours in (None, ZERO_UUID, -1)
    else:
        assert ours == as_number(theirs)


def kio_bytes(message: Any) -> bytes:
    out = io.BytesIO()
    entity_writer(type(message))(out, message)
    return out.getvalue()


@pytest.mark.parametrize(("api", "version"), CASES)
def test_a_request_means_the_same_to_kio(random_messages: Any, api: Api, version: int) -> None:
    kind, kio = codec.request_type(api), kio_kind(api, version, "Request")
    for seed in SEEDS:
        ours = random_messages(seed).make(kind, version)
        frame = codec.encode_request(RequestHeader(api.key, version, seed, "me"), ours)
        header, position = read_request_header(frame[4:])
        assert header == (api.key, version, seed, "me")
        theirs, size_bytes = entity_reader(kio)(bytes(frame[4 + position :]), 0)
        assert 4 + position + size_bytes == len(frame)
        assert_same(ours, theirs, version)
        assert codec.decode_request(api.key, version, kio_bytes(theirs)) == ours


@pytest.mark.parametrize(("api", "version"), CASES)
def test_a_response_means_the_same_to_kio(random_messages: Any, api: Api, version: int) -> None:
    kind, kio = codec.response_type(api), kio_kind(api, version, "Response")
    header_bytes = 4 + api.response_header_version(version)
    for seed in SEEDS:
        ours = random_messages(seed).make(kind, version)
        frame = codec.encode_response(api.key, version, seed, ours)
        theirs, size_bytes = entity_reader(kio)(bytes(frame[4 + header_bytes :]), 0)
        assert 4 + header_bytes + size_bytes == len(frame)
        assert_same(ours, theirs, version)
        answer = frame[4 : 4 + header_bytes] + kio_bytes(theirs)
        assert codec.decode_response(api.key, version, answer) == (seed, ours)
