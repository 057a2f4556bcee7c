"""The order of day, month and year in an export of WhatsApp: decided once, from the strongest evidence there is."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ._chat_header import Header

__all__: list[str] = []

Record = tuple[Header, str]  # and the text of the message


class Decision(NamedTuple):
    """An order, and why it is that one."""

    order: str
    confident: bool
    reason: str


_MEDIA_DATES = (
    re.compile("[A-Z]-([0-9]{4})([0-9]{2})([0-9]{2})-WA[0-9]"),
    re.compile(r"[A-Z]-([0-9]{4})-([0-9]{2})-([0-9]{2})-[0-9]{2}-[0-9]{2}-[0-9]{2}\."),
)


def year_month_day(header: Header, order: str) -> tuple[int, int, int]:
    """The three numbers of the date; the day may not exist in that order."""
    if header.fixed or order == "mdy":
        return header.year, header.first, header.second
    if order == "ymd":
        return 2000 + header.first, header.second, int(header.fields[2])
    return header.year, header.second, header.first


def _prefer(dmy: int, mdy: int) -> str | None:
    """The order that more speaks for."""
    return None if dmy == mdy else "dmy" if dmy > mdy else "mdy"


def _judge_fields(records: Sequence[Record]) -> Decision | None:
    """No month is above 12."""
    dmy, mdy = sum(r.first > 12 for r, _ in records), sum(r.second > 12 for r, _ in records)
    order = _prefer(dmy, mdy)
    if order is None:
        return None
    most, least = max(dmy, mdy), min(dmy, mdy)
    if least:
        return Decision(order, False, f"dates that exist in this order only: {most}, in the other only: {least}")
    return Decision(order, True, f"dates that exist in this order only: {most}")


def _judge_media(records: Sequence[Record]) -> Decision | None:
    """Names of media hold the day on which they were sent."""
    dmy = mdy = 0
    for header, body in records:
        if header.first != header.second:
            for pattern in _MEDIA_DATES:
                for match in pattern.finditer(body):
                    name = tuple(map(int, match.groups()))
                    dmy += name == year_month_day(header, "dmy")
                    mdy += name == year_month_day(header, "mdy")
    order = _prefer(dmy, mdy)
    return (
        None
        if order is None
        else Decision(order, True, f"names of media that hold the date of their message: {max(dmy, mdy)}")
    )


def _judge_time(records: Sequence[Record]) -> Decision | None:
    """Messages follow each other in time."""

    def steps_back(order: str) -> int:
        dates = [year_month_day(header, order) for header, _ in records]
        return sum(after < before for before, after in itertools.pairwise(dates))

    dmy, mdy = steps_back("dmy"), steps_back("mdy")
    order = _prefer(mdy, dmy)
    reason = f"dates before the one above them: {min(dmy, mdy)}, in the other order {max(dmy, mdy)}"
    return None if order is None else Decision(order, True, reason)


def _judge_movement(records: Sequence[Record]) -> Decision | None:
    """Where one field stands still and the other does not, the chat lasted some days of one month."""
    firsts, seconds = {r.first for r, _ in records}, {r.second for r, _ in records}
    reason = "of day and month only the day changes"
    if len(seconds) == 1 and len(firsts) >= 3:
        return Decision("dmy", True, reason)
    return Decision("mdy", True, reason) if len(firsts) == 1 and len(seconds) >= 3 else None


def _judge_last(records: Sequence[Record], until: datetime.date) -> Decision | None:
    """No message is written after its file."""

    def later(order: str) -> int:
        dates = (settle(header, order) for header, _ in records)
        return sum(date is not None and date > until for date in dates)

    dmy, mdy = later("dmy"), later("mdy")
    if bool(dmy) == bool(mdy):
        return None
    reason = f"dates after the file was written, in the other order only: {max(dmy, mdy)}"
    return Decision("mdy" if dmy else "dmy", True, reason)


def _judge_looks(records: Sequence[Record]) -> Decision | None:
    """Who leaves out zeros and writes AM, or two digits of the year, puts the month first; all others the day."""
    header = records[0][0]
    dialect = header.dialect
    upper = header.marker in ("AM", "PM")
    days_and_months = [text for record, _ in records for text in record.fields[:2]]
    if dialect.separator != "/":
        return Decision("dmy", True, f"with {dialect.separator} between its numbers, a date has the day first")
    if dialect.comma == "\u060c" or header.right_to_left:
        return Decision("dmy", True, "where people write from right to left, a date has the day first")
    if dialect.marker and not upper:
        return Decision("dmy", True, "where am and pm are not capitals, a date has the day first")
    if any(text.startswith("0") for text in days_and_months):
        return Decision("dmy", True, "with leading zeros, a date has the day first")
    if any(len(text) == 1 for text in days_and_months):
        if upper:
            return Decision("mdy", True, "without leading zeros and with AM and PM, a date has the month first")
        if dialect.year == "last 2":
            return Decision(
                "mdy", False, "without leading zeros and with a short year, most dates have the month first"
            )
    return None


_JUDGES: tuple[Callable[[Sequence[Record]], Decision | None], ...] = (
    _judge_fields,
    _judge_media,
    _judge_time,
    _judge_movement,
)


def decide(records: Sequence[Record], wanted: str, until: datetime.date | None) -> Decision:
    """One order for all records, at least one. `until`: the last day on which one can be written."""
    undecided = [record for record in records if not record[0].fixed]
    if not undecided:
        if records[0][0].dialect.separator:
            return Decision("ymd", True, "the year stands first")
        return Decision("dmy", True, "the month is a word")
    short = all(header.dialect.year == "last 2" for header, _ in undecided)
    if wanted in ("dmy", "mdy") or (wanted == "ymd" and short):
        return Decision(wanted, True, "the caller knows it")
    for judge in _JUDGES:
        if decision := judge(undecided):
            return decision
    if until and (decision := _judge_last(undecided, until)):
        return decision
    if decision := _judge_looks(undecided):
        return decision
    return Decision("dmy", False, "nothing tells, and most dates have the day first")


def settle(header: Header, order: str) -> datetime.date | None:
    """The date in that order, if there is such a day."""
    year, month, day = year_month_day(header, order)
    try:
        return _from_hijri(year, month, day) if year < 1500 else datetime.date(year, month, day)
    except ValueError:
        return None


def _from_hijri(year: int, month: int, day: int) -> datetime.date:
    """A date of the Solar Hijri calendar: months of 31, then 30 days, the last of 29, or 30 in 8 of 33 years."""

    def before(year: int) -> int:
        return 365 * (year - 1) + (8 * year + 21) // 33

    leap = before(year + 1) - before(year) - 365
    length = 31 if month <= 6 else 30 if month <= 11 else 29 + leap
    if not (1 <= month <= 12 and 1 <= day <= length):
        raise ValueError(f"no day {day} in month {month} of {year}")
    days = before(year) + 31 * min(month - 1, 6) + 30 * max(month - 7, 0) + day - 1
    return datetime.date(2024, 3, 20) + datetime.timedelta(days - before(1403))
