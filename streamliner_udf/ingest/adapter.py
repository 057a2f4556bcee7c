"""What an adapter is: two methods that turn an export of chats into rows of the one message table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from .safezip import SafeZip, ZipLimits

__all__ = ["MESSAGE_COLUMNS", "Adapter", "Chat", "LoadOptions", "Skipped", "Source"]

MESSAGE_COLUMNS = {
    "seq": "BIGINT",  # place in the export, from 0
    "ts": "TIMESTAMP",  # wall clock of the export
    "ts_utc": "TIMESTAMPTZ",  # where the source has an offset, or a timezone was given
    "author": "VARCHAR",  # NULL: written by the app
    "text": "VARCHAR",
    "kind": "VARCHAR",  # text, system, attachment, omitted, deleted, poll, location, call, contact, empty
    "edited": "BOOLEAN",
    "media": "VARCHAR",  # name of the attached file
    "reply_to": "VARCHAR",  # native_id of another message
    "native_id": "VARCHAR",
    "author_id": "VARCHAR",
    "chat": "VARCHAR",
    "source": "VARCHAR",  # name of the adapter
    "line": "BIGINT",  # 1-based, in a text file
    "filename": "VARCHAR",
}
"""Columns of the message table and their SQL types; before them the table has `msg_key VARCHAR`, made by the loader."""


@dataclass(frozen=True)
class Skipped:
    """Something in a source that gave no message: where and why, and how many of them."""

    name: str
    reason: str
    line: int | None = None
    count: int = 1


@dataclass(frozen=True)
class LoadOptions:
    """What the caller of `ingest` said about the files."""

    timezone: str | None = None
    date_order: str = "auto"
    chat: str | None = None  # a stable name for the chat, where the file has none
    mapping: dict[str, str] = field(default_factory=dict)  # message column -> column of a csv, jsonl or parquet file
    limits: ZipLimits | None = None


class Source:
    """One file, one member of an archive, or bytes, read at most as far as somebody asks."""

    def __init__(
        self,
        name: str,
        path: Path | None = None,
        content: bytes | None = None,
        archive: SafeZip | None = None,
        member: str | None = None,
    ) -> None:
        self.name = name  # as a person would call it: "result.json", "chats.zip: family/_chat.txt"
        self.path = path
        self.archive = archive
        self.member = member
        self._content = content

    def head(self, count: int = 1 << 16) -> bytes:
        """The first bytes."""
        if self._content is not None:
            return self._content[:count]
        if self.archive is not None and self.member is not None:
            return self.archive.peek(self.member, count)
        with self.open() as file:
            return file.read(count)

    def open(self) -> BinaryIO:
        """A new reader from the start on."""
        if self._content is None and self.path is not None and self.member is None:
            return self.path.open("rb")
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """All of it."""
        if self._content is not None:
            return self._content
        if self.archive is not None and self.member is not None:
            return self.archive.read(self.member)
        if self.path is None:
            raise ValueError(f"expected a path, bytes or a member of an archive for {self.name}, got none")
        return self.path.read_bytes()


@dataclass
class Chat:
    """The messages of one chat out of a source.

    rows : whatever DuckDB can scan, usually an object with `__arrow_c_stream__`.
    select : a SELECT list over those rows, like "item->>'id' AS native_id, ...", of any of MESSAGE_COLUMNS; the loader
        adds the others as NULL, and `chat`, `source` and `filename`.
    where : a condition for the rows that are messages.
    thread : stable identity of the chat within its source; part of the keys of its messages.
    details : what was decided about the file, for the report: dialect, date order, how sure.
    skipped, warnings : complete once the rows have been read to their end.
    """

    title: str
    thread: str
    rows: Any
    select: str
    where: str = "true"
    details: dict[str, Any] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@runtime_checkable
class Adapter(Protocol):
    """A kind of export."""

    name: str

    def sniff(self, source: Source) -> float:
        """How sure it is that the source is of its kind, from 0 to 1, by its name and its first bytes."""
        ...

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        """The chats of a source, one at a time. ExportError where the source is not what it should be."""
        ...
