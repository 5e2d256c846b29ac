"""Kafka's own console tools, in Java, against a broker in this process and against our files.

They are skipped unless Kafka's jars are in the directory that QUEKKA_KAFKA_JARS names. To put them there:

    mvn -f tests/integration/kafka_tools_pom.xml dependency:copy-dependencies \\
        -DoutputDirectory=$QUEKKA_KAFKA_JARS -Dkafka.version=4.1.0
"""

import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from broker_helpers import batch_of
from kafka_member import KafkaMember
from kafka_tools import KafkaTools, jars_directory, why_not
from kafka_wire import KafkaWire
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.topic_name import OFFSETS_TOPIC

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

TOPIC = "logs"
BOTH_PARTITIONS = struct.pack(">hih4siiii", 0, 1, 4, b"logs", 2, 0, 1, -1)
"""A consumer's assignment, version 0: partitions 0 and 1 of topic logs, no user data."""


@pytest.fixture
def tools(broker: Broker) -> KafkaTools:
    return KafkaTools(jars_directory(), broker.address)


def fill(broker: Broker, partition: int, *values: bytes, timestamp_ms: int | None = None) -> None:
    now_ms = broker.core.clock.wall_ms() if timestamp_ms is None else timestamp_ms
    target = broker.core.topics.get(TOPIC).partition(partition)
    target.append([batch_of([*values], now_ms)], len(values)).wait()


def rows(table: str) -> list[list[str]]:
    """The words of each line that is not empty."""
    return [line.split() for line in table.splitlines() if line.strip()]


class TestTopics:
    """kafka-topics."""

    def test_a_topic_is_made_shown_enlarged_and_deleted(self, broker: Broker, tools: KafkaTools) -> None:
        tools.ask(
            "kafka-topics",
            "--create",
            "--topic",
            TOPIC,
            "--partitions",
            "2",
            "--config",
            "retention.ms=60000",
        )
        topic = broker.core.topics.get(TOPIC)
        assert (len(topic.partitions), topic.config.retention_ms) == (2, 60_000)
        shown = tools.ask("kafka-topics", "--describe", "--topic", TOPIC)
        assert re.search(r"PartitionCount: 2\s+ReplicationFactor: 1\s+Configs: retention.ms=60000", shown)
        assert len(re.findall(r"Leader: 1\s+Replicas: 1\s+Isr: 1", shown)) == 2
        tools.ask("kafka-topics", "--alter", "--topic", TOPIC, "--partitions", "5")
        assert len(broker.core.topics.get(TOPIC).partitions) == 5
        assert tools.ask("kafka-topics", "--list").split() == [TOPIC]
        tools.ask("kafka-topics", "--delete", "--topic", TOPIC)
        assert broker.core.topics.names() == []

    def test_what_cannot_be_is_refused_with_a_reason(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC, 3)
        assert "exists already" in tools.refused("kafka-topics", "--create", "--topic", TOPIC)
        fewer = tools.refused("kafka-topics", "--alter", "--topic", TOPIC, "--partitions", "2")
        assert f"topic {TOPIC} has 3 partitions" in fewer
        assert "does not exist" in tools.refused("kafka-topics", "--describe", "--topic", "nowhere")


class TestConsole:
    """kafka-console-producer and kafka-console-consumer."""

    @pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
    def test_what_is_produced_is_consumed(self, tools: KafkaTools, codec: str) -> None:
        lines = [f"line {number}" for number in range(100)]
        tools.ask(
            "kafka-console-producer", "--topic", TOPIC, "--compression-codec", codec, stdin="\n".join(lines)
        )
        assert self.consume(tools, len(lines)).splitlines() == lines

    def test_keys_and_headers_come_through(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC, 3)
        tools.ask(
            "kafka-console-producer", "--topic", TOPIC,
            "--property", "parse.key=true", "--property", "parse.headers=true",
            stdin="source:console\tbob\thello\nsource:console\talice\thi\n",
        )  # fmt: skip
        consumed = self.consume(tools, 2, "--property", "print.key=true", "--property", "print.headers=true")
        assert sorted(consumed.splitlines()) == [
            "source:console\talice\thi",
            "source:console\tbob\thello",
        ]

    def test_the_text_protocol_reads_what_java_wrote_and_the_other_way_round(
        self, broker: Broker, tools: KafkaTools, text_client: WireClient
    ) -> None:
        tools.ask("kafka-console-producer", "--topic", TOPIC, stdin="from java\n")
        text_client.send(f"FETCH {TOPIC} 0 0")
        (message,) = text_client.read_messages()
        assert message.value == b"from java"
        text_client.send_bytes(f"PUBLISH {TOPIC} 9\r\nfrom text".encode())
        assert text_client.read_line() == "+OK 1 0"
        assert self.consume(tools, 2).splitlines() == ["from java", "from text"]

    def test_a_group_goes_on_where_it_stopped(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC)
        fill(broker, 0, b"one", b"two")
        assert self.consume(tools, 2, "--group", "g").split() == ["one", "two"]
        fill(broker, 0, b"three")
        assert self.consume(tools, 1, "--group", "g").split() == ["three"]
        committed = broker.core.groups.offsets.committed("g", TOPIC, 0)
        assert committed is not None
        assert committed.offset == 3

    def consume(self, tools: KafkaTools, count: int, *options: str) -> str:
        return tools.ask(
            "kafka-console-consumer", "--topic", TOPIC, "--from-beginning",
            "--max-messages", str(count), "--timeout-ms", "30000", *options,
        )  # fmt: skip


class TestConsumerGroups:
    """kafka-consumer-groups."""

    @pytest.fixture(autouse=True)
    def groups(self, broker: Broker) -> None:
        """`g` has committed in both partitions and has no members."""
        broker.core.topics.create(TOPIC, 2)
        fill(broker, 0, b"a", b"b", b"c")
        fill(broker, 1, b"d")
        broker.core.groups.offsets.commit("g", {(TOPIC, 0): 1, (TOPIC, 1): 1})

    def committed(self, broker: Broker) -> list[int]:
        offsets = broker.core.groups.offsets.committed_by("g")
        return [offsets[place].offset for place in sorted(offsets)]

    def test_offsets_and_lag_are_shown(self, tools: KafkaTools) -> None:
        shown = rows(tools.ask("kafka-consumer-groups", "--describe", "--group", "g"))
        nobody = ["-", "-", "-"]
        assert ["g", TOPIC, "0", "1", "3", "2", *nobody] in shown
        assert ["g", TOPIC, "1", "1", "1", "0", *nobody] in shown

    def test_states_are_shown_and_groups_of_the_text_protocol_are_left_out(
        self, tools: KafkaTools, text_client: WireClient
    ) -> None:
        text_client.send(f"SUBSCRIBE {TOPIC} text")
        assert text_client.read_line() == "+OK 0 1"
        listed = rows(tools.ask("kafka-consumer-groups", "--list", "--state"))
        assert [(row[0], row[-1]) for row in listed if row[0] != "GROUP"] == [("g", "Empty")]
        state = tools.ask("kafka-consumer-groups", "--describe", "--group", "g", "--state")
        assert re.search(r"\bEmpty\s+0\b", state)

    def test_members_are_shown_with_what_they_read(self, broker: Broker, tools: KafkaTools) -> None:
        with KafkaWire(broker.host, broker.port, "me") as wire:
            member = KafkaMember(wire)
            member.join()
            member.sync({member.member_id: BOTH_PARTITIONS})
            shown = rows(tools.ask("kafka-consumer-groups", "--describe", "--group", "g", "--members"))
            assert ["g", member.member_id, "/127.0.0.1", "me", "2"] in shown

    RESETS: Sequence[tuple[Sequence[str], list[int]]] = (
        (["--to-earliest"], [0, 0]),
        (["--to-latest"], [3, 1]),
        (["--shift-by", "1"], [2, 1]),
        (["--to-datetime", "1970-01-01T00:00:00.000"], [0, 0]),
    )

    @pytest.mark.parametrize(("where", "offsets"), RESETS, ids=[" ".join(where) for where, _ in RESETS])
    def test_offsets_are_reset(
        self, broker: Broker, tools: KafkaTools, where: Sequence[str], offsets: list[int]
    ) -> None:
        tools.ask(
            "kafka-consumer-groups", "--reset-offsets", "--group", "g", "--topic", TOPIC, *where, "--execute"
        )
        assert self.committed(broker) == offsets

    def test_offsets_and_groups_are_deleted(self, broker: Broker, tools: KafkaTools) -> None:
        tools.ask("kafka-consumer-groups", "--delete-offsets", "--group", "g", "--topic", f"{TOPIC}:0")
        assert self.committed(broker) == [1]
        tools.ask("kafka-consumer-groups", "--delete", "--group", "g")
        assert broker.core.groups.names() == []

    def test_a_group_with_members_is_not_deleted(
        self, broker: Broker, tools: KafkaTools, text_client: WireClient
    ) -> None:
        text_client.send(f"SUBSCRIBE {TOPIC} g")
        assert text_client.read_line() == "+OK 0 1"
        refused = tools.refused("kafka-consumer-groups", "--delete", "--group", "g")
        assert "GroupNotEmptyException" in refused
        assert self.committed(broker) == [1, 1]


class TestGetOffsets:
    """kafka-get-offsets."""

    NOW_MS = 1_700_000_000_000
    # The tool leaves partitions out that have no such offset.
    TIMES: Sequence[tuple[str, Sequence[str]]] = (
        ("latest", ["logs:0:3", "logs:1:0"]),
        ("earliest", ["logs:0:1", "logs:1:0"]),
        ("max-timestamp", ["logs:0:1"]),
        (str(NOW_MS + 1), ["logs:0:1"]),
        (str(NOW_MS + 99), []),
    )

    @pytest.mark.parametrize(("time", "offsets"), TIMES, ids=[time for time, _ in TIMES])
    def test_offsets_are_shown(
        self, broker: Broker, tools: KafkaTools, time: str, offsets: Sequence[str]
    ) -> None:
        broker.core.topics.create(TOPIC, 2)
        for age_ms, value in ((0, b"gone"), (2, b"newest"), (1, b"late")):
            fill(broker, 0, value, timestamp_ms=self.NOW_MS + age_ms)
        broker.core.topics.get(TOPIC).partition(0).delete_records(1)
        assert tools.ask("kafka-get-offsets", "--topic", TOPIC, "--time", time).split() == list(offsets)


class TestDumpLog:
    """kafka-dump-log, on our files."""

    DAMAGE = ("mismatch", "Non-consecutive", "isvalid: false", "Exception", "corrupt")

    def dump(self, tools: KafkaTools, files: Sequence[Path], *options: str) -> str:
        shown = tools.run("kafka-dump-log", "--files", ",".join(map(str, files)), *options)
        for word in self.DAMAGE:
            assert word.lower() not in shown.lower(), shown
        return shown

    def test_logs_and_their_indexes_fit_together(self, broker: Broker, tools: KafkaTools) -> None:
        settings = {"segment.bytes": "16384", "index.interval.bytes": "256"}
        topic = broker.core.topics.create(TOPIC, 1, settings)
        for number in range(100):
            fill(broker, 0, b"%d" % number * 100, b"second", timestamp_ms=1_700_000_000_000 + number)
        directory = broker.core.data_dir.topic_directory(topic.name) / "0"
        broker.stop()
        logs = sorted(directory.glob("*.log"))
        assert len(logs) > 1
        shown = self.dump(tools, logs, "--deep-iteration", "--print-data-log")
        assert [int(found) for found in re.findall(r"\| offset: (\d+)", shown)] == list(range(200))
        assert len(re.findall(r"isvalid: true", shown)) == 100
        for suffix in ("index", "timeindex"):
            indexes = sorted(directory.glob(f"*.{suffix}"))
            assert len(indexes) == len(logs)
            assert self.dump(tools, indexes, "--index-sanity-check").count("passed sanity check") == len(logs)
            assert self.dump(tools, indexes).count("offset:") > len(logs)

    def test_what_a_producer_in_java_wrote_is_as_kafka_writes_it(
        self, broker: Broker, tools: KafkaTools
    ) -> None:
        tools.ask(
            "kafka-console-producer", "--topic", TOPIC, "--compression-codec", "lz4", stdin="one\ntwo\n"
        )
        directory = broker.core.data_dir.topic_directory(TOPIC) / "0"
        broker.stop()
        shown = self.dump(tools, sorted(directory.glob("*.log")), "--print-data-log")
        assert re.search(r"baseOffset: 0 .* magic: 2 compresscodec: lz4 .* isvalid: true", shown)
        assert re.findall(r"payload: (\w+)", shown) == ["one", "two"]
        producers = self.dump(tools, sorted(directory.glob("*.snapshot")))
        assert re.search(r"producerId: 0 producerEpoch: 0 .* lastSequence: 1 lastOffset: 1 ", producers)

    def test_committed_offsets_are_kafkas_records(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC, 8)
        broker.core.groups.offsets.commit("g", {(TOPIC, 7): 42})
        directory = broker.core.data_dir.topic_directory(OFFSETS_TOPIC) / "0"
        broker.stop()
        shown = self.dump(tools, sorted(directory.glob("*.log")), "--offsets-decoder")
        assert re.search(r'"group":"g","topic":"logs","partition":7', shown)
        assert re.search(r'"offset":42', shown)


class TestOtherTools:
    """What else a person types."""

    def test_settings_are_changed_and_shown(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC)
        where = ("--entity-type", "topics", "--entity-name", TOPIC)
        tools.ask("kafka-configs", "--alter", *where, "--add-config", "retention.ms=1000")
        assert broker.core.topics.get(TOPIC).config.retention_ms == 1000
        assert "retention.ms=1000" in tools.ask("kafka-configs", "--describe", *where)

    def test_records_are_deleted(self, broker: Broker, tools: KafkaTools, tmp_path: Path) -> None:
        broker.core.topics.create(TOPIC)
        fill(broker, 0, b"a", b"b", b"c")
        wanted = tmp_path / "delete.json"
        place = {"topic": TOPIC, "partition": 0, "offset": 2}
        wanted.write_text(json.dumps({"partitions": [place], "version": 1}))
        assert "low_watermark: 2" in tools.ask("kafka-delete-records", "--offset-json-file", str(wanted))
        assert broker.core.topics.get(TOPIC).partition(0).view().log_start_offset == 2

    def test_log_directories_are_shown(self, broker: Broker, tools: KafkaTools) -> None:
        broker.core.topics.create(TOPIC)
        fill(broker, 0, b"a record")
        size_bytes = broker.core.topics.get(TOPIC).partition(0).view().size_bytes
        shown = tools.ask("kafka-log-dirs", "--describe", "--topic-list", TOPIC)
        assert f'"partition":"{TOPIC}-0","size":{size_bytes}' in shown

    def test_api_versions_are_shown(self, tools: KafkaTools) -> None:
        shown = tools.ask("kafka-broker-api-versions")
        assert "Produce(0): 0 to 11" in shown
        assert "JoinGroup(11): 0 to 9" in shown
