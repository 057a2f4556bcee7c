"""WhatsApp exports: from a `.txt` or `.zip` file to the messages of the chat and its title."""

from __future__ import annotations

import codecs
import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import streamliner_udf

from ..reference.chat import EDITED
from .adapter import ARCHIVE, SMALL, Chat, Container, Folder, LoadOptions, Skipped, Source, shown
from .errors import ExportError
from .safezip import SafeZip, ZipLimits, ZipValidationError

__all__ = ["Export", "ExportError", "Skipped", "WhatsAppAdapter", "read_export"]

_IOS_MEMBER = "_chat.txt"
_SAMPLE = 1 << 16
# How files are called that an archive has beside the chat they are attached to.
_ATTACHED = re.compile(r"(?:.*[/\\])?(?:\d{8}-|(?:AUD|DOC|IMG|PTT|STK|VID)-\d{8}-WA\d+)[^/\\]*", re.DOTALL)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TEXT_MAX = (1 << 32) - 1
_EXAMPLE = "'05/03/2024, 09:15 - Ana: hi' or '[05/03/2024, 09:15:20] Ana: hi'"

# What phones call an export, around the name of the chat. Spaces come as no-break spaces and underscores too.
_TITLES = [
    re.compile(template.replace(" ", "[ _\u00a0]").replace("X", "(.+)"), re.DOTALL)
    for template in (
        "WhatsApp Chat with X",
        "WhatsApp Chat mit X",
        "WhatsApp-Chat mit X",
        "WhatsApp Chat - X",
        "Conversa do WhatsApp com X",
        "Conversa no WhatsApp com X",
        "Chat de WhatsApp con X",
        "Chat WhatsApp con X",
        "Discussion WhatsApp avec X",
        "WhatsApp-chat met X",
        "Chat WhatsApp s uživatelem X",
        "Чат WhatsApp с контактом X",
        "与X的 WhatsApp 聊天",
        "與X的 WhatsApp 對話",
    )
]


@dataclass(frozen=True)
class Export:
    """The messages of a chat and where they came from."""

    path: Path
    content: bytes  # UTF-8, without a byte order mark
    messages: Any  # of `parse_whatsapp`: an Arrow stream of record batches, as often as it is read
    title: str
    member: str | None  # of the archive; None for a text file
    bytes_read: int
    encoding: str
    replaced: int  # invalid bytes that became U+FFFD
    skipped: tuple[Skipped, ...]

    @property
    def text(self) -> str:
        """The whole chat as text."""
        return self.content.decode()


@dataclass(frozen=True)
class _Chat:
    """Content in UTF-8 and what is in it."""

    content: bytes
    messages: Any
    encoding: str
    replaced: int


def _parse(content: bytes, options: str = "", keyed: str | None = None, batch_rows: int | None = None) -> _Chat:
    """The bytes of a file, parsed with options of `parse_whatsapp`. Most are UTF-8 already, and then nothing is
    decoded: the kernel reads them as they are, which takes a third of the time. `keyed`: the thread of `msg_key`."""

    def rows(content: bytes) -> Any:
        return streamliner_udf.parse_rows("parse_whatsapp", content, options, keyed=keyed, batch_rows=batch_rows)

    encoding, replaced, given = "utf-8", 0, content
    if content.startswith(ARCHIVE):  # within an archive, or named as a text: not opened
        return _Chat(content, rows(b""), encoding, 0)
    for mark, name in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], name
            break
    if encoding == "utf-8":
        try:
            return _Chat(content, rows(given), encoding, 0)
        except streamliner_udf.InvalidUTF8:
            pass
    text = content.decode(encoding, "replace")
    # A replacement character that was there before is no replacement.
    replaced = text.count("\ufffd") - content.decode(encoding, "ignore").count("\ufffd")
    content = text.encode()
    return _Chat(content, rows(content), encoding, replaced)


def _sniff(content: bytes, options: str = "") -> dict[str, Any]:
    return streamliner_udf.parse_row("sniff_whatsapp", b"" if content.startswith(ARCHIVE) else content, options)


def _options(source: Source, options: LoadOptions) -> str:
    """What is known of a file, as options of `parse_whatsapp`."""
    words = [] if options.date_order == "auto" else [options.date_order]
    if (day := source.written()) and datetime.date(1970, 1, 1) <= day < datetime.date.max:
        # It may be tomorrow already where the phone is.
        words.append(f"until={day + datetime.timedelta(1)}")
    title = options.chat if source.path is None and options.chat else _title(source)
    return ",".join([*words, f"title={title}"])


# What `sniff_whatsapp` says of words for morning and afternoon, and of other lines that look like messages.
_UNKNOWN_WORD = re.compile("the time of line [0-9]+ has '.*', which is not known(?:, and so have ([0-9]+) more)?")
_DOUBTS = re.compile(
    "; (?=the time of line |the word before all times |dates that do not exist |headers of another |headers behind )"
)
_QUOTED = 100  # messages, among which one line that looks like a message may be quoted


def _unknown_word(look: dict[str, Any]) -> str | None:
    """What is said of words for morning or afternoon that are not known, and what to do. None where there are none, or
    so few that they can stand in messages: "3/5/24, 9:15 sharp - bring cake"."""
    found = _UNKNOWN_WORD.search(look["reason"])
    if found is None or (1 + int(found[1] or 0)) * _QUOTED < look["messages"]:
        return None
    return f"{found[0]}; write am or pm in its place"


def _warnings(look: dict[str, Any]) -> list[str]:
    """Of what was decided about an export, and of lines in it that look like messages and are text of another one."""
    if look["confident"]:
        return []
    read = f"dates are read as {look['date_order']}"
    reason, *doubts = _DOUBTS.split(look["reason"])
    if not doubts:
        return [f"{read}, which is not certain: {reason}"]
    text = [doubt for doubt in doubts if not doubt.startswith("the word")]
    found = [f"lines that look like messages were read as text: {'; '.join(text)}; {read}: {reason}"] if text else []
    return found + [f"hours are read as they stand: {doubt}" for doubt in doubts if doubt not in text]


# What browsers and file managers add to a name that is there already. Not a year, which the name of a group may end in.
_COPY = re.compile(r"(?: \([1-9]\d?\))+$")


def _split_title(stem: str) -> tuple[str, str]:
    """The chat's name out of what a phone calls an export, else the whole; and the mark of a copy behind it, which is
    no part of the name: an export that was fetched twice is one chat."""
    bare = _COPY.sub("", stem)
    for name in (bare, stem):
        for template in _TITLES:
            if match := template.fullmatch(name):
                return match[1].strip(), stem.removeprefix(name)
    return stem, ""


def _find_title(stem: str) -> str:
    return _split_title(stem)[0]


def _title(source: Source) -> str:
    """The chat's name, by the file; of `_chat.txt` by the folder or the archive around it."""
    return _find_title(_named(source))


def _named(source: Source) -> str:
    """What names the chat: a file, a folder or an archive, without what a suffix adds."""
    if source.filename != _IOS_MEMBER:
        return PurePosixPath(source.filename).stem
    around = []
    if source.container is not None:
        around = [PurePosixPath((source.member or "").replace("\\", "/")).parent.name]
        around.append(re.sub(r"\.zip$", "", source.name.partition(": ")[0].rpartition("/")[2], flags=re.IGNORECASE))
    elif source.path is not None:
        around = [shown(source.path.absolute().parent.name)]
    around = [name for name in around if name] or [PurePosixPath(source.filename).stem]
    # The one with a name that WhatsApp gives, if one has.
    return next((name for name in around if _find_title(name) != name), around[0])


def _why_not_text(name: str) -> str | None:
    """Why a member cannot be the chat, or None."""
    path = PurePosixPath(name.replace("\\", "/"))
    if "__MACOSX" in path.parts:
        return "written by macOS beside the files"
    if path.name.startswith("."):
        return "hidden file"
    return None if path.suffix.lower() == ".txt" else "not a text file"


def _rank(archive: Container, name: str) -> tuple[int, int, str]:
    stem = PurePosixPath(name.replace("\\", "/")).name
    kind = 0 if stem == _IOS_MEMBER else 1 if "whatsapp" in name.lower() else 2
    return kind, -archive.size(name), name


def _candidates(archive: Container, skipped: list[Skipped]) -> list[str]:
    """Names of the files that may hold messages, the likeliest first; the others go to `skipped`."""
    found = []
    for name in archive.names:
        reason = _why_not_text(name)
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            found.append(name)
    return sorted(found, key=lambda name: _rank(archive, name))


def _why_no_chat(archive: Container, name: str) -> ZipValidationError | str | None:
    """Why a candidate is not read, by its first bytes; None if it holds messages."""
    try:
        sample = archive.peek(name, _SAMPLE)
    except ZipValidationError as error:
        return error
    parsed = _parse(sample)
    if parsed.messages:
        return None
    word = _unknown_word(_sniff(parsed.content))
    return f"no message in its first 64 KiB: {word}" if word else "no header of a message in its first 64 KiB"


def _find_chats(archive: Container, skipped: list[Skipped]) -> Iterator[str]:
    """Names of all files that hold messages; what is not one of them goes to `skipped`."""
    for name in _candidates(archive, skipped):
        reason = _why_no_chat(archive, name)
        if reason is None:
            yield name
        else:
            skipped.append(Skipped(name, str(reason)))


def _read_archive(path: Path, limits: ZipLimits | None) -> Export:
    skipped: list[Skipped] = []
    with SafeZip(path, limits) as archive:
        candidates = _candidates(archive, skipped)
        chosen: str | None = None
        refused: ZipValidationError | None = None
        for name in candidates:
            if chosen is not None:
                skipped.append(Skipped(name, f"{chosen!r} was read"))
                continue
            reason = _why_no_chat(archive, name)
            if reason is None:
                chosen = name
                continue
            if isinstance(reason, ZipValidationError):
                refused = refused or reason
            skipped.append(Skipped(name, str(reason)))
        if chosen is None:
            if refused is not None:
                raise refused
            came = f"{len(archive.names)} files and no .txt"
            if candidates:
                came = f"none in {', '.join(map(repr, sorted(candidates)[:3]))}"
            raise ExportError(f"expected {path.name} to hold a .txt with messages like {_EXAMPLE}, got {came}")
        content = archive.read(chosen)
    chat = _parse(content)
    member = PurePosixPath(chosen)
    title = _find_title(path.stem if member.name == _IOS_MEMBER else member.stem)
    return Export(
        path, chat.content, chat.messages, title, chosen, len(content), chat.encoding, chat.replaced, tuple(skipped)
    )


def read_export(path: str | Path, limits: ZipLimits | None = None) -> Export:
    """The chat in a `.txt` (UTF-8, or UTF-16 with a byte order mark) or `.zip` file, told apart by their first bytes.

    Of the text files in an archive the first of these with a message in its first 64 KiB is read: `_chat.txt`, one with
    WhatsApp in its name, the largest.

    Errors : ExportError where the file is missing, empty, too large, a broken or unsafe archive, or no chat.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            content = b"" if start in ARCHIVE else start + file.read(_TEXT_MAX)
    except OSError as error:
        raise ExportError(f"expected a chat export at {path}, got {error.strerror or error}") from error
    if not start:
        raise ExportError(f"expected a chat export at {path}, got an empty file")
    if start in ARCHIVE:
        try:
            return _read_archive(path, limits)
        except ZipValidationError as error:
            raise ExportError(f"{path.name}: {error}") from error
    if path.suffix.lower() == ".zip":
        raise ExportError(f"expected {path.name} to be a ZIP archive, got a file that starts with {start!r}")
    if len(content) > _TEXT_MAX:
        raise ExportError(f"expected {path.name} to have at most {_TEXT_MAX:,} bytes, got more")
    chat = _parse(content)
    if not chat.messages:
        start_text = chat.content[:240].decode("utf-8", "ignore")[:60]
        why = f": {word}" if (word := _unknown_word(_sniff(chat.content))) else ""
        raise ExportError(f"expected {path.name} to hold messages like {_EXAMPLE}, got {start_text!r}{why}")
    title = _find_title(path.stem)
    return Export(path, chat.content, chat.messages, title, None, len(content), chat.encoding, chat.replaced, ())


# Few texts end with a bracket, so that nothing more is looked for in the others.
_EDITED = (
    "CASE WHEN suffix(text, '>') AND author IS NOT NULL "
    f"THEN regexp_matches(text, '<({'|'.join(EDITED)})[.]?>$') ELSE false END"
)
_COLUMNS = f"seq, ts, author, text, kind, {_EDITED} AS edited, media, line, msg_key"


class WhatsAppAdapter:
    """Text files and archives of WhatsApp. Every file of an archive with messages in it is a chat."""

    name = "whatsapp"

    def sniff(self, source: Source) -> float:
        if source.is_container:
            assert source.container is not None
            if isinstance(source.container, Folder):
                return 0.0  # there may be chats of several kinds in one: each file is looked at for itself
            skipped: list[Skipped] = []
            if any(True for _ in _find_chats(source.container, skipped)):
                return 0.8
            return 0.1 if any(_UNKNOWN_WORD.search(one.reason) for one in skipped) else 0.0
        head = source.head(_SAMPLE)
        if not head or (b"\0" in head[:2] and head[:2] not in (b"\xff\xfe", b"\xfe\xff")):
            return 0.0
        parsed = _parse(head)
        if parsed.messages:
            return 0.9 if self._may_be(source) else 0.0
        return 0.1 if _unknown_word(_sniff(parsed.content)) else 0.0  # so that the error can name it

    @staticmethod
    def _may_be(source: Source) -> bool:
        """Whether a file may be a chat, by its name: an archive with one in a text file has no others."""
        if source.container is None or isinstance(source.container, Folder):
            return True
        return not _why_not_text(source.member or "") or not any(True for _ in _find_chats(source.container, []))

    def find_exports(self, source: Source) -> Iterator[Sequence[str]]:
        """All chats of an archive, with what is attached to them. The files of a folder are looked at one by one."""
        if source.container is None or isinstance(source.container, Folder):
            return
        skipped: list[Skipped] = []
        chats = list(_find_chats(source.container, skipped))
        if chats:
            yield [*chats, *(name for name in source.names if _ATTACHED.fullmatch(name) and name not in chats)]
        elif words := [one.name for one in skipped if _UNKNOWN_WORD.search(one.reason)]:
            yield words  # so that the error can name it

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        if not source.is_container:
            yield self._chat(source, options, [])
            return
        assert source.container is not None
        skipped: list[Skipped] = []
        names = list(_find_chats(source.container, skipped))
        if not names and (words := [one for one in skipped if _UNKNOWN_WORD.search(one.reason)]):
            got = f"{words[0].name} with {words[0].reason}"
            raise ExportError(f"ingest: expected {source.name} to hold messages like {_EXAMPLE}, got {got}")
        options = replace(options, several=options.several or len(names) > 1)
        for name in names:
            yield self._chat(source.member_named(name), options, skipped)
            skipped = []

    def _chat(self, source: Source, options: LoadOptions, skipped: list[Skipped]) -> Chat:
        title, named = options.chat or _title(source), _named(source)
        known = _options(source, options)
        content = source.read()
        batch_rows = None if options.several and len(content) < SMALL else options.batch_rows
        parsed = _parse(content, known, f"{self.name}\x1f{title}", batch_rows)
        look = parsed.messages.look()
        word = _unknown_word(look)
        if not look["messages"]:
            why = word or look["reason"]
            raise ExportError(f"ingest: expected {source.name} to hold messages like {_EXAMPLE}, got none: {why}")
        if word:
            raise ExportError(
                f"ingest: expected words for morning and afternoon that are known in {source.name}, got others: {word}"
            )
        before = look.pop("skipped")
        if before:
            skipped = [*skipped, Skipped(source.name, "before the first message", 1, before)]
        del look["messages"]  # the report counts those that were loaded
        held = len(parsed.content)
        chat = Chat(title, title, parsed.messages, _COLUMNS, has_keys=True, details=look, skipped=skipped, held=held)
        chat.warnings += _warnings(look)
        if not options.chat and (mark := _split_title(named)[1]):
            chat.warnings.append(f"{named!r} ends in the mark of a copy,{mark}: its chat is {title!r}")
        if parsed.replaced:
            chat.warnings.append(f"{parsed.replaced:,} invalid places in {parsed.encoding} became U+FFFD")
        return chat
