import logging
import threading
from concurrent.futures import FIRST_EXCEPTION, as_completed, wait

import pytest
from fake_server import WAIT_S

from quekka.client import RecordMetadata
from quekka.client.delivery_future import DeliveryFuture, Outcome, settle
from quekka.errors import KafkaStorageError, QuekkaError

METADATA = RecordMetadata("logs", 0, 17, 1000)
ERROR = KafkaStorageError("no space")


@pytest.fixture
def mutex() -> threading.Lock:
    return threading.Lock()


@pytest.mark.parametrize("looked_at_before", [False, True], ids=["unseen", "looked-at"])
def test_a_result_is_what_was_settled(mutex: threading.Lock, looked_at_before: bool) -> None:
    future = DeliveryFuture(mutex)
    if looked_at_before:
        assert not future.running()
    assert not future.done()
    settle(mutex, [(future, METADATA)])
    assert future.done()
    assert future.result() == METADATA
    assert future.exception() is None


@pytest.mark.parametrize("looked_at_before", [False, True], ids=["unseen", "looked-at"])
def test_an_error_is_raised_by_result(mutex: threading.Lock, looked_at_before: bool) -> None:
    future = DeliveryFuture(mutex)
    if looked_at_before:
        assert not future.running()
    settle(mutex, [(future, ERROR)])
    assert future.exception() is ERROR
    with pytest.raises(KafkaStorageError, match="no space"):
        future.result()


def test_a_result_that_does_not_come_is_a_time_out(mutex: threading.Lock) -> None:
    with pytest.raises(TimeoutError):
        DeliveryFuture(mutex).result(timeout=0)


def test_it_cannot_be_cancelled(mutex: threading.Lock) -> None:
    future = DeliveryFuture(mutex)
    assert future.cancel() is False
    assert not future.cancelled()
    settle(mutex, [(future, METADATA)])
    assert future.result() == METADATA


def test_threads_that_wait_are_woken_whether_or_not_others_share_the_mutex(mutex: threading.Lock) -> None:
    futures = [DeliveryFuture(mutex) for _ in range(20)]
    results: list[RecordMetadata] = []
    started = threading.Barrier(len(futures) // 2 + 1)

    def get(future: DeliveryFuture) -> None:
        started.wait(WAIT_S)
        results.append(future.result(WAIT_S))

    threads = [threading.Thread(target=get, args=(future,)) for future in futures[::2]]
    for thread in threads:
        thread.start()
    started.wait(WAIT_S)
    outcomes: list[tuple[DeliveryFuture, Outcome]] = [
        (future, METADATA._replace(offset=offset)) for offset, future in enumerate(futures)
    ]
    settle(mutex, outcomes)
    for thread in threads:
        thread.join()
    assert sorted(metadata.offset for metadata in results) == list(range(0, 20, 2))
    assert [future.result().offset for future in futures] == list(range(20))


def test_the_functions_of_concurrent_futures_work(mutex: threading.Lock) -> None:
    first, second, third = futures = [DeliveryFuture(mutex) for _ in range(3)]
    settle(mutex, [(first, METADATA)])
    assert wait(futures, timeout=0).done == {first}
    settle(mutex, [(second, ERROR)])
    assert wait(futures, timeout=WAIT_S, return_when=FIRST_EXCEPTION).not_done == {third}
    threading.Thread(target=settle, args=(mutex, [(third, METADATA)])).start()
    assert set(as_completed(futures, timeout=WAIT_S)) == set(futures)
    assert wait(futures, timeout=WAIT_S).not_done == set()


def test_callbacks_are_called_once_before_and_after_the_outcome(mutex: threading.Lock) -> None:
    future = DeliveryFuture(mutex)
    called: list[str] = []
    future.add_done_callback(lambda done: called.append(f"before {done.result().offset}"))
    settle(mutex, [(future, METADATA)])
    future.add_done_callback(lambda done: called.append(f"after {done.result().offset}"))
    assert called == ["before 17", "after 17"]


@pytest.mark.parametrize(
    ("outcome", "expected"), [(METADATA, (None, METADATA)), (ERROR, (ERROR, None))], ids=["stored", "failed"]
)
def test_on_delivery_gets_the_error_or_the_metadata(
    mutex: threading.Lock, outcome: Outcome, expected: tuple[QuekkaError | None, RecordMetadata | None]
) -> None:
    future = DeliveryFuture(mutex)
    reports: list[tuple[QuekkaError | None, RecordMetadata | None]] = []
    future.call_on_delivery(lambda error, metadata: reports.append((error, metadata)))
    settle(mutex, [(future, outcome)])
    assert reports == [expected]


def test_a_callback_that_raises_is_logged_and_the_next_one_called(
    mutex: threading.Lock, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = DeliveryFuture(mutex), DeliveryFuture(mutex)
    called: list[RecordMetadata | None] = []

    def fail(error: QuekkaError | None, metadata: RecordMetadata | None) -> None:
        raise ZeroDivisionError("in a callback")

    first.call_on_delivery(fail)
    second.call_on_delivery(lambda error, metadata: called.append(metadata))
    with caplog.at_level(logging.ERROR):
        settle(mutex, [(first, METADATA), (second, METADATA)])
    assert called == [METADATA]
    assert "in a callback" in caplog.text
    assert first.result() == METADATA


def test_a_wrong_name_is_an_attribute_error(mutex: threading.Lock) -> None:
    assert not hasattr(DeliveryFuture(mutex), "get")
