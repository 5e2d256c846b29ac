"""Tests of quekka.broker.wake."""

import os
import select
import threading

import pytest

from quekka.broker.wake import Wake, WakePool


def test_a_set_ends_the_wait_of_another_thread() -> None:
    wake = Wake()
    ended = threading.Event()

    def wait() -> None:
        wake.wait()
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    wake.set()
    thread.join()
    assert ended.is_set()


def test_sets_before_the_wait_count_once() -> None:
    wake = Wake()
    for _ in range(3):
        wake.set()
    wake.wait()
    wake.wait(timeout_s=0)
    wake.set()
    wake.wait()


def test_sets_beyond_what_a_pipe_holds_do_not_block() -> None:
    wake = Wake()
    for _ in range(70_000):
        wake.set()
    wake.wait()


def test_a_time_out_ends_a_wait_that_nobody_ends() -> None:
    Wake().wait(timeout_s=0.001)


def test_a_pool_gives_out_what_it_was_given() -> None:
    pool = WakePool()
    first = pool.take()
    pool.give_back(first)
    assert pool.take() is first
    assert pool.take() is not first


def test_descriptors_close_with_the_last_reference() -> None:
    pool = WakePool()
    wake = pool.take()
    descriptor = wake._read_fd
    pool.give_back(wake)
    pool.clear()
    wake.set()
    del wake
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_an_event_of_another_descriptor_ends_the_wait_and_takes_no_set_with_it() -> None:
    wake = Wake()
    other_read, other_write = os.pipe()
    try:
        os.write(other_write, b"x")
        assert wake.wait_with(other_read, select.POLLIN) == select.POLLIN
        wake.set()
        assert wake.wait_with(other_read, 0) == 0
        assert wake.wait_with(other_read, 0, timeout_s=0.001) == 0
        os.close(other_write)
        assert wake.wait_with(other_read, 0) == select.POLLHUP
    finally:
        os.close(other_read)
