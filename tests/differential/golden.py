"""Apache Kafka's answers to all stories in one JSON file, so that they can be compared where no Java is.

    {"kafka": "4.1.0", "stories": {STORY: [[LABEL, API, [[ROUND, VERSION], ...], ANSWER], ...]}}

Rounds of a step with the same answer share a row.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from differential.player import Played

PATH = Path(__file__).parent / "apache_kafka_answers.json"


def save(kafka: str, stories: Mapping[str, Sequence[Played]]) -> None:
    """Write the file anew."""
    packed = {name: _pack(played) for name, played in stories.items()}
    lines = [
        f"{json.dumps(name)}: [\n"
        + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        + "\n]"
        for name, rows in packed.items()
    ]
    stories_text = ",\n".join(lines)
    PATH.write_text(f'{{"kafka": {json.dumps(kafka)}, "stories": {{\n{stories_text}\n}}}}\n')


def load() -> tuple[str, dict[str, list[Played]]]:
    """Kafka's version, and by story what it answered."""
    content = json.loads(PATH.read_text())
    return content["kafka"], {name: _unpack(rows) for name, rows in content["stories"].items()}


def _pack(played: Sequence[Played]) -> list[Any]:
    rows: dict[str, Any] = {}
    for each in played:
        key = json.dumps([each.label, each.api, each.answer])
        row = rows.setdefault(key, [each.label, each.api, [], each.answer])
        row[2].append([each.round, each.version])
    return list(rows.values())


def _unpack(rows: Sequence[Any]) -> list[Played]:
    return [
        Played(label, number, api, version, answer)
        for label, api, rounds, answer in rows
        for number, version in rounds
    ]
