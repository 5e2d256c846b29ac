"""quekka.offset_spec: where to start reading, as people write it."""

import pytest

from quekka.errors import BadRequestError
from quekka.offset_spec import EARLIEST, LATEST, OFFSET_MAX, OffsetSpec


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ("earliest", EARLIEST),
        ("latest", LATEST),
        ("0", OffsetSpec("offset", 0)),
        ("42", OffsetSpec("offset", 42)),
        (str(OFFSET_MAX), OffsetSpec("offset", OFFSET_MAX)),
        ("timestamp:1700000000000", OffsetSpec("timestamp", 1_700_000_000_000)),
    ],
)
def test_a_position_is_read_and_shown_as_it_was_written(written: str, spec: OffsetSpec) -> None:
    assert OffsetSpec.parse(written) == spec
    assert str(spec) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Earliest",
        "-1",
        "+1",
        "1.5",
        "1_000",
        " 1",
        "\u0661",
        str(OFFSET_MAX + 1),
        "9" * 5000,
        ":5",
        "timestamp:",
        "timestamp:-1",
        "timestamp:now",
        "time:5",
        "timestamp:timestamp:5",
    ],
    ids=lambda written: written[:24],
)
def test_what_is_no_position_is_refused_and_repeated(written: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        OffsetSpec.parse(written)
    assert repr(written[:64]) in refused.value.message
    assert "earliest, latest, <offset>, timestamp:<ms>" in refused.value.message
    assert len(refused.value.message) < 200
