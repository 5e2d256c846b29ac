"""The package's source as syntax trees, and its setup.cfg, for tests that read instead of run."""

import ast
import configparser
import functools
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")

_SCRIPTS = SETUP["options.entry_points"]["console_scripts"].strip().splitlines()
PROGRAMS: dict[str, str] = dict(line.replace(" ", "").split("=") for line in _SCRIPTS)
"""Each program with the `module:function` that it runs."""


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    name: str
    """Dotted, as imported: `quekka.storage.files`."""
    path: Path

    @property
    def where(self) -> str:
        """Its path as a person would type it."""
        return str(self.path.relative_to(ROOT))

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        return _parse(self.path)


@functools.cache
def modules() -> tuple[Module, ...]:
    """All modules of the package, by name."""
    paths = sorted((ROOT / "quekka").rglob("*.py"))
    return tuple(Module(_dotted(path), path) for path in paths)


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted_call(node: ast.Call) -> str:
    """`os.path.join` for a call of it; '' for what is not a plain dotted name (`f()()`, `a[0]()`)."""
    parts: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        return f"?.{parts[0]}" if parts else ""
    return ".".join([target.id, *reversed(parts)])
