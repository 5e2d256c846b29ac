"""Where quekka-consume writes to, and what it commits."""

import io
import os
from typing import BinaryIO

import pytest

from quekka.cli.output import RecordOutput
from quekka.cli.record_format import record_formatter
from quekka.client import ConsumerRecord, TopicPartition
from quekka.errors import NetworkError, QuekkaError, RebalanceInProgressError, UnknownMemberIdError

PARTITION = TopicPartition("t", 0)


class Committer:
    """A consumer of which only `commit` is used."""

    def __init__(self, stream: io.BytesIO, error: QuekkaError | None = None) -> None:
        self._stream = stream
        self._error = error
        self.commits: list[tuple[dict[TopicPartition, int], bytes]] = []

    def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.commits.append((dict(offsets), self._stream.getvalue()))
        if self._error is not None:
            raise self._error


class FullStream(io.BytesIO):
    """A stream whose reader has gone away."""

    def flush(self) -> None:
        raise BrokenPipeError


def records(*offsets: int) -> list[ConsumerRecord]:
    return [ConsumerRecord("t", 0, offset, 0, None, b"v%d" % offset) for offset in offsets]


def output(stream: BinaryIO, committer: Committer | None) -> RecordOutput:
    return RecordOutput(stream, record_formatter("value"), committer)  # type: ignore[arg-type]


def test_records_are_written_in_order() -> None:
    stream = io.BytesIO()
    output(stream, None).write(PARTITION, records(0, 1, 2))
    assert stream.getvalue() == b"v0\nv1\nv2\n"


def test_the_offset_to_read_next_is_committed_after_the_records_have_left() -> None:
    stream = io.BytesIO()
    committer = Committer(stream)
    writing = output(stream, committer)
    writing.write(PARTITION, records(5, 7))
    assert committer.commits == []
    writing.flush()
    assert committer.commits == [({PARTITION: 8}, b"v5\nv7\n")]


def test_a_reader_that_went_away_is_noticed_without_writing() -> None:
    reading, writing = os.pipe()
    with open(writing, "wb") as stream:
        writer = output(stream, None)
        writer.check_reader()
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            writer.check_reader()


def test_nothing_new_is_not_committed_again() -> None:
    stream = io.BytesIO()
    committer = Committer(stream)
    writing = output(stream, committer)
    writing.write(PARTITION, records(0))
    writing.flush()
    writing.flush()
    assert len(committer.commits) == 1


def test_what_could_not_be_flushed_is_not_committed() -> None:
    stream = FullStream()
    committer = Committer(stream)
    writing = output(stream, committer)
    writing.write(PARTITION, records(0))
    with pytest.raises(BrokenPipeError):
        writing.flush()
    assert committer.commits == []


@pytest.mark.parametrize("error", [RebalanceInProgressError("moved"), UnknownMemberIdError("left")])
def test_a_partition_that_moved_to_another_member_is_let_go(error: QuekkaError) -> None:
    stream = io.BytesIO()
    writing = output(stream, Committer(stream, error))
    writing.write(PARTITION, records(0))
    writing.flush()


def test_any_other_failure_to_commit_is_told() -> None:
    stream = io.BytesIO()
    writing = output(stream, Committer(stream, NetworkError("gone")))
    writing.write(PARTITION, records(0))
    with pytest.raises(NetworkError):
        writing.flush()
