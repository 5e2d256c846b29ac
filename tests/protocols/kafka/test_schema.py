"""quekka.protocols.kafka.schema: what the compiled functions do with good, old, torn and wrong messages."""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

import linecache
import re
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka.api_03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
)
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest, ApiVersionsResponse
from quekka.protocols.kafka.fields import INT16, INT64, array_of, boolean, int8, nullable_struct_of, string
from quekka.protocols.kafka.schema import reader_for, writer_for


@dataclass(slots=True)
class Place:
    row: int = int8("0+")
    name: str = string("1+", default="nowhere")


@dataclass(slots=True)
class Visit:
    is_first: bool = boolean("0-1")
    place: Place | None = nullable_struct_of(Place, "0+", nullable="0+")
    offsets: Any = array_of(INT64, "0+")
    codes: Any = array_of(INT16, "1+", tag=3)
    last: int = int8("2+", default=9, tag=1)


def written(message: Any, version: int, *, flexible: bool = True) -> bytes:
    out = bytearray()
    writer_for(type(message), version, flexible)(out, message)
    return bytes(out)


def read(kind: Any, version: int, data: bytes, *, flexible: bool = True) -> Any:
    return reader_for(kind, version, flexible)(data, 0)[0]


def test_a_message_is_laid_out_field_after_field() -> None:
    visit = Visit(True, Place(5), [1, 2])
    plain = b"\x01\x01\x05\x00\x00\x00\x02" + (1).to_bytes(8) + (2).to_bytes(8)
    assert written(visit, 0, flexible=False) == plain
    assert read(Visit, 0, plain, flexible=False) == Visit(True, Place(5), (1, 2))


def test_a_null_struct_is_one_byte() -> None:
    assert written(Visit(), 0, flexible=False) == b"\x00\xff\x00\x00\x00\x00"
    assert read(Visit, 0, b"\x00\xff\x00\x00\x00\x00", flexible=False) == Visit()


def test_a_field_that_the_version_lacks_is_not_written_and_takes_its_default() -> None:
    data = written(Visit(True, Place(1, "here"), last=4), 0)
    assert read(Visit, 0, data) == Visit(True, Place(1, "nowhere"), last=9)


def test_tagged_fields_are_written_in_order_where_they_are_not_default() -> None:
    assert written(Visit(), 2) == b"\xff\x01\x00"
    data = written(Visit(codes=[7], last=1), 2)
    assert data == b"\xff\x01\x02\x01\x01\x01\x03\x03\x02\x00\x07"
    assert read(Visit, 2, data) == Visit(codes=(7,), last=1)


def test_unknown_tagged_fields_are_passed_over() -> None:
    assert read(Visit, 2, b"\xff\x01\x03\x00\x02ab\x01\x01\x05\x63\x00") == Visit(last=5)


@pytest.mark.parametrize("size_bytes", [0, 2])
def test_a_known_tagged_field_of_the_wrong_size_is_refused(size_bytes: int) -> None:
    with pytest.raises(InvalidRequestError, match="tag 1 was to end at byte"):
        read(Visit, 2, b"\xff\x01\x01\x01" + bytes([size_bytes]) + b"\x05\x05\x05")


@pytest.mark.parametrize("flexible", [False, True])
def test_a_message_without_fields_is_empty(flexible: bool) -> None:
    version = 3 if flexible else 0
    data = written(ApiVersionsRequest(), version, flexible=flexible)
    assert data == (b"\x01\x01\x00" if flexible else b"")
    assert read(ApiVersionsRequest, version, data, flexible=flexible) == ApiVersionsRequest()


@pytest.mark.parametrize(
    ("kind", "version", "data", "message"),
    [
        (HeartbeatRequest, 0, b"\x00\x05abc", "HeartbeatRequest.group_id at byte 0: a length of 5, and 3"),
        (HeartbeatRequest, 0, b"\x00\x01a\x00", "HeartbeatRequest.generation_id at byte 3: the message ends"),
        (HeartbeatRequest, 0, b"\x00\x01\xff", "HeartbeatRequest.group_id at byte 0: the text is not UTF-8"),
        (
            MetadataRequest,
            0,
            b"\xff\xff\xff\xff",
            "MetadataRequest.topics at byte 4: an array of -1 elements",
        ),
        (MetadataRequest, 1, b"\x7f\xff\xff\xff", "MetadataRequest.topics at byte 4: an array of 2147483647"),
        (
            MetadataRequest,
            1,
            b"\x00\x00\x00\x01\x00\x09",
            "MetadataRequestTopic.name at byte 4: a length of 9",
        ),
    ],
)
def test_an_error_names_version_field_and_byte(kind: Any, version: int, data: bytes, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(kind, version, data, flexible=False)
    assert f"{kind.__name__} v{version}: {message}" in str(caught.value)


def test_an_array_is_refused_before_anything_is_read_of_it() -> None:
    """A million topics cannot be in eight bytes."""
    with pytest.raises(InvalidRequestError, match="1000000 elements, and 4 bytes are left"):
        read(MetadataRequest, 1, (1_000_000).to_bytes(4) + bytes(4), flexible=False)


def test_bytes_behind_the_last_field_are_left_alone() -> None:
    message, end = reader_for(MetadataRequest, 1, False)(b"\x00\x00\x00\x00more", 0)
    assert (message, end) == (MetadataRequest(()), 4)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (MetadataResponse(throttle_time_ms=2**31), "MetadataResponse.throttle_time_ms"),
        (MetadataResponse(brokers=None), "MetadataResponse.brokers"),  # type: ignore[arg-type]
        (MetadataResponse(brokers=[MetadataResponseBroker(host=None)]), "MetadataResponseBroker.host"),  # type: ignore[arg-type]
        (MetadataResponse(brokers=[MetadataResponseBroker(port="x")]), "MetadataResponseBroker.port"),  # type: ignore[arg-type]
        (MetadataResponse(cluster_id="\ud800"), "MetadataResponse.cluster_id"),
        (MetadataResponse(brokers=["localhost"]), "MetadataResponseBroker.node_id"),  # type: ignore[list-item]
    ],
)
def test_a_value_that_does_not_fit_is_named(message: MetadataResponse, field: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"MetadataResponse v9: {field}: ")):
        written(message, 9)


def test_null_is_written_only_where_the_version_allows_it() -> None:
    assert written(MetadataRequest(None), 1, flexible=False) == b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match=r"MetadataRequest v0: MetadataRequest\.topics"):
        written(MetadataRequest(None), 0, flexible=False)


def test_functions_are_compiled_once() -> None:
    assert reader_for(Visit, 1, True) is reader_for(Visit, 1, True)
    assert reader_for(Visit, 1, True) is not reader_for(Visit, 2, True)


def test_a_traceback_shows_the_compiled_source() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(MetadataRequest, 1, b"\x00\x00\x00\x01\x00\x09", flexible=False)
    shown = "".join(traceback.format_exception(caught.value))
    assert 'File "<kafka read MetadataRequest v1>"' in shown
    assert "name, pos = read_string(buf, pos)" in shown
    linecache.checkcache()
    assert linecache.getline("<kafka read MetadataRequest v1>", 1).startswith("def read_MetadataRequestTopic")


def test_any_sequence_is_written_and_a_tuple_is_read() -> None:
    for topics in ([MetadataRequestTopic(name="a")], (MetadataRequestTopic(name="a"),)):
        assert read(MetadataRequest, 9, written(MetadataRequest(topics), 9)).topics == (
            MetadataRequestTopic(name="a"),
        )


def test_a_response_with_features_keeps_them_in_tagged_fields() -> None:
    assert written(ApiVersionsResponse(), 3) == b"\x00\x00\x01\x00\x00\x00\x00\x00"
    data = written(ApiVersionsResponse(finalized_features_epoch=5, zk_migration_ready=True), 3)
    assert data[-14:] == b"\x02\x01\x08" + (5).to_bytes(8) + b"\x03\x01\x01"
