"""Kafka's own command line tools, from the jars in the directory that QUEKKA_KAFKA_JARS names."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

JARS_VARIABLE = "QUEKKA_KAFKA_JARS"
TIMEOUT_S = 60
"""A tool takes a second or two; only a hang takes this long."""

CLASSES: dict[str, Sequence[str]] = {
    "kafka-broker-api-versions": (
        "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "kafka.admin.BrokerApiVersionsCommand",
    ),
    "kafka-configs": ("org.apache.kafka.tools.ConfigCommand", "kafka.admin.ConfigCommand"),
    "kafka-console-consumer": ("org.apache.kafka.tools.consumer.ConsoleConsumer",),
    "kafka-console-producer": ("org.apache.kafka.tools.ConsoleProducer", "kafka.tools.ConsoleProducer"),
    "kafka-consumer-groups": ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",),
    "kafka-delete-records": ("org.apache.kafka.tools.DeleteRecordsCommand",),
    "kafka-dump-log": ("org.apache.kafka.tools.DumpLogSegments", "kafka.tools.DumpLogSegments"),
    "kafka-get-offsets": ("org.apache.kafka.tools.GetOffsetShell",),
    "kafka-log-dirs": ("org.apache.kafka.tools.LogDirsCommand",),
    "kafka-topics": ("org.apache.kafka.tools.TopicCommand",),
}
"""By tool, the class that it is; where it moved between versions, the newer place first."""

JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
"""For programs that run for a second on a machine with other things to do."""


class KafkaTools:
    """Runs the tools against one broker."""

    def __init__(self, jars: Path, address: str) -> None:
        self._jars = jars
        self._address = address
        self._known = _class_names(jars)

    def ask(self, tool: str, *options: str, stdin: str = "") -> str:
        """Run a tool that talks to the broker; what it printed. Fails unless it ends with success."""
        return self.run(tool, "--bootstrap-server", self._address, *options, stdin=stdin)

    def run(self, tool: str, *options: str, stdin: str = "") -> str:
        """Run a tool; what it printed. Fails unless it ends with success."""
        done = self._run(tool, *options, stdin=stdin)
        assert done.returncode == 0, f"{tool} {' '.join(options)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def refused(self, tool: str, *options: str) -> str:
        """All that a tool printed that talks to the broker and does not get what it wants."""
        done = self._run(tool, "--bootstrap-server", self._address, *options)
        return done.stdout + done.stderr

    def _run(self, tool: str, *options: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        name = next(name for name in CLASSES[tool] if name in self._known)
        command = ["java", *JAVA_OPTIONS, "-cp", f"{self._jars}/*", name, *options]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )


def why_not() -> str:
    """Why the tools cannot be run here; empty when they can."""
    if shutil.which("java") is None:
        return "java is not installed"
    jars = os.environ.get(JARS_VARIABLE)
    if not jars:
        return f"{JARS_VARIABLE} does not name a directory with Kafka's jars"
    missing = [
        f"{name}*.jar" for name in ("kafka-clients-", "kafka-tools-") if not [*Path(jars).glob(f"{name}*")]
    ]
    return f"{JARS_VARIABLE}={jars} has no {' and no '.join(missing)}" if missing else ""


def jars_directory() -> Path:
    return Path(os.environ[JARS_VARIABLE])


def _class_names(jars: Path) -> frozenset[str]:
    """Which of the tools' classes are there."""
    wanted = {name for names in CLASSES.values() for name in names}
    found: set[str] = set()
    for jar in jars.glob("kafka*.jar"):
        with zipfile.ZipFile(jar) as archive:
            inside = archive.NameToInfo
            found |= {name for name in wanted if name.replace(".", "/") + ".class" in inside}
    return frozenset(found)
