"""PING, STATS, HELP, QUIT, and the answer to what was no request."""

from quekka.errors import UnknownCommandError
from quekka.protocols.text import replies, request
from quekka.protocols.text.connection import Refused
from quekka.protocols.text.grammar import COMMANDS
from quekka.servers.text_session import TextSession


def ping(session: TextSession, _asked: request.Ping) -> None:
    session.reply(replies.ok("PONG"))


def stats(session: TextSession, _asked: request.Stats) -> None:
    shown = {**session.broker.stats(), "connections": session.connections.in_use}
    session.reply(replies.ok_values(shown.items()))


def show_help(session: TextSession, asked: request.Help) -> None:
    if asked.command is None:
        session.reply(replies.ok("commands:", *COMMANDS, "- HELP <command> says how one is written"))
        return
    command = COMMANDS.get(asked.command)
    if command is None:
        raise UnknownCommandError(f"'{asked.command}' is no command (HELP lists them)")
    session.reply(replies.ok(command.usage, "-", command.summary))


def quit_connection(session: TextSession, _asked: request.Quit) -> None:
    """The parser reads nothing after QUIT, so the connection ends with this reply."""
    session.reply(replies.OK)


def refused(session: TextSession, event: Refused) -> None:
    if event.silent:
        session.errors += 1
    else:
        raise event.error
