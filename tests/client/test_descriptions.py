import pytest

from quekka.client import PartitionDescription, PartitionLag
from quekka.client.descriptions import group_description, topic_description
from quekka.client.reply import ReplyFields, parse_reply_line
from quekka.errors import UnknownServerError


def fields(text: str) -> ReplyFields:
    return parse_reply_line(b"+OK " + text.encode()).fields()


def test_a_topic_is_read_from_info() -> None:
    topic = topic_description(
        fields(
            "topic=logs topic_id=0f-1 partitions=2 internal=false size_bytes=300 segments=3"
            " 0.log_start_offset=5 0.log_end_offset=9 0.size_bytes=100 0.segments=1"
            " 1.log_start_offset=0 1.log_end_offset=7 1.size_bytes=200 1.segments=2"
        )
    )
    assert (topic.name, topic.topic_id, topic.is_internal) == ("logs", "0f-1", False)
    assert (topic.size_bytes, topic.segments) == (300, 3)
    assert topic.partitions == (
        PartitionDescription(0, log_start_offset=5, log_end_offset=9, size_bytes=100, segments=1),
        PartitionDescription(1, log_start_offset=0, log_end_offset=7, size_bytes=200, segments=2),
    )


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(UnknownServerError, match="segments"):
        topic_description(fields("topic=logs topic_id=0 partitions=0 internal=false size_bytes=0"))


def test_a_group_is_read_from_group() -> None:
    group = group_description(
        fields(
            "group=a%20b state=Stable members=2 member.0=text-1 member.1=m%3D2"
            " logs/0.committed=5 logs/0.position=7 logs/0.end=9 logs/0.lag=4"
            " x.y_z-1/12.committed=-1 x.y_z-1/12.position=-1 x.y_z-1/12.end=3 x.y_z-1/12.lag=3"
        )
    )
    assert (group.group, group.state, group.members) == ("a b", "Stable", ("text-1", "m=2"))
    assert group.partitions == (
        PartitionLag("logs", 0, committed=5, position=7, end_offset=9, lag=4),
        PartitionLag("x.y_z-1", 12, committed=None, position=None, end_offset=3, lag=None),
    )


def test_a_group_that_does_not_exist_is_dead_and_empty() -> None:
    group = group_description(fields("group=g state=Dead members=0"))
    assert (group.state, group.members, group.partitions) == ("Dead", (), ())
