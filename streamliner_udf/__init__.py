"""Compiled text functions for DuckDB and Python: one C kernel each, by four doors with equal results.

import duckdb, streamliner_udf
duckdb.connect().sql("SELECT sl_scrub_pii('mail ana@example.org')")
streamliner_udf.scrub_pii(["mail ana@example.org", None])
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _functions
from ._core import JsonItems, parse_row, parse_rows
from ._core import version as _version
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

globals().update(_functions.PUBLIC)

# Imported when they are first asked for: a program that only wants the functions does not pay for them.
_LAZY = {"ingest"}

if TYPE_CHECKING:
    # The functions come from the table, and type checkers do not see it.
    def __getattr__(name: str) -> Callable[..., Any]: ...
else:

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    "extension_path",
    "ingest",
    "parse_row",
    "parse_rows",
    "register",
    "status",
    *_functions.PUBLIC,
]

autoload()
