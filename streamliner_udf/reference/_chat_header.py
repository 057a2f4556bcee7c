"""The header of a message in an export of WhatsApp: date, time and what stands around them, in every dialect."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple

__all__: list[str] = []

MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"
SPACES = " \t\u00a0\u2009\u202f"
DASHES = "-\u2013\u2014"
# What a word ends at, be it a connector or a marker. Digits and control characters end it too.
_STOPS = ",[](/:" + DASHES
_CONNECTOR_MAX = 12
_MARKER_MAX = 24

# Markers without spaces and dots, in small letters.
_AM = (
    'am öö 上午 凌晨 清晨 早上 午前 오전 ص قظ πμ дп de dop fm ap sa проб vorm vormittags morgens nachts לפנה״צ לפנה"צ '
    "inthemorning"
)
_PM = (
    'pm ös 下午 晚上 午後 오후 م بظ μμ пп du odp em ip ch слоб nachm nachmittags abends אחה״צ אחה"צ intheafternoon '
    "intheevening"
)
AM, PM, NOON = set(_AM.split()), set(_PM.split()), {"中午", "mittags"}
# Words between date and time. Others may be such words, or mean morning and afternoon.
_CONNECTORS = ("klo", "à", "às", "kl.", "um", "at")

_MONTHS = (
    "jan january januar enero ene janeiro janvier janv gennaio gen januari",
    "feb february februar febrero fevereiro fev février févr febbraio februari",
    "mar march märz mär marzo março mars maart mrt",
    "apr april abril abr avril avr aprile",
    "may mai mayo maio maggio mag mei",
    "jun june juni junio junho juin giugno giu",
    "jul july juli julio julho juillet juil luglio lug",
    "aug august agosto ago août augustus",
    "sep sept september septiembre setembro set septembre settembre",
    "oct october oktober okt octubre outubro out octobre ottobre ott",
    "nov november noviembre novembro novembre",
    "dec december dezember dez diciembre dic dezembro décembre déc dicembre",
)
MONTHS = {name: month for month, names in enumerate(_MONTHS, 1) for name in names.split()}


class Dialect(NamedTuple):
    """What all headers of an export have in common, because the phone writes them with one locale."""

    form: str  # "bracket", "bracket, time first", "dash", "dash, time first" or "colon"
    separator: str  # of the date; "" where the month is a word
    spaces: tuple[bool, bool]
    year: str  # "first", "last 2", "last 4", "era first" or "era last"
    tail: str  # behind the date
    comma: str
    connector: str  # a word between date and time
    colon: str  # of the time
    has_seconds: bool
    marker: str  # "", "before" or "after"

    @property
    def has_doubtful_word(self) -> bool:
        """Whether the word between date and time may be one for morning or afternoon that nobody knows."""
        return self.connector not in ("", *_CONNECTORS) and not self.marker


@dataclass(frozen=True)
class Header:
    """What the header of one line says."""

    dialect: Dialect
    marked: bool  # U+200E or U+200F before it
    fields: tuple[str, str, str]  # the numbers of the date, as they are written
    year: int
    fixed: bool  # first is the month and second the day; otherwise either, and the year stands last
    first: int
    second: int
    time: datetime.time | None  # None: the marker is not known, and this is no header
    marker: str
    right_to_left: bool
    text: str  # all of it, with the marks before it
    rest: str  # what stands behind it

    @property
    def from_ios(self) -> bool:
        return not self.dialect.form.startswith("dash")


class _Cursor:
    """A place in a line."""

    def __init__(self, line: str, at: int) -> None:
        self.line = line
        self.at = at

    def peek(self) -> str:
        return self.line[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Over this text, if it stands here."""
        found = self.line.startswith(text, self.at)
        if found:
            self.at += len(text)
        return found

    def take_one(self, characters: Container[str]) -> str:
        """Over one of these characters, if one stands here."""
        c = self.peek()
        if not c or c not in characters:
            return ""
        self.at += 1
        return c

    def marks(self) -> None:
        while self.take_one(MARKS):
            pass

    def gap(self) -> bool:
        """Over spaces and marks; whether a space is among them."""
        start = self.at
        while self.take_one(MARKS + SPACES):
            pass
        return any(c in SPACES for c in self.line[start : self.at])

    def number(self, most: int) -> str:
        """One to `most` decimal digits of any script; none where there are more."""
        start = self.at
        while self.peek().isdecimal():
            self.at += 1
        digits = self.line[start : self.at]
        return "".join(str(unicodedata.decimal(c)) for c in digits) if len(digits) <= most else ""

    def word(self, most: int, extra: str = "") -> str:
        """Over characters that are no digits, stops, spaces or marks, other than those in `extra`; none if too many."""
        start = self.at
        while (c := self.peek()) and (c in extra or not (c < " " or c.isdecimal() or c in _STOPS + MARKS + SPACES)):
            self.at += 1
        found = self.line[start : self.at]
        return found if len(found) <= most else "\0"


@dataclass
class _Date:
    separator: str
    spaces: tuple[bool, bool]
    year_form: str
    tail: str
    fields: tuple[str, str, str]
    year: int
    fixed: bool
    first: int
    second: int


@dataclass
class _Time:
    hour: int
    minute: int
    second: int | None
    colon: str
    before: str
    after: str
    spaced: bool  # a space behind it


def _settle_year(era: str, text: str, tail: str) -> int | None:
    """The year of our calendar, or one below 1500 of the Solar Hijri calendar."""
    if era:
        return (2018 if era == "R" else 1988) + int(text) if len(text) <= 2 and tail != " BE" else None
    if len(text) == 2:
        return 2000 + int(text) if tail != " BE" else None
    year = int(text)
    if tail == " BE" or year >= 2400:
        return year - 543 if year - 543 >= 1500 else None
    return year if year >= 1300 else None


def _read_tail(c: _Cursor, separator: str) -> str:
    if separator == "年":
        return ""
    if separator == "." and c.take("."):
        return "."
    start = c.at
    c.take_one(SPACES)
    for tail in ("BE", "г."):
        if c.take(tail):
            return " " + tail
    c.at = start
    return ""


def _read_date(c: _Cursor) -> _Date | None:
    """Three numbers in any order, of which one is the year."""
    c.marks()
    era_first = c.take_one("RH")
    f1, era_last = c.number(4), ""
    if not era_first and c.take("年"):
        separator, spaces = "年", (False, False)
        f2 = c.number(2)
        if not c.take("月"):
            return None
        f3 = c.number(2)
        if len(f1) != 4 or not c.take("日"):
            return None
    else:
        c.marks()
        separator = c.take_one("/.-")
        c.marks()
        space1 = bool(c.take_one(SPACES))
        f2 = c.number(2)
        c.marks()
        if not separator or not c.take(separator):
            return None
        c.marks()
        spaces = (space1, bool(c.take_one(SPACES)))
        era_last = "" if era_first else c.take_one("RH")
        f3 = c.number(4)
    if not f1 or not f2 or not f3:
        return None
    tail = _read_tail(c, separator)
    fixed = bool(era_first) or len(f1) == 4
    if fixed:
        form, year_text, first, second = "era first" if era_first else "first", f1, int(f2), int(f3)
        if len(f3) > 2 or era_last or first > 12:
            return None
    else:
        form, year_text, first, second = f"last {len(f3)}", f3, int(f1), int(f2)
        if era_last:
            form = "era last"
        elif len(f3) not in (2, 4):
            return None
        if len(f1) > 2 or min(first, second) > 12:
            return None
    year = _settle_year(era_first or era_last, year_text, tail)
    if year is None or not (1 <= first <= 31 and 1 <= second <= 31):
        return None
    return _Date(separator, spaces, form, tail, (f1, f2, f3), year, fixed, first, second)


def _read_word_date(c: _Cursor) -> _Date | None:
    """`14 Sep 2015`"""
    day = c.number(2)
    if not day or not c.gap():
        return None
    name = c.word(_CONNECTOR_MAX)
    if not c.gap():
        return None
    year, month = c.number(4), MONTHS.get(name.removesuffix(".").lower(), 0)
    if len(year) != 4 or int(year) < 1500 or not month or not 1 <= int(day) <= 31:
        return None
    return _Date("", (False, False), "last 4", "", (day, name, year), int(year), True, month, int(day))


def _tidy(marker: str) -> str:
    """A marker as it is compared."""
    return "".join(c for c in marker if c not in MARKS + SPACES + ".").lower()


def _is_known(marker: str) -> bool:
    return _tidy(marker) in AM | PM | NOON


def _read_time(c: _Cursor, before: str) -> _Time | None:
    """Hour, minute and second, and the marker behind them."""
    hour = c.number(2)
    if not hour or int(hour) > 23:
        return None
    colon = c.take_one(":.")
    if not colon:
        while c.take_one(SPACES):
            pass
        if not c.take("h"):
            return None
        colon = "h"
        while c.take_one(SPACES):
            pass
    minute = c.number(2)
    if len(minute) != 2 or int(minute) > 59:
        return None
    second, start = "", c.at
    if colon == "h":
        while c.take_one(SPACES):
            pass
        if c.take("min"):
            while c.take_one(SPACES):
                pass
            second = c.number(2)
            while c.take_one(SPACES):
                pass
            if len(second) != 2 or not c.take("s"):
                return None
        else:
            c.at = start
    elif c.take(colon):
        if c.peek().isdecimal():
            second = c.number(2)
            if len(second) != 2:
                return None
        else:
            c.at = start
    if second and int(second) > 59:
        return None
    after = c.word(_MARKER_MAX, SPACES + MARKS)
    if "\0" in after:
        return None
    behind = after[len(after.rstrip(SPACES + MARKS)) :]
    marker = "".join(character for character in after if character not in MARKS).strip(SPACES)
    if marker and before:
        return None
    spaced = any(space in SPACES for space in behind)
    return _Time(int(hour), int(minute), int(second) if second else None, colon, before, marker, spaced)


def _read_before(c: _Cursor) -> tuple[str, str] | None:
    """Connector and marker before a time."""
    connector = marker = ""
    word = c.word(_CONNECTOR_MAX)
    if word and c.gap() and not _is_known(word):
        connector, word = word, c.word(_CONNECTOR_MAX)
        c.gap()
    if word:
        marker = word
    return None if "\0" in connector + marker else (connector, marker)


def _clock(time: _Time) -> datetime.time | None:
    """The time of day, if the marker is known or there is none."""
    hour, marker = time.hour, _tidy(time.before or time.after)
    if time.before or time.after:
        if marker not in AM | PM | NOON:
            return None
        if marker in NOON:
            hour += 12 if hour < 10 else 0
        elif hour <= 12:
            hour = hour % 12 + (12 if marker in PM else 0)
    return datetime.time(hour, time.minute, time.second or 0)


def _make(
    c: _Cursor, form: str, stop: int, marked: bool, date: _Date, comma: str, connector: str, time: _Time
) -> Header | None:
    """The header, if a space stands behind it."""
    if not c.take_one(SPACES):
        return None
    marker = "before" if time.before else "after" if time.after else ""
    dialect = Dialect(
        form=form,
        separator=date.separator,
        spaces=date.spaces,
        year=date.year_form,
        tail=date.tail,
        comma=comma,
        connector=connector,
        colon=time.colon,
        has_seconds=time.second is not None,
        marker=marker,
    )
    return Header(
        dialect=dialect,
        marked=marked,
        fields=date.fields,
        year=date.year,
        fixed=date.fixed,
        first=date.first,
        second=date.second,
        time=_clock(time),
        marker=time.before or time.after,
        right_to_left="\u200f" in c.line[:stop],
        text=c.line[: c.at],
        rest=c.line[c.at :],
    )


def _read_date_first(line: str, at: int, bracket: bool, marked: bool) -> Header | None:
    c = _Cursor(line, at)
    date = _read_date(c)
    if date is None:
        return None
    c.marks()
    comma = c.take_one(",\u060c.")
    if not c.gap():
        return None
    stop = c.at
    before = _read_before(c)
    time = _read_time(c, before[1]) if before else None
    if before is None or time is None:
        return None
    if bracket:
        form, closed = "bracket", c.take("]")
    elif c.peek() == ":":
        form, closed = "colon", c.take(":")
    else:
        form, closed = "dash", time.spaced and bool(c.take_one(DASHES))
    return _make(c, form, stop, marked, date, comma, before[0], time) if closed else None


def _read_time_first(line: str, at: int, bracket: bool, marked: bool) -> Header | None:
    c = _Cursor(line, at)
    c.marks()
    marker = ""
    if bracket:
        marker = c.word(_CONNECTOR_MAX)
        c.gap()
    time = _read_time(c, marker) if marker != "\0" else None
    if time is None or not c.take(",") or not c.gap():
        return None
    date = _read_date(c) if bracket else _read_word_date(c)
    stop = c.at
    if date is None or (bracket and time.second is None):  # what the desktop copies has no seconds
        return None
    if bracket:
        c.marks()
        form, closed = "bracket, time first", c.take("]")
    else:
        form, closed = "dash, time first", c.gap() and bool(c.take_one(DASHES))
    return _make(c, form, stop, marked, date, ",", "", time) if closed else None


def read_header(line: str) -> Header | None:
    """The header that a line begins with. One without a time has a marker that nobody knows, and is no header."""
    c = _Cursor(line, 0)
    c.marks()
    marked = any(mark in "\u200e\u200f" for mark in line[: c.at])
    bracket = c.take("[")
    return _read_date_first(line, c.at, bracket, marked) or _read_time_first(line, c.at, bracket, marked)


def show(text: str) -> str:
    """A header, or a word of it, as people see it."""
    return re.sub(f"[{SPACES}]+", " ", "".join(c for c in text if c not in MARKS)).strip(" ")


def describe(dialect: Dialect, order: str) -> str:
    """A dialect as people write it: `d/m/yyyy, hh:mm -`."""
    year = {"first": "yyyy", "last 2": "yy", "last 4": "yyyy"}.get(dialect.year, "Ry")
    parts = {"ymd": [year, "m", "d"], "dmy": ["d", "m", year], "mdy": ["m", "d", year]}[order]
    between = [dialect.separator + " " * space for space in dialect.spaces]
    if dialect.separator == "年":
        date = "yyyy年m月d日"
    elif dialect.separator:
        date = parts[0] + between[0] + parts[1] + between[1] + parts[2]
    else:
        date = "d Month yyyy"
    date += dialect.tail
    time = "h" if dialect.marker else "hh"
    if dialect.colon == "h":
        time += " h mm" + (" min ss s" if dialect.has_seconds else "")
    else:
        time += dialect.colon + "mm" + (dialect.colon + "ss" if dialect.has_seconds else "")
    time = {"": time, "before": "am " + time, "after": time + " am"}[dialect.marker]
    if dialect.form.endswith("time first"):
        stamp = f"{time}, {date}"
    else:
        stamp = f"{date}{dialect.comma} {dialect.connector}{' ' if dialect.connector else ''}{time}"
    return {"b": f"[{stamp}]", "d": f"{stamp} -", "c": f"{stamp}:"}[dialect.form[0]]
