"""murmur2 and the partitions it picks, as Kafka's Java client does."""

import random

import pytest

from quekka.formats.murmur2 import murmur2, partition_for_key

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
KAFKA = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("data", "expected"), KAFKA, ids=lambda value: str(value)[:20])
def test_hash_is_that_of_kafka(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected


@pytest.mark.parametrize(("data", "expected"), KAFKA, ids=lambda value: str(value)[:20])
def test_partition_is_the_hash_without_its_sign_bit_modulo_partitions(data: bytes, expected: int) -> None:
    for partitions in (1, 2, 3, 12, 1000):
        assert partition_for_key(data, partitions) == (expected & 0x7FFFFFFF) % partitions


def test_empty_key_has_a_partition() -> None:
    assert partition_for_key(b"", 7) in range(7)


def test_keys_spread_over_all_partitions(seed: int) -> None:
    rng = random.Random(seed)
    keys = [rng.randbytes(rng.randint(0, 40)) for _ in range(2000)]
    assert {partition_for_key(key, 16) for key in keys} == set(range(16))
    assert all(-(2**31) <= murmur2(key) < 2**31 for key in keys)
