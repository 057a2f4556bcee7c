"""What an adapter is: two methods that turn an export of chats into rows of the one message table."""

from __future__ import annotations

import contextlib
import datetime
import io
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import duckdb

from .safezip import SafeZip, ZipLimits

__all__ = [
    "MESSAGE_COLUMNS",
    "SURROGATE",
    "Adapter",
    "Chat",
    "Container",
    "Finder",
    "Folder",
    "LoadOptions",
    "Selection",
    "Skipped",
    "Source",
    "shown",
]

MESSAGE_COLUMNS = {
    "seq": "BIGINT",  # place in the export, from 0
    "ts": "TIMESTAMP",  # wall clock of the export
    "ts_utc": "TIMESTAMPTZ",  # where the source has an offset, or a timezone was given
    "author": "VARCHAR",  # NULL: written by the app
    "text": "VARCHAR",
    "kind": "VARCHAR",  # text, system, attachment, omitted, deleted, poll, location, call, contact, empty
    "edited": "BOOLEAN",
    "media": "VARCHAR",  # names of attached files, one a line
    "reply_to": "VARCHAR",  # native_id of another message
    "native_id": "VARCHAR",
    "author_id": "VARCHAR",
    "chat": "VARCHAR",
    "source": "VARCHAR",  # name of the adapter
    "line": "BIGINT",  # 1-based, in a text file
    "filename": "VARCHAR",
}
"""Columns of the message table and their SQL types; before them the table has `msg_key UUID`, made by the loader."""


HEAD = 1 << 16
"""First bytes that adapters ask for, at most."""

ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How zip archives begin."""

LISTED = 1_000
"""Things that were skipped and are reported one by one, at most; the others are counted."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""In its place Python has a byte that is no text, in names on disk and in headers of mail."""

SMALL = 16 << 20
"""Bytes of a chat that fills no row group of DuckDB's own size."""


@dataclass(frozen=True)
class Skipped:
    """Something in a source that gave no message: where and why, and how many of them."""

    name: str
    reason: str
    line: int | None = None
    count: int = 1
    place: str | None = None  # in a file whose lines say nothing: like "message 12"

    @property
    def where(self) -> str:
        """The name, and where in it."""
        place = f"line {self.line}" if self.line is not None else self.place
        return self.name if place is None else f"{self.name} {place}"


@dataclass(frozen=True)
class LoadOptions:
    """What the caller of `ingest` said about the files."""

    timezone: str | None = None
    date_order: str = "auto"
    chat: str | None = None  # a stable name for the chat, where the file has none
    mapping: dict[str, str] = field(default_factory=dict)  # message column -> column of a csv, jsonl or parquet file
    limits: ZipLimits | None = None
    # Where the messages go: for an adapter that lets DuckDB read the file, or keeps rows in a temporary table.
    connection: duckdb.DuckDBPyConnection | None = None
    # Rows of a row group of the table: record batches of as many go into it as they are. None where nobody knows. Not
    # for small chats among others, whose last batches would each be a group by itself.
    batch_rows: int | None = None
    several: bool = False  # whether there are other files
    # To be called with what is done of the source, from 0 to 1, by an adapter that takes its time.
    progress: Callable[[float], object] = lambda share: None


class Container(Protocol):
    """Several files that were found together: an archive, or a folder."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files, with / between folders."""
        ...

    def size(self, name: str) -> int: ...
    def written(self, name: str) -> datetime.date | None: ...
    def read(self, name: str) -> bytes: ...
    def close(self) -> None: ...
    def peek(self, name: str, length: int) -> bytes: ...
    def open(self, name: str) -> BinaryIO: ...


def shown(name: str) -> str:
    """A name on disk as text: bytes of it that are no UTF-8 as in an address, `caf%E9`, so that two names stay two."""
    return name if name.isascii() else SURROGATE.sub(_spelled, name)


def _spelled(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])  # on Windows it may be half of a pair, and then is no byte
    return f"%{code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code:02X}"


def _written(path: Path) -> datetime.date | None:
    """The day on which a file was last written, in UTC."""
    try:
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).date()
    except (OSError, OverflowError, ValueError):
        return None


class Folder:
    """A folder, as an archive is one: what it holds, at any depth, in the order of names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, Path] = {}
        for item in sorted(item for item in path.rglob("*") if item.is_file()):
            name = shown(item.relative_to(path).as_posix())
            while name in self._files:  # of two names only one is UTF-8
                name += "?"
            self._files[name] = item
        self._archives: list[Container] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def size(self, name: str) -> int:
        return self._files[name].stat().st_size

    def written(self, name: str) -> datetime.date | None:
        return _written(self._files[name])

    def read(self, name: str) -> bytes:
        return self._files[name].read_bytes()

    def peek(self, name: str, length: int) -> bytes:
        with self._files[name].open("rb") as file:
            return file.read(length)

    def open(self, name: str) -> BinaryIO:
        return self._files[name].open("rb")

    def path_of(self, name: str) -> Path:
        return self._files[name]

    def archive(self, name: str, limits: ZipLimits | None) -> SafeZip:
        """One of the files, which is an archive; open for as long as the folder is."""
        opened = SafeZip(self._files[name], limits)
        self._archives.append(opened)
        return opened

    def close(self) -> None:
        for archive in self._archives:
            archive.close()


class Selection:
    """Some files of a folder or an archive, which are one export. Who opened that closes it."""

    def __init__(self, whole: Container, names: Sequence[str]) -> None:
        self.whole = whole
        self.names = tuple(names)

    def size(self, name: str) -> int:
        return self.whole.size(name)

    def written(self, name: str) -> datetime.date | None:
        return self.whole.written(name)

    def read(self, name: str) -> bytes:
        return self.whole.read(name)

    def peek(self, name: str, length: int) -> bytes:
        return self.whole.peek(name, length)

    def open(self, name: str) -> BinaryIO:
        return self.whole.open(name)

    def close(self) -> None:
        pass


class Source:
    """One file, bytes, or a container: an archive or a folder. Read at most as far as somebody asks.

    container : set for an archive or a folder, which has no content of its own.
    member : set for one file out of a container.
    """

    def __init__(
        self,
        name: str,
        path: Path | None = None,
        content: bytes | None = None,
        container: Container | None = None,
        member: str | None = None,
    ) -> None:
        self.name = shown(name)  # as a person would call it: "result.json", "chats.zip: family/_chat.txt"
        self.path = path
        self.container = container
        self.member = member
        self._content = content
        self._keeps_head, self._kept = False, b""

    @contextlib.contextmanager
    def head_kept(self) -> Iterator[None]:
        """While many ask for the first bytes: they are read, or unpacked, once."""
        self._keeps_head = True
        try:
            yield
        finally:
            self._keeps_head, self._kept = False, b""

    @property
    def is_container(self) -> bool:
        return self.container is not None and self.member is None

    def close(self) -> None:
        """Lets go of the archive; called once, for the source that opened it."""
        if self.container is not None:
            self.container.close()

    @property
    def filename(self) -> str:
        """The file's own name, without the folders around it."""
        return (self.member or self.name).rpartition("/")[2]

    @property
    def on_disk(self) -> Path | None:
        """The file that has just this content, for DuckDB to open; None for bytes, for what is inside of an archive,
        and where the path is no UTF-8, which DuckDB cannot open."""
        path = self.path if self.container is None and self._content is None else None
        folder = self.container.whole if isinstance(self.container, Selection) else self.container
        if isinstance(folder, Folder) and self.member is not None:
            path = folder.path_of(self.member)
        return None if path is None or shown(str(path)) != str(path) else path

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files of a container, with / between folders; none of a file."""
        return self.container.names if self.container is not None and self.member is None else ()

    def part(self, names: Sequence[str]) -> Source:
        """Some files of a container as a source, called by the folder that they share."""
        assert self.container is not None
        folder = posixpath.commonpath({posixpath.dirname(name) for name in names})
        name = f"{self.name}: {folder}" if folder else self.name
        return Source(name, self.path, None, Selection(self.container, names))

    def members(self) -> Iterator[Source]:
        """The files of a container."""
        for name in self.names:
            yield self.member_named(name)

    def member_named(self, name: str) -> Source:
        """One file of a container."""
        return Source(f"{self.name}: {name}", self.path, None, self.container, name)

    def size(self) -> int:
        """Bytes; of a container those of all its files."""
        if self._content is not None:
            return len(self._content)
        if self.container is not None:
            names = self.container.names if self.member is None else (self.member,)
            return sum(self.container.size(name) for name in names)
        return self.path.stat().st_size if self.path else 0

    def written(self) -> datetime.date | None:
        """The day on which the file was last written, in the time zone of who knows; None for bytes and containers."""
        if self.container is not None:
            return None if self.member is None else self.container.written(self.member)
        return None if self.path is None else _written(self.path)

    def head(self, count: int = HEAD) -> bytes:
        """The first bytes; of a container none."""
        if self.is_container:
            return b""
        if self._content is not None:
            return self._content[:count]
        if self._keeps_head and count <= HEAD:
            self._kept = self._kept or self._read_head(HEAD)
            return self._kept[:count]
        return self._read_head(count)

    def _read_head(self, count: int) -> bytes:
        if self.container is not None and self.member is not None:
            return self.container.peek(self.member, count)
        with self.open() as file:
            return file.read(count)

    def open(self) -> BinaryIO:
        """A new reader from the start on."""
        if self.container is not None and self.member is not None:
            return self.container.open(self.member)
        if self._content is None and self.path is not None:
            return self.path.open("rb")
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """All of it."""
        if self._content is not None:
            return self._content
        if self.container is not None and self.member is not None:
            return self.container.read(self.member)
        if self.path is None or self.container is not None:
            raise ValueError(f"expected {self.name} to be one file, got several")
        return self.path.read_bytes()


@dataclass
class Chat:
    """The messages of one chat, or of several, out of a source.

    rows : whatever DuckDB can scan more than once, usually an object with `__arrow_c_stream__`. If it has a `count`
        once it was read, the rows are not read again to see what was skipped.
    select : a SELECT list over those rows, like "item->>'id' AS native_id, ...", of any of MESSAGE_COLUMNS, and of
        `thread` where the rows are of several chats; the loader adds the others: `chat`, `source` and `filename` as it
        knows them, the rest as NULL.
    thread : stable identity of the chat within its source; part of the keys of its messages.
    skip : an expression over the rows: why a row is no message, as text, or NULL. What is skipped is reported.
    place, known_as : expressions over the rows: the number of a row in the source, from 0, and what else tells it from
        others, as text or NULL. With `place` what is skipped is reported one by one, without it how many for a reason.
    located : the file that a row is of, and its number there, by its `place`, where the source is of several files.
    has_ids : every message has a `native_id`. Otherwise those without one are known by their time, author and text, and
        by how often the same came before.
    has_keys : the rows have their `msg_key` already, the same that the loader would make of a message without an id.
    details : what was decided about the file, for the report: dialect, date order, how sure.
    skipped, warnings : complete once the rows have been read to their end.
    finish : called then, where something is known only by then.
    held : bytes that the rows hold on to, where they have keys and a length, and can be read after the adapter has gone
        on to the next chat: small chats are then inserted together. None: they are read before the adapter goes on.
    """

    title: str
    thread: str
    rows: Any
    select: str
    skip: str = "NULL"
    place: str | None = None
    known_as: str = "NULL"
    located: Callable[[int], tuple[str, int]] | None = None
    has_ids: bool = False
    has_keys: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    finish: Callable[[], None] | None = None
    held: int | None = None


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


@runtime_checkable
class Finder(Protocol):
    """An adapter of exports that are several files, and may stand among others in a folder or an archive."""

    def find_exports(self, source: Source) -> Iterable[Sequence[str]]:
        """Of a container: the names of the files of each export of its kind. Those of none are offered to others."""
        ...
