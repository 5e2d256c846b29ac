"""The shell's completion, asked as bash asks it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import quekka
from quekka.client import TopicPartition

ROOT = Path(__file__).resolve().parents[2]
Complete = Callable[..., list[str]]


@pytest.fixture
def topics(broker: quekka.Broker) -> Iterator[quekka.Admin]:
    """The topics `orders` and `others`, and the group `readers`."""
    with quekka.Admin(broker.address) as admin:
        for name in ("orders", "others"):
            admin.create_topic(name)
        admin.alter_group_offsets("readers", {TopicPartition("orders", 0): 0})
        yield admin


def complete(server: str, program: str, *words: str) -> list[str]:
    """What bash would offer for the last of `words`."""
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / program)],
        env={
            **os.environ,
            "QUEKKA_SERVER": server,
            variable: "bash_complete",
            "COMP_WORDS": " ".join([program, *words]),
            "COMP_CWORD": str(len(words)),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stderr == ""
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        pytest.param(["quekka-topics", "describe", "o"], ["orders", "others"], id="topics"),
        pytest.param(["quekka-topics", "delete", "orders", "ot"], ["others"], id="the second topic"),
        pytest.param(["quekka-topics", "describe", "x"], [], id="no such topic"),
        pytest.param(["quekka-consume", "ord"], ["orders"], id="consume"),
        pytest.param(["quekka-produce", "ord"], ["orders"], id="produce"),
        pytest.param(["quekka-groups", "describe", "r"], ["readers"], id="groups"),
        pytest.param(["quekka-consume", "orders", "--group", "r"], ["readers"], id="a group as an option"),
        pytest.param(["quekka-topics", "del"], ["delete", "delete-records"], id="commands"),
        pytest.param(["quekka-consume", "--fo"], ["--follow", "--format"], id="options"),
    ],
)
def test_names_are_offered(
    broker: quekka.Broker, topics: quekka.Admin, words: list[str], offered: list[str]
) -> None:
    assert complete(broker.address, *words) == offered


@pytest.mark.parametrize("before", [[], ["describe"]], ids=["before the command", "behind the command"])
def test_the_server_of_the_command_line_is_asked(
    broker: quekka.Broker, topics: quekka.Admin, before: list[str]
) -> None:
    words = [*before, "--server", broker.address, *(["describe"] if not before else []), "ord"]
    assert complete("127.0.0.1:1", "quekka-topics", *words) == ["orders"]


def test_a_broker_that_is_not_there_offers_nothing_quietly() -> None:
    assert complete("127.0.0.1:1", "quekka-topics", "describe", "o") == []


def test_a_broker_that_is_silent_offers_nothing_quietly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert complete(address, "quekka-topics", "describe", "o") == []


@pytest.mark.parametrize("program", ["quekka-topics", "quekka-produce", "quekka-consume", "quekka-groups"])
def test_the_line_of_the_manual_gives_bash_a_script(program: str) -> None:
    page = (ROOT / "man" / f"{program}.1").read_text(encoding="utf-8")
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    assert f"$({variable}=bash_source {program})" in page
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin" / program)],
        env={**os.environ, variable: "bash_source"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=False).returncode == 0
    assert f"complete -o nosort -F _{program.replace('-', '_')}_completion {program}" in result.stdout
