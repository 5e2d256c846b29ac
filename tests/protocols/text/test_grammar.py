"""The table of commands is whole and consistent with itself and with the requests."""

from typing import get_args

import pytest

from quekka.protocols.text.grammar import COMMANDS, Command
from quekka.protocols.text.request import Request

CONTRACT = {
    "APPEND": "APPEND <topic> <partition> <length> [acks=0|1|all]",
    "COMMIT": "COMMIT <topic> <group> [<offset>] [partition=<p>]",
    "CONFIG": "CONFIG <topic> [partitions=<n>] [<config>=<value>]...",
    "CREATE": "CREATE <topic> [partitions=<n>] [<config>=<value>]...",
    "DELETE": "DELETE <topic>",
    "DELETEGROUP": "DELETEGROUP <group>",
    "DELETERECORDS": "DELETERECORDS <topic> <partition> <before_offset>",
    "FETCH": "FETCH <topic> <partition> <offset> [max] [timeout_ms] [max_bytes=<n>]",
    "GROUP": "GROUP <group> [<topic>]",
    "GROUPS": "GROUPS",
    "HELP": "HELP [command]",
    "INFO": "INFO <topic> [partition=<p>]",
    "LISTOFFSETS": "LISTOFFSETS <topic> <partition> earliest|latest|<offset>|timestamp:<ms>",
    "PING": "PING",
    "POLL": "POLL <topic> <group> [max] [timeout_ms] [max_bytes=<n>]",
    "PUBLISH": "PUBLISH <topic> <length> [partition=<p>] [key=<k>] [timestamp=<ms>] [acks=0|1|all]"
    " [header.<name>=<v>]...",
    "QUIT": "QUIT",
    "READ": "READ <topic> <partition> <offset> [timeout_ms] [max_bytes=<n>]",
    "SEEK": "SEEK <topic> <group> earliest|latest|<offset>|timestamp:<ms> [partition=<p>]",
    "STATS": "STATS",
    "SUBSCRIBE": "SUBSCRIBE <topic> <group> [from=earliest|latest|<offset>|timestamp:<ms>]",
    "TOPICS": "TOPICS",
    "UNSUBSCRIBE": "UNSUBSCRIBE <topic> <group>",
}


def test_the_usages_are_those_of_the_contract() -> None:
    assert {name: command.usage for name, command in COMMANDS.items()} == CONTRACT


def test_commands_are_in_alphabetical_order() -> None:
    assert list(COMMANDS) == sorted(COMMANDS)


def test_every_request_has_its_command() -> None:
    assert {command.request for command in COMMANDS.values()} == set(get_args(Request))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_row_fills_every_field_of_its_request(command: Command) -> None:
    filled = [rule.field for rule in (*command.words, *command.optional_words, *command.options)]
    if command.many:
        filled.append(command.many.field)
    assert sorted(filled) == sorted(command.request._fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_payload_length_is_a_required_word(command: Command) -> None:
    if command.length_word is not None:
        assert command.words[command.length_word].field == "length"
    assert ("length" in command.request._fields) == (command.length_word is not None)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_summary_is_one_line_without_a_full_stop(command: Command) -> None:
    assert command.summary.isprintable()
    assert not command.summary.endswith(".")
