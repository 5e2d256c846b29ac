"""Seeded damage to every kind of file at rest, one file a case; damage_check.py says what must hold.

The table has the cases that once went wrong, and those that people ask about.
"""

import shutil
from pathlib import Path
from random import Random

import pytest
from damage_check import check, copy_of, damaged
from damage_site import Site, build
from damages import (
    DAMAGES,
    Damage,
    copy_to_another_offset,
    empty,
    make_dangling_link,
    make_directory,
    move_to_misspelt_name,
    remove,
)

CASES_PER_ROUND = 12
KINDS = {
    "log": "*.log",
    "offsets_log": "__consumer_offsets/0/*.log",
    "index": "*.index",
    "time_index": "*.timeindex",
    "snapshot": "*.snapshot",
    "checkpoint": "*checkpoint",
    "topic_file": "topic.json",
    "meta": "meta.properties",
    "producer_ids": "producer-ids",
    "marker": ".clean_shutdown",
    "lock": ".lock",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return build(tmp_path_factory.mktemp("site"), seed=1)


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long
def test_whatever_is_damaged_the_rest_is_served(site: Site, tmp_path: Path, seed: int, rounds: int) -> None:
    for number in range(CASES_PER_ROUND * rounds):
        one_case(site, tmp_path / str(number), Random(f"{seed}/{number}"))


def one_case(site: Site, directory: Path, rng: Random) -> None:
    data = directory / "data"
    flavour = rng.choice(("clean", "killed"))
    copy_of(site, flavour, data)
    kind = rng.choice([kind for kind in KINDS if any(data.rglob(KINDS[kind]))])
    path = rng.choice(sorted(data.rglob(KINDS[kind])))
    case = damaged(flavour, kind, data, path, rng.choice(DAMAGES), rng)
    print(f"{directory.name}: {case}")
    check(site, case, directory)
    shutil.rmtree(directory)


def replace(old: bytes, new: bytes) -> Damage:
    def damage(path: Path, rng: Random) -> str:
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))
        return f"{old!r} now {new!r}"

    return damage


def flip(position: int) -> Damage:
    def damage(path: Path, rng: Random) -> str:
        data = bytearray(path.read_bytes())
        data[position] ^= 0x10
        path.write_bytes(data)
        return f"a bit of byte {position} flipped"

    return damage


def zeros(path: Path, rng: Random) -> str:
    path.write_bytes(bytes(path.stat().st_size))
    return "zeroed"


EXACT: dict[str, tuple[str, int, Damage]] = {
    "first segment gone": ("plain/0/*.log", 0, remove),
    "middle segment gone": ("plain/0/*.log", 2, remove),
    "active segment gone": ("plain/0/*.log", -1, remove),
    "middle segment emptied": ("plain/0/*.log", 2, empty),
    "active segment emptied": ("plain/0/*.log", -1, empty),
    "middle segment misspelt": ("plain/0/*.log", 2, move_to_misspelt_name),
    "segment there twice": ("plain/0/*.log", 1, copy_to_another_offset),
    "bit of a sealed record": ("plain/0/*.log", 1, flip(70)),
    "bit of a sealed base offset": ("plain/0/*.log", 1, flip(6)),
    "bit of a sealed magic": ("plain/0/*.log", 1, flip(16)),
    "bit of a compressed batch": ("packed/0/*.log", 1, flip(90)),
    "bit of a committed offset": ("__consumer_offsets/0/*.log", -2, flip(70)),
    "committed offsets far from their base": ("__consumer_offsets/0/*.log", 3, flip(3)),
    "directory for the last committed offsets": ("__consumer_offsets/0/*.log", -1, make_directory),
    "link to nowhere for a last segment": ("keyed/0/*.log", -1, make_dangling_link),
    "directory for an index": ("plain/0/*.index", 1, make_directory),
    "directory for a snapshot": ("once/0/*.snapshot", -1, make_directory),
    "directory for an older snapshot": ("once/0/*.snapshot", -2, make_directory),
    "link to nowhere for a snapshot": ("once/0/*.snapshot", -1, make_dangling_link),
    "index of zeros": ("keyed/0/*.index", -1, zeros),
    "index of zeros where the first batch is one record": ("plain/0/*.index", 1, zeros),
    "bit of a snapshot": ("once/0/*.snapshot", -1, flip(20)),
    "a million partitions": ("plain/topic.json", 0, replace(b'"partitions": 2', b'"partitions": 1000000')),
    "one partition less": ("plain/topic.json", 0, replace(b'"partitions": 2', b'"partitions": 1')),
    "log start unreadable": ("cut/log-start*", 0, replace(b"cut 0", b"cut cut 0")),
    "log start gone": ("cut/log-start*", 0, remove),
    "huge log start": ("plain/log-start*", 0, replace(b"plain 0 0", b"plain 0 9223372036854775807")),
    "huge recovery point": ("plain/recovery*", 0, replace(b"plain 0 ", b"plain 0 9")),
    "meta.properties gone": ("../meta.properties", 0, remove),
    "meta.properties of a later version": ("../meta.properties", 0, replace(b"version=1", b"version=2")),
    "producer-ids cut": ("../producer-ids", 0, replace(b"next.producer.id=1000", b"next.prod")),
}


@pytest.mark.parametrize("flavour", ["clean", "killed"])
@pytest.mark.parametrize(("pattern", "index", "damage"), EXACT.values(), ids=EXACT)
def test_exactly_this_damage_costs_no_more_than_itself(
    site: Site, tmp_path: Path, flavour: str, pattern: str, index: int, damage: Damage
) -> None:
    data = tmp_path / "data"
    copy_of(site, flavour, data)
    topics = data / "topics"
    path = (data / pattern[3:]) if pattern.startswith("../") else sorted(topics.glob(pattern))[index]
    kind = next(kind for kind in KINDS if path in data.rglob(KINDS[kind]))
    check(site, damaged(flavour, kind, data, path, damage, Random(0)), tmp_path)
