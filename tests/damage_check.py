"""One damaged file of a data directory: what a broker and quekka-verify-log must make of it.

1. A start ends in a broker that serves, or in one error that names the directory; never in a traceback.
2. Partitions whose logs were not touched give back every record, and so do groups what they have committed.
3. A partition whose log was touched gives back every record before the damage, and those of later segments
   where the damage lies before the recovery point; never a wrong one.
4. What is missing is named, with the file, in the broker's log or in the error that its reader gets.
5. No byte of a log is gone after the start: what was cut off is in a `.broken` file beside it.
6. Appends go on, and a second start finds what the first one left.
7. quekka-verify-log finds what a start or a reader would miss or meet; after its repair it finds nothing, and
   the broker serves at least what it served before, without a word of damage.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from damage_site import (
    SETTINGS,
    TOPICS,
    Commits,
    Place,
    Records,
    Site,
    log_lines,
    read_commits,
    read_records,
)
from damages import Damage
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.errors import QuekkaError
from quekka.formats.record_batch import iter_batches
from quekka.storage.log_verifier import LogVerifier
from quekka.storage.partition_verifier import Problem

KEPT_SUFFIXES = (".log", ".json")
MISNAMED = ("copy_to_another_offset", "move_to_another_offset", "swap_with_sibling")
"""What is in such a file can be found by chance, but is no longer where it belongs."""
UNREADABLE = ("make_directory", "make_full_directory", "make_dangling_link", "make_circular_link")
OFFSETS_PLACE = ("__consumer_offsets", 0)


class Case(NamedTuple):
    """One file, damaged in one way."""

    flavour: str
    kind: str
    path: Path
    """Below the data directory."""
    damage: str
    what: str
    whole: bytes
    """What was in the file."""
    left: bytes
    """What is in it, if it is one."""

    @property
    def place(self) -> Place | None:
        """The partition that it belongs to."""
        parts = self.path.parts
        return (parts[1], int(parts[2])) if len(parts) == 4 else None

    @property
    def is_log(self) -> bool:
        return self.path.suffix == ".log"

    @property
    def is_renumbered(self) -> bool:
        """Nothing but base offsets and leader epochs has changed, which no CRC-32C covers."""
        if not self.is_log or len(self.whole) != len(self.left):
            return False
        outside = {at for position, _ in iter_batches(self.whole) for at in range(position, position + 16)}
        return all(at in outside for at, byte in enumerate(self.whole) if self.left[at] != byte)

    @property
    def is_torn(self) -> bool:
        """What is left of it does not end with a whole batch, or is not the beginning of what it was."""
        if not self.whole.startswith(self.left):
            return True
        ends = {0, *(position + header.size_bytes for position, header in iter_batches(self.whole))}
        return len(self.left) not in ends

    def __str__(self) -> str:
        return f"{self.flavour}, {self.path}: {self.what}"


class Served(NamedTuple):
    """What one start gave back."""

    records: dict[Place, Records]
    errors: dict[Place, dict[int, str]]
    commits: Commits
    log: list[str]
    """Warnings and errors."""


def damaged(flavour: str, kind: str, data: Path, path: Path, damage: Damage, rng: Random) -> Case:
    """Damage a file of a copy of one of the two directories."""
    whole = path.read_bytes()
    what = damage(path, rng)
    left = path.read_bytes() if path.is_file() else b""
    return Case(flavour, kind, path.relative_to(data), damage.__name__, what, whole, left)


def copy_of(site: Site, flavour: str, data: Path) -> None:
    shutil.copytree(site.clean if flavour == "clean" else site.killed, data)


def check(site: Site, case: Case, directory: Path) -> None:
    data, repaired = directory / "data", directory / "repaired"
    shutil.copytree(data, repaired, symlinks=True)
    before = contents(data)
    served = serve(data)
    if served is None:
        assert case.kind in ("meta", "lock", "marker"), "the broker does not start"
        if case.kind != "meta":
            return  # no tool can lock it either; the error names the file
    else:
        check_served(site, case, served)
        check_nothing_is_deleted(case, before, contents(data))
        check_second_start(data, served)
    check_verified(site, case, repaired, served)


def serve(data: Path) -> Served | None:
    """Start, read everything, write a little, stop; None where the start is refused, naming the file."""
    with log_lines() as lines:
        try:
            with Broker(data, settings=SETTINGS) as broker:
                served = read_all(broker, lines.warnings)
                append_everywhere(broker, served)
        except QuekkaError as error:
            refusal = str(error)
        else:
            return served._replace(log=lines.warnings())
    assert str(data) in refusal
    return None


def read_all(broker: Broker, log: Callable[[], list[str]]) -> Served:
    records: dict[Place, Records] = {}
    errors: dict[Place, dict[int, str]] = {}
    for place in places():
        records[place], errors[place] = read_records(broker, place)
    return Served(records, errors, read_commits(broker), log())


def places() -> list[Place]:
    named = [(topic, index) for topic, partitions in TOPICS.items() for index in range(partitions)]
    return [*named, OFFSETS_PLACE]


def append_everywhere(broker: Broker, served: Served) -> None:
    """One more record in each partition, behind all that is there; `served` has it afterwards too."""
    with WireClient(broker.host, broker.port) as client:
        for place, records in served.records.items():
            if place == OFFSETS_PLACE or -1 in served.errors[place]:
                continue
            offset, _ = client.publish(place[0], b"behind it", f"partition={place[1]} key=behind")
            assert offset > max(records, default=-1)
            [message] = client.ask_messages(f"FETCH {place[0]} {place[1]} {offset} 1")
            assert message.value == b"behind it"
            records[offset] = message


def check_served(site: Site, case: Case, served: Served) -> None:
    for place, expected in site.records.items():
        found = {offset: m for offset, m in served.records[place].items() if m.value != b"behind it"}
        missing = expected.keys() - found.keys()
        if place == case.place and case.is_log and not is_refused(case, served, place):
            assert not (needed(site, case, place) & missing), f"{place}: {sorted(missing)} are not served"
        elif is_refused(case, served, place):
            assert "KAFKA_STORAGE_ERROR" in served.errors[place][-1]
        elif case.path.name == "log-start-offset-checkpoint" and place[0] == case.path.parts[1]:
            pass
        else:
            assert not missing, f"{place}: {sorted(missing)} are not served"
            assert not served.errors[place]
        changed = [o for o, m in found.items() if o not in expected or m != expected[o]]
        if case.path.name != "log-start-offset-checkpoint" and not case.is_renumbered:
            assert not changed, f"{place}: {changed} are not what was written"
        if missing and not is_beyond_knowing(site, case):
            told = [*served.log, *served.errors[place].values()]
            names = {case.path.stem} if "move" not in case.damage else {str(case.path.parent)}
            assert any(name in line for line in told for name in names), (
                f"nobody is told of {case.path}: {told}"
            )
    if case.place != OFFSETS_PLACE and "__consumer_offsets" not in case.path.parts:
        assert served.commits == site.commits


def is_beyond_knowing(site: Site, case: Case) -> bool:
    """After a crash a log may end with any whole batch behind its recovery point, and begin with any segment,
    as a deletion may not have written down how far it went.
    """
    if case.flavour != "killed" or not case.is_log:
        return False
    names = sorted(path.name for path in site.killed.joinpath(case.path.parent).glob("*.log"))
    if case.path.name == names[0] and case.damage in ("remove", "move_to_misspelt_name"):
        return True
    return case.path.name == names[-1] and not case.is_torn


def is_refused(case: Case, served: Served, place: Place) -> bool:
    """Whether the whole topic is not served, which may be where its description or a log cannot be read."""
    if -1 not in served.errors[place] or place[0] != case.path.parts[1]:
        return False
    return case.kind == "topic_file" or (case.is_log and case.damage in UNREADABLE)


def needed(site: Site, case: Case, place: Place) -> set[int]:
    """Offsets that must be readable though this log was touched."""
    expected = set(site.records[place])
    base = int(case.path.name[:20])
    if case.damage == "swap_with_sibling":
        return set()  # two files were touched
    if case.damage in MISNAMED:
        return {offset for offset in expected if offset < base and not case.damage.startswith("move")}
    headers = list(iter_batches(case.whole))
    same_bytes = next(
        (at for at, (one, two) in enumerate(zip(case.whole, case.left, strict=False)) if one != two),
        min(len(case.whole), len(case.left)),
    )
    whole = [header for position, header in headers if position + header.size_bytes <= same_bytes]
    before = max((header.next_offset for header in whole), default=base)
    end = headers[-1][1].next_offset
    recovery_point = site.flushed[place] if case.flavour == "killed" else end
    later = {offset for offset in expected if offset >= end} if end <= recovery_point else set()
    return {offset for offset in expected if offset < before} | later


def contents(data: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(data): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def check_nothing_is_deleted(case: Case, before: dict[Path, bytes], after: dict[Path, bytes]) -> None:
    """All that was in the file, and in the logs beside it, is still somewhere."""
    for path, data in before.items():
        if path.suffix not in KEPT_SUFFIXES or (path.suffix != ".log" and path != case.path):
            continue
        parts = [other for name, other in after.items() if name.name.startswith(f"{path.name}.broken")]
        start = after.get(path, b"")
        whole = start.startswith(data) or any(part.startswith(data) for part in parts)
        assert whole or any(data == start[: len(data) - len(part)] + part for part in parts), (
            f"{path}: bytes are gone"
        )


def check_second_start(data: Path, served: Served) -> None:
    before = set(data.rglob("*.broken*"))
    with log_lines() as lines, Broker(data, settings=SETTINGS) as broker:
        again = read_all(broker, lines.warnings)
    assert again.records == served.records, "a second start serves something else"
    assert again.commits == served.commits
    assert set(data.rglob("*.broken*")) == before


def check_verified(site: Site, case: Case, data: Path, served: Served | None) -> None:
    problems = verify(data)
    if not problems and is_beyond_knowing(site, case):
        return
    if not problems:
        assert served is not None
        assert served.log == [], "quekka-verify-log found nothing"
        for place, expected in site.records.items():
            assert not served.errors[place]
            assert expected.items() <= served.records[place].items(), "quekka-verify-log found nothing"
        return
    left = repair(data)
    if left:
        assert {problem.remedy for problem in left} == {"none"}, left
        return
    after = serve(data)
    assert after is not None, "the broker does not start after the repair"
    assert after.log == [], f"a start after the repair complains: {after.log}"
    for place, records in after.records.items():
        assert not after.errors[place]
        if served is not None and case.damage not in MISNAMED:
            lost = [
                offset
                for offset, message in served.records[place].items()
                if message.value != b"behind it" and offset not in records
            ]
            assert not lost, f"{place}: the repair lost {lost}"


def verify(data: Path) -> list[Problem]:
    with LogVerifier(data) as verifier:
        return list(verifier.verify(lambda _: None))


def repair(data: Path) -> list[Problem]:
    """As quekka-verify-log --repair --cut-damage does."""
    for _ in range(3):
        with LogVerifier(data) as verifier:
            problems = list(verifier.verify(lambda _: None))
            todo = [problem for problem in reversed(problems) if problem.repair is not None]
            for problem in todo:
                assert problem.repair is not None
                print("   ", problem, problem.repair())
        if not todo:
            break
    return verify(data)
