"""From the log to messages: what is damaged, hidden or compressed."""

from collections.abc import Callable

import pytest

from quekka.errors import CorruptMessageError, KafkaStorageError, OffsetOutOfRangeError, QuekkaError
from quekka.formats.compression import GZIP
from quekka.formats.crc32c import crc32c
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.text.render import MessageRenderer
from quekka.servers.text_handlers import messages
from quekka.servers.text_handlers.messages import render_messages

CONTROL = 0x20


def batch(base_offset: int, *values: bytes, codec: int = 0) -> bytearray:
    builder = BatchBuilder(1700)
    builder.append_values(values)
    built = builder.build(codec)
    built[:8] = base_offset.to_bytes(8, "big")
    return built


def sealed(data: bytearray) -> bytearray:
    """The batch with the CRC-32C of what is in it now."""
    data[17:21] = crc32c(data[21:]).to_bytes(4, "big")
    return data


class Slice:
    place = "0.log from byte 70"

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)

    def read(self) -> bytes:
        return self._data


class View:
    """A log in memory; one batch is one read."""

    def __init__(self, batches: list[bytearray], end: int) -> None:
        self._batches = batches
        self.log_end_offset = end
        self.sizes_asked: list[int] = []
        self.unreadable: dict[int, QuekkaError] = {}

    def read(self, offset: int, max_bytes: int) -> Slice:
        self.sizes_asked.append(max_bytes)
        if offset in self.unreadable:
            raise self.unreadable[offset]
        if not 0 <= offset <= self.log_end_offset:
            raise OffsetOutOfRangeError(f"offset {offset}")
        for data in self._batches:
            if int.from_bytes(data[:8], "big") + int.from_bytes(data[23:27], "big") >= offset:
                return Slice(bytes(data))
        return Slice(b"")


class OnePartition:
    """A partition as far as rendering looks at it."""

    topic_name = "logs"
    index = 3

    def __init__(self, batches: list[bytearray], end: int) -> None:
        self._view = View(batches, end)
        self.damage: list[tuple[int, str]] = []

    def view(self) -> View:
        return self._view

    def report_damage(self, offset: int, message: str) -> None:
        self.damage.append((offset, message))


@pytest.fixture
def render() -> Callable[..., tuple[int, list[int]]]:
    """Render a log: the offset to go on from and the offsets of the messages."""

    def run(
        batches: list[bytearray], end: int, offset: int = 0, max_messages: int = 100
    ) -> tuple[int, list[int]]:
        renderer = MessageRenderer(max_messages, 10**6)
        partition = OnePartition(batches, end)
        next_offset = render_messages(partition, offset, renderer)  # type: ignore[arg-type]
        lines = renderer.reply().split(b"\r\n")[1:-1:2]
        return next_offset, [int(line.split()[1]) for line in lines]

    return run


Render = Callable[..., tuple[int, list[int]]]


def test_batches_follow_each_other(render: Render) -> None:
    assert render([batch(0, b"a", b"b"), batch(2, b"c")], 3) == (3, [0, 1, 2])


def test_it_begins_within_a_batch_and_goes_on_from_where_it_was_full(render: Render) -> None:
    batches = [batch(0, b"a", b"b", b"c"), batch(3, b"d", b"e")]
    assert render(batches, 5, offset=1, max_messages=3) == (4, [1, 2, 3])
    assert render(batches, 5, offset=4) == (5, [4])


def test_the_end_is_the_end(render: Render) -> None:
    assert render([batch(0, b"a")], 1, offset=1) == (1, [])


def test_compressed_batches_are_read(render: Render) -> None:
    assert render([batch(0, b"a", b"b", codec=GZIP)], 2) == (2, [0, 1])


def test_control_batches_are_passed_over(render: Render) -> None:
    control = batch(1, b"marker")
    control[22] |= CONTROL
    assert render([batch(0, b"a"), sealed(control), batch(2, b"b")], 3) == (3, [0, 2])
    assert render([batch(0, b"a"), control], 2, offset=1) == (2, [])


def test_what_compaction_left_empty_is_passed_over(render: Render) -> None:
    assert render([batch(0, b"a"), batch(5, b"b")], 9) == (9, [0, 5])
    assert render([batch(0, b"a")], 9, offset=4) == (9, [])


def test_an_offset_that_is_not_there_is_an_error(render: Render) -> None:
    with pytest.raises(OffsetOutOfRangeError):
        render([batch(0, b"a")], 1, offset=2)


def damaged(base_offset: int) -> bytearray:
    data = batch(base_offset, b"a", b"b")
    data[-2] ^= 1
    return data


def malformed(base_offset: int) -> bytearray:
    """A client's batch with a right CRC-32C over records that are none."""
    data = batch(base_offset, b"a", b"b")
    data[-9] = 0x7F
    return sealed(data)


@pytest.mark.parametrize("spoil", [damaged, malformed])
def test_damage_is_reported_with_its_place_to_the_reader_and_to_the_operator(
    spoil: Callable[[int], bytearray],
) -> None:
    partition = OnePartition([batch(0, b"a", b"b"), spoil(2)], 4)
    where = r"topic logs partition 3 offset 2: 0\.log from byte 70: "
    with pytest.raises(CorruptMessageError, match=where) as raised:
        render_messages(partition, 2, MessageRenderer(100, 10**6))  # type: ignore[arg-type]
    assert partition.damage == [(2, raised.value.message)]


@pytest.mark.parametrize("spoil", [damaged, malformed])
def test_messages_before_the_damage_are_given_first(
    render: Render, spoil: Callable[[int], bytearray]
) -> None:
    assert render([batch(0, b"a", b"b"), spoil(2)], 4) == (2, [0, 1])


@pytest.mark.parametrize("kind", [CorruptMessageError, KafkaStorageError])
def test_messages_before_what_cannot_even_be_found_are_given_first(kind: type[QuekkaError]) -> None:
    """A batch header that is damaged, or a file that cannot be read: the log itself raises."""
    partition = OnePartition([batch(0, b"a", b"b"), batch(2, b"c")], 3)
    partition.view().unreadable[2] = kind("0.log: no record batch at byte 77")
    renderer = MessageRenderer(100, 10**6)
    assert render_messages(partition, 0, renderer) == 2  # type: ignore[arg-type]
    assert renderer.count == 2
    assert partition.damage == []
    with pytest.raises(kind, match=r"topic logs partition 3 offset 2: 0\.log: no record batch") as raised:
        render_messages(partition, 2, MessageRenderer(100, 10**6))  # type: ignore[arg-type]
    assert partition.damage == [(2, raised.value.message)]


def test_batches_whose_offsets_go_back_are_damage_and_no_endless_loop() -> None:
    """The base offset is outside the CRC-32C."""
    partition = OnePartition([batch(0, b"a") + batch(4, b"b") + batch(1, b"c")], 5)
    renderer = MessageRenderer(100, 10**6)
    assert render_messages(partition, 0, renderer) == 5  # type: ignore[arg-type]
    assert renderer.count == 2


def test_no_more_is_read_than_may_come() -> None:
    partition = OnePartition([batch(0, b"a")], 1)
    render_messages(partition, 0, MessageRenderer(10, 500))  # type: ignore[arg-type]
    render_messages(partition, 0, MessageRenderer(10, 10**9))  # type: ignore[arg-type]
    assert partition.view().sizes_asked[0] == 500
    assert max(partition.view().sizes_asked) == messages.PIECE_BYTES
