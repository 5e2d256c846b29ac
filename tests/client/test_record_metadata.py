from quekka.client import RecordMetadata


def test_it_says_where_a_record_is() -> None:
    metadata = RecordMetadata("logs", 2, 17, 1000)
    assert metadata == ("logs", 2, 17, 1000)
    assert (metadata.topic, metadata.partition, metadata.offset, metadata.timestamp_ms) == metadata
