"""What the functions take and give, for annotations. Made by `make docs`; edit docs/stubs.py.

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


class ChatLook(TypedDict):
    """What `sniff_whatsapp` gives."""

    dialect: str | None
    date_order: str | None
    confident: bool
    reason: str
    messages: int
    skipped: int


class ChatMessage(TypedDict):
    """One of what `parse_whatsapp` gives."""

    seq: int
    ts: datetime.datetime
    author: str | None
    text: str
    kind: str
    media: str | None
    line: int


class Chunk(TypedDict):
    """One of what `chunk_text` gives."""

    idx: int
    start: int
    stop: int
    text: str


class Match(TypedDict):
    """One of what `find_many` gives."""

    pattern: str
    start: int
    stop: int


class PiiFinding(TypedDict):
    """One of what `find_pii` gives."""

    kind: str
    start: int
    stop: int
    value: str


class Window(TypedDict):
    """One of what `pack_windows` gives."""

    first: int
    last: int
    total: int


__all__ = [
    "ArrowArray",
    "ArrowChunks",
    "ArrowColumn",
    "ArrowRows",
    "ArrowStream",
    "ChatLook",
    "ChatMessage",
    "Chunk",
    "Match",
    "PiiFinding",
    "Window",
]
