"""The floors of the house hold: imports go down only, and only the storage floor touches files.

5  everything at the top of the package, and cli/
4  servers/   client/
3  broker/
2  storage/
1  protocols/
0  formats/   and the single modules under it (errors, clock, deadline, setting, ...)
"""

import ast
from collections.abc import Iterator

import pytest
from source_tree import Module, dotted_call, modules

GROUND = frozenset({"errors", "clock", "deadline", "setting", "offset_spec", "topic_name", "version"})
"""Single modules that all floors may import; they import each other only."""

MAY_IMPORT = {
    "ground": {"ground"},
    "formats": {"ground", "formats"},
    "protocols": {"ground", "formats", "protocols"},
    "storage": {"ground", "formats", "storage"},
    "broker": {"ground", "formats", "storage", "broker"},
    "servers": {"ground", "formats", "protocols", "storage", "broker", "servers"},
    "client": {"ground", "formats", "protocols", "client"},
    "cli": {"ground", "formats", "protocols", "storage", "broker", "servers", "client", "cli", "top"},
    "top": {"ground", "formats", "protocols", "storage", "broker", "servers", "client", "cli", "top"},
}
"""For each part of the house the parts it may import: the floors' one table.

The servers go down to the storage floor for its values (LogSlice, LogConfig) and for checking a batch on the
connection's thread, never for a log.
"""

NOT_FOR_SERVERS = ("log_writer", "partition_log", "files", "data_dir", "topic_file")
"""Modules of the storage floor that belong to the broker alone."""

PURE = {"ground", "formats", "protocols"}
"""Bytes in, values out: no files, sockets or threads."""

NOT_IN_PURE = {
    "asyncio", "concurrent", "fcntl", "glob", "http", "mmap", "multiprocessing", "queue", "select",
    "selectors", "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "tempfile", "threading",
}  # fmt: skip

OS_FILE_CALLS = {
    "access", "chmod", "close", "copy_file_range", "fdatasync", "fstat", "fsync", "ftruncate", "link",
    "listdir", "lseek", "lstat", "makedirs", "mkdir", "open", "posix_fadvise", "posix_fallocate", "pread",
    "preadv", "pwrite", "pwritev", "read", "readlink", "readv", "remove", "removedirs", "rename", "renames",
    "replace", "rmdir", "scandir", "sendfile", "stat", "statvfs", "symlink", "truncate", "unlink", "utime",
    "walk", "write", "writev",
}  # fmt: skip

PATH_FILE_METHODS = {
    "exists", "glob", "is_dir", "is_file", "iterdir", "lstat", "mkdir", "read_bytes", "read_text", "rglob",
    "rmdir", "symlink_to", "touch", "unlink", "write_bytes", "write_text",
}  # fmt: skip
"""Methods of pathlib.Path that touch the disk; allowed on what is called files: `self._files.mkdir(...)`."""

FILE_MODULES = {"quekka.storage.files", "quekka.storage.faulty_files"}
"""The only modules of the storage floor that call the operating system about files."""


def part_of(module_name: str) -> str:
    """Which part of the house `quekka.storage.files` lies in: `storage`."""
    parts = module_name.split(".")
    if len(parts) < 2:
        return "top"
    if parts[1] in GROUND:
        return "ground"
    return parts[1] if parts[1] in MAY_IMPORT else "top"


def imported_names(module: Module) -> Iterator[tuple[int, str]]:
    """Each imported module with its line; for `from a import b` it is `a.b`, which may be a module too."""
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def file_calls(module: Module) -> Iterator[tuple[int, str]]:
    """Each call about a file, with its line: `os.open`, `open`, `path.read_bytes`."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted_call(node)
        owner, _, method = name.rpartition(".")
        is_os = owner == "os" and method in OS_FILE_CALLS
        is_path = owner != "" and method in PATH_FILE_METHODS and not owner.lower().endswith("files")
        if name == "open" or owner == "os.path" or is_os or is_path:
            yield node.lineno, name


def parts(*names: str) -> list[Module]:
    return [module for module in modules() if part_of(module.name) in names]


def test_imports_go_down_only() -> None:
    wrong = [
        f"{module.where}:{line}: {part_of(module.name)} must not import {part_of(target)} ({target})"
        for module in modules()
        for line, target in imported_names(module)
        if target.startswith("quekka.") and part_of(target) not in MAY_IMPORT[part_of(module.name)]
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_servers_leave_the_logs_to_the_broker() -> None:
    wrong = [
        f"{module.where}:{line}: imports {target}"
        for module in parts("servers")
        for line, target in imported_names(module)
        if target.startswith("quekka.storage.") and target.split(".")[2] in NOT_FOR_SERVERS
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_pure_floors_bring_in_no_threads_and_no_sockets() -> None:
    wrong = [
        f"{module.where}:{line}: imports {target.partition('.')[0]}"
        for module in parts(*PURE)
        for line, target in imported_names(module)
        if target.partition(".")[0] in NOT_IN_PURE
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_pure_floors_call_nothing_about_files() -> None:
    wrong = [
        f"{module.where}:{line}: calls {name}"
        for module in parts(*PURE)
        for line, name in file_calls(module)
        if not name.startswith("os.path.")
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_only_files_py_calls_the_operating_system_about_data() -> None:
    wrong = [
        f"{module.where}:{line}: calls {name}, which is for storage/files.py"
        for module in parts("storage")
        if module.name not in FILE_MODULES
        for line, name in file_calls(module)
        if name not in ("os.path.join", "os.path.basename", "os.path.dirname")
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("quekka", "top"),
        ("quekka.errors", "ground"),
        ("quekka.errors.QuekkaError", "ground"),
        ("quekka.formats.varint", "formats"),
        ("quekka.storage.files.Files", "storage"),
        ("quekka.embedded", "top"),
    ],
)
def test_a_name_is_found_on_its_floor(name: str, part: str) -> None:
    assert part_of(name) == part


def test_every_ground_module_exists() -> None:
    assert {f"quekka.{name}" for name in GROUND} <= {module.name for module in modules()}
