"""quekka.protocols.kafka.api_keys: the table against the sources it is from."""

from importlib import import_module
from pathlib import Path

import pytest
from source_tree import ROOT

from quekka.protocols.kafka.api_keys import API_VERSIONS, APIS, APIS_BY_KEY, FETCH, PRODUCE, Api

OFFERED = {
    0: (0, 11), 1: (4, 12), 2: (1, 9), 3: (0, 12), 8: (2, 9), 9: (1, 9), 10: (0, 5), 11: (0, 9), 12: (0, 4),
    13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 18: (0, 4), 19: (2, 7), 20: (1, 6), 21: (0, 2),
    22: (0, 5), 23: (2, 4), 29: (1, 3), 30: (1, 3), 31: (1, 3), 32: (1, 4), 33: (0, 2), 35: (1, 4),
    37: (0, 3), 42: (0, 2), 43: (0, 2), 44: (0, 1), 46: (0, 0), 47: (0, 0), 60: (0, 2), 61: (0, 0),
    75: (0, 0),
}  # fmt: skip


def test_these_versions_are_offered() -> None:
    assert {api.key: tuple(api.versions) for api in APIS} == OFFERED


def test_keys_ascend_as_clients_expect_them() -> None:
    keys = [api.key for api in APIS]
    assert keys == sorted(set(keys))
    assert set(APIS_BY_KEY) == set(keys)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_no_range_is_empty(api: Api) -> None:
    """aiokafka asserts it of every row."""
    assert 0 <= api.versions.first <= api.versions.last
    assert api.served_from <= api.versions.last


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_flexible_versions_are_those_of_the_message_definitions(api: Api) -> None:
    for version in range(max(api.versions.first, api.served_from), api.versions.last + 1):
        name = api.module_name.rpartition(".")[2][len("api_00_") :]
        for direction in ("request", "response"):
            package = import_module(f"kio.schema.{name}.v{version}.{direction}")
            assert getattr(package, api.name + direction.capitalize()).__flexible__ == api.is_flexible(
                version
            )


def test_there_is_one_module_for_each_row_and_one_row_for_each_module() -> None:
    directory = ROOT / "quekka/protocols/kafka"
    found = {path.stem for path in directory.glob("api_[0-9]*.py")}
    assert found == {api.module_name.rpartition(".")[2] for api in APIS}
    assert Path(directory, "api_23_offset_for_leader_epoch.py").exists()


def test_old_produce_versions_are_offered_and_not_served() -> None:
    produce = APIS_BY_KEY[PRODUCE]
    assert [version for version in range(-1, 14) if produce.serves(version)] == list(range(3, 12))
    assert 0 in produce.versions


@pytest.mark.parametrize(
    ("key", "version", "request_header", "response_header"),
    [
        (PRODUCE, 8, 1, 0),
        (PRODUCE, 9, 2, 1),
        (FETCH, 11, 1, 0),
        (FETCH, 12, 2, 1),
        (API_VERSIONS, 2, 1, 0),
        (API_VERSIONS, 3, 2, 0),
        (47, 0, 1, 0),
        (60, 0, 2, 1),
    ],
)
def test_headers_have_tagged_fields_when_the_message_is_flexible_but_the_api_versions_response_never(
    key: int, version: int, request_header: int, response_header: int
) -> None:
    api = APIS_BY_KEY[key]
    assert api.request_header_version(version) == request_header
    assert api.response_header_version(version) == response_header
