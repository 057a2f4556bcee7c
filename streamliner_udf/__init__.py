"""Compiled text functions for DuckDB and Python: one C kernel each, by four doors with equal results.

import duckdb, streamliner_udf
duckdb.connect().sql("SELECT sl_scrub_pii('mail ana@example.org')")
streamliner_udf.scrub_pii(["mail ana@example.org", None])
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._core import JsonItems, parse_row, parse_rows
from ._core import version as _version
from ._functions import public as _public
from ._table import FUNCTIONS as _FUNCTIONS
from .duckdb import Backend, Status, autoload, connect, extension_path, register, status
from .errors import (
    InvalidArgument,
    InvalidUTF8,
    OutOfMemory,
    RegistrationError,
    StreamlinerError,
    TextTooLong,
)

__version__ = _version()

# Imported when they are first asked for: a program that only wants the functions does not pay for them.
_LAZY = {
    "distributed": "distributed",
    "ingest": "ingest",
    "materialize": "incremental:materialize",
    "near_duplicates": "near_duplicates",
    "resources": "resources",
    "tune": "tuning:tune",
    "types": "types",
}

if TYPE_CHECKING:
    # The functions come from the table, and type checkers do not see it.
    def __getattr__(name: str) -> Callable[..., Any]: ...
else:

    def __getattr__(name: str) -> Any:
        if name in _FUNCTIONS:
            globals()[name] = _public(name)
            return globals()[name]
        if name in _LAZY:
            module, _, attribute = _LAZY[name].partition(":")
            found = importlib.import_module(f".{module}", __name__)
            return getattr(found, attribute) if attribute else found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Backend",
    "InvalidArgument",
    "InvalidUTF8",
    "JsonItems",
    "OutOfMemory",
    "RegistrationError",
    "Status",
    "StreamlinerError",
    "TextTooLong",
    "connect",
    "distributed",
    "extension_path",
    "ingest",
    "materialize",
    "near_duplicates",
    "parse_row",
    "parse_rows",
    "register",
    "resources",
    "status",
    "tune",
    *_FUNCTIONS,
]

autoload()
