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
import tempfile
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy

import streamliner_udf
from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function

GOLDEN = Path(__file__).parent / "golden"
Rows = Sequence[str | None]
Options = tuple[Any, ...]
VECTOR = 2048

# ---- arguments and results -----------------------------------------------------------------------------------------


def row_index(function: Function) -> int:
    """Position of the argument that changes from row to row."""
    return next(i for i, param in enumerate(function.params) if param.role == "row")


def option_indexes(function: Function) -> list[int]:
    return [i for i in range(len(function.params)) if i != row_index(function)]


def arguments(function: Function, text: Any, options: Sequence[Any]) -> tuple[Any, ...]:
    """Positional arguments of a call, as in SQL: the text goes between the options before and after it."""
    at = row_index(function)
    return (*options[:at], text, *options[at:])


def split(function: Function, args: Sequence[Any]) -> tuple[Any, Options]:
    at = row_index(function)
    return args[at], (*args[:at], *args[at + 1 :])


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


def oracle(function: Function, text: str | None, options: Options) -> Any:
    if text is None or None in options:
        return None
    return canonical(getattr(reference, function.name)(*arguments(function, text, options)))


def golden(function: Function) -> list[dict[str, Any]]:
    path = GOLDEN / f"{function.name}.jsonl"
    if not path.exists():  # the gate in test_table.py names the missing file
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def option_variants(function: Function, limit: int = 8) -> list[Options]:
    """Distinct valid options of the golden cases."""
    seen = {}
    for case in golden(function):
        if "want" in case and None not in case["args"]:
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


def call(function: Function, options: Options, text: str = "s") -> str:
    return f"{function.sql_name}({', '.join(arguments(function, text, ['?'] * len(options)))})"


def load(con: duckdb.DuckDBPyConnection, rows: Rows, table: str = "t") -> None:
    """Rows as the table (i, s)."""
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT unnest(?::BIGINT[]) AS i, unnest(?::VARCHAR[]) AS s",
        [list(range(len(rows))), list(rows)],
    )


def results(con: duckdb.DuckDBPyConnection, source: str, function: Function, options: Options) -> list[Any]:
    """One result for each i of the source; where i occurs several times, all must agree."""
    found: dict[int, Any] = {}
    for i, value in con.execute(f"SELECT i, {call(function, options)} FROM {source}", list(options)).fetchall():
        assert found.setdefault(i, value) == value, f"{function.sql_name}: copies of row {i} differ"
    return [found[i] for i in sorted(found)]


def sql(function: Function, rows: Rows, options: Options) -> list[Any]:
    load(connection(), rows)
    return results(connection(), "t", function, options)


def sql_constant(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Every argument a constant, as in `SELECT sl_f('a')`, which DuckDB computes while it plans."""
    query = f"SELECT {call(function, options, '?::VARCHAR')} FROM range(3)"
    known: dict[str | None, Any] = {}
    for text in rows:
        if text not in known:
            same = connection().execute(query, list(arguments(function, text, options))).fetchall()
            assert same == same[:1] * 3
            known[text] = same[0][0]
    return [known[text] for text in rows]


def sql_dictionary(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Few distinct values in a Parquet file: DuckDB reads them as dictionary vectors."""
    con, path = connection(), scratch() / "dictionary.parquet"
    load(con, rows)
    con.execute(f"COPY (FROM t, range(3)) TO '{path}' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 1000000)")
    return results(con, f"read_parquet('{path}')", function, options)


def sql_filtered(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Every other row is filtered away: the vectors that the function gets are selections."""
    con = connection()
    load(con, rows)
    con.execute(
        "CREATE OR REPLACE TABLE filtered AS SELECT i, s, keep FROM "
        "(SELECT i, s, true AS keep FROM t UNION ALL SELECT i, 'left out ' || i, false FROM t) ORDER BY i, keep"
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
    characters = sum(len(text or "") for text in rows)
    copies = max(1, min(5 * VECTOR // max(len(rows), 1), 1_000_000 // max(characters, 1)))
    con = threaded()
    load(con, rows)
    con.execute("CREATE OR REPLACE TABLE file.many AS SELECT i, s FROM range(?), t", [copies])
    return results(con, "file.many", function, options)


# ---- Python --------------------------------------------------------------------------------------------------------


def door(function: Function, column: Any, options: Options) -> Any:
    return getattr(streamliner_udf, function.name)(*arguments(function, column, options))


def python_scalar(function: Function, rows: Rows, options: Options) -> list[Any]:
    return [door(function, text, options) for text in rows]


def python_list(function: Function, rows: Rows, options: Options) -> list[Any]:
    result = door(function, list(rows), options)
    assert type(result) is list
    return result


def numpy_strings(function: Function, rows: Rows, options: Options) -> list[Any]:
    result = door(function, numpy.array(rows, dtype=numpy.dtypes.StringDType(na_object=None)), options)
    assert isinstance(result, numpy.ndarray)
    return list(result.tolist())


def from_arrow(result: Any) -> list[Any]:
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

    return list((pa.array if hasattr(result, "__arrow_c_array__") else pa.chunked_array)(result).to_pylist())


def arrow(kind: str) -> Callable[[Function, Rows, Options], list[Any]]:
    def run_arrow(function: Function, rows: Rows, options: Options) -> list[Any]:
        import pyarrow as pa

        column = pa.array(rows, getattr(pa, kind)())
        return from_arrow(door(function, column, options))

    return run_arrow


def arrow_sliced(function: Function, rows: Rows, options: Options) -> list[Any]:
    """Offsets that do not start at zero, and a validity bitmap that starts within a byte."""
    import pyarrow as pa

    column = pa.array(["before", None, "é", *rows, "after"], pa.string())
    return from_arrow(door(function, column.slice(3, len(rows)), options))


def arrow_chunked(function: Function, rows: Rows, options: Options) -> list[Any]:
    import pyarrow as pa

    third = len(rows) // 3
    chunks: list[Rows] = [rows[:third], [], rows[third:]]
    column = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks])
    return from_arrow(door(function, column, options))


def polars(function: Function, rows: Rows, options: Options) -> list[Any]:
    import polars as pl

    return from_arrow(door(function, pl.Series(rows, dtype=pl.String), options))


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
    wrong = [(text, a, b) for text, a, b in zip(rows, got, want, strict=True) if a != b]
    if not wrong:
        return ""
    report = [f"{len(wrong)} of {len(rows)} rows differ"]
    for text, a, b in sorted(wrong, key=lambda row: len(row[0] or ""))[:3]:
        left, right = around(a, b)
        report.append(f"{function.name}: text {ascii(text)[:1000]}, options {options}\n  got  {left}\n  want {right}")
    return "\n".join(report)


__all__ = ["FUNCTIONS", "PATHS", "Function", "Options", "Rows", "run"]
