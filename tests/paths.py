"""Every way to run a function of the table over rows of text, with results in one common form.

    run("sql_filtered", FUNCTIONS["slugify"], ["A b", None], (40,))  ->  ["a-b", None]

Tests are parametrised over PATHS x FUNCTIONS, so a new function, or a new way in, is covered without new test code.
"""

from __future__ import annotations

import atexit
import datetime
import functools
import importlib.util
import json
import random
import tempfile
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy
import random_text

import streamliner_udf
from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function

GOLDEN = Path(__file__).parent / "golden"
# A row is the value of the argument that changes, or a tuple of both where two do.
Rows = Sequence[Any]
Options = tuple[Any, ...]
VECTOR = 2048

# ---- arguments and results -----------------------------------------------------------------------------------------


def is_pair(function: Function) -> bool:
    return len(function.row_indexes) == 2


def of_texts(function: Function) -> bool:
    """Whether the rows are texts, and not lists of numbers."""
    return function.params[function.row_indexes[0]].type == "text"


def parts(function: Function, row: Any) -> tuple[Any, ...]:
    """The values of a row, one for each argument that changes. A NULL row of a pair is two NULLs."""
    if not is_pair(function):
        return (row,)
    return (None, None) if row is None else tuple(row)


def columns(function: Function, rows: Rows) -> list[list[Any]]:
    """The rows as one column for each argument that changes."""
    return [list(column) for column in zip(*(parts(function, row) for row in rows), strict=True)]


def size(row: Any) -> int:
    """Characters, or numbers, in a row."""
    return sum(map(size, row)) if isinstance(row, tuple) else len(row or "")


def random_rows(function: Function, rng: random.Random, count: int) -> list[Any]:
    """Seeded rows for any function: texts, pairs of texts, or lists of numbers."""
    kind = function.params[function.row_indexes[0]].type
    if kind == "text":
        return [*(random_text.pairs if is_pair(function) else random_text.texts)(rng, count)]
    made = (random_text.naturals if kind == "naturals" else random_text.integers)(rng, count)
    return list(zip(made, made[1:] + made[:1], strict=True)) if is_pair(function) else made


def row_of(function: Function, text: str) -> Any:
    """A row with this text in it; what stands beside it in a pair is short, because pairs cost the product of both."""
    return (text, text[:40]) if is_pair(function) else text


def arguments(function: Function, values: Sequence[Any], options: Sequence[Any]) -> tuple[Any, ...]:
    """Positional arguments of a call: the values of the row at their places, the options at theirs."""
    rows, rest = iter(values), iter(options)
    found = []
    for param in function.params:
        source = rows if param.role == "row" else rest
        if (value := next(source, arguments)) is arguments:
            break
        found.append(value)
    return tuple(found)


def split(function: Function, args: Sequence[Any]) -> tuple[Any, Options]:
    """A row, and the options, out of the arguments of a call."""
    values = tuple(args[at] for at in function.row_indexes)
    options = tuple(args[at] for at in function.option_indexes if at < len(args))
    return (values if is_pair(function) else values[0]), options


def canonical(value: Any) -> Any:
    """The form of golden/*.jsonl: UUIDs and times as text, everything else as JSON has it."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    return value


def is_null(value: Any) -> bool:
    return value is None or (isinstance(value, list) and None in value)


def oracle(function: Function, row: Any, options: Options) -> Any:
    values = parts(function, row)
    if any(map(is_null, values)) or any(option is None for option in options):
        return None
    return canonical(getattr(reference, function.name)(*arguments(function, values, options)))


def golden(function: Function) -> list[dict[str, Any]]:
    path = GOLDEN / f"{function.name}.jsonl"
    if not path.exists():  # the gate in test_table.py names the missing file
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def option_variants(function: Function, limit: int = 8) -> list[Options]:
    """Distinct valid options of the golden cases."""
    seen = {}
    for case in golden(function):
        if "want" in case and not any(arg is None for arg in case["args"]):
            options = split(function, case["args"])[1]
            seen[repr(options)] = options
    return list(seen.values())[:limit] or [()]


# ---- SQL -----------------------------------------------------------------------------------------------------------


@functools.cache
def connection() -> duckdb.DuckDBPyConnection:
    return streamliner_udf.connect()


@functools.cache
def scratch() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="streamliner-tests-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)


def names(function: Function) -> list[str]:
    return ["s", "s2"][: len(function.row_indexes)]


def placeholder(function: Function, at: int) -> str:
    return f"?::{function.params[at].sql_type}"


def call(function: Function, options: Options, values: Sequence[str] = ()) -> str:
    given = [placeholder(function, at) for at, _ in zip(function.option_indexes, options, strict=False)]
    return f"{function.sql_name}({', '.join(arguments(function, values or names(function), given))})"


def load(con: duckdb.DuckDBPyConnection, function: Function, rows: Rows, table: str = "t") -> None:
    """Rows as the table (i, s), or (i, s, s2) where two arguments change.

    As JSON: before 2.0 DuckDB needs a tenth of a millisecond for every element of a list that is a parameter.
    """
    types = [function.params[at].sql_type for at in function.row_indexes]
    selected = "".join(
        f""", unnest(from_json(?, '["{kind}"]')) AS {name}""" for kind, name in zip(types, names(function), strict=True)
    )
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT unnest(range({len(rows)})) AS i{selected}",
        [json.dumps(column) for column in columns(function, rows)],
    )


def results(con: duckdb.DuckDBPyConnection, source: str, function: Function, options: Options) -> list[Any]:
    """One result for each i of the source; where i occurs several times, all must agree."""
    found: dict[int, Any] = {}
    for i, value in con.execute(f"SELECT i, {call(function, options)} FROM {source}", list(options)).fetchall():
        assert found.setdefault(i, value) == value, f"{function.sql_name}: copies of row {i} differ"
    return [found[i] for i in sorted(found)]


def sql(function: Function, rows: Rows, options: Options) -> list[Any]:
    load(connection(), function, rows)
    return results(connection(), "t", function, options)


def sql_constant(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Every argument a constant, as in `SELECT sl_f('a')`, which DuckDB computes while it plans."""
    values = [placeholder(function, at) for at in function.row_indexes]
    query = f"SELECT {call(function, options, values)} FROM range(3)"
    known: dict[str, Any] = {}
    for row in rows:
        if (key := repr(row)) not in known:
            same = connection().execute(query, list(arguments(function, parts(function, row), options))).fetchall()
            assert same == same[:1] * 3
            known[key] = same[0][0]
    return [known[repr(row)] for row in rows]


def sql_dictionary(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Few distinct values in a Parquet file: DuckDB reads them as dictionary vectors."""
    con, path = connection(), scratch() / "dictionary.parquet"
    load(con, function, rows)
    con.execute(f"COPY (FROM t, range(3)) TO '{path}' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 1000000)")
    return results(con, f"read_parquet('{path}')", function, options)


def sql_filtered(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Every other row is filtered away: the vectors that the function gets are selections."""
    con = connection()
    load(con, function, rows)
    kind = function.params[function.row_indexes[0]].sql_type
    other = "'left out ' || i" if of_texts(function) else f"[i]::{kind}"
    kept, left_out = ", ".join(names(function)), ", ".join([other] * len(names(function)))
    con.execute(
        f"CREATE OR REPLACE TABLE filtered AS FROM (SELECT i, {kept}, true AS keep FROM t "
        f"UNION ALL SELECT i, {left_out}, false FROM t) ORDER BY i, keep"
    )
    return results(con, "filtered WHERE keep", function, options)


@functools.cache
def threaded() -> duckdb.DuckDBPyConnection:
    """Four threads, and a database on disk whose row groups are as small as they can be."""
    con = streamliner_udf.connect()
    con.execute(f"SET threads = 4; ATTACH '{scratch() / 'threads.duckdb'}' AS file (ROW_GROUP_SIZE {VECTOR})")
    return con


def sql_threads(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Several row groups and four threads. Long texts are not multiplied."""
    characters = sum(map(size, rows))
    copies = max(1, min(5 * VECTOR // max(len(rows), 1), 1_000_000 // max(characters, 1)))
    con = threaded()
    load(con, function, rows)
    con.execute(
        f"CREATE OR REPLACE TABLE file.many AS SELECT i, {', '.join(names(function))} FROM range(?), t", [copies]
    )
    return results(con, "file.many", function, options)


# ---- Python --------------------------------------------------------------------------------------------------------


def door(function: Function, values: Sequence[Any], options: Options) -> Any:
    """A call in Python: `values` are texts, or columns, one for each argument that changes."""
    return getattr(streamliner_udf, function.name)(*arguments(function, values, options))


def python_scalar(function: Function, rows: Rows, options: Options) -> list[Any]:
    return [door(function, parts(function, row), options) for row in rows]


def python_list(function: Function, rows: Rows, options: Options) -> list[Any]:
    result = door(function, columns(function, rows), options)
    assert type(result) is list
    return result


def numpy_strings(function: Function, rows: Rows, options: Options) -> list[Any]:
    if not of_texts(function):
        return [
            door(function, [as_numbers(function, value) for value in parts(function, row)], options) for row in rows
        ]
    made = [numpy.array(column, dtype=numpy.dtypes.StringDType(na_object=None)) for column in columns(function, rows)]
    result = door(function, made, options)
    assert isinstance(result, numpy.ndarray)
    return list(result.tolist())


def as_numbers(function: Function, value: Any) -> Any:
    """A row of numbers as NumPy has it; rows that are NULL, or hold one, have no such form."""
    kind = numpy.uint64 if function.params[function.row_indexes[0]].type == "naturals" else numpy.int64
    return value if is_null(value) else numpy.array(value, dtype=kind)


def from_arrow(result: Any) -> list[Any]:
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

    return list((pa.array if hasattr(result, "__arrow_c_array__") else pa.chunked_array)(result).to_pylist())


def arrow_type(function: Function, text: str = "string") -> Any:
    """The Arrow type of the rows: a kind of text, or the kind of list that goes with it."""
    import pyarrow as pa

    if of_texts(function):
        return getattr(pa, text)()
    number = pa.uint64() if function.params[function.row_indexes[0]].type == "naturals" else pa.int64()
    return pa.list_(number) if text == "string" else pa.large_list(number)


def arrow(kind: str) -> Callable[[Function, Rows, Options], list[Any]]:
    def run_arrow(function: Function, rows: Rows, options: Options) -> list[Any]:
        import pyarrow as pa

        made = [pa.array(column, arrow_type(function, kind)) for column in columns(function, rows)]
        return from_arrow(door(function, made, options))

    return run_arrow


def arrow_sliced(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Offsets that do not start at zero, and a validity bitmap that starts within a byte."""
    import pyarrow as pa

    before, after = (["before", None, "é"], ["after"]) if of_texts(function) else ([[1, 2], None, []], [[3]])
    made = [
        pa.array([*before, *column, *after], arrow_type(function)).slice(3, len(rows))
        for column in columns(function, rows)
    ]
    return from_arrow(door(function, made, options))


def arrow_chunked(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Chunks, of other lengths on the other side of a pair."""
    import pyarrow as pa

    made = []
    for cut, column in enumerate(columns(function, rows), 3):
        chunks = [column[: len(rows) // cut], [], column[len(rows) // cut :]]
        made.append(pa.chunked_array([pa.array(chunk, arrow_type(function)) for chunk in chunks]))
    return from_arrow(door(function, made, options))


def polars(function: Function, rows: Rows, options: Options) -> list[Any]:
    import polars as pl

    kind: Any = pl.String
    if not of_texts(function):
        kind = pl.List(pl.UInt64 if function.params[function.row_indexes[0]].type == "naturals" else pl.Int64)
    return from_arrow(door(function, [pl.Series(column, dtype=kind) for column in columns(function, rows)], options))


TEXTS = [function for function in FUNCTIONS.values() if of_texts(function)]

PATHS: dict[str, Callable[[Function, Rows, Options], list[Any]]] = {
    "sql": sql,
    "sql_constant": sql_constant,
    "sql_dictionary": sql_dictionary,
    "sql_filtered": sql_filtered,
    "sql_threads": sql_threads,
    "python_scalar": python_scalar,
    "python_list": python_list,
    "numpy": numpy_strings,
}
if importlib.util.find_spec("pyarrow"):
    PATHS |= {
        "arrow": arrow("string"),
        "arrow_large": arrow("large_string"),
        "arrow_view": arrow("string_view"),
        "arrow_sliced": arrow_sliced,
        "arrow_chunked": arrow_chunked,
    }
    if importlib.util.find_spec("polars"):
        PATHS["polars"] = polars


def run(path: str, function: Function, rows: Rows, options: Options = ()) -> list[Any]:
    """Results in the order of the rows, canonical."""
    return canonical(PATHS[path](function, rows, options)) if rows else []


def around(a: Any, b: Any, width: int = 200) -> tuple[str, str]:
    """Both as ASCII, from a little before they part."""
    left, right = ascii(a), ascii(b)
    parting = next((i for i, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), 0)
    start = max(0, parting - width // 4)
    return left[start : start + width], right[start : start + width]


def differences(function: Function, rows: Rows, options: Options, got: Sequence[Any], want: Iterable[Any]) -> str:
    """The shortest rows that differ, for a failure that can be read; empty if all are equal."""
    wrong = [(row, a, b) for row, a, b in zip(rows, got, want, strict=True) if a != b]
    if not wrong:
        return ""
    report = [f"{len(wrong)} of {len(rows)} rows differ"]
    for row, a, b in sorted(wrong, key=lambda wrong: size(wrong[0]))[:3]:
        left, right = around(a, b)
        report.append(f"{function.name}: row {ascii(row)[:1000]}, options {options}\n  got  {left}\n  want {right}")
    return "\n".join(report)


__all__ = ["FUNCTIONS", "PATHS", "Function", "Options", "Rows", "run"]
