"""POLL: messages from the group's position, which then moves on.

Reading takes no lock, so two connections of one group may read the same messages; the one whose `advance`
comes first answers them, the other reads again. No message is answered twice, and none is left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from quekka.broker.fetch import wait_for_data
from quekka.broker.topic import Topic
from quekka.deadline import Deadline
from quekka.errors import QuekkaError
from quekka.protocols.text import replies, request
from quekka.protocols.text.render import MessageRenderer
from quekka.servers.text_handlers.messages import render_messages
from quekka.servers.text_session import TextSession

Positions = Sequence[tuple[int, int]]
"""Partition and offset to read, as the group coordinator gives them."""

_FIBONACCI_32 = 0x9E37_79B1  # 2**32 divided by the golden ratio, rounded to a prime


class Stretch(NamedTuple):
    """What was read from one partition: offsets, and the place of its messages among all.

    Threads: any; immutable.
    """

    partition: int
    from_offset: int
    to_offset: int
    start: int
    end: int


def poll(session: TextSession, asked: request.Poll) -> None:
    broker = session.broker
    deadline = Deadline(asked.timeout_ms / 1000, broker.clock)
    while True:
        topic = broker.topics.get(asked.topic)
        positions = broker.groups.positions(topic, asked.group, session.member)
        renderer = MessageRenderer(asked.max_messages, asked.max_bytes)
        has_moved = _read(session, topic, asked, positions, renderer)
        if renderer.count:
            session.records_out += renderer.count
            session.reply(renderer.reply())
            return
        if has_moved:
            continue
        if not asked.timeout_ms or not _wait(session, topic, asked, positions, deadline):
            session.reply(replies.EMPTY)
            return


def _read(
    session: TextSession, topic: Topic, asked: request.Poll, positions: Positions, renderer: MessageRenderer
) -> bool:
    """Collect messages that are then ours; whether any position has moved, by us or by another.

    Where one partition cannot be read, the others are; the error is raised when they have nothing.
    """
    stretches: list[Stretch] = []
    failure: QuekkaError | None = None
    for number, from_offset in _in_turn(positions):
        start = renderer.count
        try:
            to_offset = render_messages(topic.partition(number), from_offset, renderer)
        except QuekkaError as error:
            failure = failure or error.without_frames()
            continue
        if to_offset != from_offset:
            stretches.append(Stretch(number, from_offset, to_offset, start, renderer.count))
        if renderer.is_full:
            break
    if failure and not stretches:
        raise failure
    for stretch in reversed(stretches):
        if not _advance(session, topic, asked, stretch):
            renderer.cut_out(stretch.start, stretch.end)
    return bool(stretches)


def _in_turn(positions: Positions) -> Positions:
    """The positions, beginning with another one after each POLL that gave something.

    No partition may wait for ever behind one that always has enough for a whole reply. Whose turn it is
    follows from how far the group is, by Fibonacci hashing, which visits all of them evenly whatever the
    steps are.
    """
    offsets_sum = sum(offset for _, offset in positions)
    start = (offsets_sum * _FIBONACCI_32 & 0xFFFF_FFFF) * len(positions) >> 32
    return [*positions[start:], *positions[:start]]


def _advance(session: TextSession, topic: Topic, asked: request.Poll, stretch: Stretch) -> bool:
    return session.broker.groups.advance(
        topic, asked.group, session.member, stretch.partition, stretch.from_offset, stretch.to_offset
    )


def _wait(
    session: TextSession, topic: Topic, asked: request.Poll, positions: Positions, deadline: Deadline
) -> bool:
    """Wait for something to read; False when the time is over."""
    groups = session.broker.groups
    session.flush()
    return wait_for_data(
        session.broker,
        [(topic.partition(number), offset) for number, offset in positions],
        1,
        deadline,
        lambda: groups.positions(topic, asked.group, session.member) != positions,
        session.caller(),
    )
