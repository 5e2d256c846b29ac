"""CREATE, DELETE, TOPICS, INFO, CONFIG, DELETERECORDS."""

import pytest
from wire_client import WireClient


def values(reply: str) -> dict[str, str]:
    """The name=value pairs of a reply."""
    assert reply.startswith("+OK "), reply
    return dict(word.split("=", 1) for word in reply.split(" ")[1:])


def test_a_topic_is_made_listed_and_deleted(text_client: WireClient) -> None:
    assert text_client.ask("TOPICS") == "+OK"
    assert text_client.ask("CREATE zebra") == "+OK zebra"
    assert text_client.ask("CREATE ant partitions=3 retention.ms=1000") == "+OK ant"
    assert text_client.ask("TOPICS") == "+OK ant zebra"
    assert text_client.ask("DELETE zebra") == "+OK zebra"
    assert text_client.ask("TOPICS") == "+OK ant"


def test_the_brokers_own_topics_are_not_listed_and_can_be_read(text_client: WireClient) -> None:
    text_client.ask("CREATE logs")
    text_client.ask("SUBSCRIBE logs group")
    assert text_client.ask("TOPICS") == "+OK logs"
    assert values(text_client.ask("INFO __consumer_offsets"))["internal"] == "true"
    assert text_client.ask_messages("FETCH __consumer_offsets 0 0") != []


REFUSED = {
    "create_twice": ("CREATE logs", "TOPIC_ALREADY_EXISTS"),
    "create_collision": ("CREATE lo.gs", None),
    "create_own": ("CREATE __mine", "TOPIC_AUTHORIZATION_FAILED"),
    "create_no_partitions": ("CREATE other partitions=0", "INVALID_PARTITIONS"),
    "create_unknown_setting": ("CREATE other colour=red", "INVALID_CONFIG"),
    "create_bad_value": ("CREATE other retention.ms=soon", "INVALID_CONFIG"),
    "delete_none": ("DELETE other", "UNKNOWN_TOPIC_OR_PARTITION"),
    "delete_own": ("DELETE __consumer_offsets", "TOPIC_AUTHORIZATION_FAILED"),
    "info_none": ("INFO other", "UNKNOWN_TOPIC_OR_PARTITION"),
    "info_no_partition": ("INFO logs partition=7", "UNKNOWN_TOPIC_OR_PARTITION"),
    "config_none": ("CONFIG other", "UNKNOWN_TOPIC_OR_PARTITION"),
    "config_unknown_setting": ("CONFIG logs colour=red", "INVALID_CONFIG"),
    "config_fewer_partitions": ("CONFIG logs partitions=1", "INVALID_PARTITIONS"),
    "config_own": ("CONFIG __consumer_offsets retention.ms=1", "TOPIC_AUTHORIZATION_FAILED"),
    "delete_records_own": ("DELETERECORDS __consumer_offsets 0 1", "TOPIC_AUTHORIZATION_FAILED"),
    "delete_records_beyond": ("DELETERECORDS logs 0 99", "OFFSET_OUT_OF_RANGE"),
    "delete_records_none": ("DELETERECORDS other 0 1", "UNKNOWN_TOPIC_OR_PARTITION"),
}


@pytest.mark.parametrize(("line", "word"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_its_word(
    text_client: WireClient, line: str, word: str | None
) -> None:
    text_client.ask("CREATE logs partitions=2")
    text_client.ask("SUBSCRIBE logs group")
    reply = text_client.ask(line)
    assert reply.startswith(f"-ERR {word} " if word else "+OK")


def test_info_shows_the_topic_and_each_partition(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=2")
    text_client.publish("logs", b"hello", "partition=1")
    info = values(text_client.ask("INFO logs"))
    assert list(info)[:6] == ["topic", "topic_id", "partitions", "internal", "size_bytes", "segments"]
    assert list(info)[6:10] == ["0.log_start_offset", "0.log_end_offset", "0.size_bytes", "0.segments"]
    assert (info["topic"], info["partitions"], info["internal"]) == ("logs", "2", "false")
    assert (info["0.log_end_offset"], info["1.log_end_offset"]) == ("0", "1")
    assert info["size_bytes"] == info["1.size_bytes"] != "0"


def test_info_of_a_partition_shows_its_log(text_client: WireClient) -> None:
    text_client.publish("logs", b"hello", "timestamp=1700000000000")
    info = values(text_client.ask("INFO logs partition=0"))
    names = "topic partition log_start_offset log_end_offset size_bytes segments recovery_point max_timestamp"
    assert list(info) == names.split()
    assert info["log_end_offset"] == "1"
    assert info["max_timestamp"] == "1700000000000"


def test_config_shows_settings_and_changes_them(text_client: WireClient) -> None:
    text_client.ask("CREATE logs retention.ms=1000")
    assert values(text_client.ask("CONFIG logs"))["retention.ms"] == "1000"
    changed = values(text_client.ask("CONFIG logs retention.ms=2000 max.message.bytes=500 partitions=3"))
    assert (changed["retention.ms"], changed["max.message.bytes"]) == ("2000", "500")
    assert values(text_client.ask("INFO logs"))["partitions"] == "3"
    assert text_client.ask("PUBLISH logs 600", b"x" * 600).startswith("-ERR MESSAGE_TOO_LARGE")


def test_config_changes_nothing_where_one_setting_cannot_be(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=2")
    before = text_client.ask("CONFIG logs")
    text_client.ask("CONFIG logs retention.ms=5 colour=red partitions=4")
    assert text_client.ask("CONFIG logs") == before
    text_client.ask("CONFIG logs retention.ms=5 partitions=1")
    assert text_client.ask("CONFIG logs") == before


def test_deleted_records_are_gone_and_the_log_starts_after_them(text_client: WireClient) -> None:
    for number in range(3):
        text_client.publish("logs", b"%d" % number)
    assert text_client.ask("DELETERECORDS logs 0 2") == "+OK 2"
    assert text_client.ask("FETCH logs 0 1").startswith("-ERR OFFSET_OUT_OF_RANGE")
    assert [message.value for message in text_client.ask_messages("FETCH logs 0 2")] == [b"2"]
