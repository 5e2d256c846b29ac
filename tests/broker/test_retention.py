"""Tests of quekka.broker.retention: a decision from values alone."""

from dataclasses import dataclass, field

import pytest

from quekka.broker.retention import expired_before_offset
from quekka.storage.log_config import LogConfig

NOW_MS = 1_000_000


@dataclass
class Segment:
    """What retention asks of a segment."""

    size_bytes: int
    next_offset: int
    max_timestamp_ms: int
    written_ms: int = 0

    def modified_ms(self) -> int:
        return self.written_ms


@dataclass
class View:
    """What retention asks of a view."""

    segments: tuple[Segment, ...]
    log_start_offset: int = 0
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.size_bytes = sum(segment.size_bytes for segment in self.segments)


def view_of(*ages_ms: int, log_start_offset: int = 0) -> View:
    """Segments of 100 bytes and 10 records, the last one active."""
    return View(
        tuple(Segment(100, 10 * number, NOW_MS - age_ms) for number, age_ms in enumerate(ages_ms, start=1)),
        log_start_offset,
    )


@pytest.mark.parametrize(
    ("view", "settings", "expected"),
    [
        pytest.param(view_of(500, 400, 300), {"retention.ms": "500"}, None, id="exactly_as_old_stays"),
        pytest.param(view_of(501, 400, 300), {"retention.ms": "500"}, 10, id="too_old_goes"),
        pytest.param(
            view_of(501, 400, 600, 10), {"retention.ms": "500"}, 10, id="stops_at_the_first_that_stays"
        ),
        pytest.param(view_of(900, 800, 700), {"retention.ms": "500"}, 30, id="the_active_one_may_be_too_old"),
        pytest.param(view_of(900, 800, 700), {"retention.ms": "-1"}, None, id="no_limit"),
        pytest.param(view_of(1, 1, 1), {"retention.bytes": "200"}, 10, id="too_much"),
        pytest.param(view_of(1, 1, 1), {"retention.bytes": "201"}, None, id="just_enough"),
        pytest.param(view_of(1, 1, 1), {"retention.bytes": "0"}, 20, id="the_active_one_stays_by_size"),
        pytest.param(view_of(1, 1, 1, log_start_offset=20), {}, 20, id="before_the_log_start"),
        pytest.param(view_of(1, 1, 1, log_start_offset=19), {}, 10, id="partly_before_the_log_start"),
        pytest.param(
            view_of(900, 900, 1), {"retention.ms": "1", "cleanup.policy": "compact"}, None, id="compact"
        ),
        pytest.param(
            view_of(900, 900, 1), {"retention.ms": "500", "cleanup.policy": "compact,delete"}, 20, id="both"
        ),
        pytest.param(
            View((Segment(100, 10, 0), Segment(0, 10, -1), Segment(100, 20, 0), Segment(1, 21, NOW_MS))),
            {"retention.ms": "1"},
            20,
            id="an_empty_one_between_holds_nothing_up",
        ),
        pytest.param(
            View((Segment(100, 10, -1, NOW_MS - 501), Segment(100, 20, -1, NOW_MS - 500))),
            {"retention.ms": "500"},
            10,
            id="without_timestamps_the_file_tells",
        ),
        pytest.param(View((Segment(0, 0, -1),)), {"retention.ms": "1"}, None, id="empty"),
    ],
)
def test_which_segments_go(view: View, settings: dict[str, str], expected: int | None) -> None:
    assert expired_before_offset(view, LogConfig.from_settings(settings), NOW_MS) == expected
