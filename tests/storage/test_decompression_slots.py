"""However many threads look into compressed batches, only some hold decompressed records at once."""

import threading

import pytest

from quekka.formats import record_batch
from quekka.formats.compression import GZIP, NONE, decompress
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_validator import validate_batches
from quekka.storage.decompression_slots import SLOTS, decompression_slot
from quekka.storage.log_config import LogConfig

THREADS = 4 * SLOTS
NOW_MS = 1_700_000_000_000
COMPACTED = LogConfig.from_settings({"cleanup.policy": "compact"})


def test_plain_batches_need_no_slot() -> None:
    with decompression_slot(GZIP), decompression_slot(GZIP), decompression_slot(NONE):
        assert SLOTS == 2


def test_checking_batches_of_compacted_topics_waits_for_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads begin while all slots are taken; then no more than those are inside at any moment."""
    inside = most_inside = 0
    mutex = threading.Lock()

    def counted(codec: int, data: memoryview, max_bytes: int) -> bytes:
        nonlocal inside, most_inside
        with mutex:
            inside += 1
            most_inside = max(most_inside, inside)
        try:
            return decompress(codec, data, max_bytes)
        finally:
            with mutex:
                inside -= 1

    monkeypatch.setattr(record_batch, "decompress", counted)
    builder = BatchBuilder(NOW_MS)
    builder.append(b"key", bytes(1_000_000))
    batch = builder.build(GZIP)
    threads = [
        threading.Thread(target=validate_batches, args=(bytearray(batch), COMPACTED, NOW_MS))
        for _ in range(THREADS)
    ]
    with decompression_slot(GZIP), decompression_slot(GZIP):
        for thread in threads:
            thread.start()
        assert most_inside == 0
    for thread in threads:
        thread.join()
    assert 1 <= most_inside <= SLOTS
