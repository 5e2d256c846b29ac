"""Tests of quekka.broker.command_queue."""

import threading

import pytest

from quekka.broker.command_queue import CommandQueue
from quekka.broker.commands import BeginFlushCommand, RetireCommand, StopCommand
from quekka.broker.completion import Completion
from quekka.broker.wake import WakePool
from quekka.clock import ManualClock
from quekka.deadline import Deadline
from quekka.errors import ShuttingDownError, ThrottlingError

COMMAND = BeginFlushCommand()
STOPPING = ShuttingDownError("stopping")


def make_queue(bytes_max: int = 100) -> tuple[CommandQueue, list[str]]:
    started: list[str] = []
    return CommandQueue("logs", lambda: bytes_max, WakePool(), lambda: started.append("started")), started


def test_the_first_command_calls_for_a_server_and_the_next_does_not() -> None:
    commands, started = make_queue()
    commands.put(COMMAND)
    commands.put(COMMAND)
    assert started == ["started"]
    assert commands.take_all() == [COMMAND, COMMAND]


def test_a_server_that_left_is_called_for_again() -> None:
    commands, started = make_queue()
    commands.put(COMMAND)
    assert not commands.leave()
    commands.take_all()
    assert commands.leave()
    assert not commands.put_if_served(COMMAND)
    commands.put(COMMAND)
    assert started == ["started", "started"]


def test_a_full_queue_refuses_at_the_deadline_and_names_the_setting() -> None:
    commands, _ = make_queue(bytes_max=100)
    commands.put(COMMAND, 80)
    with pytest.raises(ThrottlingError, match=r"logs: 80 bytes .*queued\.max\.request\.bytes=100"):
        commands.put(COMMAND, 30, Deadline(0, ManualClock()))
    assert commands.queued_bytes == 80


def test_a_command_larger_than_the_bound_is_let_into_an_empty_queue() -> None:
    commands, _ = make_queue(bytes_max=100)
    commands.put(COMMAND, 1000)
    assert commands.queued_bytes == 1000


def test_who_waits_for_room_goes_on_when_it_is_released() -> None:
    commands, _ = make_queue(bytes_max=100)
    commands.put(COMMAND, 100)
    waiting = threading.Thread(target=commands.put, args=(COMMAND, 60))
    waiting.start()
    commands.release(100)
    waiting.join()
    assert commands.queued_bytes == 60


def test_many_producers_never_queue_more_than_the_bound() -> None:
    commands, _ = make_queue(bytes_max=100)
    seen_max = 0

    def produce() -> None:
        for _ in range(50):
            commands.put(COMMAND, 30)

    producers = [threading.Thread(target=produce) for _ in range(4)]
    for producer in producers:
        producer.start()
    taken = 0
    while taken < 200:
        group = commands.take_all()
        seen_max = max(seen_max, commands.queued_bytes)
        taken += len(group)
        commands.release(30 * len(group))
    for producer in producers:
        producer.join()
    assert seen_max <= 100
    assert commands.queued_bytes == 0


def test_a_closed_queue_ends_with_its_last_command_and_refuses_the_next() -> None:
    commands, _ = make_queue()
    last = StopCommand(Completion())
    commands.put(COMMAND)
    assert commands.close(last, STOPPING)
    with pytest.raises(ShuttingDownError, match="stopping"):
        commands.put(COMMAND)
    assert not commands.put_if_served(RetireCommand())
    assert commands.take_all() == [COMMAND, last]


def test_closing_a_queue_that_nobody_serves_starts_nobody() -> None:
    commands, started = make_queue()
    assert not commands.close(StopCommand(Completion()), STOPPING)
    assert started == []


def test_closing_wakes_those_who_wait_for_room() -> None:
    commands, _ = make_queue(bytes_max=10)
    commands.put(COMMAND, 10)
    refused: list[str] = []

    def put() -> None:
        try:
            commands.put(COMMAND, 5)
        except ShuttingDownError as error:
            refused.append(error.message)

    waiting = threading.Thread(target=put)
    waiting.start()
    commands.close(StopCommand(Completion()), STOPPING)
    waiting.join()
    assert refused == ["stopping"]
