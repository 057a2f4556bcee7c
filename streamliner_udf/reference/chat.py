"""Messages of chat exports: WhatsApp."""

from __future__ import annotations

import datetime
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ._chat_header import Dialect, Header, describe, read_header, show
from ._chat_order import Decision, decide, settle

__all__ = ["parse_whatsapp", "sniff_whatsapp"]

# ---- which lines are headers -----------------------------------------------------------------------------------------

_SAMPLE = 1000
_OTHERS = 32
_LEAST_LINES = 3


@dataclass(frozen=True)
class _Record:
    header: Header
    time: datetime.time
    line: int  # 1-based
    after_crlf: bool
    body: str = ""  # rest of the line, and the lines up to the next record
    date: datetime.date = datetime.date.min


class _Segment(NamedTuple):
    """Lines of one dialect: a whole export, or one of several that somebody put behind each other."""

    start: int  # line of its first header
    dialect: Dialect


def _lock_dialect(headers: Sequence[Header]) -> Dialect:
    """The dialect of the first header, unless another has more than twice as many among the first headers."""
    counts = Counter(header.dialect for header in headers[:_SAMPLE])
    first = headers[0].dialect
    most, count = counts.most_common(1)[0]
    return first if 2 * counts[first] >= count else most


def _find_segments(found: Sequence[tuple[int, Header]]) -> list[_Segment]:
    """The dialect of the text, and those of other exports in it: each has a fifth of all headers, and stands by itself
    before or behind the others. What is quoted in messages stands between them."""
    main = _lock_dialect([header for _, header in found])
    lines: dict[Dialect, list[int]] = {main: []}
    for number, header in found:
        if header.dialect in lines or len(lines) <= _OTHERS:
            lines.setdefault(header.dialect, []).append(number)
    segments = [_Segment(lines[main][0], main)]
    for dialect, numbers in lines.items():
        alone = all(numbers[-1] < lines[s.dialect][0] or lines[s.dialect][-1] < numbers[0] for s in segments)
        if len(numbers) >= _LEAST_LINES and 5 * len(numbers) >= len(found) and alone:
            segments.append(_Segment(numbers[0], dialect))
    return sorted(segments)


def _lock_line_ends(records: list[_Record]) -> list[_Record]:
    """Without the records after the rarer kind of line end: in iOS exports CRLF ends messages and LF is within them."""
    crlf = sum(record.after_crlf for record in records[1:])
    lf = len(records) - 1 - crlf
    if not crlf or not lf:
        return records
    wanted = crlf > lf or (crlf == lf and records[0].header.from_ios)
    return records[:1] + [record for record in records[1:] if record.after_crlf == wanted]


def _with_bodies(records: Sequence[_Record], lines: Sequence[str]) -> list[_Record]:
    """Every record with the lines up to the next record."""
    if not records:
        return []
    stops = [record.line - 1 for record in records[1:]] + [len(lines)]
    return [
        replace(record, body="\n".join([record.header.rest, *lines[record.line : stop]]))
        for record, stop in zip(records, stops, strict=True)
    ]


class _Options(NamedTuple):
    """What the caller knows."""

    order: str = "auto"
    any_dialect: bool = False  # headers of all dialects count
    until: datetime.date | None = None  # no message is written on a later day
    title: str = ""


_Lines = list[tuple[int, Header]]


class _Chat(NamedTuple):
    """Records with their dates and bodies, and what was decided about them."""

    records: list[_Record]
    segments: list[_Segment]
    decisions: list[Decision]  # one a segment
    # Lines that look like headers, and are text:
    unknown: _Lines  # their word for morning or afternoon is not known; of a dialect that counts, if one does
    others: _Lines  # they have another dialect
    after_other_end: _Lines  # the line before ends with the rarer kind
    undated: _Lines  # there is no such day
    line_count: int


def _read_records(content: str, options: _Options) -> _Chat:
    if "\n" not in content:
        content = content.replace("\r", "\n")
    lines = content.split("\n")
    line_count = len(lines) - (not lines[-1])
    headers = [(number, header) for number, line in enumerate(lines, 1) if (header := read_header(line))]
    unknown = [(number, header) for number, header in headers if header.time is None]
    found = [(number, header) for number, header in headers if header.time is not None]
    if not found:
        return _Chat([], [], [], unknown, [], [], [], line_count)
    first = _Segment(found[0][0], found[0][1].dialect)
    segments = [first] if options.any_dialect else _find_segments(found)
    stops = [segment.start for segment in segments[1:]] + [len(lines) + 1]
    records: list[_Record] = []
    places: list[slice] = []
    after_other_end: _Lines = []
    for segment, stop in zip(segments, stops, strict=True):
        own = [
            _Record(header, header.time, number, number > 1 and lines[number - 2].endswith("\r"))
            for number, header in found
            if header.time is not None
            and segment.start <= number < stop
            and (options.any_dialect or header.dialect == segment.dialect)
        ]
        kept = _lock_line_ends(own)
        starts = {record.line for record in kept}
        after_other_end += [(record.line, record.header) for record in own if record.line not in starts]
        places.append(slice(len(records), len(records) + len(kept)))
        records += kept
    records = _with_bodies(records, lines)
    decisions = [
        decide([(record.header, record.body) for record in records[place]], options.order, options.until)
        for place in places
    ]
    dated: list[_Record] = []
    undated: _Lines = []
    for place, decision in zip(places, decisions, strict=True):
        for record in records[place]:
            if date := settle(record.header, decision.order):
                dated.append(replace(record, date=date))
            else:
                undated.append((record.line, record.header))
    dialects = {segment.dialect for segment in segments}
    others = [] if options.any_dialect else [line for line in headers if line[1].dialect not in dialects]
    if dated and not options.any_dialect:
        unknown = [line for line in unknown if line[1].dialect in dialects]
    return _Chat(_with_bodies(dated, lines), segments, decisions, unknown, others, after_other_end, undated, line_count)


# ---- what is doubtful ------------------------------------------------------------------------------------------------


def _find_words(chat: _Chat) -> tuple[_Lines, str | None]:
    """Headers whose word between date and time is one for morning or afternoon: it takes turns with another one, and
    no hour is above 12. Or, where there is no other, the word that may be one."""
    read: list[tuple[Dialect, _Lines]] = []
    for segment, after in itertools.zip_longest(chat.segments, chat.segments[1:]):
        own = [r for r in chat.records if segment.start <= r.line and (after is None or r.line < after.start)]
        read.append((segment.dialect, [(record.line, record.header) for record in own]))
    others: dict[Dialect, _Lines] = {}
    for number, header in chat.others:
        if header.time is not None and (header.dialect in others or len(others) < _OTHERS):
            others.setdefault(header.dialect, []).append((number, header))

    def is_doubtful(dialect: Dialect, lines: _Lines) -> bool:
        return dialect.has_doubtful_word and all(h.time is not None and h.time.hour <= 12 for _, h in lines)

    found: dict[Dialect, _Lines] = {}
    for one, its in read:
        for other, more in [*read, *others.items()]:
            both = {one: its, other: more}
            doubtful = {dialect: lines for dialect, lines in both.items() if is_doubtful(dialect, lines)}
            known = {dialect for dialect in both if dialect.marker == "before" and not dialect.connector}
            same = one._replace(connector="", marker="") == other._replace(connector="", marker="")
            if same and len(doubtful.keys() | known) == 2:
                found |= doubtful
    alone = next((dialect.connector for dialect, lines in read if is_doubtful(dialect, lines)), None)
    return sorted((line for its in found.values() for line in its), key=lambda line: line[0]), alone


def _name_unknown(lines: Sequence[tuple[int, str]]) -> str:
    """Words for morning or afternoon, of these lines."""
    number, word = min(lines)
    more = f", and so have {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"the time of line {number} has '{show(word)}', which is not known{more}"


def _name_lines(what: str, lines: _Lines) -> str:
    number, header = min(lines, key=lambda line: line[0])
    return f"{what}: {len(lines)}, the first in line {number}, '{show(header.text)}'"


def _find_doubts(chat: _Chat) -> list[str]:
    """Lines that look like messages, and are not read as such, or not as they should be. What people quote in messages
    looks like them too, so that of other dialects and ends of lines only what is more than that is named."""

    def many(lines: _Lines) -> bool:
        return len(lines) >= _LEAST_LINES or (bool(lines) and 5 * len(lines) >= len(chat.records) + len(lines))

    words, alone = _find_words(chat)
    unknown = [(number, header.marker) for number, header in chat.unknown]
    unknown += [(number, header.dialect.connector) for number, header in words]
    doubts = [_name_unknown(unknown)] if unknown else []
    if alone and not words:
        doubts.append(f"the word before all times may be one for morning or afternoon: '{alone}'")
    if chat.undated:
        doubts.append(_name_lines("dates that do not exist in this order", chat.undated))
    if many(chat.others) and not words:
        doubts.append(_name_lines("headers of another dialect", chat.others))
    if many(chat.after_other_end):
        doubts.append(_name_lines("headers behind the rarer kind of line end", chat.after_other_end))
    return doubts


# ---- authors -------------------------------------------------------------------------------------------------------

_DELETE_IN_TEXT = dict.fromkeys([0, 0x200E, 0x200F, *range(0x202A, 0x202F), 0xFEFF])
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


def _clean_author(name: str) -> str:
    return name.translate(_CHANGE_IN_AUTHOR).strip(_TRIMMED)


def _app_speaks_as(title: str, records: Sequence[_Record], names: Sequence[str | None]) -> bool:
    """Whether the app itself writes under the name of the chat, as iOS does in groups. Who is one of two, or has sent a
    file, is a person: their chat with one other is called by their name."""
    authors = [_clean_author(name) if name else "" for name in names]
    others = set(authors) - {title, ""}
    files = any(author == title and record.header.marked for author, record in zip(authors, records, strict=True))
    return bool(title) and len(others) >= 2 and not files


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
# At the end of a message, in <>, also with a full stop.
EDITED = (
    "This message was edited",
    "Mensagem editada",
    "Esta mensagem foi editada",
    "Se editó este mensaje",
    "Diese Nachricht wurde bearbeitet",
    "Ce message a été modifié",
    "Questo messaggio è stato modificato",
    "Dit bericht is bewerkt",
    "Pesan ini diedit",
    "Сообщение изменено",
)

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
    if text.startswith("<") and text.endswith(">") and text[1:-1].removesuffix(".") in EDITED:
        return "text", None
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


def _read_message(seq: int, record: _Record, name: str | None, app: str | None) -> dict[str, Any]:
    header = record.header
    bracket = header.dialect.form.startswith("bracket")
    author = None if name is None else _clean_author(name) or None
    body = record.body if name is None or author is None else record.body[len(name) + 1 :]
    text = body.translate(_DELETE_IN_TEXT).replace("\r\n", "\n").strip(_TRIMMED)
    kind, media = "system", None
    if author is not None:
        body_marked = body.lstrip(" \t").startswith(("\u200e", "\u200f"))
        kind, media = _find_kind(text, header.marked, body_marked, bracket)
        if kind == "text" and bracket and author == app:
            kind = "system"
    return {
        "seq": seq,
        "ts": datetime.datetime.combine(record.date, record.time),
        "author": author,
        "text": text,
        "kind": kind,
        "media": media,
        "line": record.line,
    }


_ORDERS = ("dmy", "mdy", "ymd")
_KNOWN = "dmy, mdy, ymd, any, until=YYYY-MM-DD, title=NAME"
_TITLE = re.compile("(?:^|[, ])title=")
_DAY = re.compile("until=([0-9]{4})-([0-9]{2})-([0-9]{2})")


def _read_day(word: str, function: str) -> datetime.date:
    match = _DAY.fullmatch(word)
    year, month, day = map(int, match.groups()) if match else (0, 0, 0)
    try:
        return datetime.date(year if year >= 1970 else 0, month, day)
    except ValueError:
        raise ValueError(
            f"{function}: expected until to be a day from 1970 on, as in until=2024-03-05, got '{word}'"
        ) from None


def _read_options(options: str, function: str) -> _Options:
    """A name can hold anything, so that nothing stands behind it."""
    found, title = _Options(), ""
    if match := _TITLE.search(options):
        options, title = options[: match.start()], _clean_author(options[match.end() :])
    for word in filter(None, re.split("[, ]", options)):
        if word == "any":
            found = found._replace(any_dialect=True)
        elif word.startswith("until="):
            day = _read_day(word, function)
            found = found._replace(until=min(day, found.until or day))
        elif word not in _ORDERS:
            raise ValueError(f"{function}: expected options to be a list of {_KNOWN}, got '{word}'")
        elif found.order not in ("auto", word):
            raise ValueError(
                f"{function}: expected options to name one order of dates, got '{found.order}' and '{word}'"
            )
        else:
            found = found._replace(order=word)
    return found._replace(title=title)


def parse_whatsapp(content: str, options: str = "") -> list[dict[str, Any]]:
    """Messages of a WhatsApp export: time, author, text, kind, media and line.

    Parameters
    ----------
    content : text
        The text of an export, as Android (`05/03/2024, 09:15 - Ana: hi`) or iOS (`[05/03/2024, 09:15:20] Ana: hi`)
        write it, today or years ago (`5/3/16, 09:15:20: Ana: hi`, `09:15, 5 Mar 2014 - Ana: hi`, and with the time
        before the date, `[09:15:20, 5/3/2024] Ana: hi`). Day, month and year in any order with `/`, `.`, `-` or
        年月日, with or without spaces; two or four digits of the year, years of the Buddhist, Japanese and Solar
        Hijri calendars; a short word between date and time; 12 or 24 hours with `:`, `.` or `h`, the words for
        morning and afternoon of 20 languages before or behind; decimal digits of all scripts. Direction marks, byte
        order marks and all kinds of spaces may stand in a header.

        Or the bytes of a file, in SQL a BLOB (the specification takes texts only): UTF-8, UTF-16 with a byte order
        mark, or a ZIP archive, of which the likeliest `.txt` is read that has a message in its first 64 KiB:
        `_chat.txt`, one with WhatsApp in its name, the largest. An archive has at most 2,000 members; the one that is
        read has at most 50 MiB and is packed at most 100:1.
    options : text
        Words with commas between them: `dmy`, `mdy` or `ymd` where the order of dates is known; `any` where headers
        of all dialects count and not only those of one; `until=2024-03-05` where no message is after that day, because
        the file was written then; and at the end `title=NAME`, with all that stands behind it: what the chat is called.

    Returns
    -------
    list of struct
        One for every header, in the order of the text; what stands before the first is left out. `seq` counts
        from 0. `ts` is the local time that the header says. `author` stands before the first `: `, without
        invisible marks, and is NULL where the app itself speaks. `text` is the message without U+200E, U+200F,
        U+202A to U+202E, U+FEFF and NUL, with LF line ends, trimmed. `kind` is text, system, attachment, omitted,
        deleted, location, poll, contact, call or empty. `media` is the name of an attached file. `line` counts
        lines from 1.

        One text has one dialect: that of its first header, unless another has more than twice as many among the first
        1,000. A line that looks otherwise belongs to the message before it, unless somebody put two exports behind each
        other: a dialect with three headers or more and a fifth of all, whose lines are all before or all behind those
        of the others, is another export. Where LF and CRLF both stand before headers, only those after the commoner
        count (CRLF for iOS and LF for Android, if none is). The order of dates is decided once for each export, by the
        first of these that tells: a year that stands first; the option; a field above 12; the dates in names of media;
        fewer steps back in time; the only field that moves is the day; only one order has no date after `until`; how
        dates are written; day first. Headers whose date does not exist in that order are text. A name with an odd
        number of quotes is no author. Where the space behind the colon is lost, the author is one who is known from
        another line. An author whose messages, two or more, all begin with the same `X: ` is called `author: X`, unless
        X is what the app writes of files, or addresses follow. `sniff_whatsapp` tells what was decided.

        In groups iOS says of itself that the chat wrote: texts of an author who is called as the chat, by `title`, are
        system messages where there are two other authors or more, and where none of that author's messages has the
        mark of a file before its header. A chat of two is called as one of them, who is a person.

    Nulls : NULL in, NULL out.
    Errors : options has another word, two orders, or a day that does not exist; bytes that are neither text nor an
    archive; an archive that is broken, breaks a limit, is encrypted or holds no chat. A text that is no chat gives an
    empty list.
    Cost : O(len(content)) time; 24 bytes a message besides the result.
    Source : headers and bodies of public exports; words for times of day from CLDR; years of 1300 to 1499 are of the
        Solar Hijri calendar, whose leap years are 8 in 33.

    Examples
    --------
    >>> [message] = parse_whatsapp("05/03/2024, 09:15 - Ana: hi")
    >>> message["ts"].isoformat(), message["author"], message["text"], message["kind"]
    ('2024-03-05T09:15:00', 'Ana', 'hi', 'text')
    >>> [m["text"] for m in parse_whatsapp("[3/25/24, 9:15:20 PM] ~ Bo: one\\ntwo\\n[3/26/24, 9:16:00 AM] Ana: ok")]
    ['one\\ntwo', 'ok']
    >>> parse_whatsapp("3/5/24, 9:15 - Ana: olá", "dmy")[0]["ts"].isoformat()
    '2024-05-03T09:15:00'
    >>> parse_whatsapp("no chat at all")
    []
    """
    known = _read_options(options, "parse_whatsapp")
    records = _read_records(content, known).records
    names = _find_authors([record.header.rest for record in records])
    app = known.title if _app_speaks_as(known.title, records, names) else None
    return [
        _read_message(seq, record, name, app) for seq, (record, name) in enumerate(zip(records, names, strict=True))
    ]


def sniff_whatsapp(content: str, options: str = "") -> dict[str, Any]:
    """What a WhatsApp export looks like: dialect and order of dates, how sure that is and why.

    Parameters
    ----------
    content : text
        The text of an export, as `parse_whatsapp` reads it.
    options : text
        As of `parse_whatsapp`. With `any` the dialect is that of the first header.

    Returns
    -------
    struct
        `dialect` is what headers look like: `d/m/yyyy, hh:mm -` or `[m/d/yy, h:mm:ss am]`, with `h` for hours up to
        12, `R` for a Japanese era and ` then ` between those of exports that stand behind each other. `date_order`
        is dmy, mdy or ymd, of the first export. `messages` are those that `parse_whatsapp` finds, `skipped` the lines
        before the first. Where there is none, `dialect` and `date_order` are NULL, and all lines are skipped.

        `confident` is false where the order is a guess, and where lines look like headers and are text, or have hours
        that may be wrong; `reason` says why, how many lines, and which is the first. These are lines whose word for
        morning or afternoon is not known; whose date does not exist in the order; with headers of another dialect, or
        behind the rarer kind of line end, if they are three or a fifth of all. Two words that take turns between date
        and time, with hours up to 12, are words for morning and afternoon; one that stands in all headers may be.

    Nulls : NULL in, NULL out.
    Errors : those of `parse_whatsapp`.
    Cost : O(len(content)) time, about half of `parse_whatsapp`.
    Source : the rules of parse_whatsapp.

    Examples
    --------
    >>> sniff_whatsapp("25/03/2024, 09:15 - Ana: hi")["reason"]
    'dates that exist in this order only: 1'
    >>> found = sniff_whatsapp("My chat\\n[4/3/24, 9:15:20 PM] Ana: hi")
    >>> found["dialect"], found["date_order"], found["confident"], found["skipped"]
    ('[m/d/yy, h:mm:ss am]', 'mdy', True, 1)
    >>> sniff_whatsapp("no chat")["reason"]
    'no line begins with the date and time of a message'
    """
    chat = _read_records(content, _read_options(options, "sniff_whatsapp"))
    dialects = [segment.dialect for segment in chat.segments]
    if not chat.records:
        unknown = [(number, header.marker) for number, header in chat.unknown]
        none = (
            "no header has a date that exists"
            if chat.segments
            else "no line begins with the date and time of a message"
        )
        reason = _name_unknown(unknown) if unknown else none
        return {
            "dialect": None,
            "date_order": None,
            "confident": False,
            "reason": reason,
            "messages": 0,
            "skipped": chat.line_count,
        }
    reasons = list(dict.fromkeys(decision.reason for decision in chat.decisions))
    doubts = _find_doubts(chat)
    looks = zip(dialects, chat.decisions, strict=True)
    return {
        "dialect": " then ".join(describe(dialect, decision.order) for dialect, decision in looks),
        "date_order": chat.decisions[0].order,
        "confident": all(decision.confident for decision in chat.decisions) and not doubts,
        "reason": "; ".join(reasons + doubts),
        "messages": len(chat.records),
        "skipped": chat.records[0].line - 1,
    }
