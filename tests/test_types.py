"""The stub says what the doors do: what a function gives, called with each kind of value, has the type it names."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from paths import FUNCTIONS

import streamliner_udf
from streamliner_udf import _core, types
from streamliner_udf._table import Function
from streamliner_udf.ingest.synthetic import DIALECTS, generate_whatsapp

pytest.importorskip("mypy")
pyarrow = pytest.importorskip("pyarrow")
polars = pytest.importorskip("polars")

GOLDEN = Path(__file__).parent / "golden"
STRUCTS = {frozenset(get_type_hints(getattr(types, name))): name for name in types.__all__ if "Arrow" not in name}
ANNOTATIONS = {
    "text": "str",
    "none": "None",
    "maybe": "str | None",
    "texts": "list[str]",
    "some": "list[str | None]",
    "array": "npt.NDArray[Any]",
    "arrow": "types.ArrowArray",
    "stream": "types.ArrowStream",
    "row": "list[int]",
    "rows": "list[list[int]]",
    "some_rows": "list[list[int] | None]",
    "arrow_rows": "types.ArrowArray",
    "stream_rows": "types.ArrowStream",
    "file": "bytes",
    "files": "list[bytes]",
}
TEXT_KINDS = ("text", "texts", "some", "array", "arrow", "stream")
NUMBER_KINDS = ("row", "rows", "some_rows", "arrow_rows", "stream_rows")
HEAD = """\
import uuid
from typing import Any, assert_type

import numpy.typing as npt

import streamliner_udf
from streamliner_udf import types


"""


def sample(function: Function) -> list[Any]:
    """Arguments of a golden case with something in its result."""
    for line in (GOLDEN / f"{function.name}.jsonl").read_text(encoding="utf-8").split("\n"):
        case = json.loads(line) if line else {}
        if case.get("want") not in (None, "", [], 0, False) and all(case["args"]):
            arguments: list[Any] = case["args"]
            return arguments
    raise AssertionError(f"{function.name} has no golden case that gives anything")


def as_kind(kind: str, value: Any, natural: bool = False) -> Any:
    """A value, or two rows of it, in one of the containers."""
    if kind in ("none", "file", "files"):
        return {"none": None, "file": b"", "files": [b"", b""]}[kind]
    if kind in ("text", "maybe", "row"):
        return value
    if kind in ("some", "some_rows"):
        return [value, None]
    if kind == "array":
        return np.array([value, value], dtype=np.dtypes.StringDType())
    if kind == "arrow":
        return pyarrow.array([value, value])
    if kind == "arrow_rows":
        return pyarrow.array([value, value], pyarrow.list_(pyarrow.uint64() if natural else pyarrow.int64()))
    if kind == "stream":
        return polars.Series([value, value])
    if kind == "stream_rows":
        return pyarrow.chunked_array([as_kind("arrow_rows", value, natural)])
    return [value, value]


def type_of(value: Any) -> str:
    """How one writes the type of what a function gave."""
    if value is None:
        return "None"
    if isinstance(value, dict):
        return f"types.{STRUCTS[frozenset(value)]}"
    if isinstance(value, list):
        return f"list[{' | '.join(dict.fromkeys(map(type_of, value)))}]"
    names = {
        np.ndarray: "npt.NDArray[Any]",
        uuid.UUID: "uuid.UUID",
        types.ArrowColumn: "types.ArrowColumn",
        types.ArrowChunks: "types.ArrowChunks",
    }
    return names.get(type(value), type(value).__name__)


def written(function: Function, arguments: Sequence[Any], kinds: dict[int, str]) -> str:
    """The call, with a name in the place of each argument that changes from row to row."""
    return f"streamliner_udf.{function.name}({', '.join(kinds.get(at, repr(v)) for at, v in enumerate(arguments))})"


def calls(function: Function) -> list[str]:
    """Statements that mypy checks: what the function gives, called so, has the type of what it gave when it was."""
    arguments, at = sample(function), function.row_indexes
    params = [function.params[place] for place in at]
    if function.name == "pack_windows":
        arguments[0] = [1, 2]
    texts = params[0].type == "text"
    natural = params[0].type == "naturals"
    kinds = TEXT_KINDS if texts else NUMBER_KINDS
    ways: list[tuple[str, ...]] = list(itertools.product(kinds, repeat=len(at)))
    if len(at) == 1:
        ways.append(("none",))
        ways += [("file",), ("files",)] if params[0].or_file else []
    lines = []
    for way in ways:
        chosen = dict(zip(at, way, strict=True))
        values = [
            as_kind(chosen[place], value, natural) if place in chosen else value
            for place, value in enumerate(arguments)
        ]
        given = type_of(getattr(streamliner_udf, function.name)(*values))
        if given == "list[]":  # of no bytes there are no messages
            given = "list[types.ChatMessage]"
        given = given.replace("list[list[]]", "list[list[types.ChatMessage]]")
        lines.append(f"assert_type({written(function, arguments, chosen)}, {given})")
    if texts:  # str | None: whatever is None, so is the result
        one = type_of(getattr(streamliner_udf, function.name)(*arguments))
        for way in set(itertools.product(("text", "maybe"), repeat=len(at))) - {("text",) * len(at)}:
            lines.append(f"assert_type({written(function, arguments, dict(zip(at, way, strict=True)))}, {one} | None)")
    return lines


def run_mypy(folder: Path, *arguments: str) -> str:
    """What it prints, somewhere where it sees the package that runs here and no other."""
    home = Path(streamliner_udf.__file__).parents[1]
    environment = dict(os.environ) | ({} if home.name == "site-packages" else {"MYPYPATH": str(home)})
    command = [sys.executable, "-P", "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def checked(program: str, folder: Path) -> str:
    (folder / "program.py").write_text(program, encoding="utf-8")
    return run_mypy(folder, "mypy", "--strict", "--config-file", "", "--cache-dir", "cache", "program.py")


def test_a_strict_program_of_all_functions(tmp_path: Path) -> None:
    statements = [line for function in FUNCTIONS.values() for line in calls(function)]
    assert len(statements) > 8 * len(FUNCTIONS)
    params = "".join(f"    {name}: {kind},\n" for name, kind in ANNOTATIONS.items())
    body = "".join(f"    {line}\n" for line in statements)
    out = checked(f"{HEAD}def program(\n{params}) -> None:\n{body}", tmp_path)
    assert out.startswith("Success"), out


def test_wrong_calls_are_told(tmp_path: Path) -> None:
    """An ignored error that is none is an error."""
    program = """\
import streamliner_udf

streamliner_udf.slugify(3)  # type: ignore[call-overload]
streamliner_udf.slugify("a", "b")  # type: ignore[call-overload]
streamliner_udf.slugify("a", length=3)  # type: ignore[call-overload]
streamliner_udf.slugify(("a", "b"))  # type: ignore[call-overload]
streamliner_udf.html_escape("a", quote="no")  # type: ignore[call-overload]
streamliner_udf.contains_any("a", "b")  # type: ignore[call-overload]
streamliner_udf.edit_distance("a")  # type: ignore[call-overload]
streamliner_udf.scrub_pii(b"a")  # type: ignore[call-overload]
streamliner_udf.find_pii("a")[0]["name"]  # type: ignore[typeddict-item]
streamliner_udf.parse_whatsapp("a")[0]["author"].lower()  # type: ignore[union-attr]
streamliner_udf.sluggify("a")  # type: ignore[attr-defined]
streamliner_udf.ingest(streamliner_udf.connect())  # type: ignore[call-arg]
streamliner_udf.near_duplicates(streamliner_udf.connect(), threshold="0.7")  # type: ignore[arg-type]
length: int = streamliner_udf.slugify("a")  # type: ignore[assignment]
"""
    out = checked(program, tmp_path)
    assert out.startswith("Success"), out


def stub(name: str) -> ast.Module:
    return ast.parse((Path(streamliner_udf.__file__).parent / name).read_text(encoding="utf-8"))


def test_the_stub_has_what_the_package_has() -> None:
    functions, others = set(), set()
    for node in stub("__init__.pyi").body:
        if isinstance(node, ast.FunctionDef):
            functions.add(node.name)
            given = [(argument.arg, ...) for argument in node.args.args]
            defaults = [ast.literal_eval(default) for default in node.args.defaults]
            given[len(given) - len(defaults) :] = zip(
                [name for name, _ in given[-len(defaults) :]], defaults, strict=False
            )
            real = inspect.signature(getattr(streamliner_udf, node.name)).parameters.values()
            assert given == [(p.name, ... if p.default is p.empty else p.default) for p in real], node.name
        elif isinstance(node, ast.ImportFrom):
            others |= {alias.asname for alias in node.names if alias.asname and alias.asname[0] != "_"}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            others.add(node.target.id)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            assert ast.literal_eval(node.value) == streamliner_udf.__all__
    assert functions == set(FUNCTIONS)
    assert functions | others == {*streamliner_udf.__all__, "__version__"}


def test_types_are_there_when_asked_for() -> None:
    code = "import streamliner_udf as s, sys; print(s.types.PiiFinding.__name__)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "PiiFinding\n"


def test_the_stub_of_the_library_names_what_it_has() -> None:
    for node in stub("_core.pyi").body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            there = getattr(_core, node.name)
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                assert not isinstance(member, ast.FunctionDef) or hasattr(there, member.name), (node.name, member.name)


def test_messages_have_the_fields_that_their_type_has() -> None:
    """Which fields may be None was read from golden cases; here are more messages."""
    hints = get_type_hints(types.ChatMessage)
    found: dict[str, set[type]] = {name: set() for name in hints}
    for dialect in DIALECTS:
        for message in streamliner_udf.parse_whatsapp(generate_whatsapp(500, dialect=dialect)):
            assert list(message) == list(hints)
            for name, value in message.items():
                found[name].add(type(value))
    for name, hint in hints.items():
        assert found[name] == set(getattr(hint, "__args__", (hint,))), name
