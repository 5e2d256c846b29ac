"""APPEND: record batches as Kafka's clients make them."""

import pytest
from log_bench import batch_by
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.formats.compression import GZIP
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.text.request import Append, Publish
from quekka.servers.text_handlers.appending import payload_limit

NOW_MS = 1_700_000_000_000


def batch(*values: bytes, codec: int = 0) -> bytes:
    builder = BatchBuilder(NOW_MS)
    builder.append_values(values)
    return bytes(builder.build(codec))


def append(
    client: WireClient, payload: bytes, topic: str = "logs", partition: int = 0, options: str = ""
) -> str:
    return client.ask(f"APPEND {topic} {partition} {len(payload)} {options}".rstrip(), payload)


def values(client: WireClient, topic: str = "logs", partition: int = 0) -> list[bytes]:
    return [message.value for message in client.ask_messages(f"FETCH {topic} {partition} 0 10000")]


def test_batches_are_appended_and_the_first_offset_is_told(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=2")
    assert append(text_client, batch(b"a", b"b"), partition=1) == "+OK 0 1"
    assert append(text_client, batch(b"c") + batch(b"d", b"e"), partition=1, options="acks=1") == "+OK 2 1"
    assert values(text_client, partition=1) == [b"a", b"b", b"c", b"d", b"e"]


def test_a_topic_is_made_by_the_first_append(text_client: WireClient) -> None:
    assert append(text_client, batch(b"a"), topic="fresh") == "+OK 0 0"


def test_compressed_batches_are_kept_as_they_are_and_read_by_text_clients(text_client: WireClient) -> None:
    assert append(text_client, batch(*[b"same"] * 100, codec=GZIP)) == "+OK 0 0"
    assert values(text_client) == [b"same"] * 100


@pytest.mark.parametrize("size_bytes", [100, 70_000, 900_000])
def test_pipelined_appends_of_any_size_keep_their_order(text_client: WireClient, size_bytes: int) -> None:
    bodies = [bytes((65 + number,)) * size_bytes for number in range(12)]
    batches = [batch(body) for body in bodies]
    text_client.send_bytes(b"".join(b"APPEND logs 0 %d\r\n%b\r\n" % (len(each), each) for each in batches))
    assert [text_client.read_line() for _ in bodies] == [f"+OK {offset} 0" for offset in range(12)]
    for offset, body in enumerate(bodies):
        assert text_client.ask_messages(f"FETCH logs 0 {offset} 1")[0].value == body


def test_appends_that_come_together_are_one_group_and_each_has_its_own_offset(
    broker: Broker, text_client: WireClient
) -> None:
    bodies = [batch(b"a", b"b"), batch(b"c") + batch(b"d", b"e"), bytes(batch_by(7, 0, 2)), batch(b"f")]
    text_client.ask("CREATE logs")
    before = broker.core.metrics.snapshot()
    text_client.send_bytes(b"".join(b"APPEND logs 0 %d\r\n%b\r\n" % (len(each), each) for each in bodies))
    assert [text_client.read_line() for _ in bodies] == ["+OK 0 0", "+OK 2 0", "+OK 5 0", "+OK 7 0"]
    assert values(text_client) == [b"a", b"b", b"c", b"d", b"e", b"7/0", b"7/1", b"f"]
    after = broker.core.metrics.snapshot()
    assert after["records_in"] - before["records_in"] == 8
    assert after["appends"] - before["appends"] <= 3


def test_a_retry_is_answered_with_the_offset_of_the_first_try(text_client: WireClient) -> None:
    both = bytes(batch_by(7, 0, 2) + batch_by(7, 2))
    assert append(text_client, both) == "+OK 0 0"
    assert append(text_client, bytes(batch_by(7, 3))) == "+OK 3 0"
    assert append(text_client, both) == "+OK 0 0"
    assert append(text_client, bytes(batch_by(7, 2))) == "+OK 2 0"
    assert values(text_client) == [b"7/0", b"7/1", b"7/2", b"7/3"]


def test_pipelined_appends_of_producers_are_refused_one_by_one(text_client: WireClient) -> None:
    made = [batch_by(7, 0), batch_by(7, 2), batch_by(7, 1), batch_by(7, 0), batch_by(7, 1) + batch_by(7, 2)]
    text_client.send_bytes(b"".join(b"APPEND logs 0 %d\r\n%b\r\n" % (len(each), each) for each in made))
    first, gap, second, retry, mixed = [text_client.read_line() for _ in made]
    assert [first, second, retry] == ["+OK 0 0", "+OK 1 0", "+OK 0 0"]
    assert gap.startswith("-ERR OUT_OF_ORDER_SEQUENCE_NUMBER producer id 7, epoch 0: sequence 2 where 1")
    assert mixed.startswith("-ERR DUPLICATE_SEQUENCE_NUMBER 1 of 2 batches were appended before")
    assert values(text_client) == [b"7/0", b"7/1"]


def test_a_bad_append_among_good_ones_is_refused_alone(text_client: WireClient) -> None:
    good, bad = batch(b"good"), bytearray(batch(b"bad"))
    bad[-1] ^= 1
    text_client.send_bytes(
        b"".join(b"APPEND logs 0 %d\r\n%b" % (len(each), each) for each in (good, bad, good, b"", good))
    )
    replies = [text_client.read_line() for _ in range(5)]
    assert [reply.split(" ")[1] for reply in replies] == ["0", "CORRUPT_MESSAGE", "1", "INVALID_RECORD", "2"]
    assert values(text_client) == [b"good"] * 3


@pytest.mark.parametrize(
    ("topic", "partition", "word"),
    [
        ("__own", 0, "TOPIC_AUTHORIZATION_FAILED"),
        ("logs", 9, "UNKNOWN_TOPIC_OR_PARTITION"),
        ("lo/gs", 0, "INVALID_TOPIC_EXCEPTION"),
    ],
)
def test_what_cannot_be_appended_to_is_refused_with_its_word(
    text_client: WireClient, topic: str, partition: int, word: str
) -> None:
    text_client.ask("CREATE logs")
    assert append(text_client, batch(b"a"), topic, partition).startswith(f"-ERR {word} ")
    assert text_client.ask("PING") == "+OK PONG"


def test_acks_0_appends_and_says_nothing(text_client: WireClient) -> None:
    payloads = [batch(b"%d" % number) for number in range(50)]
    text_client.send_bytes(
        b"".join(b"APPEND logs 0 %d acks=0\r\n%b" % (len(each), each) for each in payloads)
    )
    assert append(text_client, batch(b"last")) == "+OK 50 0"
    assert values(text_client) == [*(b"%d" % number for number in range(50)), b"last"]


def test_a_batch_over_max_message_bytes_is_refused(text_client: WireClient) -> None:
    text_client.ask("CREATE logs max.message.bytes=1000")
    assert append(text_client, batch(b"x" * 2000)).startswith("-ERR MESSAGE_TOO_LARGE")
    assert append(text_client, batch(b"a") * 100) == "+OK 0 0"


def test_payloads_are_limited_before_they_are_received(broker: Broker) -> None:
    core = broker.core
    core.topics.create("small", settings={"max.message.bytes": "1000"})
    assert payload_limit(core, Publish("small", 5)) == 1000
    assert payload_limit(core, Publish("fresh", 5)) == 1_048_588
    assert payload_limit(core, Append("small", 0, 5)) == core.config.socket_request_max_bytes
