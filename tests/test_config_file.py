"""quekka.config_file: what operators write becomes settings, or a refusal that says where."""

from pathlib import Path

import pytest

from quekka.config_file import (
    Given,
    environment_name,
    read_assignments,
    read_config_file,
    read_environment,
)
from quekka.errors import InvalidConfigError
from quekka.setting import Setting, boolean, integer, text

TABLE = {
    row.name: row
    for row in [
        Setting("log.dir", text, "./data", ""),
        Setting("num.partitions", integer(1, 100), 1, ""),
        Setting("auto.create.topics.enable", boolean, True, ""),
    ]
}


def config_file(directory: Path, content: str) -> Path:
    path = directory / "quekka.conf"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", {}),
        ("\n  \n# num.partitions = 3\n   # indented\n", {}),
        ("num.partitions = 3", {"num.partitions": "3"}),
        ("num.partitions=3\n", {"num.partitions": "3"}),
        ("  num.partitions\t=  3  \r\n", {"num.partitions": "3"}),
        ("log.dir = /a dir/with=equals#and hash", {"log.dir": "/a dir/with=equals#and hash"}),
        ("log.dir =", {"log.dir": ""}),
        ("log.dir = a\nnum.partitions = 2\n", {"log.dir": "a", "num.partitions": "2"}),
        ("\ufeffnum.partitions = 3\n", {"num.partitions": "3"}),
    ],
    ids=["empty", "comments", "spaced", "tight", "blanks", "equals and hash", "no text", "two", "byte order"],
)
def test_a_file_gives_settings_as_text(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    found = read_config_file(config_file(tmp_path, content), TABLE)
    assert {name: given.text for name, given in found.items()} == expected


def test_a_setting_remembers_its_file_and_line(tmp_path: Path) -> None:
    path = config_file(tmp_path, "# first line\nnum.partitions = 3\n")
    assert read_config_file(path, TABLE) == {"num.partitions": Given("3", f"{path}:2")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("num.partitions", "'num.partitions' is not name=value"),
        ("= 3", "'= 3' is not name=value"),
        ("num.partitions = many", "num.partitions=many: not a whole number"),
        ("num.partitions = 0", "num.partitions=0: not between 1 and 100"),
        ("auto.create.topics.enable = yes", "auto.create.topics.enable=yes: neither true nor false"),
        ("num.partition = 3", "num.partition: no such setting; did you mean num.partitions?"),
        ("zzz = 3", "zzz: no such setting"),
        ("\x1b[31mzzz = 3", r"'\x1b[31mzzz': no such setting"),
        ("log.dir = b", "log.dir is given again, after {path}:1"),
    ],
)
def test_a_wrong_line_is_refused_with_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = config_file(tmp_path, f"log.dir = a\n{line}\n")
    with pytest.raises(InvalidConfigError) as refused:
        read_config_file(path, TABLE)
    assert refused.value.message == f"{path}:2: " + reason.format(path=path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "quekka.conf"
    path.write_bytes(b"log.dir = \xff\xfe\n")
    with pytest.raises(InvalidConfigError, match="not UTF-8 text at byte 10"):
        read_config_file(path, TABLE)


def test_a_long_line_is_repeated_in_part_only(tmp_path: Path) -> None:
    path = config_file(tmp_path, "x" * 100_000)
    with pytest.raises(InvalidConfigError) as refused:
        read_config_file(path, TABLE)
    assert len(refused.value.message) < len(str(path)) + 100


def test_a_missing_file_is_an_os_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read_config_file(tmp_path / "missing.conf", TABLE)
    assert missing.value.filename == str(tmp_path / "missing.conf")


def test_the_last_assignment_of_a_name_counts() -> None:
    found = read_assignments(["num.partitions=3", "num.partitions=4"], "--set", TABLE)
    assert found == {"num.partitions": Given("4", "--set")}


def test_a_wrong_assignment_is_refused_with_its_origin() -> None:
    with pytest.raises(InvalidConfigError) as refused:
        read_assignments(["num.partitions=x"], "--set", TABLE)
    assert refused.value.message == "--set: num.partitions=x: not a whole number"


def test_the_environment_spells_names_in_capitals() -> None:
    assert environment_name("auto.create.topics.enable") == "QUEKKA_AUTO_CREATE_TOPICS_ENABLE"
    environ = {"QUEKKA_NUM_PARTITIONS": "5", "PATH": "/bin", "NUM_PARTITIONS": "6"}
    assert read_environment(environ, TABLE) == {"num.partitions": Given("5", "QUEKKA_NUM_PARTITIONS")}


def test_variables_that_are_no_settings_are_somebody_elses() -> None:
    environ = {"QUEKKA_SERVER": "127.0.0.1:9999", "QUEKKA_PORT": "tcp://10.0.0.1:9999"}
    assert read_environment(environ, TABLE) == {}


def test_a_wrong_value_in_the_environment_is_refused_with_the_variables_name() -> None:
    with pytest.raises(InvalidConfigError) as refused:
        read_environment({"QUEKKA_NUM_PARTITIONS": "0"}, TABLE)
    assert refused.value.message == "QUEKKA_NUM_PARTITIONS: num.partitions=0: not between 1 and 100"
