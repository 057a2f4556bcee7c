"""What client.c asks DuckDB on another platform: every case of golden/*.jsonl as SQL, and no Python there.

Run as `python tests/platforms/golden_sql.py > FILE`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from paths import FUNCTIONS, Function, arguments, golden, parts, split

from streamliner_udf.sql import quoted

# What the rows of a table are spread over, and rows by hand for which DuckDB takes several threads.
COPIES, MANY = 700, 1_000_000


def literal(value: Any) -> str:
    """A value of a golden case as SQL. SQL is no place for NUL, nor is a file in which NUL ends a text."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "(" + " || chr(0) || ".join(map(quoted, value.split("\0"))) + ")" if "\0" in value else quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float):
        return f"'{value!r}'::DOUBLE"  # and no DECIMAL in between
    return str(value).lower()


def call(function: Function, row: tuple[str, ...], options: tuple[Any, ...]) -> str:
    given = [
        f"{literal(value)}::{function.params[at].sql_type}"
        for at, value in zip(function.option_indexes, options, strict=False)
    ]
    return f"{function.sql_name}({', '.join(arguments(function, row, given))})"


def constants(function: Function, case: dict[str, Any]) -> tuple[str, str]:
    """One case by itself, which DuckDB computes while it plans."""
    row, options = split(function, case["args"])
    types = [function.params[at].sql_type for at in function.row_indexes]
    values = tuple(f"{literal(value)}::{kind}" for value, kind in zip(parts(function, row), types, strict=True))
    answer = call(function, values, options)
    if "error" in case:
        return f"SELECT {answer}", "!" + case["error"]
    return (
        f"SELECT CASE WHEN a IS NOT DISTINCT FROM w THEN 'equal' ELSE coalesce(a::VARCHAR, 'NULL') END FROM "
        f"(SELECT {answer} AS a, {literal(case['want'])}::{function.result.sql_type} AS w)",
        "equal",
    )


def tables(function: Function) -> Iterator[tuple[str, str]]:
    """Cases of equal options as a table: whole vectors, each row among others and NULL, by several threads."""
    groups: dict[str, tuple[tuple[Any, ...], list[str]]] = {}
    types = [function.params[at].sql_type for at in function.row_indexes]
    names = tuple(f"s{number}" for number, _ in enumerate(types))
    for case in golden(function):
        if "want" in case and sum(map(len, map(str, case["args"]))) < 2000:
            row, options = split(function, case["args"])
            rows = groups.setdefault(repr(options), (options, [f"({', '.join(['NULL'] * len(names))}, NULL)"]))[1]
            rows.append(f"({', '.join(map(literal, parts(function, row)))}, {literal(case['want'])})")
    for options, rows in groups.values():
        columns = ", ".join(f"{name}::{kind} AS {name}" for name, kind in zip(names, types, strict=True))
        yield (
            f"CREATE OR REPLACE TEMP TABLE t AS SELECT {columns}, w::{function.result.sql_type} AS w "
            f"FROM (VALUES {', '.join(rows)}) v({', '.join(names)}, w), range({COPIES})",
            str(len(rows) * COPIES),
        )
        yield f"SELECT count(*) FROM t WHERE {call(function, names, options)} IS DISTINCT FROM w", "0"


def cases() -> Iterator[tuple[str, str]]:
    yield "SET threads = 4", ""
    for function in FUNCTIONS.values():
        found = golden(function)
        assert found, f"expected golden cases of {function.name}, got none"
        yield from (constants(function, case) for case in found)
        yield from tables(function)
    yield "SELECT count(*) FROM sl_functions()", str(len(FUNCTIONS))
    yield f"SELECT count(DISTINCT sl_slugify('Row No. ' || i)) FROM range({MANY}) t(i)", str(MANY)
    # More lists of patterns than are kept prepared, by several threads: each finds its own texts and no other.
    own, other = (f"'a' || (i // 2048 + {add}) || 'z'" for add in (0, 1))
    for pattern, hits in ((own, MANY), (other, 0)):
        yield (
            f"SELECT count(*) FROM range({MANY}) t(i) WHERE sl_contains_any({own}, [{pattern}, 'no'])",
            str(hits),
        )


def main() -> None:
    for sql, want in cases():
        sys.stdout.buffer.write(f"{sql}\0{want}\0".encode())


if __name__ == "__main__":
    main()
