"""The table of commands: words, options, payload and help of each; parser, HELP and the man page's test
read it.

    PUBLISH orders 5 partition=2 key=42\\r\\n
    ------- ------ - ----------- ------
    command  required  options: name=value, in any order, each at most once
             words, then optional words

A required word is taken as it is. After them, a word without `=` is the next optional word; the first one
with `=` begins the options.
"""

from collections.abc import Callable
from dataclasses import dataclass

from quekka.protocols.text import request, values
from quekka.protocols.text.names import parse_group, parse_topic
from quekka.protocols.text.percent import decode

LINE_BYTES_MAX = 8192

MESSAGES_DEFAULT = 100
MESSAGES_MAX = 1_000_000
TIMEOUT_MS_MAX = 300_000
READ_BYTES_DEFAULT = 1024 * 1024
READ_BYTES_MAX = 55 * 1024 * 1024
"""Kafka's `fetch.max.bytes`."""

Parse = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Word:
    """A positional word: the field of the request that it fills, how it reads, how the usage shows it."""

    field: str
    parse: Parse
    shown: str


@dataclass(frozen=True, slots=True)
class OptionalWord(Word):
    default: object = None


@dataclass(frozen=True, slots=True)
class Option:
    """`name=value`, with the value that is meant where it is not written."""

    name: str
    field: str
    parse: Parse
    shown: str
    default: object = None


@dataclass(frozen=True, slots=True)
class ManyOptions:
    """Options with names not known beforehand: those that begin with `prefix`, collected in one field."""

    field: str
    prefix: str
    parse: Parse
    shown: str
    collect: Callable[[dict[str, object]], object]


@dataclass(frozen=True, slots=True)
class Command:
    """One row: everything there is to know about the line of a command."""

    name: str
    request: type[tuple[object, ...]]
    summary: str
    words: tuple[Word, ...] = ()
    optional_words: tuple[OptionalWord, ...] = ()
    options: tuple[Option, ...] = ()
    many: ManyOptions | None = None
    length_word: int | None = None
    """Which of the required words is the length of the payload; None where there is no payload."""

    @property
    def usage(self) -> str:
        """The request as the contract's table writes it."""
        shown = [self.name, *(word.shown for word in self.words)]
        shown += [f"[{word.shown}]" for word in self.optional_words]
        shown += [f"[{option.name}={option.shown}]" for option in self.options]
        if self.many:
            shown.append(f"[{self.many.shown}]...")
        return " ".join(shown)


_WHERE = "earliest|latest|<offset>|timestamp:<ms>"

_TOPIC = Word("topic", parse_topic, "<topic>")
_GROUP = Word("group", parse_group, "<group>")
_PARTITION = Word("partition", values.partition_index, "<partition>")
_OFFSET = Word("offset", values.offset, "<offset>")
_LENGTH = Word("length", values.payload_length, "<length>")
_WHERE_WORD = Word("where", values.offset_spec, _WHERE)

_MAX = OptionalWord("max_messages", values.capped_number(1, MESSAGES_MAX), "max", MESSAGES_DEFAULT)
_TIMEOUT = OptionalWord("timeout_ms", values.capped_number(0, TIMEOUT_MS_MAX), "timeout_ms", 0)
_READ_BYTES = values.capped_number(1, READ_BYTES_MAX)
_MAX_BYTES = Option("max_bytes", "max_bytes", _READ_BYTES, "<n>", READ_BYTES_DEFAULT)

_ONE_PARTITION = Option("partition", "partition", values.partition_index, "<p>")
_PARTITIONS = Option("partitions", "partitions", values.partition_count, "<n>")
_ACKS = Option("acks", "acks", values.acks, "0|1|all", request.ACKS_ALL)

_SETTINGS = ManyOptions("settings", "", values.text, "<config>=<value>", dict)
_HEADERS = ManyOptions("headers", "header.", decode, "header.<name>=<v>", lambda found: tuple(found.items()))


def _command_name(word: bytes) -> str:
    return values.text(word).upper()


_COMMANDS = (
    Command(
        "APPEND",
        request.Append,
        "append record batches in Kafka's format; the payload follows the line",
        (_TOPIC, _PARTITION, _LENGTH),
        options=(_ACKS,),
        length_word=2,
    ),
    Command(
        "COMMIT",
        request.Commit,
        "store the offset to read next, or the present position where none is given",
        (_TOPIC, _GROUP),
        (OptionalWord("offset", values.offset, "<offset>"),),
        (_ONE_PARTITION,),
    ),
    Command(
        "CONFIG",
        request.Config,
        "show a topic's settings, after changing those given",
        (_TOPIC,),
        options=(_PARTITIONS,),
        many=_SETTINGS,
    ),
    Command("CREATE", request.Create, "create a topic", (_TOPIC,), options=(_PARTITIONS,), many=_SETTINGS),
    Command("DELETE", request.Delete, "delete a topic and its records", (_TOPIC,)),
    Command("DELETEGROUP", request.DeleteGroup, "forget a group that has no members", (_GROUP,)),
    Command(
        "DELETERECORDS",
        request.DeleteRecords,
        "delete the records before an offset",
        (_TOPIC, _PARTITION, Word("before_offset", values.offset, "<before_offset>")),
    ),
    Command(
        "FETCH",
        request.Fetch,
        "read messages from an offset, without a group",
        (_TOPIC, _PARTITION, _OFFSET),
        (_MAX, _TIMEOUT),
        (_MAX_BYTES,),
    ),
    Command(
        "GROUP",
        request.Group,
        "show a group: state, members, committed offsets, positions and lag",
        (_GROUP,),
        (OptionalWord("topic", parse_topic, "<topic>"),),
    ),
    Command("GROUPS", request.Groups, "list the groups"),
    Command(
        "HELP",
        request.Help,
        "list the commands, or show how one is written",
        (),
        (OptionalWord("command", _command_name, "command"),),
    ),
    Command(
        "INFO", request.Info, "show a topic, or one partition of it", (_TOPIC,), options=(_ONE_PARTITION,)
    ),
    Command(
        "LISTOFFSETS",
        request.ListOffsets,
        "find the offset of a place in a partition",
        (_TOPIC, _PARTITION, _WHERE_WORD),
    ),
    Command("PING", request.Ping, "see whether the broker answers"),
    Command(
        "POLL",
        request.Poll,
        "read messages from the group's position and move it on",
        (_TOPIC, _GROUP),
        (_MAX, _TIMEOUT),
        (_MAX_BYTES,),
    ),
    Command(
        "PUBLISH",
        request.Publish,
        "append one message; the payload follows the line",
        (_TOPIC, _LENGTH),
        options=(
            _ONE_PARTITION,
            Option("key", "key", decode, "<k>"),
            Option("timestamp", "timestamp_ms", values.timestamp, "<ms>"),
            _ACKS,
        ),
        many=_HEADERS,
        length_word=1,
    ),
    Command("QUIT", request.Quit, "end the connection"),
    Command(
        "READ",
        request.Read,
        "read record batches as they are on disk",
        (_TOPIC, _PARTITION, _OFFSET),
        (_TIMEOUT,),
        (_MAX_BYTES,),
    ),
    Command(
        "SEEK",
        request.Seek,
        "set the group's position",
        (_TOPIC, _GROUP, _WHERE_WORD),
        options=(_ONE_PARTITION,),
    ),
    Command("STATS", request.Stats, "show the broker's counters"),
    Command(
        "SUBSCRIBE",
        request.Subscribe,
        "make this connection a member of the group",
        (_TOPIC, _GROUP),
        options=(Option("from", "start", values.offset_spec, _WHERE, values.offset_spec(b"earliest")),),
    ),
    Command("TOPICS", request.Topics, "list the topics"),
    Command("UNSUBSCRIBE", request.Unsubscribe, "leave the group", (_TOPIC, _GROUP)),
)

COMMANDS: dict[str, Command] = {command.name: command for command in _COMMANDS}
