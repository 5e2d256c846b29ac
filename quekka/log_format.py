"""How quekkad writes its log: one line per event on standard error, for people or for programs.

text, times in UTC:

    2026-01-31T12:00:00.250Z INFO    quekka.broker.topic_manager: topic logs created [quekka-conn-3]

json, one object per line:

    {"time": "2026-01-31T12:00:00.250Z", "level": "INFO", "logger": "quekka.broker.topic_manager",
     "thread": "quekka-conn-3", "message": "topic logs created"}

with `exception`, the traceback, where there is one. The library never sets up logging: only the daemon does.
"""

import logging
import sys
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


def _utc(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """A line for a person; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s [%(threadName)s]")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        return _utc(record)


class JsonFormatter(logging.Formatter):
    """A line for a program: one JSON object, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        fields = {
            "time": _utc(record),
            "level": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def formatter(name: str) -> logging.Formatter:
    """The formatter for `text` or `json`."""
    return JsonFormatter() if name == "json" else TextFormatter()


def set_up_logging(level: str, format_name: str) -> None:
    """Send the log of all of quekka to standard error; for a program's start, not for a library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(format_name))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
