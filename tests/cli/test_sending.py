"""The records that quekka-produce has under way, with a producer that answers as it is told."""

from concurrent.futures import Future

import pytest

from quekka.cli import sending as sending_module
from quekka.cli.common import Exit
from quekka.cli.record_input import InputRecord
from quekka.cli.sending import COMPLAINTS_MAX, Sending
from quekka.client import RecordMetadata
from quekka.errors import (
    MessageTooLargeError,
    NetworkError,
    QuekkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

Answer = Future[RecordMetadata]


class Producer:
    """Keeps the futures it gave out; `flush` answers what has no answer yet."""

    def __init__(self, refusal: QuekkaError | None = None) -> None:
        self._refusal = refusal
        self.futures: list[Answer] = []
        self.sent: list[tuple[str, bytes | None, dict[str, object]]] = []

    def send(self, topic: str, value: bytes | None, **options: object) -> Answer:
        if self._refusal is not None:
            raise self._refusal
        self.sent.append((topic, value, options))
        self.futures.append(Answer())
        return self.futures[-1]

    def flush(self) -> None:
        for offset, future in enumerate(self.futures):
            if not future.done():
                future.set_result(RecordMetadata("t", 0, offset, 0))


def sending(producer: Producer, *, show_offsets: bool = False) -> Sending:
    return Sending(producer, "t", show_offsets=show_offsets)  # type: ignore[arg-type]


def test_a_record_is_sent_with_all_it_has() -> None:
    producer = Producer()
    sending(producer).send("line 1", InputRecord(b"v", b"k", (("a", b"1"),), 2, 3))
    options = {"key": b"k", "partition": 2, "timestamp_ms": 3, "headers": (("a", b"1"),)}
    assert producer.sent == [("t", b"v", options)]


def test_settling_counts_the_answers() -> None:
    under_way = sending(Producer())
    for number in range(3):
        under_way.send(f"line {number}", InputRecord(b"v"))
    assert under_way.records_sent == 0
    under_way.settle()
    assert (under_way.records_sent, under_way.records_failed, under_way.exit_code) == (3, 0, Exit.OK)


def test_offsets_are_printed_in_the_order_of_the_input(capsys: pytest.CaptureFixture[str]) -> None:
    producer = Producer()
    under_way = sending(producer, show_offsets=True)
    under_way.send("line 1", InputRecord(b"a"))
    under_way.send("line 2", InputRecord(b"b"))
    producer.futures[1].set_result(RecordMetadata("t", 1, 70, 0))
    under_way.settle_answered()
    assert under_way.records_sent == 0
    under_way.settle()
    assert capsys.readouterr().out == "0 0\n1 70\n"


def test_a_refused_record_is_named_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    producer = Producer()
    under_way = sending(producer)
    under_way.send("line 1", InputRecord(b"a"))
    under_way.send("line 2", InputRecord(b"b"))
    producer.futures[0].set_exception(MessageTooLargeError("too large"))
    under_way.settle()
    assert capsys.readouterr().err.endswith(": line 1: MESSAGE_TOO_LARGE: too large\n")
    assert (under_way.records_sent, under_way.records_failed) == (1, 1)
    assert (under_way.exit_code, under_way.stopped) == (Exit.RECORDS_FAILED, False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(NetworkError("gone"), Exit.BROKER_UNREACHABLE, id="broker away"),
        pytest.param(UnknownTopicOrPartitionError("t"), Exit.NOT_FOUND, id="no topic"),
        pytest.param(TopicAuthorizationFailedError("t"), Exit.BROKER_REFUSED, id="the broker's own topic"),
    ],
)
def test_a_failure_that_all_will_share_stops(error: QuekkaError, code: Exit) -> None:
    under_way = sending(Producer(error))
    under_way.send("line 1", InputRecord(b"a"))
    assert (under_way.stopped, under_way.exit_code, under_way.records_failed) == (True, code, 1)


def test_once_stopped_a_lesser_failure_changes_nothing() -> None:
    producer = Producer()
    under_way = sending(producer)
    under_way.send("line 1", InputRecord(b"a"))
    under_way.send("line 2", InputRecord(b"b"))
    producer.futures[0].set_exception(NetworkError("gone"))
    producer.futures[1].set_exception(MessageTooLargeError("too large"))
    under_way.settle()
    assert (under_way.stopped, under_way.exit_code) == (True, Exit.BROKER_UNREACHABLE)


def test_many_failures_are_not_all_described(capsys: pytest.CaptureFixture[str]) -> None:
    under_way = sending(Producer(MessageTooLargeError("too large")))
    for number in range(COMPLAINTS_MAX + 5):
        under_way.send(f"line {number}", InputRecord(b"a"))
    assert len(capsys.readouterr().err.splitlines()) == COMPLAINTS_MAX
    assert under_way.records_failed == COMPLAINTS_MAX + 5


def test_the_number_of_awaited_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_module, "PENDING_MAX", 2)
    producer = Producer()
    under_way = sending(producer)
    under_way.send("line 1", InputRecord(b"a"))
    under_way.send("line 2", InputRecord(b"b"))
    producer.futures[0].set_result(RecordMetadata("t", 0, 0, 0))
    under_way.send("line 3", InputRecord(b"c"))
    assert under_way.records_sent == 1
