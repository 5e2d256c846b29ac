"""Kafka's protocol by hand: what is not seen by talking to a broker."""

import pytest

from perf.batches import batch_of
from perf.peers.kafka_connection import next_offset


@pytest.mark.parametrize(("cut", "expected"), [(0, 104), (1, 102), (3000, 102)])
def test_the_next_fetch_begins_behind_the_last_whole_batch(cut: int, expected: int) -> None:
    batch, records = batch_of(3000, b"x" * 1000, 0)
    assert records == 2
    batches = [(100 + index * records).to_bytes(8, "big") + batch[8:] for index in range(2)]
    fetched = b"".join(batches)
    assert next_offset(fetched[: max(len(batch), len(fetched) - cut)]) == expected
