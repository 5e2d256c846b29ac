from quekka.client import ConsumerRecord
from quekka.formats.record import Record


def test_its_last_fields_are_those_of_a_record() -> None:
    record = Record(offset=5, timestamp_ms=1000, key=b"k", value=b"v", headers=(("h", None),))
    assert ConsumerRecord("logs", 0, *record)[2:] == record


def test_headers_may_be_left_out() -> None:
    assert ConsumerRecord("logs", 0, 5, 1000, None, None).headers == ()
