"""kcat with the librdkafka of a Debian release: old enough to be picky about versions."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

from quekka.embedded import Broker
from quekka.formats.compression import codec_number
from quekka.formats.record_batch import iter_batches

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")

TIMEOUT_S = 30
Kcat = Callable[..., str]


@pytest.fixture
def kcat(broker: Broker) -> Kcat:
    """Run kcat; what it wrote. It must succeed, and have no complaint."""

    def run(*arguments: str, stdin: str = "") -> str:
        command = ["kcat", "-b", broker.address, *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        complaints = [
            line for line in done.stderr.splitlines() if line.startswith("%") and " ERROR " not in line
        ]
        assert complaints == []
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_lines_go_in_compressed_as_wanted_and_come_out(broker: Broker, kcat: Kcat, codec: str) -> None:
    lines = "".join(f"line {number} {'x' * 50}\n" for number in range(100))
    kcat("-P", "-t", "orders", "-z", codec, "-X", "linger.ms=20", stdin=lines)
    assert kcat("-C", "-t", "orders", "-o", "beginning", "-e", "-q") == lines
    view = broker.core.topics.get("orders").partition(0).view()
    codecs = {header.codec for _, header in iter_batches(view.read(0, 1 << 20).read())}
    assert codecs == {codec_number(codec)}


@pytest.mark.parametrize("acks", ["0", "1", "-1"])
def test_every_acks_works(kcat: Kcat, acks: str) -> None:
    kcat("-P", "-t", "orders", "-X", f"acks={acks}", stdin="a\nb\n")
    assert kcat("-C", "-t", "orders", "-o", "beginning", "-c", "2", "-q") == "a\nb\n"


def test_an_idempotent_producer_works(kcat: Kcat) -> None:
    kcat("-P", "-t", "orders", "-X", "enable.idempotence=true", stdin="a\nb\n")
    assert kcat("-C", "-t", "orders", "-o", "-1", "-e", "-q") == "b\n"


def test_metadata_and_offsets_by_time_are_shown(broker: Broker, kcat: Kcat) -> None:
    broker.core.topics.create("orders", 2)
    shown = kcat("-L")
    assert f"broker 1 at {broker.address} (controller)" in shown
    assert 'topic "orders" with 2 partitions' in shown
    kcat("-P", "-t", "orders", "-p", "1", stdin="a\nb\n")
    assert kcat("-Q", "-t", "orders:1:-1", "-t", "orders:0:-1").split() == [
        "orders", "[0]", "offset", "0", "orders", "[1]", "offset", "2",
    ]  # fmt: skip
