"""Chats of Signal as signal-export writes them: a folder a chat, with `data.json` (a message a line) and `chat.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from . import staged
from .adapter import Chat, LoadOptions, Skipped, Source, shown

__all__ = ["SignalAdapter"]

_COLUMNS = {
    "ts": "TIMESTAMP",
    "author": "VARCHAR",
    "text": "VARCHAR",
    "kind": "VARCHAR",
    "media": "VARCHAR",
    "line": "BIGINT",
}
_SAMPLE = 1 << 16
_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] (.+?): ?(.*)", re.DOTALL)
_REACTIONS = re.compile(r"\n\(- [^\n]+: [^\n]+ -\)")
_ATTACHED = re.compile(r"!?\[([^\]\n]*)\]\(\./[^)\n]*\)  ")
# The exporter puts what is answered between empty lines, before the answer.
_QUOTE = re.compile(r" *\n\n(?:> ?[^\n]*\n)+\n")
_DELETED = "(This message was deleted)"
_MEMBERS = {"date", "sender", "body"}


def _row(date: str, author: str, body: str, names: list[str], line: int, kind: str | None = None) -> tuple[Any, ...]:
    text = staged.clean(body).strip()
    kind = kind or ("text" if text else "attachment" if names else "empty")
    return date, staged.clean(author) or None, text, kind, staged.clean("\n".join(names)) or None, line


def _time(text: object) -> str | None:
    """The wall clock, as DuckDB reads it."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None).isoformat(" ")
    except ValueError:
        return None


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and message.keys() >= _MEMBERS else None


def _json_rows(source: Source, skipped: list[Skipped]) -> Iterator[tuple[Any, ...]]:
    with source.open() as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            message = _parse(line)
            date = None if message is None else _time(message["date"])
            if message is None or date is None:
                why = "no message" if message is None else "a date that cannot be read"
                skipped.append(Skipped(source.name, why, number))
                continue
            attached = message.get("attachments")
            attached = attached if isinstance(attached, list) else []
            names = [str(one.get("name")) for one in attached if isinstance(one, dict)]
            kind = "deleted" if message.get("deleted") else "call" if message.get("call") else None
            body = message["body"] if isinstance(message["body"], str) else ""
            yield _row(date, str(message["sender"] or ""), body, names, number, kind)


def _text_rows(source: Source, skipped: list[Skipped]) -> Iterator[tuple[Any, ...]]:
    found: tuple[str, str, int] | None = None
    body: list[str] = []
    with source.open() as file:
        for number, raw in enumerate(file, 1):
            line = raw.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
            header = _HEADER.fullmatch(line.removeprefix("\ufeff") if number == 1 else line)
            date = _time(f"{header[1]} {header[2]}") if header else None
            if header and date:
                if found:
                    yield _text_row(*found, "\n".join(body))
                found, body = (date, header[3], number), [header[4]]
            elif found:
                body.append(line)
            elif line.strip():
                skipped.append(Skipped(source.name, "before the first message", number))
    if found:
        yield _text_row(*found, "\n".join(body))


def _text_row(date: str, author: str, line: int, body: str) -> tuple[Any, ...]:
    body = _REACTIONS.sub("", _QUOTE.sub("", body, count=1) if _QUOTE.match(body) else body)
    names = _ATTACHED.findall(body + "  ")
    body = _ATTACHED.sub("", body + "  ")
    deleted = body.strip() == _DELETED
    return _row(date, author, "" if deleted else body, names, line, "deleted" if deleted else None)


def _chats(source: Source, skipped: list[Skipped]) -> list[Source]:
    """The one file of each folder that is read; the others go to `skipped`."""
    names = [member.member or "" for member in source.members()]
    found = []
    for member in source.members():
        path = PurePosixPath(member.member or "")
        if path.name == "data.json" or (path.name == "chat.md" and str(path.with_name("data.json")) not in names):
            found.append(member)
        elif path.name == "chat.md":
            skipped.append(Skipped(str(path), "data.json beside it has the same messages"))
        else:
            skipped.append(Skipped(str(path), "no chat"))
    return found


class SignalAdapter:
    """Folders and files of signal-export. Reactions and quoted messages are not part of a text."""

    name = "signal"

    def sniff(self, source: Source) -> float:
        if source.is_container:
            chats = _chats(source, [])
            return 0.9 if chats and all(self.sniff(chat) for chat in chats) else 0.0
        lines = [line for line in source.head(_SAMPLE).removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
        if not lines:
            return 0.0
        if lines[0].startswith(b"{"):
            first = _parse(lines[0])
            return 0.9 if first is not None and {"quote", "reactions", "attachments"} <= first.keys() else 0.0
        # The form of the times is one of WhatsApp too, and only the name tells.
        named = PurePosixPath(source.filename.lower()).suffix == ".md"
        return 0.95 if named and _HEADER.fullmatch(lines[0].decode("utf-8", "replace")) else 0.0

    def find_exports(self, source: Source) -> Iterator[Sequence[str]]:
        """A chat is a folder with data.json, chat.md or both, and a folder of media."""
        chats: dict[str, list[str]] = {}
        for name in source.names:
            folder, slash, file = name.rpartition("/")
            if file in ("data.json", "chat.md"):
                chats.setdefault(folder + slash, []).append(name)
        for name in source.names:
            before, media, _ = name.rpartition("media/")
            if media and before in chats:
                chats[before].append(name)
        yield from chats.values()

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        if options.connection is None:
            raise ValueError("signal: expected options with a connection, where the messages wait to be read")
        skipped: list[Skipped] = []
        for one in _chats(source, skipped) if source.is_container else [source]:
            # The chat is called as the folder around its file.
            place = PurePosixPath((one.member or shown(str(one.path or one.name))).replace("\\", "/"))
            title = options.chat or place.parent.name or PurePosixPath(source.filename).stem
            rows = _json_rows if _starts_json(one) else _text_rows
            yield Chat(
                title,
                title,
                staged.fill(options.connection, _COLUMNS, rows(one, skipped)),
                ", ".join(_COLUMNS),
                details={"form": "data.json" if rows is _json_rows else "chat.md"},
                skipped=skipped,
            )
            staged.drop(options.connection)
            skipped = []


def _starts_json(source: Source) -> bool:
    return source.head(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
