"""Which columns of somebody's table are which of the message table, and what the times in them mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..sql import quoted
from .adapter import MESSAGE_COLUMNS, LoadOptions
from .errors import ExportError

__all__ = ["find_columns", "map_columns", "select_messages"]

# What others call the columns; compared without case and without what is no letter or digit. The first found is taken.
_SYNONYMS = {
    "ts": "ts timestamp datetime date time sent_at created_at sent created timestamp_ms date_unixtime message_date",
    "ts_utc": "ts_utc timestamp_utc date_utc utc",
    "text": "text message body content msg message_text message_body message_content",
    "author": "author from sender user name username author_name sender_name from_name nickname speaker",
    "author_id": "author_id sender_id user_id from_id",
    "native_id": "native_id id message_id msg_id guid",
    "reply_to": "reply_to in_reply_to reply_to_id reply_to_message_id",
    "chat": "chat room channel conversation group chat_name channel_name conversation_name",
    "thread": "thread thread_id chat_id channel_id conversation_id",
    "media": "media attachment attachments",
    "kind": "kind",
    "edited": "edited is_edited",
    "seq": "seq",
    "line": "line",
}
_TYPES = {"seq": "BIGINT", "line": "BIGINT", "edited": "BOOLEAN"}
_TIMES = ("ts", "ts_utc")
# A row with none of these is no message.
_SUBSTANCE = ("text", "media", "author", "ts", "ts_utc", "native_id")

_STAMP = r"^(\d{4}-\d\d?-\d\d?[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)"
_OFFSET = r" ?(?:Z|z|UTC|([+-]\d\d)(?::?(\d\d))?)$"
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
# Day, name of the month, year: no order to guess.
_NAMED_MONTHS = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_ORDERS = {"dmy": "%d/%m/", "mdy": "%m/%d/", "ymd": "%Y/%m/%d"}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def find_columns(columns: list[str]) -> dict[str, list[str]]:
    """Columns of the file for each of the message table, by their names; two where date and time stand apart."""
    there: dict[str, str] = {}
    for column in columns:
        there.setdefault(_plain(column), column)
    found: dict[str, list[str]] = {}
    taken: set[str] = set()
    for wanted, synonyms in _SYNONYMS.items():
        for synonym in synonyms.split():
            match = there.get(_plain(synonym))
            if match is not None and match not in taken:
                found[wanted] = [match]
                taken.add(match)
                break
    if {"date", "time"} <= there.keys() and found["ts"] == [there["date"]]:
        found["ts"].append(there["time"])
    return found


def map_columns(name: str, columns: list[str], mapping: dict[str, str]) -> dict[str, list[str]]:
    """What the caller said, and for the rest what the names say."""
    found = find_columns(columns)
    listed = ", ".join(columns) or "none"
    for wanted, column in mapping.items():
        if wanted not in MESSAGE_COLUMNS and wanted != "thread":
            known = ", ".join([*MESSAGE_COLUMNS, "thread"])
            raise ValueError(f"ingest: expected mapping to name columns of the message table ({known}), got {wanted!r}")
        if column not in columns:
            raise ExportError(f"ingest: expected {name} to have a column {column!r}, got {listed}")
        # What the caller uses for one thing is not taken for another by its name.
        found = {other: taken for other, taken in found.items() if other in mapping or column not in taken}
        found[wanted] = [column]
    if "text" not in found:
        synonyms = _SYNONYMS["text"].replace(" ", ", ")
        raise ExportError(
            f"ingest: expected {name} to have a column of texts ({synonyms}), got {listed}; "
            "a mapping says which it is: {'text': 'column'}"
        )
    return found


def _parse_time(value: str, kind: str, options: LoadOptions) -> tuple[str, str]:
    """Expressions of the wall clock and of the moment that a value means, NULL where it means none."""
    zone = quoted(options.timezone or "UTC")
    if kind.startswith(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")):
        return f"timezone({zone}, {value})", f"CAST({value} AS TIMESTAMPTZ)"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"CAST({value} AS TIMESTAMP)", "CAST(NULL AS TIMESTAMPTZ)"
    number = f"TRY_CAST({value} AS DOUBLE)"
    # Seconds, milli-, micro- or nanoseconds since 1970: from 1973 to 5138 their sizes do not overlap.
    micros = (
        f"CASE WHEN abs({number}) < 1e11 THEN {number} * 1e6 WHEN abs({number}) < 1e14 THEN {number} * 1e3 "
        f"WHEN abs({number}) < 1e17 THEN {number} ELSE {number} / 1e3 END"
    )
    epoch = f"make_timestamp(CAST(round({micros}) AS BIGINT))"
    is_epoch = rf"regexp_full_match({value}, '-?\d{{9,19}}(\.\d+)?')"
    is_offset = f"regexp_matches({value}, {quoted(_STAMP + _OFFSET)})"
    hours, minutes = (
        f"coalesce(TRY_CAST(regexp_extract({value}, {quoted(_STAMP + _OFFSET)}, {group}) AS INTEGER), 0)"
        for group in (2, 3)
    )
    sign = f"(CASE WHEN regexp_extract({value}, {quoted(_STAMP + _OFFSET)}, 2) LIKE '-%' THEN -1 ELSE 1 END)"
    local = f"TRY_CAST(replace(regexp_extract({value}, {quoted(_STAMP)}, 1), ',', '.') AS TIMESTAMP)"
    moment = f"{local} - to_minutes({hours} * 60 + {sign} * {minutes})"
    formats = [f"{day}{clock}" for day in _NAMED_MONTHS for clock in ("", *(f" {one}" for one in _CLOCKS))]
    others = [f"TRY_CAST({value} AS TIMESTAMP)", f"try_strptime({value}, [{', '.join(map(quoted, formats))}])"]
    if order := _ORDERS.get(options.date_order):
        # Two digits of a year first: with four, %y leaves something over, but %Y takes two as the first century.
        days = [order] if order.endswith("d") else [f"{order}%y", f"{order}%Y"]
        formats = [f"{day}{clock}" for day in days for clock in ("", *(f" {one}" for one in _CLOCKS))]
        even = rf"replace(regexp_replace({value}, '^(\d+)[.-](\d+)[.-](\d+)', '\1/\2/\3'), ',', '')"
        others.append(f"try_strptime({even}, [{', '.join(map(quoted, formats))}])")
    # By far the commonest form first, because the others cost a regular expression.
    usual = f"{value} LIKE '____-__-_____:__:__'"
    return (
        f"CASE WHEN {usual} THEN TRY_CAST({value} AS TIMESTAMP) "
        f"WHEN {is_epoch} THEN timezone({zone}, timezone('UTC', {epoch})) WHEN {is_offset} THEN {local} "
        f"ELSE coalesce({', '.join(others)}) END",
        f"CASE WHEN {usual} THEN NULL WHEN {is_epoch} THEN timezone('UTC', {epoch}) "
        f"WHEN {is_offset} THEN timezone('UTC', {moment}) END",
    )


def _lines(value: str, kind: str) -> str:
    """An expression of the elements of a list, one a line, because names of files may hold commas."""
    if kind.endswith("[]"):
        return f"array_to_string(CAST({value} AS VARCHAR[]), chr(10))"
    if kind == "JSON":
        text = f"CAST({value} AS VARCHAR)"
        listed = f"""array_to_string(from_json({text}, '["VARCHAR"]'), chr(10))"""
        return f"CASE WHEN {text} LIKE '[%' AND json_valid({text}) THEN {listed} ELSE {text} END"
    return value


def select_messages(
    scan: str,
    expressions: dict[str, str],
    types: dict[str, str],
    found: dict[str, list[str]],
    title: str,
    options: LoadOptions,
    reason: str = "NULL",
    kept: Sequence[str] = (),
) -> str:
    """A SELECT of the message columns that the file has, and of `reason`: why a row is no message, or NULL.

    scan : what DuckDB reads, FROM which the expressions of the file's columns and a first reason are taken.
    types : of columns that are no text.
    kept : columns of the scan; a row that is no message has their values in `record`, a list.
    """
    raw: dict[str, str] = {}
    timed: dict[str, str] = {}
    unread: list[str] = []
    for name, columns in found.items():
        kind = types.get(columns[0], "VARCHAR") if len(columns) == 1 else "VARCHAR"
        taken = [expressions[column] for column in columns]
        if name in _TIMES and not kind.startswith(("TIMESTAMP", "DATE")):
            # DuckDB writes large numbers with an exponent, unless they are whole.
            whole = [f"CAST({one} AS HUGEINT)" if kind in ("DOUBLE", "FLOAT") else one for one in taken]
            raw[name] = f"nullif(trim(concat_ws(' ', {', '.join(f'CAST({one} AS VARCHAR)' for one in whole)})), '')"
        else:
            raw[name] = _lines(taken[0], kind) if name == "media" else taken[0]
        if name in _TIMES:
            wall, moment = _parse_time(f"raw_{name}", kind, options)
            timed |= {f"wall_{name}": wall, f"moment_{name}": moment}
            label = quoted(f"a time in {' and '.join(columns)} that cannot be read: ")
            unread.append(
                f"WHEN raw_{name} IS NOT NULL AND wall_{name} IS NULL THEN {label} || left(raw_{name}::VARCHAR, 40)"
            )
        else:
            raw[name] = f"TRY_CAST({raw[name]} AS {_TYPES.get(name, 'VARCHAR')})"
    final = {name: f"raw_{name}" for name in raw if name not in _TIMES}
    if "ts" in raw:
        final |= {"ts": "wall_ts", "ts_utc": "moment_ts"}
    if "ts_utc" in raw:
        # A time without an offset in a column of this name is UTC.
        stated = "coalesce(moment_ts_utc, timezone('UTC', wall_ts_utc))"
        final["ts_utc"] = f"coalesce({stated}, moment_ts)" if "ts" in raw else stated
        zone = quoted(options.timezone or "UTC")
        final["ts"] = f"coalesce(wall_ts, timezone({zone}, {stated}))" if "ts" in raw else f"timezone({zone}, {stated})"
    if "chat" in raw:
        final["chat"] = f"coalesce(nullif(raw_chat, ''), {quoted(title)})"
    if "thread" in raw or "chat" in raw:
        given = ", ".join(f"nullif(raw_{name}, '')" for name in ("thread", "chat") if name in raw)
        final["thread"] = f"coalesce({given}, {quoted(title)})"
    for name in ("native_id", "author", "author_id", "reply_to", "media"):
        if name in raw:
            final[name] = f"nullif(raw_{name}, '')"
    if "kind" not in raw:
        media = "WHEN nullif(raw_media, '') IS NOT NULL THEN 'attachment' " if "media" in raw else ""
        final["kind"] = f"CASE WHEN nullif(raw_text, '') IS NOT NULL THEN 'text' {media}ELSE 'empty' END"
    nothing = " AND ".join(f"nullif(raw_{name}::VARCHAR, '') IS NULL" for name in _SUBSTANCE if name in raw)
    final["reason"] = (
        f"CASE WHEN reason IS NOT NULL THEN reason WHEN {nothing} THEN 'an empty row' {' '.join(unread)} END"
    )
    if kept:
        final["record"] = f"CASE WHEN ({final['reason']}) IS NOT NULL THEN [{', '.join(kept)}] END"
    taken_raw = ", ".join([*(f"{expression} AS raw_{name}" for name, expression in raw.items()), *kept])
    also = "".join(f", {expression} AS {name}" for name, expression in timed.items())
    listed = ", ".join(f"{expression} AS {name}" for name, expression in final.items())
    return f"SELECT {listed} FROM (SELECT *{also} FROM (SELECT {taken_raw}, {reason} AS reason FROM {scan}))"
