"""What exports in JSON have in common: a document is streamed, its fields are columns of text, SQL does the rest."""

from __future__ import annotations

import bisect
import json
import mmap
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamliner_udf import JsonItems

from .adapter import Chat, LoadOptions, Skipped, Source

__all__ = [
    "Layout",
    "Part",
    "Parts",
    "as_object",
    "chat_of",
    "content_of",
    "first_number",
    "member_of",
    "micros",
    "text_of",
    "what_follows",
]

PART_BYTES = 256 << 20
"""Documents that are joined make a chat of at most about so many bytes."""

# A year later than 9999 is no time of a message, and no timestamp everywhere.
_LAST = 253_402_300_799


@dataclass(frozen=True)
class Layout:
    """How the messages of a kind of document become rows.

    fields : columns and the ways to them, as `JsonItems` takes them.
    select, skip, known_as : as in `Chat`, over those columns, `place` and `broken`.
    """

    fields: dict[str, str]
    select: dict[str, str]
    skip: str
    known_as: str = "NULL"
    has_ids: bool = True
    latin1: bool = False

    def rows(self, content: Any, path: list[Any], options: LoadOptions) -> JsonItems:
        return JsonItems(content, path, fields=self.fields, latin1=self.latin1, batch_rows=options.batch_rows)


def content_of(source: Source) -> bytes | mmap.mmap:
    """The document. A file is mapped and not read, so that the system can take its pages back."""
    with source.open() as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # out of an archive, or empty
            return file.read()


def as_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object; empty where the text is something else."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def member_of(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within an object; empty where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def text_of(value: Any) -> str:
    """A name or an id out of a document; empty where it is neither."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def micros(expression: str, per_second: int) -> str:
    """SQL: microseconds since 1970 out of a text with a whole number of some unit, or NULL."""
    number = f"TRY_CAST({expression} AS BIGINT)"
    return f"CASE WHEN abs({number}) <= {_LAST * per_second} THEN {number} * {1_000_000 // per_second} END"


def what_follows(name: str, items: JsonItems) -> list[str]:
    """A warning where a document that has been read is not all of its file."""
    if not items.followed:
        return []
    return [f"{name} goes on at byte {items.end:,}, behind the end of its JSON: what stands there was not read"]


def chat_of(
    source: Source, layout: Layout, rows: JsonItems, title: str, thread: str, skipped: list[Skipped] | None = None
) -> Chat:
    """The chat of some rows. What is wrong with the document is said once it has been read."""
    select = ", ".join(f"{expression} AS {name}" for name, expression in layout.select.items())
    skip = f"coalesce(broken, {layout.skip})"
    chat = Chat(title, thread, rows, select, skip=skip, place="place", has_ids=layout.has_ids, skipped=skipped or [])
    chat.known_as = layout.known_as

    def finish() -> None:
        if rows.truncated:
            chat.warnings.append(f"{source.filename} is cut or broken after {rows.count:,} messages, which were read")
        chat.warnings += what_follows(source.filename, rows)
        if rows.repaired:
            chat.warnings.append(f"{rows.repaired:,} messages had bytes that are no text, which became U+FFFD")

    chat.finish = finish
    return chat


# ---- documents of many files ------------------------------------------------------------------------------------


@dataclass
class Part:
    """Messages of one chat out of one file, as they stand in it, or the last one first."""

    thread: str
    chat: str
    messages: bytes
    file: str
    count: int
    backwards: bool = False


class _Files:
    """Which messages of a chat are of which file."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._names: list[tuple[str, bool]] = []

    def add(self, part: Part) -> None:
        self._ends.append((self._ends[-1] if self._ends else 0) + part.count)
        self._names.append((part.file, part.backwards))

    def find(self, place: int) -> tuple[str, int]:
        """The file that a message is of, and its number there, from 0."""
        # What is broken can be more elements when it is read again: they are of the last file.
        found = min(bisect.bisect_right(self._ends, place), len(self._ends) - 1)
        name, backwards = self._names[found]
        first = self._ends[found - 1] if found else 0
        return name, max(self._ends[found] - 1 - place, 0) if backwards else place - first


@dataclass
class Parts:
    """Parts that become one chat once they are enough, or all: a document that is an array of objects with `thread`,
    `chat` and `messages`, and grows with each of them, so that there are no two of it in memory.

    called : what several of them are, in a title.
    """

    source: Source
    layout: Layout
    options: LoadOptions
    called: str
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    document: bytearray = field(default_factory=lambda: bytearray(b"["))
    files: _Files = field(default_factory=_Files)

    def add(self, part: Part) -> None:
        owner = json.dumps({"thread": part.thread, "chat": part.chat})
        self.document += b"," if self.names else b""
        self.document += owner[:-1].encode() + b',"messages":['
        self.document += part.messages
        self.document += b"]}"
        self.names[part.chat] = None
        self.files.add(part)

    def are_enough(self) -> bool:
        return len(self.document) >= PART_BYTES

    def chat(self, named: Callable[[str], str] = str) -> Chat:
        """The chat of the parts that there are; those after it are of the next one. `named` makes a title of a name."""
        names = list(self.names)
        title = named(names[0]) if len(names) == 1 else f"{len(names):,} {self.called}"
        self.document += b"]"
        rows = self.layout.rows(self.document, [None, "messages"], self.options)
        chat = chat_of(self.source, self.layout, rows, title, title, self.skipped)
        chat.warnings += self.warnings
        chat.located = self.files.find
        self.skipped, self.warnings, self.names, self.document = [], [], {}, bytearray(b"[")
        self.files = _Files()
        return chat


def first_number(name: bytes, text: bytes | memoryview) -> int | None:
    """The number behind a key, at its first place."""
    found = re.search(rb'"' + name + rb'"\s*:\s*"?(\d{1,18})', text)
    return int(found[1]) if found else None
