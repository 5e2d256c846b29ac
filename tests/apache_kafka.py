"""A real Apache Kafka for tests: one JVM on loopback that is broker and controller (KRaft), from the jars in
the directory that QUEKKA_KAFKA_JARS names (test_kafka_java.py tells how to put them there)."""

import ctypes
import os
import signal
import socket
import subprocess
from base64 import urlsafe_b64encode
from pathlib import Path
from time import monotonic
from uuid import uuid4

HOST = "127.0.0.1"
START_TIMEOUT_S = 90.0
"""It takes a few seconds; a busy machine may take more."""
PROBE_INTERVAL_S = 0.1
CONNECT_TIMEOUT_S = 5.0
PR_SET_PDEATHSIG = 1

JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx384m")
"""For a broker that lives for a minute on a machine with other things to do."""

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
}


class ApacheKafka:
    """Formatted and started in the constructor, which returns when the broker answers connections.

    `close` kills it, and so does the kernel when the thread that started it ends without having done so.
    """

    def __init__(self, jars: Path, directory: Path, **settings: str) -> None:
        """`settings` are Kafka's, spelled with `_` for `.`."""
        self._jars = jars
        self._log_path = directory / "kafka.log"
        self.host = HOST
        self.port, controller_port = _free_ports(2)
        self._properties = directory / "server.properties"
        directory.mkdir(parents=True, exist_ok=True)
        everything = {
            **SETTINGS,
            "log.dirs": str(directory / "data"),
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{controller_port}",
            "controller.quorum.voters": f"1@{HOST}:{controller_port}",
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in everything.items()))
        self._format()
        self._process = self._start()

    def __enter__(self) -> "ApacheKafka":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Make sure that it is gone; what it wrote stays behind in its directory."""
        self._process.kill()
        self._process.wait()

    def _command(self, name: str, *arguments: str) -> list[str]:
        return ["java", *JAVA_OPTIONS, "-cp", f"{self._jars}/*", name, *arguments]

    def _format(self) -> None:
        cluster_id = urlsafe_b64encode(uuid4().bytes).rstrip(b"=").decode()
        options = ("format", "--cluster-id", cluster_id, "--config", str(self._properties))
        done = subprocess.run(
            self._command("kafka.tools.StorageTool", *options),
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"the directory was not formatted:\n{done.stdout}\n{done.stderr}"

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log_path.open("wb") as log:
            process = subprocess.Popen(
                self._command("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_the_starter,  # noqa: PLW1509 - it calls nothing that takes a lock
            )
        give_up_at_s = monotonic() + START_TIMEOUT_S
        while not self._answers():
            if _ended_within(process, PROBE_INTERVAL_S) or monotonic() > give_up_at_s:
                process.kill()
                process.wait()
                raise AssertionError(f"Apache Kafka did not start:\n{self._log_path.read_text()}")
        return process

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), CONNECT_TIMEOUT_S).close()
        except OSError:
            return False
        return True


def _ended_within(process: "subprocess.Popen[bytes]", timeout_s: float) -> bool:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_with_the_starter() -> None:
    """Linux only; elsewhere `close` has to do."""
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all of them different."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
