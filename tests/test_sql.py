"""Runs sql/*.test: statements, and queries with their rows, as a person would type them.

    statement ok          statement error          query
    CREATE TABLE ...      SELECT sl_f(...)         SELECT ...
                          ----                     ----
                          part of the message      a<TAB>b

Records are separated by blank lines; # starts a comment line. In rows, NULL is NULL, (empty) the empty text, and \\t,
\\n, \\r, \\0 stand for those characters; lists are [a, b] and structs {kind: email}.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streamliner_udf

FOLDER = Path(__file__).parent / "sql"
ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


@dataclass(frozen=True)
class Record:
    line: int
    kind: str
    sql: str
    expected: list[str]


def records(text: str) -> Iterator[Record]:
    # Comments go out line by line, so that numbers stay right.
    lines = ["" if line.startswith("#") else line for line in text.split("\n")]
    starts = [i for i, line in enumerate(lines) if line and (i == 0 or not lines[i - 1])]
    for start in starts:
        block = lines[start : next((i for i in range(start, len(lines)) if not lines[i]), len(lines))]
        kind, body = block[0], block[1:]
        if kind not in {"statement ok", "statement error", "query"}:
            raise ValueError(f"line {start + 1}: expected statement ok, statement error or query, got {kind!r}")
        cut = body.index("----") if "----" in body else len(body)
        if (cut == len(body)) != (kind == "statement ok"):
            raise ValueError(f"line {start + 1}: expected {'no ' * (kind == 'statement ok')}---- in a {kind}")
        yield Record(start + 1, kind, "\n".join(body[:cut]), body[cut + 1 :])


def show(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    return str(value).translate(ESCAPES) or "(empty)"


def run(con: duckdb.DuckDBPyConnection, record: Record) -> None:
    if record.kind == "statement error":
        with pytest.raises(duckdb.Error) as caught:
            con.execute(record.sql).fetchall()
        assert "\n".join(record.expected) in str(caught.value)
        return
    rows = con.execute(record.sql).fetchall()
    if record.kind == "query":
        assert ["\t".join(map(show, row)) for row in rows] == record.expected


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.test")), ids=lambda path: path.stem)
def test_sql(path: Path, tmp_path: Path) -> None:
    with streamliner_udf.connect() as con:
        for record in records(path.read_text(encoding="utf-8").replace("{scratch}", tmp_path.as_posix())):
            try:
                run(con, record)
            except (AssertionError, duckdb.Error, pytest.fail.Exception) as error:
                raise AssertionError(f"{path.name}:{record.line}: {error}\n{record.sql}") from None


def test_files_are_named_for_a_family() -> None:
    """The same stem in every room, or one of what concerns all families."""
    from streamliner_udf._table import FUNCTIONS

    families = {function.family for function in FUNCTIONS.values()}
    assert {path.stem for path in FOLDER.glob("*.test")} <= families | {"functions", "vectors"}


def test_malformed_files_are_errors() -> None:
    for text in ("statment ok\nSELECT 1", "query\nSELECT 1", "statement ok\nSELECT 1\n----\n1"):
        with pytest.raises(ValueError, match="line 1: expected"):
            list(records(text))
