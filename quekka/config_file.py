"""Settings as text from where an operator writes them: a file, the environment, `--set name=value`.

The file, quekka.conf(5), has one setting per line; blank lines and lines that begin with `#` are for people:

    # keep a day of everything
    log.retention.ms = 86400000

In the environment a setting is called `QUEKKA_` and its name in capitals with `_` for `.`, so this one is
QUEKKA_LOG_RETENTION_MS. Each value remembers where it came from, so that a refusal can say so.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from quekka.errors import InvalidConfigError
from quekka.setting import Setting

ENVIRONMENT_PREFIX = "QUEKKA_"
SettingTable = Mapping[str, Setting]


class Given(NamedTuple):
    """The text given for a setting, and where."""

    text: str
    origin: str
    """As an operator would look for it: `quekka.conf:3`, `QUEKKA_LOG_DIR`, `--set`."""


def read_config_file(path: Path, table: SettingTable) -> dict[str, Given]:
    """The settings of one file.

    Raises OSError when it cannot be read, and InvalidConfigError, with file and line, for a line that is no
    setting, a name that is none, a value the setting cannot have, and a setting that is given twice.
    """
    found: dict[str, Given] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        origin = f"{path}:{number}"
        name, text = _split(line, origin)
        if name in found:
            raise InvalidConfigError(f"{origin}: {name} is given again, after {found[name].origin}")
        found[name] = check(name, text, origin, table)
    return found


def read_assignments(assignments: Iterable[str], origin: str, table: SettingTable) -> dict[str, Given]:
    """The settings of `name=value` texts; the last of a name counts. Raises InvalidConfigError."""
    pairs = (_split(assignment, origin) for assignment in assignments)
    return {name: check(name, text, origin, table) for name, text in pairs}


def read_environment(environ: Mapping[str, str], table: SettingTable) -> dict[str, Given]:
    """The settings among the environment's variables. Raises InvalidConfigError for a wrong value."""
    variables = {environment_name(name): name for name in table}
    return {
        variables[variable]: check(variables[variable], text, variable, table)
        for variable, text in environ.items()
        if variable in variables
    }


def environment_name(name: str) -> str:
    """What setting `name` is called in the environment."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "_")


def check(name: str, text: str, origin: str, table: SettingTable) -> Given:
    """`text` as a value of setting `name`; raises InvalidConfigError that says where it was given."""
    if name not in table:
        shown = name if name.isprintable() else ascii(name)
        raise InvalidConfigError(f"{origin}: {shown}: no such setting{_suggestion(name, table)}")
    try:
        table[name].read(text)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"{origin}: {error.message}") from None
    return Given(text, origin)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidConfigError(f"{path}: not UTF-8 text at byte {error.start}") from None


def _split(line: str, origin: str) -> tuple[str, str]:
    name, equals, text = line.partition("=")
    if not equals or not name.strip():
        raise InvalidConfigError(f"{origin}: {line.strip()[:64]!r} is not name=value")
    return name.strip(), text.strip()


def _suggestion(name: str, table: SettingTable) -> str:
    import difflib

    nearest = difflib.get_close_matches(name, table, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
