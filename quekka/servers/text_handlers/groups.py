"""SUBSCRIBE, UNSUBSCRIBE, COMMIT, SEEK, GROUPS, GROUP, DELETEGROUP."""

from collections.abc import Iterator

from quekka.broker.group import GroupDescription
from quekka.protocols.text import replies, request
from quekka.servers.text_session import TextSession


def subscribe(session: TextSession, asked: request.Subscribe) -> None:
    broker = session.broker
    topic = broker.topics.get(asked.topic)
    session.has_memberships = True
    session.reply(replies.ok(*broker.groups.subscribe(topic, asked.group, session.member, asked.start)))


def unsubscribe(session: TextSession, asked: request.Unsubscribe) -> None:
    session.broker.groups.unsubscribe(asked.topic, asked.group, session.member)
    session.reply(replies.OK)


def commit(session: TextSession, asked: request.Commit) -> None:
    broker = session.broker
    topic = broker.topics.get(asked.topic)
    offset = broker.groups.commit(topic, asked.group, session.member, asked.offset, asked.partition)
    session.reply(replies.ok(offset))


def seek(session: TextSession, asked: request.Seek) -> None:
    broker = session.broker
    topic = broker.topics.get(asked.topic)
    offset = broker.groups.seek(topic, asked.group, session.member, asked.where, asked.partition)
    session.reply(replies.ok(offset))


def list_groups(session: TextSession, _asked: request.Groups) -> None:
    session.reply(replies.ok_encoded(session.broker.groups.names()))


def describe_group(session: TextSession, asked: request.Group) -> None:
    described = session.broker.groups.describe(asked.group, asked.topic)
    session.reply(replies.ok_values(_group_values(described)))


def delete_group(session: TextSession, asked: request.DeleteGroup) -> None:
    session.broker.groups.delete(asked.group)
    session.reply(replies.ok_encoded([asked.group]))


def _group_values(described: GroupDescription) -> Iterator[tuple[str, object]]:
    yield "group", described.group
    yield "state", described.state
    yield "members", len(described.members)
    for index, member in enumerate(described.members):
        yield f"member.{index}", member.member_id
    for lag in described.partitions:
        place = f"{lag.topic}/{lag.partition}"
        yield f"{place}.committed", lag.committed
        yield f"{place}.position", lag.position
        yield f"{place}.end", lag.end
        yield f"{place}.lag", lag.lag
