"""What `pip install` makes of this tree: version, programs, dependencies, man pages."""

import ast
import os
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from source_tree import PROGRAMS, ROOT, SETUP, modules

import quekka
from quekka.version import __version__


def requirement_names(text: str) -> set[str]:
    lines = (line.strip() for line in text.splitlines())
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in lines if line and not line.startswith("#"))
    return {match[0].replace("-", "_") for match in found if match}


def test_the_version_is_written_once() -> None:
    assert SETUP["metadata"]["version"] == "attr: quekka.version.__version__"
    assert quekka.__version__ == __version__
    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", quekka.__all__)
def test_the_package_exports(name: str) -> None:
    assert getattr(quekka, name) is not None
    assert name in dir(quekka)


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Brokers'"):
        quekka.Brokers  # noqa: B018


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_exists_installed_and_in_the_work_tree(program: str) -> None:
    module, function = PROGRAMS[program].split(":")
    assert callable(getattr(import_module(module), function))
    script = ROOT / "bin" / program
    assert os.access(script, os.X_OK), f"{script} is missing or not executable"
    assert f"from {module} import {function}" in script.read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_has_its_man_page(program: str) -> None:
    assert len(list((ROOT / "man").glob(f"{program}.[18]"))) == 1


def test_every_package_is_found_by_setuptools() -> None:
    directories = {module.path.parent for module in modules()}
    assert [str(path) for path in directories if not (path / "__init__.py").exists()] == []
    assert (ROOT / "quekka" / "py.typed").exists()


def test_every_library_that_is_imported_is_required() -> None:
    required = requirement_names(SETUP["options"]["install_requires"])
    optional = requirement_names(SETUP["options.extras_require"]["codecs"])
    known = required | optional | {"quekka"} | set(sys.stdlib_module_names)
    wrong = {
        f"{module.where}:{node.lineno}: {name} is in no requirement"
        for module in modules()
        for node in ast.walk(module.tree)
        for name in _imported_libraries(node)
        if name not in known
    }
    assert not wrong, "\n".join(sorted(wrong))


def _imported_libraries(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module.split(".")[0]]
    return []


def test_the_files_that_setup_cfg_names_exist() -> None:
    named = [SETUP["metadata"]["license_files"], SETUP["metadata"]["long_description"].removeprefix("file: ")]
    assert [name for name in named if not Path(ROOT / name).exists()] == []
    for section in SETUP["options.data_files"].values():
        assert list(ROOT.glob(section)), f"setup.cfg installs {section}, but there is none"
