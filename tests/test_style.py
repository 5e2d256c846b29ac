"""The style itself is tested: sizes, docstrings, test files, and what no module may do."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from source_tree import ROOT, Module, dotted_call, modules

LINES_MAX = 400

WITHOUT_OWN_TEST = {
    "quekka.version": "one constant; test_packaging.py compares it with the metadata",
    "quekka.daemon": "a process of its own; tests/integration/test_quekkad.py runs it",
    "quekka.cli.quekkad": "the command line of quekkad; tests/integration/test_quekkad.py runs it",
}
"""Modules whose test file has another name, each with the reason."""

CLOCK_CALLS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter",
    "time.perf_counter_ns", "time.sleep", "datetime.now", "datetime.utcnow", "datetime.datetime.now",
    "datetime.datetime.utcnow",
}  # fmt: skip

Finder = Callable[[Module], Iterator[tuple[int, str]]]


def calls(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted_call(node)


def prints(module: Module) -> Iterator[tuple[int, str]]:
    """`print(`: a broker logs, and a command writes through click."""
    yield from ((line, "calls print") for line, name in calls(module) if name == "print")


def clock_readings(module: Module) -> Iterator[tuple[int, str]]:
    """Time read elsewhere than in clock.py cannot be held still by a test."""
    if module.name == "quekka.clock":
        return
    for line, name in calls(module):
        if name in CLOCK_CALLS:
            yield line, f"calls {name}; time is read in clock.py only"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield node.lineno, "imports names from time; time is read in clock.py only"


def swallowed_exceptions(module: Module) -> Iterator[tuple[int, str]]:
    """An exception is handled, told or raised again, never dropped unseen."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield node.lineno, "bare except"
        if all(isinstance(statement, ast.Pass) for statement in node.body):
            yield node.lineno, "except with nothing but pass (contextlib.suppress says it in words)"
    for line, name in calls(module):
        if name.endswith("suppress") and "Exception" in module.text.splitlines()[line - 1]:
            yield line, "suppresses every Exception"


def unfinished(module: Module) -> Iterator[tuple[int, str]]:
    """No notes to self in what is delivered."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if any(word in line for word in ("TODO", "FIXME", "XXX")):
            yield number, line.strip()


def module_globals(module: Module) -> Iterator[tuple[int, str]]:
    """State shared by all brokers of a process hides from its owner."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}"


FORBIDDEN: list[Finder] = [prints, clock_readings, swallowed_exceptions, unfinished, module_globals]


@pytest.mark.parametrize("finder", FORBIDDEN, ids=lambda finder: finder.__name__)
def test_no_module_does(finder: Finder) -> None:
    wrong = [f"{module.where}:{line}: {what}" for module in modules() for line, what in finder(module)]
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    sizes = {module.where: len(module.text.splitlines()) for module in modules()}
    wrong = [f"{where}: {lines} lines" for where, lines in sizes.items() if lines > LINES_MAX]
    assert not wrong, f"longer than {LINES_MAX}: " + ", ".join(wrong)


def test_every_module_says_what_it_is_for() -> None:
    wrong = [module.where for module in modules() if not ast.get_docstring(module.tree)]
    assert not wrong, "no module docstring: " + ", ".join(wrong)


def test_every_module_has_its_test_file() -> None:
    wrong = [
        f"{module.where}: no {_test_path(module)}"
        for module in modules()
        if not (module.is_package or module.name in WITHOUT_OWN_TEST or (ROOT / _test_path(module)).exists())
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_exceptions_from_the_rule_of_test_files_are_needed() -> None:
    names = {module.name: module for module in modules()}
    wrong = [
        name for name in WITHOUT_OWN_TEST if name not in names or (ROOT / _test_path(names[name])).exists()
    ]
    assert not wrong, f"no longer exceptions: {wrong}"


def _test_path(module: Module) -> Path:
    path = module.path.relative_to(ROOT / "quekka")
    return Path("tests") / path.parent / f"test_{path.name}"
