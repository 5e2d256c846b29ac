"""From a line to a request, by the table in `grammar`; each error says which word was wrong."""

import re

from quekka.errors import BadRequestError, UnknownCommandError
from quekka.protocols.text.grammar import COMMANDS, Command, Option, Word
from quekka.protocols.text.percent import printable
from quekka.protocols.text.request import Publish, Request
from quekka.protocols.text.values import payload_length, text

_NOT_PRINTABLE = re.compile(rb"[^ -~]")

_COMMON_PUBLISH = re.compile(
    rb"(?:\r?\n)?PUBLISH (?!\.\.? )([A-Za-z0-9._-]{1,249}) ([0-9]{1,18})"
    rb"(?: partition=([0-9]{1,9}))?(?: key=([!-$&-~]{0,4096}))?\r?\n"
)

_BY_WORD = {name.encode("ascii"): command for name, command in COMMANDS.items()}


def match_publish(data: bytearray, start: int, end: int) -> tuple[bytes, Publish] | None:
    """The line at `start` and what it asks for, where it is a PUBLISH as most of them are; else None.

    It says nothing that `read_request` would not say, only sooner: one regular expression does in C what the
    table does step by step. The line end that clients put after the payload before belongs to the match.
    """
    match = _COMMON_PUBLISH.match(data, start, end)
    if match is None:
        return None
    topic, length, partition, key = match.groups()
    index = None if partition is None else int(partition)
    return match[0], Publish(topic.decode("ascii"), int(length), index, key)


def split_line(line: bytes) -> list[bytes]:
    """The words of a line without its line end; none for an empty line."""
    return [word for word in line.split(b" ") if word]


def find_command(word: bytes) -> Command:
    """The row of the table for a command word in any case; raises UnknownCommandError."""
    command = _BY_WORD.get(word.upper())
    if command is None:
        raise UnknownCommandError(f"'{printable(word)}' is no command (HELP lists them)")
    return command


def read_length(command: Command, words: list[bytes]) -> int:
    """The length of the payload after the line, 0 where the command has none.

    Raises BadRequestError where the word is missing or no number: nobody can then tell where the next request
    begins.
    """
    if command.length_word is None:
        return 0
    position = 1 + command.length_word
    if position >= len(words):
        raise BadRequestError(f"{command.name} without a payload length; usage: {command.usage}")
    try:
        return payload_length(words[position])
    except BadRequestError as error:
        raise BadRequestError(f"{command.name}: payload length: {error.message}") from None


def wants_no_reply(command: Command, words: list[bytes]) -> bool:
    """True for a request with a payload that says acks=0, even where the rest of its line is wrong."""
    return command.length_word is not None and b"acks=0" in words


def read_request(command: Command, words: list[bytes]) -> Request:
    """What the words of a line ask for; raises BadRequestError, InvalidTopicError and their like."""
    for word in words:
        if _NOT_PRINTABLE.search(word):
            raise BadRequestError(f"'{printable(word)}' holds bytes that must be percent-encoded")
    required = len(command.words)
    if len(words) <= required:
        missing = command.words[len(words) - 1].shown
        raise BadRequestError(f"{command.name} needs {missing}; usage: {command.usage}")
    fields: dict[str, object] = {}
    for rule, word in zip(command.words, words[1:], strict=False):
        fields[rule.field] = _read_word(command, rule, word)
    rest = words[1 + required :]
    taken = _read_optional_words(command, rest, fields)
    _read_options(command, rest[taken:], fields)
    return command.request(**fields)  # type: ignore[return-value]


def _read_optional_words(command: Command, words: list[bytes], fields: dict[str, object]) -> int:
    taken = 0
    for rule in command.optional_words:
        fields[rule.field] = rule.default
        if taken < len(words) and b"=" not in words[taken]:
            fields[rule.field] = _read_word(command, rule, words[taken])
            taken += 1
    return taken


def _read_word(command: Command, rule: Word, word: bytes) -> object:
    try:
        return rule.parse(word)
    except BadRequestError as error:
        raise BadRequestError(f"{command.name}: {rule.shown}: {error.message}") from None


def _read_options(command: Command, words: list[bytes], fields: dict[str, object]) -> None:
    by_name: dict[str, Option] = {}
    for option in command.options:
        fields[option.field] = option.default
        by_name[option.name] = option
    collected: dict[str, object] = {}
    seen: set[str] = set()
    for word in words:
        name, value = _split_option(command, word)
        if name in seen:
            raise BadRequestError(f"{command.name}: {name}= is given twice")
        seen.add(name)
        known = by_name.get(name)
        if known is not None:
            fields[known.field] = _read_value(command, name, known, value)
        elif command.many and name.startswith(command.many.prefix) and len(name) > len(command.many.prefix):
            collected[name[len(command.many.prefix) :]] = command.many.parse(value)
        else:
            raise BadRequestError(f"{command.name} has no option {name}=; usage: {command.usage}")
    if command.many:
        fields[command.many.field] = command.many.collect(collected)


def _split_option(command: Command, word: bytes) -> tuple[str, bytes]:
    name, equals, value = word.partition(b"=")
    if not equals:
        raise BadRequestError(f"'{printable(word)}' is one word too many; usage: {command.usage}")
    return text(name), value


def _read_value(command: Command, name: str, option: Option, value: bytes) -> object:
    try:
        return option.parse(value)
    except BadRequestError as error:
        raise BadRequestError(f"{command.name}: {name}=: {error.message}") from None
