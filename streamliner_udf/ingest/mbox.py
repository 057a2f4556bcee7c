"""E-mail: mbox files, single messages (.eml), and folders or archives of these."""

from __future__ import annotations

import binascii
import email
import email.message
import email.utils
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import BinaryIO

import streamliner_udf

from . import staged
from .adapter import SURROGATE, Chat, LoadOptions, Skipped, Source
from .safezip import ZipValidationError
from .staged import clean

__all__ = ["MboxAdapter"]

_COLUMNS = {
    "ts": "VARCHAR", "ts_utc": "VARCHAR", "author": "VARCHAR", "author_id": "VARCHAR", "text": "VARCHAR",
    "kind": "VARCHAR", "media": "VARCHAR", "reply_to": "VARCHAR", "native_id": "VARCHAR", "chat": "VARCHAR",
    "thread": "VARCHAR", "line": "BIGINT", "filename": "VARCHAR",
}  # fmt: skip
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
# "From ana@example.org Tue Mar  5 09:15:02 2024", "From - Tue ...", or the sender alone: not "From now on we".
_SEPARATOR = re.compile(rb"From (?:\S+ *|.*\d\d?:\d\d.*\d{4}.*|.*\d{4}.*\d\d?:\d\d.*)\r?\n?")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_EMAIL_HEADERS = {b"from", b"date", b"subject", b"to", b"received", b"message-id", b"return-path", b"delivered-to"}
_REPLY = re.compile(r"^\s*(?:(?:re|aw|sv|vs|fw|fwd|wg|tr|rv|enc|res)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)
_ID = re.compile(r"<([^<>\s]+)>")
_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\r\n]*)\?=")
_DATES_SHOWN = 5
_TOLD = 100  # messages between two reports of progress
_SEPARATOR_MAX = 500
_PIECE = 1 << 20
_MESSAGE_MAX = 1 << 28  # bytes of one message, with its attachments


# What Python's parser raises for messages that were made to break it.
_BROKEN = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)


@dataclass
class _Seen:
    """What is said in the report, of all messages together."""

    warnings: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    title: str = ""
    without_time: int = 0
    messages: int = 0


# ---- messages in a file ----------------------------------------------------------------------------------------------


def _is_separator(line: bytes) -> bool:
    return line.startswith(b"From ") and len(line) < _SEPARATOR_MAX and _SEPARATOR.fullmatch(line) is not None


def _split(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Line, bytes and length of each message of an mbox file. Of one above the limit there are no bytes."""
    lines: list[bytes] = []
    begin, size, number = 0, 0, 1
    separator = b""  # a line that may begin a message, if headers follow: a sentence that begins with From does not
    blank, whole = True, True  # what was before: an empty line, the end of a line
    for line in iter(lambda: file.readline(_PIECE), b""):
        if separator:
            if _HEADER.match(line) or line.startswith(b">From "):
                if begin:
                    yield begin, b"".join(lines), size
                begin, lines, size = number - 1, [], 0
            else:
                lines.append(separator)
            size += len(separator)
            separator = b""
        if blank and whole and _is_separator(line):
            separator = line
        else:
            size += len(line)
            if size <= _MESSAGE_MAX:
                lines.append(line)
            else:
                lines.clear()
        blank = whole and line in (b"\n", b"\r\n")
        whole = line.endswith(b"\n")
        number += whole
    if begin:
        yield begin, b"".join(lines), size


# ---- parts of a message ----------------------------------------------------------------------------------------------


def _decode(content: bytes, charset: str | None, seen: _Seen) -> str:
    name = (charset or "").strip("\"' ").lower()
    if name in ("", "us-ascii", "ascii", "unknown-8bit", "default", "utf8"):
        name = "utf-8"
    elif name in ("iso-8859-1", "latin-1"):
        name = "cp1252"  # what programs mean that say so; where they differ, Latin-1 has control characters
    try:
        return content.decode(name)
    except UnicodeError:
        seen.warnings[f"bytes that are not {name}, replaced"] += 1
        return content.decode(name, "replace")
    except (LookupError, ValueError):
        seen.warnings[f"a charset that is not known ({clean(name)[:40]}), read as UTF-8"] += 1
        return content.decode("utf-8", "replace")


def _decode_words(text: str, seen: _Seen) -> str:
    """Encoded words (RFC 2047) decoded. Python's own way loses letters beside them that are not ASCII."""
    found: list[str] = []
    at = 0
    charset, gathered = "", b""
    for match in _WORD.finditer(text):
        between = text[at : match.start()]
        if gathered and (between.strip() or match[1].lower() != charset):
            found.append(_decode(gathered, charset, seen))
            gathered = b""
        # White space between two encoded words is not part of the text.
        if between.strip() or not at:
            found.append(between)
        at, charset = match.end(), match[1].lower()
        try:
            if match[2] in "bB":
                gathered += binascii.a2b_base64(match[3] + "==")
            else:
                gathered += binascii.a2b_qp(match[3].replace("_", " "))
        except (binascii.Error, ValueError):
            seen.warnings["an encoded word in a header that cannot be decoded"] += 1
            found += [_decode(gathered, charset, seen), match[0]]
            gathered = b""
    if gathered:
        found.append(_decode(gathered, charset, seen))
    return "".join([*found, text[at:]])


def _decode_header(text: str, seen: _Seen) -> str:
    """A header as people read it: encoded words decoded, folded lines joined."""
    if SURROGATE.search(text):  # Python keeps bytes that are not ASCII as surrogates
        text = _decode(text.encode("utf-8", "surrogateescape"), None, seen)
    if "=?" in text:
        text = _decode_words(text, seen)
    return " ".join(clean(text).split())


# Of most messages the headers say that they are one text. Those are read here, a third of the time; all others, and
# whatever looks unusual, by Python's parser, and the two agree (tests/test_mbox.py).
_PLAIN_HEADERS = re.compile(rb"(?:[!-9;-~]+:[^\r\n\0]*\n(?:[ \t][^\r\n\0]*\n)*)+\n")
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*((?:[^\n]|\n[ \t])*)\n")
_ONE_TEXT = re.compile(
    r"text/(plain|html)(?:[ \t\n]*;[ \t\n]*"
    r"(?:charset=(?:([\w.:+-]+)|\"([\w.:+-]+)\")|format=\"?flowed\"?|delsp=\"?(?:yes|no)\"?))*",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS = re.compile(
    r"(?:([\w!#$%&'*+/=?^`{|}~ -]*[\w!#$%&'*+/=?^`{|}~-]) ?)?<([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*)>", re.ASCII
)


class _Plain:
    """A message of one text."""

    def __init__(self, headers: dict[str, str], is_html: bool, charset: str | None, body: bytes) -> None:
        self.headers = headers  # the first of each name, in small letters
        self.is_html = is_html
        self.charset = charset
        self.body = body


def _read_plain(raw: bytes) -> _Plain | None:
    """The message, if it is one text in an encoding that leaves bytes as they are."""
    match = _PLAIN_HEADERS.match(raw)
    if match is None:
        return None
    # As Python has it: bytes that are not ASCII are surrogates.
    fields = _FIELD.findall(raw[: match.end() - 1].decode("ascii", "surrogateescape"))
    headers: dict[str, str] = {}
    for name, value in fields:
        headers.setdefault(name.lower(), value)
    encoding = headers.get("content-transfer-encoding", "8bit").lower()
    if "content-disposition" in headers or encoding not in ("7bit", "8bit"):
        return None
    kind = headers.get("content-type", "text/plain")
    found = _ONE_TEXT.fullmatch(kind)
    if found is None or kind.lower().count("charset") > 1:
        return None
    charset = found[2] or found[3]
    return _Plain(headers, found[1].lower() == "html", charset and charset.lower(), raw[match.end() :])


def _parse_address(text: str) -> tuple[str, str]:
    """As `email.utils.parseaddr`, which reads letter by letter."""
    match = _ADDRESS.fullmatch(text)
    return (match[1] or "", match[2]) if match else email.utils.parseaddr(text)


def _raw_header(message: email.message.Message | _Plain, *names: str) -> str:
    """The first header of these names, as it stands there."""
    if isinstance(message, _Plain):
        return next((message.headers[name] for name in names if name in message.headers), "")
    for wanted in names:
        for name, value in message.raw_items():
            if name.lower() == wanted:
                return str(value)
    return ""


def _header(message: email.message.Message | _Plain, name: str, seen: _Seen) -> str:
    return _decode_header(_raw_header(message, name), seen)


def _time(text: str) -> tuple[str | None, str | None]:
    """Wall clock of the sender and moment in UTC; no moment where the offset is not known, neither without a date."""
    try:
        parsed = email.utils.parsedate_tz(text)
        if parsed is None:
            return None, None
        wall = datetime(*parsed[:6])
        # "-0000" says that the offset is not known.
        offset = None if parsed[9] is None or "-0000" in text else timedelta(seconds=parsed[9])
        moment = None if offset is None or abs(offset) >= timedelta(days=1) else wall - offset
    except (ValueError, TypeError, IndexError, OverflowError):
        return None, None
    return wall.isoformat(" "), None if moment is None else moment.replace(tzinfo=UTC).isoformat(" ")


def _filename(part: email.message.Message, seen: _Seen) -> str | None:
    name = part.get_filename()
    return None if name is None else _decode_header(name, seen) or None


def _payload(part: email.message.Message, seen: _Seen) -> str:
    content = part.get_payload(decode=True)
    return _decode(content, part.get_content_charset(), seen) if isinstance(content, bytes) else ""


def _body(message: email.message.Message | _Plain, seen: _Seen) -> tuple[str, list[str]]:
    """The text, plain where there is plain text, and the names of what is attached."""
    plain: list[str] = []
    rich: list[str] = []
    names: list[str] = []
    if isinstance(message, _Plain):
        (rich if message.is_html else plain).append(_decode(message.body, message.charset, seen))
    else:
        _gather(message, plain, rich, names, seen)
    text = "\n".join(one.strip("\n") for one in plain)
    if not text.strip() and rich:
        text = "\n".join(str(streamliner_udf.html_to_text(clean(one))) for one in rich)
    return clean(text).replace("\r\n", "\n").strip(), names


def _gather(message: email.message.Message, plain: list[str], rich: list[str], names: list[str], seen: _Seen) -> None:
    """The texts and the names of attached files of all parts."""
    inside: set[int] = set()  # parts of an attached e-mail, which are no part of this one
    for part in message.walk():
        if id(part) in inside or (part.is_multipart() and part.get_content_type() != "message/rfc822"):
            continue
        name = _filename(part, seen)
        kind = part.get_content_type()
        attached = name is not None or part.get_content_disposition() == "attachment"
        if kind == "message/rfc822":
            inside.update(id(one) for one in part.walk())
            names.append(name or "message.eml")
        elif attached or kind not in ("text/plain", "text/html"):
            names.append(name or f"unnamed.{clean(part.get_content_subtype())}")
        elif kind == "text/html":
            rich.append(_payload(part, seen))
        else:
            plain.append(_payload(part, seen))


def _row(raw: bytes, line: int | None, filename: str, options: LoadOptions, seen: _Seen) -> tuple[object, ...]:
    message = _read_plain(raw) or email.message_from_bytes(raw)
    text, names = _body(message, seen)
    sender = " ".join(_raw_header(message, "from", "sender").split())
    author, address = (_decode_header(one, seen) for one in _parse_address(sender))
    date = _header(message, "date", seen)
    wall, moment = _time(date)
    if wall is None:
        seen.without_time += 1
        place = f"line {line}" if line is not None else filename
        if seen.without_time <= _DATES_SHOWN:
            seen.warnings[f"a date that cannot be read in {place}: {date[:60]!r}; kept without a time"] += 1
        else:
            seen.warnings["other dates that cannot be read; kept without a time"] += 1
    native = _ids(_header(message, "message-id", seen))
    replied = _ids(_header(message, "in-reply-to", seen))
    references = _ids(_header(message, "references", seen))
    root = next(iter(references or replied or native), None)
    subject = _REPLY.sub("", _header(message, "subject", seen))
    return (
        wall,
        moment,
        author or address or _decode_header(sender, seen) or None,
        address.lower() or None,
        text,
        "text" if text else "attachment" if names else "empty",
        "\n".join(names) or None,
        next(iter(replied or references[-1:]), None),
        next(iter(native), None),
        options.chat or subject or seen.title,
        root or subject or seen.title,
        line,
        filename,
    )


def _ids(text: str) -> list[str]:
    """Ids without their brackets. Of References the first is where the thread began, the last what was answered."""
    return _ID.findall(text) or text.split()


# ---- the adapter -----------------------------------------------------------------------------------------------------


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


class MboxAdapter:
    """E-mail. A thread is where the first of its messages began; its chat is named by the subject."""

    name = "mbox"

    def sniff(self, source: Source) -> float:
        if source.is_container:
            names = [member.member or "" for member in source.members()]
            names = [name for name in names if not _is_hidden(name)]
            return 0.85 if names and all(name.lower().endswith((".eml", ".mbox")) for name in names) else 0.0
        head = source.head(4096).removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
        first, _, rest = head.partition(b"\n")
        if _is_separator(first) and (_HEADER.match(rest) or rest.startswith(b">From ")):
            return 0.97  # a chat may be quoted in a mail, but no mail begins a chat
        known = sum(name.lower() in _EMAIL_HEADERS for name in re.findall(rb"^([!-9;-~]+)[ \t]*:", head, re.MULTILINE))
        starts = _HEADER.match(head) is not None
        if PurePosixPath(source.filename.lower()).suffix == ".eml":
            return 0.97 if starts else 0.0
        return 0.6 if starts and known >= 3 else 0.0

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        if options.connection is None:
            raise ValueError("mbox: expected options with a connection, where the messages wait to be read")
        title = options.chat or PurePosixPath(source.filename).stem
        seen = _Seen()
        rows = staged.fill(options.connection, _COLUMNS, self._rows(source, options, seen))
        select = ", ".join(_COLUMNS).replace("ts, ts_utc", "ts::TIMESTAMP AS ts, ts_utc::TIMESTAMPTZ AS ts_utc")
        chat = Chat(title, title, rows, select, skipped=seen.skipped)
        chat.warnings = [f"{count:,} times {what}" if count > 1 else what for what, count in seen.warnings.items()]
        chat.details = {"without_time": seen.without_time} if seen.without_time else {}
        yield chat
        staged.drop(options.connection)

    def _rows(self, source: Source, options: LoadOptions, seen: _Seen) -> Iterator[tuple[object, ...]]:
        total, done = source.size() or 1, 0
        for part in source.members() if source.is_container else [source]:
            name = part.member or part.name
            # Not of the folder or archive around it: a message has one key wherever its file stands.
            seen.title = options.chat or PurePosixPath(part.filename).stem
            if source.is_container and _is_hidden(name):
                seen.skipped.append(Skipped(name, "hidden file"))
                continue
            try:
                file = part.open()
            except ZipValidationError as error:
                if not source.is_container:
                    raise
                seen.skipped.append(Skipped(name, str(error)))
                continue
            with file:
                if not part.size() and source.is_container:
                    seen.skipped.append(Skipped(name, "no e-mail: an empty file"))
                for line, raw, size in self._messages(part, file):
                    done += size
                    seen.messages += 1
                    if size > _MESSAGE_MAX:
                        seen.skipped.append(Skipped(name, f"a message of {size:,} bytes", line))
                    else:
                        try:
                            row = _row(raw, line, name, options, seen)
                        except _BROKEN as error:
                            seen.skipped.append(Skipped(name, f"no e-mail ({type(error).__name__}: {error})", line))
                        else:
                            yield row
                    if seen.messages % _TOLD == 0:
                        options.progress(min(done / total, 1.0))

    def _messages(self, source: Source, file: BinaryIO) -> Iterator[tuple[int | None, bytes, int]]:
        head = source.head(1024).lstrip(b"\r\n")
        if _is_separator(head.partition(b"\n")[0]):
            for line, raw, size in _split(file):
                yield line, _QUOTED.sub(b"", raw), size
        else:
            raw = file.read(_MESSAGE_MAX + 1)
            if raw.strip():
                yield None, raw, len(raw)
