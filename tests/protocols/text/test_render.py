"""Records as messages: every option, every limit."""

import pytest

from quekka.formats.record import RawRecord
from quekka.protocols.text.render import MessageRenderer

BIG = 10**9

RECORDS: dict[str, tuple[RawRecord, bytes]] = {
    "plain": ((41, 1700, None, b"hello", ()), b"3 41 1700 5\r\nhello\r\n"),
    "empty": ((41, 1700, None, b"", ()), b"3 41 1700 0\r\n\r\n"),
    "key": ((41, 1700, b"user 42", b"v", ()), b"3 41 1700 1 key=user%2042\r\nv\r\n"),
    "empty_key": ((41, 1700, b"", b"v", ()), b"3 41 1700 1 key=\r\nv\r\n"),
    "tombstone": ((41, 1700, b"k", None, ()), b"3 41 1700 0 key=k null=1\r\n\r\n"),
    "null_without_key": ((41, 1700, None, None, ()), b"3 41 1700 0 null=1\r\n\r\n"),
    "headers": (
        (41, 1700, None, b"v", (("a", b"1"), ("b c=", b"\r\n"), ("é", None))),
        b"3 41 1700 1 header.a=1 header.b%20c%3D=%0D%0A header.%C3%A9=\r\nv\r\n",
    ),
    "no_timestamp": ((41, -1, None, b"v", ()), b"3 41 -1 1\r\nv\r\n"),
    "payload_with_line_ends": ((41, 1700, None, b"\r\n+OK\r\n", ()), b"3 41 1700 7\r\n\r\n+OK\r\n\r\n"),
}


@pytest.mark.parametrize(("record", "message"), RECORDS.values(), ids=RECORDS)
def test_a_record_is_shown_as_the_contract_says(record: RawRecord, message: bytes) -> None:
    renderer = MessageRenderer(10, BIG)
    assert renderer.add(3, [record]) is None
    assert renderer.reply() == b"+MESSAGES 1\r\n" + message
    assert renderer.size_bytes == len(message)


def plain(*offsets: int, size_bytes: int = 5) -> list[RawRecord]:
    return [(offset, 1700, None, b"x" * size_bytes, ()) for offset in offsets]


def offsets(renderer: MessageRenderer) -> list[int]:
    return [int(line.split()[1]) for line in renderer.reply().split(b"\r\n")[1::2] if line]


def test_no_more_messages_are_taken_than_asked_for() -> None:
    renderer = MessageRenderer(3, BIG)
    assert renderer.add(0, plain(0, 1)) is None
    assert not renderer.is_full
    assert renderer.add(0, plain(2, 3, 4)) == 3
    assert renderer.is_full
    assert offsets(renderer) == [0, 1, 2]


def test_exactly_as_many_as_asked_for_leave_nothing_out() -> None:
    renderer = MessageRenderer(3, BIG)
    assert renderer.add(0, plain(0, 1, 2)) is None
    assert renderer.is_full


def test_no_more_bytes_are_taken_than_asked_for() -> None:
    size_bytes = len(b"0 0 1700 5\r\nxxxxx\r\n")
    renderer = MessageRenderer(100, 2 * size_bytes)
    assert renderer.add(0, plain(0, 1, 2)) == 2
    assert offsets(renderer) == [0, 1]
    renderer = MessageRenderer(100, 2 * size_bytes - 1)
    assert renderer.add(0, plain(0, 1, 2)) == 1


def test_the_first_message_is_taken_however_large() -> None:
    renderer = MessageRenderer(100, 10)
    assert renderer.add(0, plain(0, 1, size_bytes=1000)) == 1
    assert renderer.count == 1
    assert renderer.is_full


def test_room_is_what_max_bytes_leaves_and_never_none_for_the_first() -> None:
    renderer = MessageRenderer(100, 100)
    assert renderer.room_bytes == 100
    renderer.add(0, plain(0))
    assert renderer.room_bytes == 100 - renderer.size_bytes


def test_cut_messages_are_gone_and_give_their_room_back() -> None:
    renderer = MessageRenderer(100, BIG)
    renderer.add(0, plain(0, 1))
    before_bytes = renderer.size_bytes
    renderer.add(1, plain(2, 3))
    renderer.add(2, plain(4))
    renderer.cut_out(2, 4)
    assert offsets(renderer) == [0, 1, 4]
    renderer.cut_out(2)
    assert offsets(renderer) == [0, 1]
    assert renderer.size_bytes == before_bytes


def test_damage_in_the_middle_keeps_the_count_right() -> None:
    def damaged() -> object:
        yield from plain(0, 1)
        raise ValueError("damage")

    renderer = MessageRenderer(100, BIG)
    with pytest.raises(ValueError, match="damage"):
        renderer.add(0, damaged())  # type: ignore[arg-type]
    assert renderer.size_bytes == sum(map(len, renderer.reply().split(b"\r\n", 1)[1:]))


def test_no_message_at_all_is_a_count_of_none() -> None:
    assert MessageRenderer(100, BIG).count == 0
