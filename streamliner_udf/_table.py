"""The function table of csrc/functions.def, as Python sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _core

SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "natural": "UBIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "uuid": "UUID",
    "timestamp": "TIMESTAMP",
    "texts": "VARCHAR[]",
    "integers": "BIGINT[]",
    "naturals": "UBIGINT[]",
}


@dataclass(frozen=True)
class Param:
    """One parameter.

    role : "row" for a text, or a list of numbers, that changes from row to row, else "option".
    or_uuid : a text that can be given as a UUID too.
    or_file : a text that can be given as the bytes of a file too, in SQL a BLOB.
    """

    name: str
    role: str
    type: str
    required: bool
    or_uuid: bool
    or_file: bool
    default: Any

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    def declaration(self) -> str:
        """As `sl_functions()` writes it: `max_length BIGINT = 60`."""
        if self.required:
            return f"{self.name} {self.sql_type}"
        value = f"'{self.default}'" if self.type == "text" else str(self.default).lower()
        return f"{self.name} {self.sql_type} = {value}"


@dataclass(frozen=True)
class Result:
    """What a function gives; `fields` (name or None, type) say what a list, or a struct, holds."""

    type: str
    fields: tuple[tuple[str | None, str], ...]

    @property
    def sql_type(self) -> str:
        if self.type not in ("list", "struct"):
            return SQL_TYPES[self.type]
        if self.fields[0][0] is None:
            return SQL_TYPES[self.fields[0][1]] + "[]"
        struct = "STRUCT(" + ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in self.fields) + ")"
        return struct + ("[]" if self.type == "list" else "")


@dataclass(frozen=True)
class Function:
    """One row of the table."""

    name: str
    family: str
    since: str
    summary: str
    example: str
    params: tuple[Param, ...]
    result: Result

    @property
    def sql_name(self) -> str:
        return f"sl_{self.name}"

    @property
    def row_indexes(self) -> tuple[int, ...]:
        """Places of the arguments that change from row to row: one, or two."""
        return tuple(i for i, param in enumerate(self.params) if param.role == "row")

    @property
    def option_indexes(self) -> tuple[int, ...]:
        return tuple(i for i, param in enumerate(self.params) if param.role == "option")

    def declarations(self) -> str:
        """The parameters as `sl_functions()` writes them."""
        return ", ".join(param.declaration() for param in self.params)

    def signature(self) -> str:
        """The call in SQL: `sl_slugify(text VARCHAR, max_length BIGINT = 60)`."""
        return f"{self.sql_name}({self.declarations()})"


def _function(row: dict[str, Any]) -> Function:
    return Function(
        name=row["name"],
        family=row["family"],
        since=row["since"],
        summary=row["summary"],
        example=row["example"],
        params=tuple(Param(**param) for param in row["params"]),
        result=Result(row["type"], tuple(row["fields"])),
    )


FUNCTIONS: dict[str, Function] = {row["name"]: _function(row) for row in _core.table()}
