"""Kafka clients of other languages, each as a small program that does what it is told.

A program gets the broker's address as its argument. It reads a JSON object per line, `{"do": COMMAND, ...}`,
and answers each with one line, `{"answer": ...}` or `{"error": NAME}`, the name as its client says it. The
programs lie in tests/integration/clients. Their tests are skipped where what they need is not there:

    kafkajs     node, and QUEKKA_NODE_MODULES, a directory: DIR/node_modules after
                    npm install --prefix DIR --ignore-scripts kafkajs kafkajs-snappy kafkajs-lz4
    franz-go    QUEKKA_FRANZ_GO, a program, which is made by
                    go build -C tests/integration/clients/franz_go -o $QUEKKA_FRANZ_GO
    java        javac, and QUEKKA_KAFKA_JARS, a directory: test_kafka_java.py says how to make it

Commands, with their options; values are strings, "by partition" is an object whose keys are partitions:

    produce topic partition values codec acks idempotent timestamp_ms
                                            the offset of the first; -1 with acks 0
    read topic partition offset count       the values, without a group
    join group topic instance assignor      become a member of the group
    poll                                    {records: [[partition, offset, value]], assigned: [partition]}
    commit offsets metadata                 offsets by partition, as the member
    seek_to_time timestamp_ms               offsets by partition; null where there is no record
    leave                                   leave the group
    create_topic topic partitions configs
    topics                                  how many partitions by topic
    add_partitions topic count
    delete_topic topic
    config topic name                       its value
    set_config topic name value
    end_offsets topic                       by partition
    offsets_at_time topic timestamp_ms      by partition; null where there is no record
    delete_records topic partition offset
    groups                                  the names
    group_state group
    group_offsets group topic               committed offsets by partition
    delete_group group
    cluster                                 {id, nodes}
"""

import json
import os
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from kafka_tools import JARS_VARIABLE, JAVA_OPTIONS

SOURCES = Path(__file__).parent / "integration" / "clients"
NODE_MODULES_VARIABLE = "QUEKKA_NODE_MODULES"
FRANZ_GO_VARIABLE = "QUEKKA_FRANZ_GO"
END_TIMEOUT_S = 30.0
"""Only a hang takes this long."""


class Refused(Exception):
    """The client reported an error; its text is the error's name in the client's words."""


class KafkaProgram(ABC):
    """A running client program."""

    NAME: ClassVar[str]
    CODECS: ClassVar[Sequence[str]] = ("none", "gzip", "snappy", "lz4", "zstd")
    ASSIGNORS: ClassVar[Sequence[str | None]] = (None,)
    """By name as the program knows them; None is its default."""
    UNKNOWN_TOPIC: ClassVar[str]
    """What the client calls UNKNOWN_TOPIC_OR_PARTITION."""

    def __init__(self, address: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        self._process = subprocess.Popen(
            [*self.command(), address],
            env={**os.environ, **self.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    @classmethod
    @abstractmethod
    def why_not(cls) -> str:
        """Why it cannot be run here; empty when it can."""

    @abstractmethod
    def command(self) -> Sequence[str]: ...

    def environment(self) -> Mapping[str, str]:
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def ask(self, command: str, **options: Any) -> Any:
        """Its answer; raises `Refused` where it reports an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{self.NAME} ended at {command}: {self._said()}"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        """Leave the group, if it is in one, and end; once."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        finally:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._errors.close()

    def _said(self) -> str:
        """What it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")


class Kafkajs(KafkaProgram):
    """kafkajs, in JavaScript; its codecs but gzip are packages of their own, and none for zstd builds."""

    NAME = "kafkajs"
    CODECS = ("none", "gzip", "snappy", "lz4")
    UNKNOWN_TOPIC = "This server does not host this topic-partition"

    @classmethod
    def why_not(cls) -> str:
        if shutil.which("node") is None:
            return "node is not installed"
        return _missing(NODE_MODULES_VARIABLE, ("kafkajs", "kafkajs-snappy", "kafkajs-lz4"))

    def command(self) -> Sequence[str]:
        return ["node", str(SOURCES / "kafkajs_client.js")]

    def environment(self) -> Mapping[str, str]:
        return {"NODE_PATH": os.environ[NODE_MODULES_VARIABLE], "NODE_NO_WARNINGS": "1"}


class FranzGo(KafkaProgram):
    """franz-go, in Go."""

    NAME = "franz-go"
    ASSIGNORS = (None, "range", "roundrobin", "cooperative-sticky")
    UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION"

    @classmethod
    def why_not(cls) -> str:
        program = os.environ.get(FRANZ_GO_VARIABLE)
        if not program:
            return f"{FRANZ_GO_VARIABLE} does not name the program"
        return "" if os.access(program, os.X_OK) else f"{FRANZ_GO_VARIABLE}={program} cannot be run"

    def command(self) -> Sequence[str]:
        return [os.environ[FRANZ_GO_VARIABLE]]


class Java(KafkaProgram):
    """Kafka's own client, of the version that is in the directory of jars."""

    NAME = "java"
    ASSIGNORS = (None, "RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor")
    UNKNOWN_TOPIC = "UnknownTopicOrPartitionException"

    @classmethod
    def why_not(cls) -> str:
        return why_no_java("kafka-clients-*.jar", "jackson-databind-*.jar")

    def command(self) -> Sequence[str]:
        return java_command("JavaClient")


PROGRAMS: Mapping[str, type[KafkaProgram]] = {kind.NAME: kind for kind in (Kafkajs, FranzGo, Java)}


def java_command(program: str) -> list[str]:
    """What runs the Java program of this name in tests/integration/clients."""
    jars = os.environ[JARS_VARIABLE]
    return ["java", *JAVA_OPTIONS, "-cp", f"{_classes(jars, program).name}:{jars}/*", program]


@cache
def _classes(jars: str, program: str) -> "tempfile.TemporaryDirectory[str]":
    """A Java program, compiled once; the directory goes when Python ends."""
    directory = tempfile.TemporaryDirectory(prefix="quekka-java-")
    source = SOURCES / f"{program}.java"
    command = ["javac", "-nowarn", "-cp", f"{jars}/*", "-d", directory.name, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return directory


def why_no_java(*jars: str) -> str:
    """Why Java programs that need these jars cannot be run here; empty when they can."""
    if shutil.which("javac") is None:
        return "javac is not installed"
    return _missing(JARS_VARIABLE, jars)


def _missing(variable: str, names: Sequence[str]) -> str:
    """Why the directory that an environment variable names will not do; empty when it will."""
    directory = os.environ.get(variable)
    if not directory:
        return f"{variable} does not name a directory"
    missing = [name for name in names if not [*Path(directory).glob(name)]]
    return f"{variable}={directory} has no {' and no '.join(missing)}" if missing else ""
