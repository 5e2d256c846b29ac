"""Turns field tables into functions: one reader and one writer for each message and version, at first use.

A table (see `fields`) is walked once for a version. What comes out is Python source, in which consecutive
fields of fixed size became one `struct` call and every other field one call of `primitives`:

    def read_HeartbeatRequest(buf, pos):
        try:
            at = "group_id"
            group_id, pos = read_compact_string(buf, pos)
            at = "generation_id"
            (generation_id,) = unpack_i(buf, pos)
            pos += 4
            ...
        except MALFORMED as error:
            raise malformed("HeartbeatRequest v4: HeartbeatRequest", at, pos, error) from error
        return HeartbeatRequest(group_id, generation_id, member_id, group_instance_id), pos

The source is registered with `linecache`, so tracebacks and debuggers show it. A version that nobody speaks
is never compiled. A field that the version does not have takes its default when read, and is not written.
"""

import functools
import linecache
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from types import CodeType
from typing import Any, TypeVar, cast

from quekka.errors import InvalidRequestError
from quekka.formats import Buffer
from quekka.protocols.kafka import primitives
from quekka.protocols.kafka.fields import FieldSpec, Primitive, specs_of
from quekka.protocols.kafka.meter import FRAME_ELEMENTS_MAX, Meter
from quekka.protocols.kafka.primitives import FIXED_FORMATS, describe_malformed

Message = TypeVar("Message")

ReadMessage = Callable[[Buffer, int], tuple[Message, int]]
WriteMessage = Callable[[bytearray, Message], None]

_INDENT = " " * 8


def malformed(struct_name: str, field: str, position: int, error: Exception) -> InvalidRequestError:
    """The error that tells which field of what was wrong, and where in the body."""
    return InvalidRequestError(f"{struct_name}.{field} at byte {position}: {describe_malformed(error)}")


def unwritable(struct_name: str, field: str, error: Exception) -> ValueError:
    """The error for a value that its field cannot hold: a mistake of the caller, never of the peer."""
    return ValueError(f"{struct_name}.{field}: {error}")


@functools.cache
def reader_for(kind: type[Message], version: int, flexible: bool) -> ReadMessage[Message]:
    """The function that reads a `kind` of this version; it raises InvalidRequestError and nothing else.

    Bytes behind the last field are left alone, as Kafka leaves them.
    """
    read: ReadMessage[Message] = _reader_source(cast(Hashable, kind), version, flexible).function()
    return read


def reader_of_body(
    kind: type[Message], version: int, flexible: bool, size_bytes: int
) -> ReadMessage[Message]:
    """As `reader_for`, for a body of so many bytes: one that could hold too many elements is metered.

    The metered reader is good for one message: it is made of the code that was compiled once, with functions
    that count in the place of those that do not.
    """
    if size_bytes <= FRAME_ELEMENTS_MAX:
        compiled: ReadMessage[Message] = reader_for(cast(Hashable, kind), version, flexible)
        return compiled
    meter = Meter()
    read: ReadMessage[Message] = _reader_source(cast(Hashable, kind), version, flexible).function(
        read_elements=meter.read_elements, read_numbers=meter.read_numbers
    )
    return read


@functools.cache
def writer_for(kind: type[Message], version: int, flexible: bool) -> WriteMessage[Message]:
    """The function that appends a `kind` in this version; it raises ValueError, naming the field."""
    write: WriteMessage[Message] = _WriterSource(kind, version, flexible).function()
    return write


@functools.cache
def _reader_source(kind: type, version: int, flexible: bool) -> "_ReaderSource":
    return _ReaderSource(kind, version, flexible)


class _Source(ABC):
    """Source text of functions for one message and all structs in it, and the names they use."""

    verb: str

    def __init__(self, kind: type, version: int, flexible: bool) -> None:
        self.kind = kind
        self.version = version
        self.compact = "compact_" if flexible else ""
        self.flexible = flexible
        self.lines: list[str] = []
        self.done: set[type] = set()
        self.names: dict[str, Any] = {**vars(primitives), "malformed": malformed, "unwritable": unwritable}

    @functools.cached_property
    def code(self) -> CodeType:
        self.add_struct(self.kind)
        file_name = f"<kafka {self.verb} {self.kind.__name__} v{self.version}>"
        text = "\n".join(self.lines) + "\n"
        linecache.cache[file_name] = len(text), None, text.splitlines(keepends=True), file_name
        return compile(text, file_name, "exec")

    def function(self, **others: Any) -> Any:
        """The function for the message, which finds `others` in the place of the names it uses."""
        code = self.code
        names = {**self.names, **others}
        exec(code, names)
        return names[f"{self.verb}_{self.kind.__name__}"]

    def add_struct(self, kind: type) -> None:
        """Write the function for `kind`, after those for the structs in it."""
        if kind in self.done:
            return
        self.done.add(kind)
        for _, spec in self.present(kind):
            if not isinstance(spec.type, Primitive):
                self.add_struct(spec.type)
        self.names[kind.__name__] = kind
        self.add_function(kind)

    @abstractmethod
    def add_function(self, kind: type) -> None:
        """Write the function for `kind` itself."""

    def present(self, kind: type) -> list[tuple[str, FieldSpec]]:
        """The fields of this version, by name."""
        return [(field.name, spec) for field, spec in specs_of(kind) if self.version in spec.versions]

    def plain(self, kind: type) -> list[tuple[str, FieldSpec]]:
        return [(name, spec) for name, spec in self.present(kind) if spec.tag is None]

    def tagged(self, kind: type) -> list[tuple[str, FieldSpec]]:
        found = [(name, spec) for name, spec in self.present(kind) if spec.tag is not None]
        return sorted(found, key=lambda item: item[1].tag or 0)

    def runs(self, kind: type) -> list[list[tuple[str, FieldSpec]]]:
        """The untagged fields, those of fixed size that follow each other together."""
        runs: list[list[tuple[str, FieldSpec]]] = []
        for name, spec in self.plain(kind):
            if runs and _is_fixed(spec) and _is_fixed(runs[-1][0][1]):
                runs[-1].append((name, spec))
            else:
                runs.append([(name, spec)])
        return runs

    def start(self, kind: type) -> list[str]:
        """The first line of a function's body where nothing else would be in it."""
        return [] if self.flexible or self.present(kind) else [_INDENT + "at = ''"]

    def is_nullable(self, spec: FieldSpec) -> bool:
        return self.version in spec.nullable

    def size_min(self, spec: FieldSpec) -> int:
        """The smallest number of bytes that a value of the field, or an element of the array, takes."""
        if not isinstance(spec.type, Primitive):
            plain = self.plain(spec.type)
            return sum(1 if field.is_array else self.size_min(field) for _, field in plain) or 1
        letters = FIXED_FORMATS.get(spec.type.name)
        return struct.calcsize(">" + letters) if letters else 1

    def label(self, kind: type) -> str:
        return repr(f"{self.kind.__name__} v{self.version}: {kind.__name__}")

    def add(self, *lines: str) -> None:
        self.lines += [_INDENT + line for line in lines]

    def add_default(self, kind: type, name: str) -> str:
        """A name in the functions' scope for the default of a field."""
        defaults = f"{kind.__name__}_defaults"
        self.names[defaults] = kind()
        return f"{defaults}.{name}"


class _ReaderSource(_Source):
    verb = "read"

    def add_function(self, kind: type) -> None:
        self.lines += [f"def read_{kind.__name__}(buf, pos):", "    try:", *self.start(kind)]
        for run in self.runs(kind):
            self.add(f"at = {', '.join(name for name, _ in run)!r}")
            if _is_fixed(run[0][1]):
                self.read_run(run)
            else:
                self.read_one(*run[0])
        if self.flexible:
            self.read_tagged(kind)
        self.lines += [
            "    except MALFORMED as error:",
            f"        raise malformed({self.label(kind)}, at, pos, error) from error",
            f"    return {kind.__name__}({self.arguments(kind)}), pos",
            "",
        ]

    def arguments(self, kind: type) -> str:
        """All fields in order: what was read, or the default where the version has no such field."""
        names = {name for name, _ in self.present(kind)}
        fields = [field.name for field, _ in specs_of(kind)]
        return ", ".join(name if name in names else self.add_default(kind, name) for name in fields)

    def read_run(self, run: list[tuple[str, FieldSpec]]) -> None:
        packer, suffix = _packer(run)
        self.names[f"unpack_{suffix}"] = packer.unpack_from
        names = ", ".join(name for name, _ in run)
        self.add(f"({names},) = unpack_{suffix}(buf, pos)", f"pos += {packer.size}")
        for name, spec in run:
            if _letter(spec) == "16s":
                self.add(f"{name} = to_uuid({name})")

    def read_one(self, name: str, spec: FieldSpec) -> None:
        if spec.is_array:
            self.read_array(name, spec)
        elif isinstance(spec.type, Primitive):
            self.add(f"{name}, pos = {self.primitive(spec)}(buf, pos)")
        elif self.is_nullable(spec):
            self.add("pos += 1", f"{name} = None", "if buf[pos - 1] < 0x80:")
            self.add(f"    {name}, pos = read_{spec.type.__name__}(buf, pos)")
        else:
            self.add(f"{name}, pos = read_{spec.type.__name__}(buf, pos)")

    def primitive(self, spec: FieldSpec) -> str:
        assert isinstance(spec.type, Primitive)
        if spec.type.name == "uuid":
            return "read_uuid"
        nullable = "nullable_" if self.is_nullable(spec) and spec.type.name != "records" else ""
        return f"read_{self.compact}{nullable}{spec.type.name}"

    def read_array(self, name: str, spec: FieldSpec) -> None:
        length = "compact" if self.flexible else "int32"
        self.add(f"length, pos = read_{length}_length(buf, pos)")
        if self.is_nullable(spec):
            self.add("if length == -1:", f"    {name} = None", "else:", f"    {self.elements(name, spec)}")
        else:
            self.add(self.elements(name, spec))

    def elements(self, name: str, spec: FieldSpec) -> str:
        element = spec._replace(is_array=False)
        if isinstance(spec.type, Primitive) and _is_fixed(element) and _letter(spec) != "16s":
            return f"{name}, pos = read_numbers(buf, pos, length, {_letter(spec)!r})"
        read = self.primitive(element) if isinstance(spec.type, Primitive) else f"read_{spec.type.__name__}"
        return f"{name}, pos = read_elements(buf, pos, length, {read}, {self.size_min(spec)})"

    def read_tagged(self, kind: type) -> None:
        known = self.tagged(kind)
        self.add("at = 'tagged fields'")
        if not known:
            self.add("pos = skip_tagged_fields(buf, pos)")
            return
        self.add(*(f"{name} = {self.add_default(kind, name)}" for name, _ in known))
        self.add("length, pos = read_tag_count(buf, pos)", "for _ in range(length):")
        self.add("    at = 'tagged fields'", "    tag, pos, end = read_tag(buf, pos)")
        for number, (name, spec) in enumerate(known):
            self.add(f"    {'elif' if number else 'if'} tag == {spec.tag}:", f"        at = {name!r}")
            self.read_tagged_value(name, spec)
        self.add("    else:", "        pos = end", "    check_tag_end(tag, pos, end)")

    def read_tagged_value(self, name: str, spec: FieldSpec) -> None:
        """The lines that read a value, two steps further in."""
        before = len(self.lines)
        if _is_fixed(spec):
            self.read_run([(name, spec)])
        else:
            self.read_one(name, spec)
        self.lines[before:] = [_INDENT + line for line in self.lines[before:]]


class _WriterSource(_Source):
    verb = "put"

    def add_function(self, kind: type) -> None:
        self.lines += [f"def put_{kind.__name__}(out, value):", "    try:", *self.start(kind)]
        for run in self.runs(kind):
            self.add(f"at = {', '.join(name for name, _ in run)!r}")
            if _is_fixed(run[0][1]):
                self.put_run("out", run)
            else:
                self.put_one("out", *run[0])
        if self.flexible:
            self.put_tagged(kind)
        self.lines += [
            "    except UNWRITABLE as error:",
            f"        raise unwritable({self.label(kind)}, at, error) from error",
            "",
        ]

    def put_run(self, out: str, run: list[tuple[str, FieldSpec]]) -> None:
        packer, suffix = _packer(run)
        self.names[f"pack_{suffix}"] = packer.pack
        values = [f"value.{name}.bytes" if _letter(spec) == "16s" else f"value.{name}" for name, spec in run]
        self.add(f"{out} += pack_{suffix}({', '.join(values)})")

    def put_one(self, out: str, name: str, spec: FieldSpec) -> None:
        if spec.is_array:
            self.put_array(out, name, spec)
        elif isinstance(spec.type, Primitive):
            self.add(f"{self.primitive(spec)}({out}, value.{name})")
        elif self.is_nullable(spec):
            self.add(f"if value.{name} is None:", f"    {out} += b'\\xff'", "else:", f"    {out} += b'\\x01'")
            self.add(f"    put_{spec.type.__name__}({out}, value.{name})")
        else:
            self.add(f"put_{spec.type.__name__}({out}, value.{name})")

    def primitive(self, spec: FieldSpec) -> str:
        assert isinstance(spec.type, Primitive)
        if spec.type.name == "uuid":
            return "put_uuid"
        nullable = "nullable_" if self.is_nullable(spec) else ""
        return f"put_{self.compact}{nullable}{spec.type.name.replace('records', 'bytes')}"

    def put_array(self, out: str, name: str, spec: FieldSpec) -> None:
        length = "compact" if self.flexible else "int32"
        indent = ""
        if self.is_nullable(spec):
            self.add(f"if value.{name} is None:", f"    put_{length}_length({out}, -1)", "else:")
            indent = "    "
        self.add(f"{indent}put_{length}_length({out}, len(value.{name}))")
        self.add(indent + self.elements(out, name, spec))

    def elements(self, out: str, name: str, spec: FieldSpec) -> str:
        element = spec._replace(is_array=False)
        if isinstance(spec.type, Primitive) and _is_fixed(element) and _letter(spec) != "16s":
            return f"put_numbers({out}, value.{name}, {_letter(spec)!r})"
        put = self.primitive(element) if isinstance(spec.type, Primitive) else f"put_{spec.type.__name__}"
        return f"put_elements({out}, value.{name}, {put})"

    def put_tagged(self, kind: type) -> None:
        known = self.tagged(kind)
        self.add("at = 'tagged fields'")
        if not known:
            self.add("out.append(0)")
            return
        self.add("tagged = []")
        for name, spec in known:
            self.add(f"at = {name!r}", f"if value.{name} != {self.add_default(kind, name)}:")
            before = len(self.lines)
            self.add("piece = bytearray()")
            if _is_fixed(spec):
                self.put_run("piece", [(name, spec)])
            else:
                self.put_one("piece", name, spec)
            self.add(f"tagged.append(({spec.tag}, piece))")
            self.lines[before:] = ["    " + line for line in self.lines[before:]]
        self.add("put_tagged_fields(out, tagged)")


def _is_fixed(spec: FieldSpec) -> bool:
    return not spec.is_array and isinstance(spec.type, Primitive) and spec.type.name in FIXED_FORMATS


def _letter(spec: FieldSpec) -> str:
    assert isinstance(spec.type, Primitive)
    return FIXED_FORMATS[spec.type.name]


def _packer(run: list[tuple[str, FieldSpec]]) -> tuple[struct.Struct, str]:
    """What packs the fields of a run in one call, and its letters in a form that a name can end with."""
    letters = "".join(_letter(spec) for _, spec in run)
    return struct.Struct(">" + letters), letters.replace("?", "t")
