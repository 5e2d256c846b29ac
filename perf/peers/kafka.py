"""Apache Kafka, one node of KRaft, from the jars in the directory that QUEKKA_KAFKA_JARS names.

The heap is what Kafka's own start script gives it. Everything is left at its default but the addresses, and
the time after which a broker that has been set aside (see server.py) would be taken for dead.
"""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from perf.errors import BrokerFailedError
from perf.peers.kafka_connection import KafkaConnection
from perf.peers.server import Server, free_port

JARS_VARIABLE = "QUEKKA_KAFKA_JARS"
JAVA_OPTIONS = ("-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
                "-Djava.awt.headless=true")  # fmt: skip
"""As kafka-server-start.sh and kafka-run-class.sh have them."""
SESSION_TIMEOUT_MS = 3_600_000


class KafkaServer(Server):
    """Formatted anew before its first start."""

    name = "kafka"
    program = "java"
    connection = KafkaConnection

    @classmethod
    def why_not(cls) -> str:
        if shutil.which("java") is None:
            return "java is not installed"
        if not cls.jars():
            return f"{JARS_VARIABLE} names no directory with the jars of kafka.Kafka"
        return ""

    @classmethod
    def jars(cls) -> list[Path]:
        return sorted(Path(os.environ.get(JARS_VARIABLE, "/nowhere")).glob("kafka_2*.jar"))

    @classmethod
    def version(cls) -> str:
        java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
        return f"{cls.jars()[-1].stem}, {java.partition(chr(10))[0]}"

    def command(self) -> Sequence[str]:
        return self._java(*JAVA_OPTIONS, "kafka.Kafka", str(self._properties))

    def prepare(self) -> None:
        port, controller = self.address[1], free_port()
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.directory / "data",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "broker.session.timeout.ms": SESSION_TIMEOUT_MS,
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").lstrip("-") or "cluster"
        done = subprocess.run(
            self._java("-Xmx256m", "kafka.tools.StorageTool", "format", "-t", cluster_id.ljust(22, "A"),
                       "-c", str(self._properties)),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BrokerFailedError(f"kafka-storage format failed: {done.stdout}{done.stderr}")

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _java(self, *words: str) -> list[str]:
        return ["java", "-cp", f"{self.jars()[-1].parent}/*", *words]
