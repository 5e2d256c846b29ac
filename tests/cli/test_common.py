"""What every program has in common: options, failures, exit codes."""

import errno
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from quekka.cli.common import (
    CONTEXT_SETTINGS,
    EXIT_BY_ERROR_CODE,
    Exit,
    broker_options,
    describe_error,
    exit_for,
    offline_options,
    quekka_command,
    server_address,
    show_warnings,
    subcommand_options,
)
from quekka.errors import (
    ERRORS_BY_CODE,
    CorruptMessageError,
    DataDirInUseError,
    GroupIdNotFoundError,
    InvalidConfigError,
    NetworkError,
    QuekkaError,
    UnknownTopicOrPartitionError,
)
from quekka.version import __version__

PROGRAMS = sorted((Path(__file__).resolve().parents[2] / "bin").glob("quekka*"))


def program(body: Callable[[], None]) -> click.Command:
    """A program `quekka-test` with one subcommand, `go`, that runs `body`."""

    @click.group("quekka-test", context_settings=CONTEXT_SETTINGS)
    @broker_options
    def main() -> None:
        """Test."""

    @main.command("go")
    @subcommand_options
    @quekka_command
    def go() -> None:
        body()

    return main


def invoke(body: Callable[[], None], *words: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(program(body), list(words) or ["go"])


def raiser(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def test_exit_codes_are_different_and_documented() -> None:
    assert len({code.value for code in Exit}) == len(Exit)
    assert all(code.doc for code in Exit)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux")
@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_full_disk_behind_what_click_writes_is_one_line(path: Path, option: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, path, option], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.stderr == f"{path.name}: No space left on device\n"
    assert ended.returncode == Exit.FILE_ERROR


@pytest.mark.parametrize("tool", ["topics", "produce", "consume", "groups"])
def test_a_man_page_lists_exit_codes_that_exist_in_order(tool: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "man" / f"quekka-{tool}.1").read_text(encoding="utf-8")
    section = page.partition(".Sh EXIT STATUS")[2].partition(".Sh")[0]
    listed = [int(number) for number in re.findall(r"^\.It (\d+)$", section, re.MULTILINE)]
    assert listed == [code for code in sorted(Exit) if code in listed]
    assert {Exit.OK, Exit.USAGE, Exit.BROKER_UNREACHABLE, Exit.BROKER_REFUSED, Exit.NOT_FOUND} <= set(listed)


def test_error_codes_with_an_exit_code_of_their_own_exist() -> None:
    assert EXIT_BY_ERROR_CODE.keys() <= ERRORS_BY_CODE.keys()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(NetworkError("x"), Exit.BROKER_UNREACHABLE, id="no connection"),
        pytest.param(UnknownTopicOrPartitionError("x"), Exit.NOT_FOUND, id="no topic"),
        pytest.param(GroupIdNotFoundError("x"), Exit.NOT_FOUND, id="no group"),
        pytest.param(CorruptMessageError("x"), Exit.DATA_DAMAGED, id="damaged"),
        pytest.param(DataDirInUseError("x"), Exit.DATA_DIR_IN_USE, id="data directory in use"),
        pytest.param(InvalidConfigError("x"), Exit.BROKER_REFUSED, id="any other refusal"),
        pytest.param(FileNotFoundError(errno.ENOENT, "x", "f"), Exit.NOT_FOUND, id="no file"),
        pytest.param(ConnectionRefusedError(errno.ECONNREFUSED, "x"), Exit.BROKER_UNREACHABLE, id="refused"),
        pytest.param(TimeoutError("x"), Exit.BROKER_UNREACHABLE, id="silence"),
        pytest.param(OSError(errno.ENOSPC, "x"), Exit.FILE_ERROR, id="disk full"),
    ],
)
def test_every_failure_has_its_exit_code(error: QuekkaError | OSError, code: Exit) -> None:
    assert exit_for(error) is code
    result = invoke(raiser(error))
    assert result.exit_code == code
    assert result.stderr == f"quekka-test: {describe_error(error)}\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(InvalidConfigError("a=b: no"), "INVALID_CONFIG: a=b: no", id="code and message"),
        pytest.param(InvalidConfigError(), "INVALID_CONFIG", id="code once"),
        pytest.param(InvalidConfigError("two\nlines"), "INVALID_CONFIG: two lines", id="one line"),
        pytest.param(PermissionError(errno.EACCES, "Denied", "f"), "f: Denied", id="file and reason"),
        pytest.param(OSError(errno.EIO, "Bad disk"), "Bad disk", id="reason"),
        pytest.param(TimeoutError(), "TimeoutError", id="nothing said"),
    ],
)
def test_a_failure_is_one_line(error: QuekkaError | OSError, line: str) -> None:
    assert describe_error(error) == line


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_quiet(error: BaseException) -> None:
    result = invoke(raiser(error))
    assert (result.exit_code, result.output) == (Exit.INTERRUPTED, "")


def test_a_closed_standard_output_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended:
        program(lambda: None)(["go"], prog_name="quekka-test")
    assert ended.value.code == Exit.FILE_ERROR
    assert capfd.readouterr().err == "quekka-test: standard output is closed\n"


def test_a_warning_that_comes_again_and_again_is_written_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "root", logging.RootLogger(logging.WARNING))

    def body() -> None:
        show_warnings()
        for text in ("away", "away", "back", "away"):
            logging.root.warning(text)

    assert invoke(body).stderr.splitlines() == [
        "quekka-test: away", "quekka-test: back", "quekka-test: away",
    ]  # fmt: skip


def test_a_broken_pipe_is_quiet() -> None:
    result = invoke(raiser(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert (result.exit_code, result.output) == (Exit.BROKEN_PIPE, "")


def test_a_fault_of_ours_is_not_hidden() -> None:
    fault = ZeroDivisionError("a bug")
    result = invoke(raiser(fault))
    assert (result.exit_code, result.exception) == (Exit.UNEXPECTED, fault)


def test_an_exit_code_of_the_body_is_kept() -> None:
    result = invoke(lambda: click.get_current_context().exit(Exit.RECORDS_FAILED))
    assert result.exit_code == Exit.RECORDS_FAILED


def test_a_wrong_option_is_a_usage_error() -> None:
    assert invoke(lambda: None, "go", "--nonsense").exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("words", "env", "server"),
    [
        pytest.param(["go"], {}, "127.0.0.1:9999", id="default"),
        pytest.param(["go"], {"QUEKKA_SERVER": "env:1"}, "env:1", id="environment"),
        pytest.param(["--server", "a:1", "go"], {"QUEKKA_SERVER": "env:1"}, "a:1", id="before the command"),
        pytest.param(["go", "--server", "b:2"], {"QUEKKA_SERVER": "env:1"}, "b:2", id="behind the command"),
        pytest.param(["--server", "a:1", "go", "--server", "b:2"], {}, "b:2", id="both: the last"),
        pytest.param(["go", "--server", "a:1,[::1]:2"], {}, "a:1,[::1]:2", id="several"),
    ],
)
def test_the_server_comes_from(words: list[str], env: dict[str, str], server: str) -> None:
    result = invoke(lambda: click.echo(server_address()), *words, **env)
    assert result.output == f"{server}\n"


@pytest.mark.parametrize("address", ["", "nowhere", "host:0", "host:99999", "host:x"])
def test_what_is_no_address_is_a_usage_error_that_repeats_it(address: str) -> None:
    result = invoke(lambda: None, "go", "--server", address)
    assert result.exit_code == Exit.USAGE
    assert address in result.stderr
    assert "--server" in result.stderr


@pytest.mark.parametrize(
    ("words", "env", "coloured"),
    [
        pytest.param(["go"], {}, False, id="not on a terminal"),
        pytest.param(["go", "--color", "always"], {}, True, id="always"),
        pytest.param(["--color", "always", "go"], {}, True, id="always, before the command"),
        pytest.param(["--color", "always", "go"], {"NO_COLOR": "1"}, True, id="in spite of NO_COLOR"),
        pytest.param(["--color", "always", "go", "--color", "never"], {}, False, id="the last counts"),
        pytest.param(["go", "--color", "never"], {}, False, id="never"),
    ],
)
def test_colour_is_used(words: list[str], env: dict[str, str], coloured: bool) -> None:
    result = invoke(lambda: click.secho("text", fg="red"), *words, **env)
    assert ("\x1b[" in result.output) is coloured


@pytest.mark.parametrize(
    ("value", "switch"), [("1", False), ("", None)], ids=["NO_COLOR=1", "NO_COLOR= does not count"]
)
def test_no_color_turns_colour_off_on_terminals_too(value: str, switch: bool | None) -> None:
    seen: list[bool | None] = []
    invoke(lambda: seen.append(click.get_current_context().color), "go", NO_COLOR=value)
    assert seen == [switch]


def test_the_version_is_told() -> None:
    result = invoke(lambda: None, "--version")
    assert result.output == f"quekka-test {__version__}\n"


def test_an_offline_program_has_no_server() -> None:
    main = click.command("quekka-test")(offline_options(quekka_command(lambda: None)))
    assert CliRunner().invoke(main, ["--color", "never"]).exit_code == Exit.OK
    assert CliRunner().invoke(main, ["--server", "a:1"]).exit_code == Exit.USAGE
