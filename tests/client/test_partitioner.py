import pytest

from quekka.client.partitioner import default_partitioner


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        # From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
        pytest.param(b"21", -973932308, id="21"),
        pytest.param(b"foobar", -790332482, id="foobar"),
        pytest.param(b"a-little-bit-long-string", -985981536, id="long"),
    ],
)
def test_a_key_goes_where_the_java_client_puts_it(key: bytes, hashed: int) -> None:
    assert default_partitioner()(key, 1000) == (hashed & 0x7FFFFFFF) % 1000


def test_a_record_without_a_key_goes_to_the_sticky_partition() -> None:
    assert default_partitioner()(None, 3) is None


def test_a_key_that_is_remembered_follows_the_number_of_partitions() -> None:
    choose = default_partitioner()
    chosen = [choose(b"user-42", partitions) for partitions in (1, 1000, 1, 1000)]
    assert chosen[0] == chosen[2] == 0
    assert chosen[1] == chosen[3]
