"""What every Quekka program has in common: its options, how it fails, and how it ends.

A program is a click command whose body is wrapped by `quekka_command`, the one place where an exception
becomes a line on standard error and an exit code, but for what click itself writes (--help, --version), for
which the command's class does the same:

    @click.command("quekka-example", cls=Program, context_settings=CONTEXT_SETTINGS)
    @broker_options
    @quekka_command
    def main() -> None:
        with Admin(server_address()) as admin: ...

The codes are one table, `Exit`, which the man pages repeat. 130 and 141 are what a shell reports for a
program that SIGINT or SIGPIPE ended (128 + the signal's number, signal(7)). SIGPIPE itself stays ignored, as
Python leaves it, because it would also end a program whose connection to the broker breaks.
"""

import enum
import errno
import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, Self, TypeVar

import click

from quekka.client.addresses import parse_addresses
from quekka.errors import InvalidConfigError, QuekkaError
from quekka.version import __version__

P = ParamSpec("P")
Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_SERVER = "127.0.0.1:9999"
SERVER_VARIABLE = "QUEKKA_SERVER"
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"]}
_SERVER_KEY = "quekka.cli.server"


class Exit(enum.IntEnum):
    """The exit codes of all programs: number, and what it says to a script."""

    doc: str

    OK = 0, "everything was done"
    UNEXPECTED = 1, "a fault of the program itself"
    USAGE = 2, "an option or argument is wrong"
    BROKER_UNREACHABLE = 3, "the broker cannot be reached, or the connection broke"
    BROKER_REFUSED = 4, "the broker refused; its error code is in the message"
    NOT_FOUND = 5, "the topic, partition, group or file does not exist"
    DATA_DAMAGED = 6, "data is damaged: on disk, or in what was received"
    DATA_DIR_IN_USE = 7, "another process uses the data directory"
    FILE_ERROR = 8, "a file or stream cannot be read or written"
    RECORDS_FAILED = 9, "some records were not produced"
    CANNOT_LISTEN = 10, "the broker cannot listen on an address"
    INTERRUPTED = 130, "interrupted from the keyboard"
    BROKEN_PIPE = 141, "the reader of standard output went away"

    def __new__(cls, number: int, doc: str) -> Self:
        member = int.__new__(cls, number)
        member._value_ = number
        member.doc = doc
        return member


EXIT_BY_ERROR_CODE = {
    "NETWORK_EXCEPTION": Exit.BROKER_UNREACHABLE,
    "REQUEST_TIMED_OUT": Exit.BROKER_UNREACHABLE,
    "UNKNOWN_TOPIC_OR_PARTITION": Exit.NOT_FOUND,
    "GROUP_ID_NOT_FOUND": Exit.NOT_FOUND,
    "CORRUPT_MESSAGE": Exit.DATA_DAMAGED,
    "DATA_DIR_IN_USE": Exit.DATA_DIR_IN_USE,
}
"""By a QuekkaError's `code`; one that is not here is BROKER_REFUSED."""

EXIT_BY_OS_ERROR = (
    (FileNotFoundError, Exit.NOT_FOUND),
    ((ConnectionError, TimeoutError), Exit.BROKER_UNREACHABLE),
    (OSError, Exit.FILE_ERROR),
)
"""By an OSError's class; the first row that fits."""


def exit_for(error: QuekkaError | OSError) -> Exit:
    """The exit code that `error` ends a program with."""
    if isinstance(error, QuekkaError):
        return EXIT_BY_ERROR_CODE.get(error.code, Exit.BROKER_REFUSED)
    return next(code for kind, code in EXIT_BY_OS_ERROR if isinstance(error, kind))


def describe_error(error: QuekkaError | OSError) -> str:
    """One line for a person: `CODE: message`, or `file: reason` as the system's own tools put it."""
    if isinstance(error, QuekkaError):
        text = error.message if error.message.startswith(error.code) else f"{error.code}: {error.message}"
    else:
        reason = error.strerror or str(error) or type(error).__name__
        text = f"{error.filename}: {reason}" if error.filename is not None else reason
    return " ".join(text.split())


def complain(message: str) -> None:
    """Say `message` on standard error behind the program's name."""
    click.echo(f"{click.style(f'{program_name()}:', fg='red', bold=True)} {message}", err=True)


def show_warnings() -> None:
    """Have what the client library warns of, such as a lost connection, look like the program's messages."""
    handler = logging.StreamHandler()
    handler.addFilter(_UnlikeTheLast())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, format=f"{program_name()}: %(message)s")


class _UnlikeTheLast(logging.Filter):
    """Keeps a broker that is away for long from filling the screen with the same line."""

    _last: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        last, self._last = self._last, record.getMessage()
        return self._last != last


def program_name() -> str:
    """What the program was called as, without a path."""
    context = click.get_current_context(silent=True)
    name = (context.find_root().info_name if context else None) or sys.argv[0]
    return os.path.basename(name)


def quekka_command(body: Callable[P, None]) -> Callable[P, None]:
    """Wrap a click command's body so that every failure with a name ends in one line and its own exit code.

    A QuekkaError or OSError becomes `program: what happened`; KeyboardInterrupt and a broken standard output
    end the program quietly. Anything else is a fault of ours and keeps its traceback (exit code 1).
    """

    @functools.wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            _check_output()
            body(*args, **kwargs)
            sys.stdout.flush()
        except click.exceptions.Exit as leaving:
            _leave(leaving.exit_code)
        except (KeyboardInterrupt, click.Abort):
            _leave(Exit.INTERRUPTED)
        except BrokenPipeError:
            _leave(Exit.BROKEN_PIPE)
        except (QuekkaError, OSError) as error:
            complain(describe_error(error))
            _leave(exit_for(error))

    return run


class _OneLineForErrors(click.Command):
    """Ends the program in one line, as `quekka_command` does, where what click writes cannot be written."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            complain(describe_error(error))
            _drop_unwritten()
            sys.exit(exit_for(error))


class Program(_OneLineForErrors):
    """The class of a program's command."""


class ProgramGroup(_OneLineForErrors, click.Group):
    """The class of the command of a program that has subcommands."""


def _check_output() -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")


def _leave(code: int) -> None:
    """End the program."""
    _drop_unwritten()
    click.get_current_context().exit(code)


def _drop_unwritten() -> None:
    """Drop output that cannot be written, or the interpreter would complain of it at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def server_address() -> str:
    """The broker's `host:port`, from --server, QUEKKA_SERVER or the default."""
    return str(click.get_current_context().meta.get(_SERVER_KEY, DEFAULT_SERVER))


def offline_options(command: Command) -> Command:
    """Add --color and --version."""
    version = click.version_option(__version__, message="%(prog)s %(version)s", help="Show the version.")
    return _color_option(version(command))


def broker_options(command: Command) -> Command:
    """Add --server to what `offline_options` adds; the body asks `server_address()`."""
    return _server_option(offline_options(command))


def subcommand_options(command: Command) -> Command:
    """Accept --server and --color behind a subcommand's name as well as before it."""
    return _server_option(_color_option(command))


def _remember_server(context: click.Context, parameter: click.Parameter, value: str) -> None:
    """Keep what was given; what a subcommand got from its default does not undo what its group was told."""
    try:
        parse_addresses(value)
    except InvalidConfigError as error:
        raise click.BadParameter(f"{error.message}.") from None
    assert parameter.name is not None
    given = context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    if given or _SERVER_KEY not in context.meta:
        context.meta[_SERVER_KEY] = value


def _choose_color(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    """Set click's own switch; None leaves it to whether the stream is a terminal (NO_COLOR: no-color.org)."""
    if value in ("always", "never"):
        context.color = value == "always"
    elif value == "auto" or context.parent is None:
        context.color = False if os.environ.get("NO_COLOR") else None


_server_option = click.option(
    "--server",
    metavar="HOST:PORT",
    envvar=SERVER_VARIABLE,
    default=DEFAULT_SERVER,
    show_default=True,
    show_envvar=True,
    expose_value=False,
    is_eager=True,
    callback=_remember_server,
    help="The broker's address.",
)

_color_option = click.option(
    "--color",
    metavar="WHEN",
    type=click.Choice(["auto", "always", "never"]),
    default=None,
    expose_value=False,
    is_eager=True,
    callback=_choose_color,
    help="always, never, or auto: on a terminal, unless NO_COLOR is set.",
)
