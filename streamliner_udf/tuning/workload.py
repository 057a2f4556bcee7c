"""The user's SQL, statement by statement: what it may do, and what of its answers is compared."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

import duckdb

from ..sql import syntax_tree
from .errors import TuningError

__all__ = ["Statement", "Workload", "parse"]

_READ = {"SELECT", "SET", "TRANSACTION", "LOAD", "PRAGMA", "VARIABLE_SET"}
_CHANGE = {"INSERT", "UPDATE", "DELETE", "MERGE_INTO"}
_WRITE = _CHANGE | {"CREATE", "CREATE_FUNC", "DROP", "ALTER", "COPY", "CALL", "PREPARE", "EXECUTE", "ANALYZE", "VACUUM"}
_TOKEN = re.compile(
    r"""(?P<text>[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*')|(?P<other>"(?:""|[^"])*"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\3\$)
    |(?P<word>\w+)|(?P<sign>\S)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One statement.

    kind : DuckDB's name of its type.
    order : whether the order of its rows is compared.
    order_columns : names, or numbers from 1, of the columns that it orders by; empty where it orders by something that
        is not among its columns, and then the order of whole rows is compared.
    target : name of the file that a COPY writes, which stands at `{}` of `sql`; None for others.
    """

    sql: str
    kind: str
    order: bool = False
    order_columns: tuple[str | int, ...] = ()
    target: str | None = None

    @property
    def is_query(self) -> bool:
        return self.kind == "SELECT"


@dataclass(frozen=True)
class Workload:
    """All statements; `writes` says whether they need a database of their own, `changes` whether they change tables
    that are there already."""

    text: str
    statements: tuple[Statement, ...]

    @property
    def writes(self) -> bool:
        return any(statement.kind not in _READ for statement in self.statements)

    @property
    def changes(self) -> bool:
        return any(statement.kind in _CHANGE for statement in self.statements)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def to_spec(self) -> dict[str, Any]:
        """As a trial reads it."""
        return {"statements": [asdict(statement) for statement in self.statements], "changes": self.changes}


def _shown(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 60 else line[:57] + "..."


def _attach(sql: str) -> None:
    if not re.search(r"\(\s*(?:[^)]*,\s*)?read_only\b(?!\s*(?:=\s*)?(?:false|0))", sql, re.IGNORECASE):
        raise TuningError(
            f"tune: expected ATTACH with (READ_ONLY), so that nothing of yours is changed, got {_shown(sql)}"
        )


def _copy(statement: Statement) -> Statement:
    """A COPY that writes a file writes one beside the scratch database instead of the user's."""
    depth, after_to = 0, False
    for token in _TOKEN.finditer(statement.sql):
        if token["sign"] in ("(", ")"):
            depth += 1 if token["sign"] == "(" else -1
        if token["other"]:
            continue
        if after_to:
            if not token["text"] or token["text"][0] in "eE":
                break
            path = token["text"][1:-1].replace("''", "'")
            sql = f"{_braced(statement.sql[: token.start()])}{{}}{_braced(statement.sql[token.end() :])}"
            return replace(statement, sql=sql, target=PurePath(path).name or "copy")
        if depth == 0 and token["word"]:
            if token["word"].lower() == "from":
                return statement
            after_to = token["word"].lower() == "to"
    raise TuningError(f"tune: expected COPY ... TO 'file' with the name as a constant, got {_shown(statement.sql)}")


def _braced(sql: str) -> str:
    """As `str.format` leaves it alone."""
    return sql.replace("{", "{{").replace("}", "}}")


def _ordered(connection: duckdb.DuckDBPyConnection, statement: Statement) -> Statement:
    """What the rows of a query are ordered by. Rows that are equal in that may come in any order."""
    tree = syntax_tree(connection, statement.sql)
    if tree["error"]:  # DESCRIBE and the like
        return statement
    modifiers = tree["statements"][0]["node"].get("modifiers") or []
    orders = [
        order["expression"]
        for modifier in modifiers
        if modifier.get("type") == "ORDER_MODIFIER"
        for order in modifier["orders"]
    ]
    if not orders:
        return statement
    columns: list[str | int] = []
    for expression in orders:
        if expression["class"] == "COLUMN_REF":
            columns.append(expression["column_names"][-1])
        else:
            number = _constant(expression)
            if number is None:
                return replace(statement, order=True)
            columns.append(number)
    return replace(statement, order=True, order_columns=tuple(columns))


def _constant(expression: dict[str, Any]) -> int | None:
    """The number of a constant, which DuckDB's versions keep in different places."""
    if expression["class"] != "CONSTANT":
        return None
    value: Any = (expression.get("value") or {}).get("value") or (expression.get("literal") or {}).get("text")
    return int(value) if str(value).isdecimal() else None


def parse(sql: str, tuned: frozenset[str] = frozenset()) -> Workload:
    """The statements of a workload.

    Parameters
    ----------
    sql : one statement or several.
    tuned : names of settings that the workload must leave to the tuner.

    Errors : TuningError for text that is no SQL, for none, and for a statement that would reach out of the copy of the
    database: ATTACH without READ_ONLY, EXPORT, COPY to a name that is not a constant.
    """
    try:
        found = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise TuningError(f"tune: expected SQL, got an error: {error}") from None
    statements = []
    with duckdb.connect() as connection:
        for one in found:
            statement = Statement(one.query.strip().rstrip(";"), one.type.name)
            if statement.kind == "ATTACH":
                _attach(statement.sql)
            elif statement.kind == "COPY":
                statement = _copy(statement)
            elif statement.is_query:
                statement = _ordered(connection, statement)
            elif statement.kind not in _READ | _WRITE:
                raise TuningError(
                    "tune: expected statements that read, or write into the database, "
                    f"got {statement.kind}: {_shown(statement.sql)}"
                )
            words = re.match(
                r"(?:reset|set|pragma)\s+(?:global\s+|session\s+|local\s+)?\"?(\w+)", statement.sql, re.IGNORECASE
            )
            if statement.kind == "SET" and words and words[1].lower() in tuned:
                raise TuningError(f"tune: expected a workload that leaves {words[1]} alone, which is tuned")
            statements.append(statement)
    if not any(statement.is_query or statement.kind in _WRITE for statement in statements):
        raise TuningError("tune: expected at least one statement that does work, got none")
    return Workload(sql, tuple(statements))
