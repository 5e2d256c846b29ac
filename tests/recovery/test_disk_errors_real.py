"""Errors of a real disk and a real kernel under the real program: full, read-only, out of descriptors."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from quekkad_process import QuekkadProcess, run_quekkad
from wire_client import WireClient
from workload import assert_logs_and_indexes_agree, read_partition

TOPIC = "orders"
DISK_BYTES = 4 << 20
BALLAST_BYTES = 1 << 20
VALUE = b"." * 20_000
UNUSABLE_EXIT_CODE = 4

needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can mount a small file system"
)


class SmallDisk:
    """A tmpfs of DISK_BYTES, and the brokers on it."""

    def __init__(self, path: Path, start: Callable[..., QuekkadProcess]) -> None:
        self.path = path
        self._start = start
        self._processes: list[QuekkadProcess] = []
        path.mkdir()
        self.mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs")

    def mount(self, *options: str) -> None:
        command = ["mount", *options, str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")

    def start(self, *options: str) -> QuekkadProcess:
        process = self._start(*options, data_dir=self.path / "data")
        self._processes.append(process)
        return process

    def unmount(self) -> None:
        for process in self._processes:
            process.close()
        subprocess.run(["umount", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path, quekkad: Callable[..., QuekkadProcess]) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk", quekkad)
    yield small
    small.unmount()


def publish(client: WireClient, value: bytes, acknowledged: dict[int, bytes]) -> str:
    reply = client.ask(f"PUBLISH {TOPIC} {len(value)} partition=0", value)
    if reply.startswith("+OK "):
        acknowledged[int(reply.split(" ")[1])] = value
    return reply


@needs_mount
@pytest.mark.parametrize("options", [(), ("--set=log.flush.interval.messages=1",)], ids=["default", "synced"])
def test_a_full_disk_refuses_appends_until_there_is_room_and_loses_nothing(
    disk: SmallDisk, options: tuple[str, ...]
) -> None:
    settings = (*options, "--set=log.segment.bytes=300000", "--set=log.flush.interval.ms=10")
    acknowledged: dict[int, bytes] = {}
    ballast = disk.path / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    process = disk.start(*settings)
    with WireClient(process.host, process.port) as client:
        number = 0
        while (reply := publish(client, b"%06d " % number + VALUE, acknowledged)).startswith("+OK"):
            number += 1
        assert reply.startswith("-ERR KAFKA_STORAGE_ERROR "), reply
        assert "No space left on device" in reply
        assert dict(read_partition(client, TOPIC, 0)) == acknowledged
        assert client.ask("PING").startswith("+")
        ballast.unlink()
        reply = publish(client, b"with room again", acknowledged)
        assert reply.startswith("+OK "), reply
        assert dict(read_partition(client, TOPIC, 0)) == acknowledged
    process.kill()
    restarted = disk.start(*settings)
    with WireClient(restarted.host, restarted.port) as client:
        assert dict(read_partition(client, TOPIC, 0)) == acknowledged
    assert restarted.terminate() == 0
    assert_logs_and_indexes_agree(disk.path / "data")


@needs_mount
def test_a_read_only_data_directory_is_refused_at_start_by_name(disk: SmallDisk) -> None:
    data_dir = disk.path / "data"
    process = disk.start()
    with WireClient(process.host, process.port) as client:
        publish(client, b"before", {})
    assert process.terminate() == 0
    disk.mount("-o", "remount,ro")

    ended = run_quekkad("--data-dir", str(data_dir), "--port", "0")

    assert ended.returncode == UNUSABLE_EXIT_CODE
    assert str(data_dir) in ended.stderr
    assert "Read-only file system" in ended.stderr
    assert "Traceback" not in ended.stderr
    disk.mount("-o", "remount,rw")
    again = disk.start()
    with WireClient(again.host, again.port) as client:
        assert read_partition(client, TOPIC, 0) == [(0, b"before")]
    assert again.terminate() == 0


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc and prlimit")
def test_without_descriptors_the_broker_stays_and_goes_on_when_there_are_some(
    quekkad: Callable[..., QuekkadProcess],
) -> None:
    process = quekkad("--set=log.segment.bytes=1000")
    acknowledged: dict[int, bytes] = {}
    with WireClient(process.host, process.port) as client:
        assert publish(client, b"before", acknowledged).startswith("+OK ")
        in_use = len(os.listdir(f"/proc/{process.pid}/fd"))
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (in_use, before[1]))
        late = [WireClient(process.host, process.port) for _ in range(3)]  # in the backlog: nobody takes them
        for number in range(40):
            reply = publish(client, b"%d " % number + b"." * 200, acknowledged)
            assert reply.startswith(("+OK ", "-ERR KAFKA_STORAGE_ERROR ")), reply
        assert reply.startswith("-ERR KAFKA_STORAGE_ERROR "), "a roll needs a descriptor"
        assert "Too many open files" in reply

        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        for other in late:
            assert other.ask("PING").startswith("+")
            other.close()
        assert publish(client, b"after", acknowledged).startswith("+OK ")
        assert dict(read_partition(client, TOPIC, 0)) == acknowledged
    assert process.log().count("cannot accept connections: Too many open files") == 1
    assert process.terminate() == 0
