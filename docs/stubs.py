"""Writes streamliner_udf/__init__.pyi and streamliner_udf/types.py from the function table, for type checkers.

`make docs` runs this. A function has one overload for each kind of value that its doors take: tests/test_types.py calls
the functions with all of them and has mypy compare. Which fields of a struct may be None, the golden cases say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import streamliner_udf
from streamliner_udf._table import FUNCTIONS, Function, Param

ROOT = Path(__file__).parents[1]
TYPES = {
    "text": "str",
    "integer": "int",
    "natural": "int",
    "real": "float",
    "boolean": "bool",
    "uuid": "uuid.UUID",
    "timestamp": "datetime.datetime",
    "texts": "_Strings",
}
# The one value, and what a list of such may hold, by the type of the argument that changes from row to row.
TEXT = ("str", ["str"])
FILE = ("str | bytes", ["str", "bytes", "str | bytes"])
NUMBERS = ("list[int] | tuple[int, ...]", ["list[int]"])
HEAD = '''"""The public names of streamliner_udf. Made by `make docs` from the function table; edit docs/stubs.py."""
'''
TYPES_HEAD = '''"""What the functions take and give, for annotations. Made by `make docs`; edit docs/stubs.py.

import streamliner_udf
from streamliner_udf.types import PiiFinding

findings: list[PiiFinding] = streamliner_udf.find_pii("mail ana@example.org")
"""

from __future__ import annotations

import datetime
from typing import Protocol, TypedDict

from ._core import ArrowChunks, ArrowColumn, ArrowRows


class ArrowArray(Protocol):
    """One Arrow array: pyarrow.Array, pyarrow.RecordBatch."""

    def __arrow_c_array__(self) -> object: ...


class ArrowStream(Protocol):
    """Arrow arrays one after the other: pyarrow.ChunkedArray, polars.Series, a relation of DuckDB."""

    def __arrow_c_stream__(self) -> object: ...
'''


# ---- structs ---------------------------------------------------------------------------------------------------------


def struct_names() -> dict[str, str]:
    """What the struct of each function that gives some is called here: pii_findings, in the table, is PiiFinding."""
    table = (ROOT / "csrc/functions.def").read_text(encoding="utf-8")
    names = {}
    for name, result in re.findall(r"^SL_FUNCTION\((\w+), \w+, \w+, (\w+),", table, re.MULTILINE):
        if FUNCTIONS[name].result.fields and FUNCTIONS[name].result.fields[0][0] is not None:
            one = re.sub(r"(?<=ch)es$|s$", "", result)
            names[name] = "".join(word.capitalize() for word in one.split("_"))
    return names


def missing_fields(name: str) -> set[str]:
    """Fields that are null in a golden case."""
    found: set[str] = set()
    for line in (ROOT / f"tests/golden/{name}.jsonl").read_text(encoding="utf-8").split("\n"):
        want = (json.loads(line).get("want") if line else None) or []
        for struct in want if isinstance(want, list) else [want]:
            found |= {field for field, value in struct.items() if value is None}
    return found


def structs() -> Iterator[str]:
    for name, title in sorted(struct_names().items(), key=lambda item: item[1]):
        function = FUNCTIONS[name]
        missing = missing_fields(name)
        what = "What" if function.result.type == "struct" else "One of what"
        yield f'\n\nclass {title}(TypedDict):\n    """{what} `{name}` gives."""\n\n'
        for field, kind in function.result.fields:
            yield f"    {field}: {TYPES[kind]}{' | None' if field in missing else ''}\n"


def types_module() -> str:
    names = sorted({"ArrowArray", "ArrowChunks", "ArrowColumn", "ArrowRows", "ArrowStream", *struct_names().values()})
    listed = "".join(f'    "{name}",\n' for name in names)
    return "".join([TYPES_HEAD, *structs(), f"\n\n__all__ = [\n{listed}]\n"])


# ---- functions -------------------------------------------------------------------------------------------------------


def given(function: Function) -> str:
    """The type of one result."""
    result = function.result
    if function.name in struct_names():
        one = f"types.{struct_names()[function.name]}"
        return f"list[{one}]" if result.type == "list" else one
    if result.type == "list":
        return f"list[{TYPES[result.fields[0][1]]}]"
    return TYPES[result.type]


def rows_of(param: Param) -> tuple[str, list[str]]:
    if param.type != "text":
        return NUMBERS
    return FILE if param.or_file else TEXT


def or_none(kind: str) -> str:
    return f"{kind} | None"


def one_row(param: Param, result: str) -> Iterator[tuple[dict[str, str], str]]:
    """Types of the argument, and what comes of it, for a function whose rows are one argument."""
    numbers = param.type != "text"
    one, held = rows_of(param)
    yield {param.name: one}, result
    yield {param.name: "None"}, "None"
    for item in held:
        yield {param.name: f"list[{item}]"}, f"list[{result}]"
    for item in held:
        yield {param.name: f"list[{or_none(item)}]"}, f"list[{or_none(result)}]"
    yield {param.name: "_Array"}, "Any" if numbers else "_Array"  # of numbers, one row has one dimension
    yield {param.name: "types.ArrowArray"}, "types.ArrowColumn"
    yield {param.name: "types.ArrowStream"}, "types.ArrowChunks"


def two_rows(params: list[Param], result: str) -> Iterator[tuple[dict[str, str], str]]:
    """The same for two arguments: one value goes with every row of a column, and Arrow comes of Arrow."""
    a, b = (param.name for param in params)
    one, [item] = rows_of(params[0])
    many, some = f"list[{item}]", f"list[{or_none(item)}]"
    row = "_Text" if params[0].type == "text" else "_Numbers"
    array = "_Array" if params[0].type == "text" else "Any"
    ways = [
        (one, one, result),
        (or_none(one), or_none(one), or_none(result)),
        (many, f"{many} | {one}", f"list[{result}]"),
        (one, many, f"list[{result}]"),
        (some, f"{many} | {some} | {or_none(one)}", f"list[{or_none(result)}]"),
        (many, f"{some} | None", f"list[{or_none(result)}]"),
        (or_none(one), some, f"list[{or_none(result)}]"),
        ("None", many, f"list[{or_none(result)}]"),
        ("_Array", row, array),
        (row, "_Array", array),
        ("types.ArrowArray", f"types.ArrowArray | {row}", "types.ArrowColumn"),
        (row, "types.ArrowArray", "types.ArrowColumn"),
        ("types.ArrowStream", f"types.ArrowStream | types.ArrowArray | {row}", "types.ArrowChunks"),
        (f"types.ArrowArray | {row}", "types.ArrowStream", "types.ArrowChunks"),
    ]
    return (({a: first, b: second}, comes) for first, second, comes in ways)


def parameter(param: Param, kinds: dict[str, str]) -> str:
    kind = kinds.get(param.name) or ("str | uuid.UUID" if param.or_uuid else TYPES[param.type])
    if param.required:
        return f"{param.name}: {kind}"
    default = json.dumps(param.default) if isinstance(param.default, str) else repr(param.default)
    return f"{param.name}: {kind} = {default}"


def overloads(function: Function) -> Iterator[str]:
    rows = [function.params[at] for at in function.row_indexes]
    result = given(function)
    for place, (kinds, comes) in enumerate(two_rows(rows, result) if len(rows) == 2 else one_row(rows[0], result)):
        params = ", ".join(parameter(param, kinds) for param in function.params)
        body = f'\n    """{function.summary}"""\n' if place == 0 else " ...\n"
        yield f"@overload\ndef {function.name}({params}) -> {comes}:{body}"


def stub() -> str:
    """The stub of the package: what __init__.py imports by name, and the functions of the table."""
    listed = "".join(f'    "{name}",\n' for name in streamliner_udf.__all__)
    return "".join(
        [
            HEAD,
            """
import uuid
from typing import Any, overload

import numpy.typing as npt

from . import distributed as distributed
from . import ingest as _ingest
from . import near_duplicates as _near_duplicates
from . import resources as resources
from . import types
from ._core import JsonItems as JsonItems
from ._core import parse_row as parse_row
from ._core import parse_rows as parse_rows
from .duckdb import Backend as Backend
from .duckdb import Status as Status
from .duckdb import connect as connect
from .duckdb import extension_path as extension_path
from .duckdb import register as register
from .duckdb import status as status
from .errors import InvalidArgument as InvalidArgument
from .errors import InvalidUTF8 as InvalidUTF8
from .errors import OutOfMemory as OutOfMemory
from .errors import RegistrationError as RegistrationError
from .errors import StreamlinerError as StreamlinerError
from .errors import TextTooLong as TextTooLong
from .incremental import materialize as materialize
from .tuning import tune as tune

# NumPy's types do not tell an array of StringDType from others.
_Array = npt.NDArray[Any]
_Strings = list[str] | tuple[str, ...] | _Array
_Text = str | list[str] | list[str | None] | _Array | None
_Numbers = list[int] | tuple[int, ...] | list[list[int]] | list[list[int] | None] | _Array | None

__version__: str
ingest: _ingest._Callable
near_duplicates: _near_duplicates._Callable

""",
            "\n".join("".join(overloads(function)) for function in FUNCTIONS.values()),
            f"\n__all__ = [\n{listed}]\n",
        ]
    )


def pages() -> dict[Path, str]:
    """Both files as they should be."""
    return {
        ROOT / "streamliner_udf/types.py": types_module(),
        ROOT / "streamliner_udf/__init__.pyi": stub(),
    }
