"""The man pages tell all there is: every option, setting, command and error word, and mandoc is content."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from source_tree import PROGRAMS, ROOT, modules

from quekka import errors
from quekka.broker.config import BROKER_SETTINGS
from quekka.daemon_config import DAEMON_SETTINGS
from quekka.errors import QuekkaError
from quekka.setting import Setting
from quekka.storage.log_config import TOPIC_SETTINGS

MAN = ROOT / "man"
PAGES = sorted(MAN.glob("*.[1-8]"))
SETTINGS = {**TOPIC_SETTINGS, **BROKER_SETTINGS, **DAEMON_SETTINGS}
NOT_ABOUT_THE_PAGE = ("referenced manual not found", "outdated mandoc.db")
"""What mandoc says about the machine it runs on."""

needs_mandoc = pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")


def program_command(program: str) -> click.Command:
    """The click command that the program's entry point names."""
    module, function = PROGRAMS[program].split(":")
    command = getattr(import_module(module), function)
    assert isinstance(command, click.Command)
    return command


def page(name: str) -> str:
    """The source of the one page called `name`, whatever its section."""
    paths = [path for path in PAGES if path.stem == name]
    assert len(paths) == 1, f"one page {name} is wanted in man/, found {[path.name for path in paths]}"
    return paths[0].read_text(encoding="utf-8")


def commands(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    """The command and all its subcommands, each with what one types to reach it."""
    yield words, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{words} {name}")


def options(command: click.Command) -> list[str]:
    """Every spelling of every option: `--port`, `-h`."""
    parameters = [*command.params, *filter(None, [command.get_help_option(click.Context(command))])]
    return [
        name
        for parameter in parameters
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
    ]


def flag(option: str) -> str:
    """A pattern that finds the option in mdoc source: `.Fl -port`, `.Fl h , -help`."""
    return rf"^\.(?:.* )?Fl (?:\S+ (?:[,|] )?)*?\\?{re.escape(option[1:])}(?![\w-])"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_option_is_in_the_programs_page(program: str) -> None:
    source = page(program)
    missing = [
        f"{words} {option}"
        for words, command in commands(program_command(program), program)
        for option in options(command)
        if not re.search(flag(option), source, re.MULTILINE)
    ]
    assert not missing, f"not in the man page: {missing}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_subcommand_is_in_the_programs_page(program: str) -> None:
    source = page(program)
    missing = [
        words
        for words, _ in commands(program_command(program), program)
        if words != program and not re.search(rf"\b{re.escape(words.split()[-1])}\b", source)
    ]
    assert not missing, f"not in the man page: {missing}"


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_is_in_quekka_conf_with_its_default(setting: Setting) -> None:
    default = setting.show(setting.default)
    line = f".It Va {setting.name} No = Li {default}" if default else f".It Va {setting.name} No ="
    found = line in page("quekka.conf").splitlines()
    assert found, f"quekka.conf(5) has no line {line!r}"


def test_quekka_conf_has_no_setting_that_does_not_exist() -> None:
    named = re.findall(r"^\.It Va (\S+) No =", page("quekka.conf"), re.MULTILINE)
    strangers, twice = set(named) - set(SETTINGS), {name for name in named if named.count(name) > 1}
    assert not strangers | twice, f"no settings: {strangers}; more than once: {twice}"


def test_every_text_command_is_in_quekka_protocol() -> None:
    from quekka.protocols.text.grammar import COMMANDS

    source = page("quekka-protocol")
    item = r"^\.(It|Ss|Sh) .*\b{}\b"
    missing = [name for name in COMMANDS if not re.search(item.format(name), source, re.MULTILINE)]
    assert not missing, f"not an item of quekka-protocol(7): {missing}"


def test_every_error_word_that_is_raised_is_in_quekka_protocol() -> None:
    source = page("quekka-protocol")
    missing = sorted(kind.code for kind in raised_errors() if not re.search(rf"\b{kind.code}\b", source))
    assert not missing, f"not in quekka-protocol(7): {missing}"


def raised_errors() -> set[type[QuekkaError]]:
    """The errors of errors.py that some module outside the programs and the client calls by name."""
    names = {
        node.func.id
        for module in modules()
        if not module.name.startswith(("quekka.cli", "quekka.client"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {kind for kind in errors.ERRORS_BY_CODE.values() if kind.__name__ in names}


@needs_mandoc
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_has_no_complaint_about(path: Path) -> None:
    command = ["mandoc", "-T", "lint", str(path)]
    lint = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    complaints = [
        line for line in lint.stdout.splitlines() if not any(words in line for words in NOT_ABOUT_THE_PAGE)
    ]
    assert not complaints, "\n".join(complaints)


def test_pages_refer_to_pages_that_exist() -> None:
    """A page of ours that is named must be there; others are the system's."""
    missing = {
        f"{path.name}: {name}({section})"
        for path in PAGES
        for name, section in re.findall(
            r"^\.Xr (quekka\S*) (\d)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if not (MAN / f"{name}.{section}").exists()
    }
    assert not missing, f"page, and what it refers to: {sorted(missing)}"
