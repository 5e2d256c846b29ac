"""Connections are counted, and no more are let in than the limit."""

import threading

from quekka.servers.connection_slots import ConnectionSlots


def test_slots_are_taken_up_to_the_limit_and_given_back() -> None:
    slots = ConnectionSlots()
    assert [slots.take(2), slots.take(2), slots.take(2)] == [True, True, False]
    assert slots.in_use == 2
    slots.give_back()
    assert slots.take(2)


def test_a_lowered_limit_lets_nobody_in_until_there_is_room() -> None:
    slots = ConnectionSlots()
    for _ in range(3):
        slots.take(3)
    slots.give_back()
    assert not slots.take(1)
    assert slots.in_use == 2


def test_every_change_is_told() -> None:
    told: list[int] = []
    slots = ConnectionSlots(told.append)
    slots.take(2)
    slots.take(2)
    slots.take(2)
    slots.give_back()
    assert told == [1, 2, 1]


def test_threads_at_once_never_take_more_than_the_limit() -> None:
    slots = ConnectionSlots()
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(slots.take(50) for _ in range(20))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == slots.in_use == 50
