"""Messages of chat exports: WhatsApp."""

from __future__ import annotations

import datetime
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

__all__ = ["parse_whatsapp"]

# ---- headers -------------------------------------------------------------------------------------------------------

_MARK = "[\u200e\u200f\u202a-\u202e\ufeff]"
_SPACE = "[ \t\u00a0\u2009\u202f]"
_GAP = f"{_MARK}*+{_SPACE}(?:{_MARK}|{_SPACE})*+"

# One form a dialect has: where date and time stand, and what stands around them. Later forms join the alternatives.
_HEADER = re.compile(
    rf"""
    (?P<marks> {_MARK}*+)
    (?P<bracket> \[ )?
    (?P<stamp>
        {_MARK}*+ (?P<f1> [0-9]{{1,4}}) {_MARK}*+ (?P<separator> [/.-]) {_MARK}*+ (?P<space1> {_SPACE}?)
        (?P<f2> [0-9]{{1,2}}) {_MARK}*+ (?P=separator) {_MARK}*+ (?P<space2> {_SPACE}?)
        (?P<f3> [0-9]{{1,4}}) (?P<tail> \.?) {_MARK}*+ (?P<comma> [,\u060c]?) {_GAP}
    )
    (?P<hour> [0-9]{{1,2}}) (?P<colon> [:.]) (?P<minute> [0-5][0-9]) (?: (?P=colon) (?P<second> [0-5][0-9]) )?
    (?: (?:{_MARK}|{_SPACE})* (?P<marker> [AaPp] (?: \. {_SPACE}? )? [Mm] \.? ) )?
    (?P<close> {_MARK}*+ \] | {_GAP} [-\u2013\u2014] ) {_SPACE}
    """,
    re.VERBOSE,
)


class _Dialect(NamedTuple):
    """What all headers of an export have in common, because the phone writes them with one locale."""

    bracket: bool
    separator: str
    spaces: tuple[bool, bool]
    tail: bool
    year: str  # "first", "last 2" or "last 4"
    comma: str
    has_seconds: bool
    colon: str
    has_marker: bool


@dataclass(frozen=True)
class _Header:
    """What the header of one line says."""

    dialect: _Dialect
    marked: bool  # U+200E or U+200F before it
    fields: tuple[str, str, str]
    year: int
    first: int  # day and month in the order of the file; month and day where the year stands first
    second: int
    time: datetime.time
    marker: str
    right_to_left: bool
    rest: str


def _read_year(text: str) -> int | None:
    if len(text) == 2:
        return 2000 + int(text)
    year = int(text)
    if year >= 2400:  # Buddhist era
        year -= 543
    return year if len(text) == 4 and year >= 1500 else None


def _read_header(line: str) -> _Header | None:
    match = _HEADER.match(line)
    if match is None or bool(match["bracket"]) != match["close"].endswith("]"):
        return None
    fields = (match["f1"], match["f2"], match["f3"])
    if match["tail"] and match["separator"] != ".":
        return None
    if len(fields[0]) == 4:
        form, year_text, first, second = "first", fields[0], int(fields[1]), int(fields[2])
        if len(fields[2]) > 2 or first > 12:
            return None
    else:
        form, year_text, first, second = f"last {len(fields[2])}", fields[2], int(fields[0]), int(fields[1])
        if len(fields[0]) > 2 or min(first, second) > 12:
            return None
    year = _read_year(year_text)
    hour = int(match["hour"])
    if year is None or not (1 <= first <= 31 and 1 <= second <= 31 and hour <= 23):
        return None
    marker = match["marker"] or ""
    if marker and hour <= 12:
        hour = hour % 12 + (12 if marker[0] in "pP" else 0)
    dialect = _Dialect(
        bracket=bool(match["bracket"]),
        separator=match["separator"],
        spaces=(bool(match["space1"]), bool(match["space2"])),
        tail=bool(match["tail"]),
        year=form,
        comma=match["comma"],
        has_seconds=match["second"] is not None,
        colon=match["colon"],
        has_marker=bool(marker),
    )
    return _Header(
        dialect=dialect,
        marked=bool(set(match["marks"]) & {"\u200e", "\u200f"}),
        fields=fields,
        year=year,
        first=first,
        second=second,
        time=datetime.time(hour, int(match["minute"]), int(match["second"] or 0)),
        marker=marker,
        right_to_left="\u200f" in match["stamp"],
        rest=line[match.end() :],
    )


@dataclass(frozen=True)
class _Record:
    header: _Header
    line: int  # 1-based
    after_crlf: bool
    body: str = ""  # rest of the line, and the lines up to the next record
    date: datetime.date = datetime.date.min


_SAMPLE = 1000


def _lock_dialect(headers: Sequence[_Header]) -> _Dialect:
    """The dialect of the first header, unless another has more than twice as many among the first headers."""
    counts = Counter(header.dialect for header in headers[:_SAMPLE])
    first = headers[0].dialect
    most, count = counts.most_common(1)[0]
    return first if 2 * counts[first] >= count else most


def _lock_line_ends(records: list[_Record]) -> list[_Record]:
    """Without the records after the rarer kind of line end: in iOS exports CRLF ends messages and LF is within them."""
    crlf = sum(record.after_crlf for record in records[1:])
    lf = len(records) - 1 - crlf
    if not crlf or not lf:
        return records
    bracket = records[0].header.dialect.bracket
    wanted = crlf > lf or (crlf == lf and bracket)
    return records[:1] + [record for record in records[1:] if record.after_crlf == wanted]


# ---- the order of dates --------------------------------------------------------------------------------------------

_MEDIA_DATES = (
    re.compile("[A-Z]-([0-9]{4})([0-9]{2})([0-9]{2})-WA[0-9]"),
    re.compile(r"[A-Z]-([0-9]{4})-([0-9]{2})-([0-9]{2})-[0-9]{2}-[0-9]{2}-[0-9]{2}\."),
)


def _year_month_day(header: _Header, order: str) -> tuple[int, int, int]:
    if order == "ymd":
        return 2000 + header.first, header.second, int(header.fields[2])
    if order == "mdy":
        return header.year, header.first, header.second
    return header.year, header.second, header.first


def _prefer(dmy: int, mdy: int) -> str | None:
    """The order that more speaks for."""
    return None if dmy == mdy else "dmy" if dmy > mdy else "mdy"


def _judge_fields(records: Sequence[_Record]) -> str | None:
    """No month is above 12."""
    return _prefer(sum(r.header.first > 12 for r in records), sum(r.header.second > 12 for r in records))


def _judge_media(records: Sequence[_Record]) -> str | None:
    """Names of media hold the day on which they were sent."""
    dmy = mdy = 0
    for record in records:
        if record.header.first != record.header.second:
            for pattern in _MEDIA_DATES:
                for match in pattern.finditer(record.body):
                    name = tuple(map(int, match.groups()))
                    dmy += name == _year_month_day(record.header, "dmy")
                    mdy += name == _year_month_day(record.header, "mdy")
    return _prefer(dmy, mdy)


def _judge_time(records: Sequence[_Record]) -> str | None:
    """Messages follow each other in time."""

    def steps_back(order: str) -> int:
        dates = [_year_month_day(record.header, order) for record in records]
        return sum(after < before for before, after in itertools.pairwise(dates))

    return _prefer(steps_back("mdy"), steps_back("dmy"))


def _judge_movement(records: Sequence[_Record]) -> str | None:
    """Where one field stands still and the other does not, the chat lasted some days of one month."""
    firsts, seconds = {r.header.first for r in records}, {r.header.second for r in records}
    if len(seconds) == 1 and len(firsts) >= 3:
        return "dmy"
    return "mdy" if len(firsts) == 1 and len(seconds) >= 3 else None


def _judge_looks(records: Sequence[_Record]) -> str:
    """Who leaves out zeros and writes AM, or two digits of the year, puts the month first; all others the day."""
    header = records[0].header
    dialect = header.dialect
    upper = header.marker in ("AM", "PM")
    days_and_months = [text for record in records for text in record.header.fields[:2]]
    unpadded = any(len(text) == 1 for text in days_and_months)
    padded = any(text.startswith("0") for text in days_and_months)
    if dialect.separator != "/" or dialect.comma == "\u060c" or header.right_to_left:
        return "dmy"
    if dialect.has_marker and not upper:
        return "dmy"
    return "mdy" if unpadded and not padded and (dialect.year == "last 2" or upper) else "dmy"


_JUDGES: tuple[Callable[[Sequence[_Record]], str | None], ...] = (
    _judge_fields,
    _judge_media,
    _judge_time,
    _judge_movement,
    _judge_looks,
)


def _find_order(records: Sequence[_Record], wanted: str) -> str:
    """One order for the whole text, from the strongest evidence there is."""
    form = records[0].header.dialect.year
    if form == "first":
        return "mdy"  # month and day, behind the year
    if wanted in ("dmy", "mdy") or (wanted == "ymd" and form == "last 2"):
        return wanted
    return next(order for judge in _JUDGES if (order := judge(records)))


def _settle_dates(records: Sequence[_Record], order: str) -> list[_Record]:
    """Records whose date exists."""
    settled = []
    for record in records:
        try:
            date = datetime.date(*_year_month_day(record.header, order))
        except ValueError:
            continue
        settled.append(replace(record, date=date))
    return settled


def _with_bodies(records: Sequence[_Record], lines: Sequence[str]) -> list[_Record]:
    """Every record with the lines up to the next record."""
    if not records:
        return []
    stops = [record.line - 1 for record in records[1:]] + [len(lines)]
    return [
        replace(record, body="\n".join([record.header.rest, *lines[record.line : stop]]))
        for record, stop in zip(records, stops, strict=True)
    ]


# ---- authors -------------------------------------------------------------------------------------------------------

_DELETE_IN_TEXT = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), 0xFEFF])
_CHANGE_IN_AUTHOR = {
    **_DELETE_IN_TEXT,
    **dict.fromkeys(range(0x2066, 0x206A)),
    0x00A0: " ",
    0x202F: " ",
    0x2011: "-",
}
_TRIMMED = " \t\r\n"
_KNOWN_BYTES = 256


def _is_balanced(name: str) -> bool:
    """Whether quotes come in pairs, as they do in a name."""
    curly = sum(name.count(quote) for quote in "\u201c\u201d\u201e")
    return name.count('"') % 2 == 0 and curly % 2 == 0 and name.count("«") == name.count("»")


def _find_author(rest: str) -> str | None:
    """What stands before the first colon with a space behind it, as it is written."""
    name, colon, _ = rest.partition(": ")
    return name if name and colon and _is_balanced(name) else None


def _find_known(rest: str, known: set[str]) -> str | None:
    """The first author who is known from other lines, where the space behind the colon is lost."""
    if ": " in rest:
        return None
    return next((rest[:i] for i, c in enumerate(rest[: _KNOWN_BYTES + 1]) if c == ":" and rest[:i] in known), None)


def _find_double_name(name: str, rests: Sequence[str]) -> str:
    """The name with what stands before a colon at the start of every message, or the name as it is."""
    bodies = [rest[len(name) + 2 :] for rest in rests]
    second, colon, _ = bodies[0].partition(": ")
    prefix = second + colon
    same = len(bodies) >= 2 and second and colon and all(body.startswith(prefix) for body in bodies)
    written_by_app = set(second) & set("<\u200e\u200f") or all(body.startswith(prefix + "http") for body in bodies)
    return f"{name}: {second}" if same and _is_balanced(second) and not written_by_app else name


def _find_authors(rests: Sequence[str]) -> list[str | None]:
    """The author of each message, as he is written."""
    names = [_find_author(rest) for rest in rests]
    by_name: dict[str, list[str]] = {}
    for name, rest in zip(names, rests, strict=True):
        if name is not None:
            by_name.setdefault(name, []).append(rest)
    full = {name: _find_double_name(name, same) for name, same in by_name.items()}
    known = {name for name in full.values() if len(name.encode()) <= _KNOWN_BYTES}
    return [_find_known(rest, known) if name is None else full[name] for name, rest in zip(names, rests, strict=True)]


# ---- kinds ---------------------------------------------------------------------------------------------------------

_DELETED = {
    "This message was deleted",
    "You deleted this message",
    "Mensagem apagada",
    "Esta mensagem foi apagada",
    "Você apagou esta mensagem",
    "Diese Nachricht wurde gelöscht",
    "Du hast diese Nachricht gelöscht",
    "Se eliminó este mensaje",
    "Eliminaste este mensaje",
    "Este mensaje fue eliminado",
    "Ce message a été supprimé",
    "Vous avez supprimé ce message",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Dit bericht is verwijderd",
    "U hebt dit bericht verwijderd",
}
ATTACHED = {
    "file attached",
    "arquivo anexado",
    "ficheiro anexado",
    "Datei angehängt",
    "archivo adjunto",
    "fichier joint",
    "bestand bijgevoegd",
    "file allegato",
    "файл добавлен",
}
_OMITTED = {
    *(f"{what} omitted" for what in ("image", "video", "audio", "sticker", "GIF", "document")),
    *(f"{what} omitted" for what in ("Image", "Video", "Audio", "Sticker", "Document")),
    "Video note omitted",
    "imagem ocultada",
    "vídeo omitido",
    "áudio ocultado",
    "figurinha omitida",
    "imagem não revelada",
    *(f"{what} weggelassen" for what in ("Bild", "Video", "Audio", "Sticker")),
    "immagine omessa",
    "video omesso",
    "audio omesso",
    "imagen omitida",
    "image absente",
    "gambar tidak disertakan",
}
_CONTACT = {"Contact card omitted", "contact card omitted"}

_EXTENSION = re.compile(r".\.[A-Za-z0-9]{1,8}\Z", re.DOTALL)
APP_NAME = re.compile(r"[A-Z]{3}-[0-9]{8}-WA[0-9]+\.[A-Za-z0-9]*")
_FILE_IN_BRACKET = re.compile(r"<([^<>\n:]+): ([^<>\n]+)>\Z")
_FILE_IN_LINE = re.compile(r"(.+) \(([^()]+)\)")
_OMITTED_BRACKET = re.compile(r'<[^<>=/:"@\n]+>')
_PLACE = re.compile(r"https://maps\.google\.com/\?q=[-0-9]|foursquare\.com/v/")
_LABEL = re.compile("[A-Z\x80-\U0010ffff]+:")
_VOTES = re.compile("[0-9]+ .+")
_CALL = re.compile("(Missed voice call|Missed video call|Voice call|Video call)([, ]|\\Z)")


def _is_words(text: str, most: int) -> bool:
    words = text.split(" ")
    return all(words) and len(words) <= most


def find_bracket_file(text: str, marked: bool) -> str | None:
    """`<attached: name>` at the end."""
    match = _FILE_IN_BRACKET.search(text)
    if match and _is_words(match[1], 3) and (marked or _EXTENSION.search(match[2])):
        return match[2]
    return None


def find_line_file(text: str, marked: bool) -> str | None:
    """`name (file attached)` as the first line."""
    match = _FILE_IN_LINE.fullmatch(text.split("\n")[0])
    if match is None or not _is_words(match[2], 4):
        return None
    name = match[1]
    named = APP_NAME.fullmatch(name) or (marked and _EXTENSION.search(name))
    return name if named or (match[2] in ATTACHED and "." in name) else None


def _is_omitted_bracket(text: str) -> bool:
    telling = " " in text or not text.isascii()
    return bool(_OMITTED_BRACKET.fullmatch(text)) and telling and len(text) <= 64


def _is_poll_option(line: str) -> bool:
    """`OPTION: text (2 votes)`"""
    label = _LABEL.match(line)
    if label is None or not line.startswith(" ", label.end()) or not line.endswith(")"):
        return False
    choice, bracket, votes = line[label.end() + 1 : -1].rpartition(" (")
    return bool(choice and bracket and _VOTES.fullmatch(votes))


def _is_poll(text: str) -> bool:
    lines = text.split("\n")
    return bool(text.endswith(")") and _LABEL.fullmatch(lines[0]) and any(map(_is_poll_option, lines[2:])))


def _find_kind(text: str, header_marked: bool, body_marked: bool, bracket: bool) -> tuple[str, str | None]:
    """Kind and name of the file, of a message that has an author."""
    if not text:
        return "empty", None
    name = find_bracket_file(text, header_marked) or find_line_file(text, body_marked)
    if name:
        return "contact" if name.lower().endswith(".vcf") else "attachment", name
    if _is_omitted_bracket(text) or text in _OMITTED:
        return "omitted", None
    if text.removesuffix(".") in _DELETED:
        return "deleted", None
    if text in _CONTACT:
        return "contact", None
    if text == "null":
        return "call", None
    if _PLACE.search(text):
        return "location", None
    if _is_poll(text):
        return "poll", None
    if body_marked:
        if _CALL.match(text):
            return "call", None
        if header_marked and "\n" not in text and len(text) <= 64:
            return "omitted", None
        if bracket and not header_marked:
            return "system", None
    return "text", None


def _read_message(seq: int, record: _Record, name: str | None) -> dict[str, Any]:
    header = record.header
    author = None if name is None else name.translate(_CHANGE_IN_AUTHOR).strip(_TRIMMED) or None
    body = record.body if name is None or author is None else record.body[len(name) + 1 :]
    text = body.translate(_DELETE_IN_TEXT).replace("\r\n", "\n").strip(_TRIMMED)
    kind, media = "system", None
    if author is not None:
        body_marked = body.lstrip(" \t").startswith(("\u200e", "\u200f"))
        kind, media = _find_kind(text, header.marked, body_marked, header.dialect.bracket)
    return {
        "seq": seq,
        "ts": datetime.datetime.combine(record.date, header.time),
        "author": author,
        "text": text,
        "kind": kind,
        "media": media,
        "line": record.line,
    }


_OPTIONS = {"": "auto", **{f"date_order={order}": order for order in ("auto", "dmy", "mdy", "ymd")}}


def parse_whatsapp(content: str, options: str = "") -> list[dict[str, Any]]:
    """Messages of a WhatsApp export: time, author, text, kind, media and line.

    Parameters
    ----------
    content : text
        The text of an export, as Android (`05/03/2024, 09:15 - Ana: hi`) or iOS (`[05/03/2024, 09:15:20] Ana: hi`)
        write it: day, month and year in any order with `/`, `.` or `-`, two or four digits of the year, 12 or 24
        hours, with or without seconds and comma. Direction marks and all kinds of spaces may stand in a header.

        Or the bytes of a file, in SQL a BLOB (the specification takes texts only): UTF-8, UTF-16 with a byte order
        mark, or a ZIP archive, of which the likeliest `.txt` is read that has a message in its first 64 KiB:
        `_chat.txt`, one with WhatsApp in its name, the largest. An archive has at most 2,000 members; the one that is
        read has at most 50 MiB and is packed at most 100:1.
    options : text
        `date_order=dmy`, `date_order=mdy` or `date_order=ymd` where it is known; `date_order=auto` or nothing leaves it
        to the text.

    Returns
    -------
    list of struct
        One for every header, in the order of the text; what stands before the first is left out. `seq` counts
        from 0. `ts` is the local time that the header says. `author` stands before the first `: `, without
        invisible marks, and is NULL where the app itself speaks. `text` is the message without U+200E, U+200F,
        U+202A to U+202E and U+FEFF, with LF line ends, trimmed. `kind` is text, system, attachment, omitted,
        deleted, location, poll, contact, call or empty. `media` is the name of an attached file. `line` counts
        lines from 1.

        One text has one dialect: that of its first header, unless another has more than twice as many among the
        first 1,000. A line that looks otherwise belongs to the message before it. Where LF and CRLF both stand
        before headers, only those after the commoner count (CRLF for iOS and LF for Android, if none is). The
        order of dates is decided once, by the first of these that tells: the option; a year that stands first;
        a field above 12; the dates in names of media; fewer steps back in time; the only field that moves is
        the day; how dates are written. Headers whose date does not exist in that order are text. A name with an
        odd number of quotes is no author. Where the space behind the colon is lost, the author is one who is
        known from another line. An author whose messages, two or more, all begin with the same `X: ` is called
        `author: X`, unless X is what the app writes of files, or addresses follow.

    Nulls : NULL in, NULL out.
    Errors : options is none of the above; bytes that are neither text nor an archive; an archive that is broken,
    breaks a limit, is encrypted or holds no chat. A text that is no chat gives an empty list.
    Cost : O(len(content)) time; 24 bytes a message besides the result.
    Source : headers and bodies of public exports.

    Examples
    --------
    >>> [message] = parse_whatsapp("05/03/2024, 09:15 - Ana: hi")
    >>> message["ts"].isoformat(), message["author"], message["text"], message["kind"]
    ('2024-03-05T09:15:00', 'Ana', 'hi', 'text')
    >>> [m["text"] for m in parse_whatsapp("[3/25/24, 9:15:20 PM] ~ Bo: one\\ntwo\\n[3/26/24, 9:16:00 AM] Ana: ok")]
    ['one\\ntwo', 'ok']
    >>> parse_whatsapp("3/5/24, 9:15 - Ana: olá", "date_order=mdy")[0]["ts"].isoformat()
    '2024-03-05T09:15:00'
    >>> parse_whatsapp("no chat at all")
    []
    """
    if options not in _OPTIONS:
        expected = ", ".join(list(_OPTIONS)[1:])
        raise ValueError(f"parse_whatsapp: expected options to be one of {expected}, got '{options}'")
    if "\n" not in content:
        content = content.replace("\r", "\n")
    lines = content.split("\n")
    found = [(number, header) for number, line in enumerate(lines, 1) if (header := _read_header(line))]
    if not found:
        return []
    dialect = _lock_dialect([header for _, header in found])
    records = [
        _Record(header, number, number > 1 and lines[number - 2].endswith("\r"))
        for number, header in found
        if header.dialect == dialect
    ]
    records = _with_bodies(_lock_line_ends(records), lines)
    records = _settle_dates(records, _find_order(records, _OPTIONS[options]))
    records = _with_bodies(records, lines)
    names = _find_authors([record.header.rest for record in records])
    return [_read_message(seq, record, name) for seq, (record, name) in enumerate(zip(records, names, strict=True))]
