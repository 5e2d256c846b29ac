"""Compares what two brokers have played, and takes away the differences that are allowed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any, NamedTuple

from differential.plain import by_key, is_array_of_structs
from differential.player import Played

from quekka.protocols.kafka.fields import Versions

DEFAULT = "default"
"""Stands where a value is Kafka's default or is not there."""


class Difference(NamedTuple):
    story: str
    label: str
    api: str
    version: int
    path: str
    kafka: Any
    ours: Any


class Allowed(NamedTuple):
    """A row of the table of allowed differences."""

    api: str
    versions: str
    """The first and the last version in which it occurs, exactly."""
    path: str
    """With `*` for anything."""
    reason: str
    label: str = "*"
    """Of the steps in which it is allowed."""

    def covers(self, found: Difference) -> bool:
        return (
            self.api == found.api
            and found.version in Versions.parse(self.versions)
            and fnmatchcase(found.path, self.path)
            and fnmatchcase(found.label, self.label)
        )


def differences(story: str, kafka: Sequence[Played], ours: Sequence[Played]) -> list[Difference]:
    """All of them, in the order of the story. Both must have played the same steps."""
    answers = {each[:4]: each.answer for each in kafka}
    assert len(answers) == len(kafka), f"two steps of {story} have the same label"
    assert answers.keys() == {each[:4] for each in ours}, f"{story} is not what was recorded"
    found = []
    for mine in ours:
        found += [
            Difference(story, mine.label, mine.api, mine.version, *each)
            for each in _walk("", answers[mine[:4]], mine.answer)
        ]
    return found


def _walk(path: str, kafka: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """Path and both values, wherever they differ; of elements that only one of them has, only the keys.

    The order of elements is not compared: Kafka keeps most of them in hash maps.
    """
    if isinstance(kafka, Mapping) and isinstance(ours, Mapping):
        for name in dict.fromkeys([*kafka, *ours]):
            below = f"{path}/{name}" if path else name
            yield from _walk(below, kafka.get(name, DEFAULT), ours.get(name, DEFAULT))
    elif is_array_of_structs(kafka) or is_array_of_structs(ours):
        left = by_key(kafka) if is_array_of_structs(kafka) else {}
        right = by_key(ours) if is_array_of_structs(ours) else {}
        if left.keys() != right.keys():
            yield f"{path}/keys", sorted(left), sorted(right)
        for key in left:
            if key in right:
                yield from _walk(f"{path}/{key}", left[key], right[key])
    elif kafka != ours:
        yield path, kafka, ours


def not_allowed(found: Iterable[Difference], table: Sequence[Allowed]) -> list[Difference]:
    return [each for each in found if not any(row.covers(each) for row in table)]


def outdated(found: Sequence[Difference], table: Sequence[Allowed]) -> list[str]:
    """Rows that allow what does not occur, or not in the versions that they say."""
    lines = []
    for row in table:
        versions = [each.version for each in found if row.covers(each)]
        if not versions:
            lines.append(f"never occurs: {row}")
        elif (min(versions), max(versions)) != Versions.parse(row.versions):
            lines.append(f"occurs in {min(versions)} to {max(versions)} only: {row}")
    return lines


def report(found: Iterable[Difference]) -> str:
    """For a person: one line for each difference, versions together."""

    def but_version(each: Difference) -> tuple[str, ...]:
        return (each.story, each.label, each.api, each.path, json.dumps(each.kafka), json.dumps(each.ours))

    lines = []
    in_order = sorted(found, key=lambda each: (but_version(each), each.version))
    for key, group in groupby(in_order, but_version):
        story, label, api, path, kafka, ours = key
        versions = [each.version for each in group]
        span = f"{versions[0]}-{versions[-1]}" if len(versions) > 1 else str(versions[0])
        lines.append(f"{story}: {label}: {api} v{span} {path}: Kafka {kafka}, quekkad {ours}")
    return "\n".join(lines)
