"""Files damaged by hand after a kill -9: the next start says what it found and did, and serves the rest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import read_partition

from quekka.formats.record_batch import iter_batches

TOPIC = "damaged"
VALUES = [b"value %d" % number * 20 for number in range(200)]
SETTINGS = (
    "--set=log.flush.interval.ms=86400000",  # nothing is known to be on the disk, so all is looked at
    "--set=log.index.interval.bytes=200",
    "--set=log.retention.ms=-1",
)


def batch_positions(data: bytes) -> list[int]:
    return [position for position, _ in iter_batches(data)]


def last_batch(data: bytes) -> bytes:
    return data[batch_positions(data)[-1] :]


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def with_size(batch: bytes, batch_length: int) -> bytes:
    return batch[:8] + batch_length.to_bytes(4, "big", signed=True) + batch[12:]


def next_batch(data: bytes) -> bytes:
    """The last batch again, with the offsets that come after it."""
    batch = last_batch(data)
    return (int.from_bytes(batch[:8], "big") + 1).to_bytes(8, "big") + batch[8:]


Damage = Callable[[bytes], tuple[bytes, int]]
"""The .log as it was to the .log as it is found, and how many records are lost by it."""

TAILS: dict[str, Damage] = {
    "one_byte_of_a_batch": lambda data: (data + next_batch(data)[:1], 0),
    "part_of_a_header": lambda data: (data + next_batch(data)[:40], 0),
    "a_header_without_records": lambda data: (data + next_batch(data)[:61], 0),
    "all_but_the_last_byte": lambda data: (data + next_batch(data)[:-1], 0),
    "zeros": lambda data: (data + bytes(4096), 0),
    "letters": lambda data: (data + b"these are no record batches, " * 20, 0),
    "a_length_beyond_the_file": lambda data: (data + with_size(next_batch(data), 2**31 - 1), 0),
    "a_negative_length": lambda data: (data + with_size(next_batch(data), -1), 0),
    "an_offset_that_was_used": lambda data: (data + last_batch(data), 0),
    "last_batch_cut": lambda data: (data[:-1], 1),
    "last_batch_changed": lambda data: (flipped(data, len(data) - 10), 1),
    "a_batch_changed_and_whole_ones_after_it": lambda data: (
        flipped(data, batch_positions(data)[-5] + 70),
        5,
    ),
    "first_batch_changed": lambda data: (flipped(data, 70), len(VALUES)),
    "file_empty": lambda _: (b"", len(VALUES)),
}

IndexDamage = Callable[[Path], object]

INDEXES: dict[str, IndexDamage] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "letters": lambda path: path.write_bytes(b"no index entry is like this one "),
    "cut_entry": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "zeros_behind": lambda path: path.write_bytes(path.read_bytes() + bytes(120)),
    "beyond_the_log": lambda path: path.write_bytes(path.read_bytes() + b"\x7f" * 24),
}


@pytest.fixture
def log_path(quekkad: Callable[..., QuekkadProcess]) -> Path:
    """The one .log file of a topic with one batch for each of VALUES, left by a broker that was killed."""
    process = quekkad(*SETTINGS)
    with WireClient(process.host, process.port) as client:
        for value in VALUES:
            client.publish(TOPIC, value)
    process.kill()
    [path] = (process.data_dir / "topics" / TOPIC / "0").glob("*.log")
    assert len(batch_positions(path.read_bytes())) == len(VALUES)
    return path


def assert_serves(process: QuekkadProcess, values: list[bytes]) -> None:
    """These records are there, and the next one goes behind them."""
    with WireClient(process.host, process.port) as client:
        assert [value for _, value in read_partition(client, TOPIC, 0)] == values
        assert client.publish(TOPIC, b"after it") == (len(values), 0)
        assert read_partition(client, TOPIC, 0)[-1] == (len(values), b"after it")


@pytest.mark.parametrize("damage", TAILS.values(), ids=TAILS)
def test_a_damaged_tail_is_cut_at_the_last_whole_batch_and_kept_beside(
    quekkad: Callable[..., QuekkadProcess], log_path: Path, damage: Damage
) -> None:
    before = log_path.read_bytes()
    found, lost = damage(before)
    log_path.write_bytes(found)
    kept = ([*batch_positions(before), len(before)])[len(VALUES) - lost]

    process = quekkad(*SETTINGS)

    assert_serves(process, VALUES[: len(VALUES) - lost])
    broken = log_path.with_name(log_path.name + ".broken")
    if found[kept:]:
        assert broken.read_bytes() == found[kept:]
        assert str(broken) in process.log()
        assert str(len(found) - kept) in process.log()
    else:
        assert not broken.exists()
    assert process.terminate() == 0
    assert log_path.read_bytes()[:kept] == before[:kept]


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", INDEXES.values(), ids=INDEXES)
def test_a_damaged_index_is_made_anew_after_a_kill(
    quekkad: Callable[..., QuekkadProcess], log_path: Path, suffix: str, damage: IndexDamage
) -> None:
    damage(log_path.with_suffix(suffix))

    process = quekkad(*SETTINGS)

    assert_serves(process, VALUES)
    with WireClient(process.host, process.port) as client:
        for offset in range(0, len(VALUES), 17):
            [message] = client.ask_messages(f"FETCH {TOPIC} 0 {offset} 1")
            assert (message.offset, message.value) == (offset, VALUES[offset])
            found = client.ask(f"LISTOFFSETS {TOPIC} 0 timestamp:{message.timestamp_ms}")
            assert int(found.split(" ")[1]) <= offset
    assert not list(log_path.parent.glob("*.broken"))


def test_damage_before_the_recovery_point_is_left_as_it_is_and_named(
    quekkad: Callable[..., QuekkadProcess], tmp_path: Path
) -> None:
    """What was flushed is not looked at again at start; whoever reads it is told, and the rest is served."""
    settings = (*SETTINGS, "--set=log.segment.bytes=4096")
    process = quekkad(*settings)
    with WireClient(process.host, process.port) as client:
        for value in VALUES:
            client.publish(TOPIC, value)
    assert process.terminate() == 0  # so that all is flushed
    process = quekkad(*settings)
    process.kill()
    paths = sorted((process.data_dir / "topics" / TOPIC / "0").glob("*.log"))
    assert len(paths) > 3
    damaged = paths[1]
    whole = damaged.read_bytes()
    damaged.write_bytes(flipped(whole, batch_positions(whole)[3] + 70))

    restarted = quekkad(*settings)

    first_bad = int(damaged.name[:20]) + 3
    with WireClient(restarted.host, restarted.port) as client:
        served = client.ask_messages(f"FETCH {TOPIC} 0 0 {first_bad}")
        assert [message.value for message in served] == VALUES[: len(served)]
        reply = client.ask(f"FETCH {TOPIC} 0 {first_bad} 10")
        assert reply.startswith("-ERR CORRUPT_MESSAGE "), reply
        assert f"topic {TOPIC} partition 0 offset {first_bad}" in reply
        after = client.ask_messages(f"FETCH {TOPIC} 0 {int(paths[2].name[:20])} 5")
        assert [message.value for message in after] == VALUES[after[0].offset : after[0].offset + 5]
    assert damaged.read_bytes()[:70] == whole[:70]
    assert not list(damaged.parent.glob("*.broken"))
