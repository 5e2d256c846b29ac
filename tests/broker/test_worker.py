"""Tests of quekka.broker.worker."""

import logging
import threading

import pytest

from quekka.broker.worker import Worker


def test_jobs_are_done_in_order_and_all_before_stop_returns() -> None:
    done: list[int] = []
    worker = Worker("quekka-test")
    assert all(worker.submit(lambda number=number: done.append(number)) for number in range(100))
    worker.stop()
    assert done == list(range(100))


def test_no_thread_before_the_first_job() -> None:
    worker = Worker("quekka-unused")
    assert "quekka-unused" not in [thread.name for thread in threading.enumerate()]
    worker.stop()


def test_a_job_that_fails_is_logged_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []
    worker = Worker("quekka-test")
    with caplog.at_level(logging.ERROR):
        worker.submit(lambda: 1 / 0)
        worker.submit(lambda: done.append("next"))
        worker.stop()
    assert done == ["next"]
    assert "quekka-test" in caplog.text


def test_a_stopped_worker_takes_no_job() -> None:
    worker = Worker("quekka-test")
    worker.stop()
    assert not worker.submit(lambda: None)


def test_a_thread_that_cannot_be_started_is_tried_again_with_the_next_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    worker = Worker("quekka-test")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            worker.submit(lambda: done.append("refused"))
    assert worker.submit(lambda: done.append("next"))
    worker.stop()
    assert done == ["next"]


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
