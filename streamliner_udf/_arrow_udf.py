"""The Arrow door: the functions as vectorised Python UDFs, for connections that can take no native code.

DuckDB before 2.0 can hand out texts of an Arrow UDF whose memory is gone (duckdb/duckdb#20606): an expression that only
passes strings on, like coalesce, does not keep the Arrow buffers alive. So queries do not see the UDFs themselves, but
macros over them, and a macro that gives a text copies it into DuckDB's own memory first, by appending nothing to it.
Lists and UUIDs are copied by DuckDB as they are.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

from . import _core
from ._functions import public
from ._table import FUNCTIONS, Function
from .errors import StreamlinerError
from .sql import quoted

VERSION_MACRO = "sl_version"


def _call(function: Function, args: tuple[Any, ...]) -> Any:
    try:
        return pa.array(public(function.name)(*args))
    except StreamlinerError as error:
        raise type(error)(f"sl_{error}") from None


def _whole(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _run(function: Function, *columns: Any) -> Any:
    """Results for one vector. Options arrive as columns too; each run of rows with equal ones is one call."""
    arrays = [_whole(column) for column in columns]
    count = len(arrays[0])
    rows = set(function.row_indexes)
    options = [[None] * count if i in rows else array.to_pylist() for i, array in enumerate(arrays)]
    results, start = [], 0
    for key, run in itertools.groupby(zip(*options, strict=True)):
        length = sum(1 for _ in run)
        args = (arrays[i].slice(start, length) if i in rows else value for i, value in enumerate(key))
        results.append(_call(function, tuple(args)))
        start += length
    return pa.concat_arrays(results)


def _run_files(function: Function, *columns: Any) -> Any:
    """The same where texts are the bytes of files: one is opened at a time."""
    [at] = (i for i, param in enumerate(function.params) if param.or_file)
    call = _core.Function(function.name)
    results = []
    for row in range(len(columns[at])):
        cells = [pa.chunked_array([_whole(column).slice(row, 1)]) for column in columns]
        content = cells[at][0].as_py()
        try:
            text = None if content is None else call.text_of(content)
        except StreamlinerError as error:
            raise type(error)(f"sl_{error}") from None
        cells[at] = pa.chunked_array([pa.array([text], pa.large_string())])
        results.append(_run(function, *cells))
    return pa.concat_arrays(results)


def _udf_name(function: Function, count: int, files: bool = False) -> str:
    return f"_sl_{function.name}_{'files_' if files else ''}{count}"


@functools.cache
def _udf(name: str, count: int, files: bool) -> Callable[..., Any]:
    # Cached for good: DuckDB's catalogue outlives the connection that a UDF was made on, and does not own the function.
    function = FUNCTIONS[name]
    udf = functools.partial(_run_files if files else _run, function)
    # DuckDB counts the parameters by it.
    parameters = [inspect.Parameter(p.name, inspect.Parameter.POSITIONAL_ONLY) for p in function.params[:count]]
    udf.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return udf


def _counts(function: Function) -> range:
    """Numbers of arguments that the function takes."""
    return range(sum(param.required for param in function.params), len(function.params) + 1)


def _macro(function: Function) -> str:
    ending = " || ''" if function.result.type == "text" else ""
    overloads = []
    for count in _counts(function):
        names = ", ".join(f'"{param.name}"' for param in function.params[:count])
        given = ", ".join(f'"{p.name}"::VARCHAR' if p.or_uuid else f'"{p.name}"' for p in function.params[:count])
        call = f"{_udf_name(function, count)}({given}){ending}"
        for name in (f'"{param.name}"' for param in function.params[:count] if param.or_file):
            # A macro has no types of its own. Only the branch that is taken is run.
            files = f"{_udf_name(function, count, True)}({given})".replace(name, f"{name}::BLOB")
            texts = call.replace(name, f"{name}::VARCHAR")
            call = f"CASE WHEN typeof({name}) = 'BLOB' THEN {files} ELSE {texts} END"
        overloads.append(f"({names}) AS {call}")
    return f"CREATE OR REPLACE TEMP MACRO {function.sql_name}{', '.join(overloads)}"


def _table_macro() -> str:
    rows = (
        (f.sql_name, f.declarations(), f.result.sql_type, f.summary, f"{f.sql_name}({f.example})", f.since)
        for f in FUNCTIONS.values()
    )
    values = ", ".join(f"({', '.join(map(quoted, row))})" for row in rows)
    columns = "name, parameters, return_type, summary, example, since"
    return f"CREATE OR REPLACE TEMP MACRO sl_functions() AS TABLE SELECT * FROM (VALUES {values}) f({columns})"


def has_arrow(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this connection got the functions by this door."""
    query = "SELECT count(*) FROM duckdb_functions() WHERE function_name = ? AND function_type = 'macro'"
    # All of it: a result that is not read to its end would block the connection's next statement.
    return bool(connection.execute(query, [VERSION_MACRO]).fetchall()[0][0])


def register_arrow(connection: duckdb.DuckDBPyConnection) -> None:
    """Puts the functions on one connection. Its cursors are connections of their own and need a call each."""
    sqltype = duckdb.sqltype if hasattr(duckdb, "sqltype") else duckdb.type  # type: ignore[attr-defined,unused-ignore]
    query = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name LIKE '\\_sl\\_%' ESCAPE '\\'"
    # UDFs belong to the database: another connection may have brought them.
    present = {name for (name,) in connection.execute(query).fetchall()}
    for function in FUNCTIONS.values():
        for count, files in itertools.product(_counts(function), (False, True)):
            params = function.params[:count]
            name = _udf_name(function, count, files)
            if name not in present and (not files or any(param.or_file for param in params)):
                connection.create_function(  # type: ignore[call-overload,unused-ignore]
                    name,
                    _udf(function.name, count, files),
                    [sqltype("BLOB" if files and param.or_file else param.sql_type) for param in params],
                    sqltype(function.result.sql_type),
                    type="arrow",
                    null_handling="special",
                )
        connection.execute(_macro(function))
    connection.execute(f"CREATE OR REPLACE TEMP MACRO {VERSION_MACRO}() AS {quoted(_core.version())}")
    connection.execute(_table_macro())
