"""quekka.log_format: one line per event, for people and for programs."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from quekka.log_format import FORMATS, formatter, set_up_logging


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, None)
    made = logging.LogRecord("quekka.broker", logging.WARNING, __file__, 1, message, args, exc_info)
    made.created = 1_700_000_000.25
    made.threadName = "quekka-timers"
    return made


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, set back to what it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_has_time_in_utc_level_logger_message_and_thread() -> None:
    line = formatter("text").format(record("topic %s is full", "logs"))
    assert line == "2023-11-14T22:13:20.250Z WARNING quekka.broker: topic logs is full [quekka-timers]"


def test_text_ends_with_the_traceback() -> None:
    lines = formatter("text").format(record("failed", error=OSError("no space"))).splitlines()
    assert lines[-1] == "OSError: no space"


def test_json_is_one_object_on_one_line() -> None:
    line = formatter("json").format(record("two\nlines, %s", 'a "quote"'))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "quekka.broker",
        "thread": "quekka-timers",
        "message": 'two\nlines, a "quote"',
    }


def test_json_carries_the_traceback_as_text() -> None:
    fields = json.loads(formatter("json").format(record("failed", error=OSError("no space"))))
    assert fields["exception"] == "OSError: no space"


@pytest.mark.parametrize("name", FORMATS)
def test_the_log_goes_to_standard_error_from_the_level_on(
    name: str, capsys: pytest.CaptureFixture[str], root_logger: logging.Logger
) -> None:
    set_up_logging("warning", name)
    logging.getLogger("quekka.test").info("not worth it")
    logging.getLogger("quekka.test").warning("worth it")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "worth it" in captured.err
    assert root_logger.handlers[0].stream is sys.stderr  # type: ignore[attr-defined]
