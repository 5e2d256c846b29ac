"""quekka-protocol(7) is the contract: its grammar is the parser's, and its examples are played."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire_client import REPLY_TIMEOUT_S, WireClient

from quekka.clock import ManualClock
from quekka.embedded import Broker
from quekka.protocols.text import grammar
from quekka.protocols.text.grammar import COMMANDS

PAGE = (Path(__file__).parents[2] / "man" / "quekka-protocol.7").read_text(encoding="utf-8")
COMMANDS_SECTION = PAGE.partition(".Sh COMMANDS\n")[2].partition(".Sh ERROR CODES\n")[0]
ERRORS_SECTION = PAGE.partition(".Sh ERROR CODES\n")[2].partition(".Sh LIMITS\n")[0]


def sections() -> dict[str, str]:
    """What the page says of each command."""
    parts = re.split(r"^\.Ss (\w+)\n", COMMANDS_SECTION, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def literal_blocks() -> list[list[str]]:
    """The examples, line by line, as a reader sees them."""
    examples = PAGE.partition(".Sh EXAMPLES\n")[2]
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", examples, re.MULTILINE | re.DOTALL)
    return [block.replace("\\e", "\\").splitlines() for block in blocks]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker whose time is that of the examples."""
    with Broker(tmp_path / "data", clock=ManualClock(1_700_000_000_000)) as running:
        yield running


def test_every_command_has_its_section_in_alphabetical_order() -> None:
    assert list(sections()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_written_as_the_parser_reads_it(name: str) -> None:
    assert COMMANDS[name].usage in sections()[name].splitlines()
    assert "The reply is" in sections()[name]


def test_every_error_word_of_a_command_is_explained_once_and_in_order() -> None:
    explained = re.findall(r"^\.It Er (\w+)", ERRORS_SECTION, re.MULTILINE)
    assert explained == sorted(set(explained))
    named = {word for text in sections().values() for word in re.findall(r"^\.Er (\w+)", text, re.MULTILINE)}
    assert named <= set(explained)


@pytest.mark.parametrize(
    "name",
    [
        "LINE_BYTES_MAX",
        "MESSAGES_DEFAULT",
        "MESSAGES_MAX",
        "TIMEOUT_MS_MAX",
        "READ_BYTES_DEFAULT",
        "READ_BYTES_MAX",
    ],
)
def test_the_limits_are_those_of_the_grammar(name: str) -> None:
    assert re.search(rf"\b{getattr(grammar, name)}\b", PAGE)


def test_the_worked_connection_is_what_happens(text_client: WireClient) -> None:
    for line in literal_blocks()[0]:
        side, text = line[:3], line[3:]
        if side == "C: ":
            text_client.send(text)
        else:
            assert side == "S: "
            assert _without_port(text_client.read_line()) == _without_port(text)
    assert text_client.read_line() == ""


def _without_port(line: str) -> str:
    """The name of a member holds its port, which the system chooses, and the number of its connection."""
    return re.sub(r"=text-127\.0\.0\.1:\d+-\d+", "=text-127.0.0.1:PORT-N", line)


def test_the_commands_with_nc_are_what_happens(broker: Broker) -> None:
    for command, shown in _shell_session():
        with socket.create_connection((broker.host, broker.port), timeout=REPLY_TIMEOUT_S) as connection:
            connection.sendall(command)
            connection.shutdown(socket.SHUT_WR)
            assert connection.makefile("rb").read().replace(b"\r\n", b"\n").decode() == shown


def _shell_session() -> Iterator[tuple[bytes, str]]:
    """What each printf sends and what is shown after it."""
    text = "\n".join(literal_blocks()[1]) + "\n"
    parts = re.split(r"^\$ printf '(.*)' \| nc -N localhost 9999\n", text, flags=re.MULTILINE)[1:]
    assert len(parts) == 10
    for sent, shown in zip(parts[::2], parts[1::2], strict=True):
        yield sent.encode().decode("unicode_escape").encode(), shown
