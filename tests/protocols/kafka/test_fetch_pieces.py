"""quekka.protocols.kafka.fetch_pieces: the same bytes as the field table gives, with the records left out."""

import dataclasses
from typing import Any

import pytest

from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_01_fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
)
from quekka.protocols.kafka.api_keys import FETCH
from quekka.protocols.kafka.fetch_pieces import Piece, response_pieces

VERSIONS = range(4, 13)


@dataclasses.dataclass(frozen=True)
class FileStretch:
    """Stands for records in a file."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.data)


def joined(pieces: list[Piece]) -> bytes:
    return b"".join(piece.data if isinstance(piece, FileStretch) else bytes(piece) for piece in pieces)


def with_records(response: FetchResponse, make: Any) -> FetchResponse:
    """The same response with `make(records)` in each partition."""
    topics = [
        FetchableTopicResponse(
            topic.topic,
            [dataclasses.replace(part, records=make(part.records)) for part in topic.partitions],
        )
        for topic in response.responses
    ]
    return dataclasses.replace(response, responses=topics)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pieces_make_the_response_of_the_field_table(random_messages: Any, version: int) -> None:
    for seed in range(40):
        response = random_messages(seed).make(FetchResponse, version)
        whole = with_records(response, lambda records: b"" if records is None else bytes(records))
        apart = with_records(
            response, lambda records: None if records is None else FileStretch(bytes(records))
        )
        expected = codec.encode_response(FETCH, version, seed, whole)
        assert joined(response_pieces(apart, version, seed)) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_records_stand_in_the_pieces_as_they_were_given(version: int) -> None:
    first, second = FileStretch(b"FIRST"), FileStretch(b"SECOND")
    partitions = [PartitionData(0, records=first), PartitionData(1), PartitionData(2, records=second)]
    response = FetchResponse(responses=[FetchableTopicResponse("logs", partitions)])
    pieces = response_pieces(response, version, 5)
    assert [piece for piece in pieces if isinstance(piece, FileStretch)] == [first, second]
    assert pieces[1] is first
    assert all(len(piece) for piece in pieces if isinstance(piece, bytearray))


def test_the_first_piece_tells_the_size_of_all() -> None:
    partition = PartitionData(0, records=FileStretch(b"x" * 100_000))
    pieces = response_pieces(FetchResponse(responses=[FetchableTopicResponse("logs", [partition])]), 12, 5)
    assert isinstance(pieces[0], bytearray)
    assert int.from_bytes(pieces[0][:4]) == len(joined(pieces)) - 4


def test_no_records_are_an_empty_set_and_not_null() -> None:
    response = FetchResponse(responses=[FetchableTopicResponse("logs", [PartitionData(0)])])
    (only,) = response_pieces(response, 11, 5)
    assert isinstance(only, bytearray)
    assert only.endswith(b"\x00\x00\x00\x00")
    decoded = codec.decode_response(FETCH, 11, only[4:])[1]
    assert decoded.responses[0].partitions[0].records == b""


def test_aborted_transactions_may_be_null_or_some() -> None:
    for aborted in (None, (), (AbortedTransaction(1, 2), AbortedTransaction(3, 4))):
        partition = PartitionData(0, aborted_transactions=aborted)
        response = FetchResponse(responses=[FetchableTopicResponse("logs", [partition])])
        for version in VERSIONS:
            frame = joined(response_pieces(response, version, 5))
            decoded = codec.decode_response(FETCH, version, frame[4:])[1]
            assert decoded.responses[0].partitions[0].aborted_transactions == aborted


@pytest.mark.parametrize(
    "partition",
    [
        PartitionData(2**31),
        PartitionData(0, error_code=None),  # type: ignore[arg-type]
        PartitionData(0, diverging_epoch=EpochEndOffset(2**40)),
    ],
    ids=["too-large", "none", "inside"],
)
def test_a_value_that_does_not_fit_is_named(partition: PartitionData) -> None:
    response = FetchResponse(responses=[FetchableTopicResponse("logs", [partition])])
    with pytest.raises(ValueError, match=r"FetchResponse v12|EpochEndOffset"):
        response_pieces(response, 12, 5)
