"""Responses as plain values that can be compared: what must differ between two brokers gets a name.

| what | becomes |
|---|---|
| the broker's host, port and cluster id | `<host>`, `<port>`, `<cluster id>` |
| a topic id | `<topic id>` |
| the first, second, ... id inside a member id | `<id 1>`, `<id 2>`, ... |
| the first, second, ... producer id | 1, 2, ... after `<producer` |
| a time after the story began | `<now>` |
| an error's message to a person | nothing, it is left out |
| other texts for a person | `<text>` |
| sizes of the disk, ids of fetch sessions | `<size>`, `<session>` |
| what makes the names of a round its own | `{r}` again, as in the story |

Fields that hold Kafka's default are left out, except those that name what an array's element is about.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from typing import Any
from uuid import UUID
from zlib import crc32

from differential.batches import to_plain

from quekka.protocols.kafka.fields import FieldSpec, Primitive, specs_of

KEY_FIELDS = (
    "api_key", "name", "topic", "partition_index", "partition", "index", "partition_id", "group_id",
    "node_id", "broker_id", "resource_name", "key", "base_offset", "member_id", "topic_name", "producer_id",
)  # fmt: skip
"""The first of these that an element has tells what it is about."""

MESSAGES = ("error_message", "batch_index_error_message")
TEXTS = ("documentation", "log_dir")
TEXT_CHARACTERS_MAX = 60
DEFAULT_CONFIG = 5
"""The source of nearly all settings: left out as a default is."""
SIZES = ("total_bytes", "usable_bytes")
TIMES = ("timestamp", "log_append_time_ms", "last_timestamp", "max_timestamp_ms", "base_timestamp_ms")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Plain:
    """Makes plain values of the responses of one broker within one round of a story, in which
    ids keep their names.
    """

    def __init__(self, host: str, port: int, suffix: str, began_ms: int) -> None:
        self._host = host
        self._port = port
        self._suffix = suffix
        self._began_ms = began_ms
        self._ids: dict[str, str] = {}
        self._producers: dict[int, str] = {}
        self.fields = 0
        """How many values have been looked at."""

    def message(self, message: Any, version: int) -> dict[str, Any]:
        plain = {}
        for field, spec in specs_of(type(message)):
            if version not in spec.versions or field.name in MESSAGES:
                continue
            value = getattr(message, field.name)
            usual = DEFAULT_CONFIG if field.name == "config_source" else field.default
            if field.name in KEY_FIELDS or not _is_default(usual, value):
                plain[field.name] = self._value(field.name, spec, value, version)
            else:
                self.fields += 1
        return plain

    def _value(self, name: str, spec: FieldSpec, value: Any, version: int) -> Any:
        if value is None:
            self.fields += 1
            return None
        if spec.is_array:
            element = spec._replace(is_array=False)
            return [self._value(name, element, each, version) for each in value]
        if not isinstance(spec.type, Primitive):
            return self.message(value, version)
        self.fields += 1
        if spec.type.name == "records":
            return self._batches(to_plain(value))
        return self._scalar(name, value)

    def _scalar(self, name: str, value: Any) -> Any:
        if isinstance(value, UUID):
            return "<topic id>" if value.int else "0"
        if isinstance(value, bytes | bytearray | memoryview):
            return short(bytes(value).decode("latin-1"))
        if isinstance(value, str):
            return self._text(name, value)
        return self._number(name, value)

    def _text(self, name: str, value: str) -> str:
        if name in TEXTS:
            return "<text>" if value else ""
        if name == "cluster_id":
            return "<cluster id>"
        if name == "host" and value == self._host:
            return "<host>"
        return short(UUID_TEXT.sub(lambda found: self._id(found[0]), value).replace(self._suffix, "{r}"))

    def _number(self, name: str, value: int) -> Any:
        if name == "port" and value == self._port:
            return "<port>"
        if name == "producer_id" and value >= 0:
            return self._producers.setdefault(value, f"<producer {len(self._producers) + 1}>")
        if name == "session_id" and value:
            return "<session>"
        if name in SIZES and value > 0:
            return "<size>"
        if name in TIMES and value >= self._began_ms:
            return "<now>"
        return value

    def _batches(self, batches: Sequence[Mapping[str, Any]] | None) -> Any:
        if batches is None:
            return None
        found = []
        for batch in batches:
            plain = {name: self._number(name, value) for name, value in batch.items() if name != "records"}
            plain["records"] = [self._record(*record) for record in batch.get("records", ())]
            found.append(plain)
        return found

    def _record(
        self, offset: int, timestamp_ms: int, key: str | None, value: str | None, headers: Any
    ) -> list[Any]:
        shown = None if value is None else short(value)
        return [offset, self._number("timestamp", timestamp_ms), key, shown, headers]

    def _id(self, value: str) -> str:
        return self._ids.setdefault(value, f"<id {len(self._ids) + 1}>")


def short(text: str) -> str:
    """The text, or its length and CRC-32 where it is long."""
    if len(text) <= TEXT_CHARACTERS_MAX:
        return text
    return f"<{len(text)} characters, {crc32(text.encode()):08x}>"


def _is_default(default: Any, value: Any) -> bool:
    if isinstance(value, tuple | list | memoryview | bytes):
        return not len(value) and default is not None and not default
    return bool(default is not MISSING and value == default)


def is_array_of_structs(plain: Any) -> bool:
    return isinstance(plain, list) and bool(plain) and isinstance(plain[0], Mapping)


def by_key(elements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The elements of an array by what they are about, in their order; by their place where nothing tells."""
    found: dict[str, Any] = {}
    for number, element in enumerate(elements):
        key = next((str(element[name]) for name in KEY_FIELDS if name in element), str(number))
        same = sum(each.partition("#")[0] == key for each in found)
        found[f"{key}#{same + 1}" if same else key] = element
    return found
