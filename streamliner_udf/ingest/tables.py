"""Messages that are a table already: CSV, JSON Lines, Parquet. DuckDB reads the file, and columns go by their names."""

from __future__ import annotations

import codecs
import contextlib
import csv
import glob
import gzip
import io
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TextIO, cast

import duckdb

from ..sql import count, identifier, quoted
from . import staged
from .adapter import LISTED, Chat, LoadOptions, Skipped, Source
from .columns import find_columns, map_columns, select_messages
from .errors import ExportError

__all__ = ["CsvAdapter", "JsonlAdapter", "ParquetAdapter"]

_SAMPLE = 1 << 16
_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t|"
_REJECTS, _SCANS = "streamliner_rejects", "streamliner_scans"


@dataclass
class _Table:
    """How DuckDB reads a file."""

    scan: str
    expressions: dict[str, str]  # of the columns of the file, by name
    types: dict[str, str] = field(default_factory=dict)  # of columns that are no text
    reason: str = "NULL"  # why a row is none
    kept: list[str] = field(default_factory=list)  # columns that tell on which line a row is
    details: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def _file(source: Source, refuses_mark: bool, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """A path for DuckDB, whose readers take bytes only with the help of another package (fsspec). What is no file on
    disk is one for as long as it is read, in a folder that only this user can open. So is what begins with a byte order
    mark, if that is one too many (`refuses_mark`), and what has a name that DuckDB cannot be given."""
    marked = _is_marked(source, refuses_mark)
    if source.on_disk is not None and not marked:
        there = os.path.abspath(source.on_disk)
        if _can_be_named(there):
            yield _no_pattern(there, connection)
            return
    with tempfile.TemporaryDirectory(prefix="streamliner-") as folder:
        path = Path(folder, "file")
        with path.open("wb") as file, _unpacked(source) if marked else source.open() as reader:
            if marked:
                reader.read(len(codecs.BOM_UTF8))
            shutil.copyfileobj(reader, file)
        yield _no_pattern(str(path), connection)


def _can_be_named(path: str) -> bool:
    """Whether DuckDB has a way to name the file: in a pattern a backslash always ends a folder."""
    return os.sep == "\\" or "\\" not in path or not glob.has_magic(path)


def _no_pattern(path: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The path as DuckDB's readers take it for this file alone: they take every name for a pattern."""
    escaped = glob.escape(path)
    if escaped == path or connection.execute("SELECT current_setting('enable_external_access')").fetchall()[0][0]:
        return escaped
    # What is allowed by its name is forbidden by another one, so that the name stands where nothing else matches it.
    with connection.cursor() as other:
        try:
            found = other.execute("SELECT file FROM glob(?)", [path]).fetchall()
        except duckdb.Error:
            return escaped
    return path if found in ([], [(path,)]) else escaped


@contextlib.contextmanager
def _explained(source: Source, kind: str) -> Iterator[None]:
    """Errors of DuckDB and of packed files, in terms of the file that the caller gave."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ExportError(f"ingest: expected {source.name} to be a gzip file, got a broken one ({error})") from error
    except UnicodeDecodeError as error:  # of a message of DuckDB that quotes the file
        raise ExportError(f"ingest: expected {source.name} to be {kind}, got bytes that are no UTF-8") from error
    except duckdb.Error as error:
        said = str(error).strip().split("\n")[0]
        if isinstance(error, duckdb.PermissionException) or said.startswith("Permission Error"):
            raise ExportError(
                f"ingest: expected a connection that may read {source.name}, because DuckDB itself reads {kind}, "
                f"got one whose enable_external_access or allowed_directories forbid it ({said})"
            ) from error
        if "invalid state" in said:
            said += " (lines may end in different ways)"
        raise ExportError(f"ingest: expected {source.name} to be {kind}, got: {said}") from error


def _check_packed(source: Source) -> None:
    """Reads a gzip file to its end: DuckDB takes a broken one for one that ends there."""
    if _is_packed(source):
        with _unpacked(source) as file:
            while file.read(1 << 20):
                pass


def _is_packed(source: Source) -> bool:
    return source.head(2) == _GZIP


@contextlib.contextmanager
def _unpacked(source: Source) -> Iterator[BinaryIO]:
    with source.open() as file:
        if not _is_packed(source):
            yield file
            return
        with gzip.GzipFile(fileobj=file) as content:
            yield cast(BinaryIO, content)


def _head(source: Source) -> bytes:
    """The first bytes, unpacked."""
    head = source.head(_SAMPLE)
    if head.startswith(_GZIP):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(31).decompress(head, _SAMPLE)
        return b""
    return head


def _is_marked(source: Source, refuses_mark: bool) -> bool:
    """Whether it begins with a byte order mark that is one too many."""
    return refuses_mark and _head(source).startswith(codecs.BOM_UTF8)


def _compression(source: Source, refuses_mark: bool) -> str:
    """An option for what `_file` gives to DuckDB, which would go by the end of the name, or by what a question mark in
    it makes of that."""
    return "compression = 'gzip', " if _is_packed(source) and not _is_marked(source, refuses_mark) else ""


def _suffix(source: Source) -> str:
    return PurePosixPath(re.sub(r"\.gz$", "", source.filename.lower())).suffix


class _TableAdapter:
    """What the three kinds of file have in common."""

    name = ""
    kind = ""
    refuses_mark = False  # DuckDB takes no byte order mark in such a file
    reads_all = False  # every column is asked for, also one that nobody needs

    def _open(self, source: Source, path: str, options: LoadOptions, connection: duckdb.DuckDBPyConnection) -> _Table:
        raise NotImplementedError

    def _rejected(self, source: Source, connection: duckdb.DuckDBPyConnection) -> list[Skipped]:
        """What DuckDB could not make rows of."""
        return []

    def _lines(
        self, source: Source, table: _Table, rows: list[int], connection: duckdb.DuckDBPyConnection
    ) -> dict[int, int]:
        """Lines of the file on which rows stand, by their numbers; none where a file has no lines."""
        return {}

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        connection = options.connection
        if connection is None:
            raise ValueError(f"{self.name}: expected options with a connection, because DuckDB reads the file")
        title = options.chat or PurePosixPath(re.sub(r"\.gz$", "", source.filename)).stem
        with _explained(source, self.kind), _file(source, self.refuses_mark, connection) as path:
            table = self._open(source, path, options, connection)
            found = map_columns(source.name, list(table.expressions), options.mapping)
            reason = table.reason
            if self.reads_all:
                used = {name for names in found.values() for name in names}
                others = [f"strlen({table.expressions[name]}) < 0" for name in table.expressions if name not in used]
                reason = f"CASE WHEN {' OR '.join(others)} THEN '' END" if others else reason
            query = select_messages(
                table.scan, table.expressions, table.types, found, title, options, reason, table.kept
            )
            rows = staged.create(connection, query)
            _check_packed(source)
        columns = [name for name in rows.columns if name not in ("reason", "record")]
        warnings = []
        if "seq" in columns and not _numbers(connection):
            columns.remove("seq")
            warnings.append(f"{' '.join(found['seq'])} does not number the rows: they are numbered as they stand")
        chat = Chat(title, title, rows.filter("reason IS NULL"), ", ".join(columns))
        chat.has_ids = "native_id" in columns and not _any(connection, "native_id IS NULL")
        chat.details = table.details | {
            "columns": {name: " ".join(columns) for name, columns in found.items()},
            "left_out": [name for name in table.expressions if not any(name in columns for columns in found.values())],
        }
        chat.warnings = warnings
        chat.skipped = self._rejected(source, connection) + self._skipped(source, table, connection)
        yield chat
        staged.drop(connection)

    def _skipped(self, source: Source, table: _Table, connection: duckdb.DuckDBPyConnection) -> list[Skipped]:
        """Rows that are no message, each with its line, or where there is none its number among the rows."""
        bad = f"FROM temp.{staged.TABLE} WHERE reason IS NOT NULL"
        # Rows of a transaction that goes on have numbers far from 0, in order and without gaps.
        number = f"rowid - (SELECT min(rowid) FROM temp.{staged.TABLE})"
        found = connection.execute(f"SELECT {number}, reason {bad} ORDER BY rowid LIMIT {LISTED}").fetchall()
        lines: dict[int, int] = {}
        # Otherwise rows are numbered as they came.
        in_order = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0]
        if found and in_order:
            lines = self._lines(source, table, [row for row, _ in found], connection)
        skipped = [
            Skipped(
                source.name, reason, lines.get(row), place=f"row {row + 1:,}" if in_order and row not in lines else None
            )
            for row, reason in found
        ]
        if len(found) == LISTED and (others := count(connection, f"SELECT count(*) {bad}") - LISTED):
            skipped.append(Skipped(source.name, "other rows that are no messages either", count=others))
        return skipped


def _any(connection: duckdb.DuckDBPyConnection, condition: str) -> bool:
    return count(connection, f"SELECT count(*) FROM temp.{staged.TABLE} WHERE reason IS NULL AND {condition}") > 0


def _numbers(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether each message has a number of its own in `seq`; those of several exports in one file have not."""
    query = f"SELECT count(*) - count(DISTINCT seq) FROM temp.{staged.TABLE} WHERE reason IS NULL"
    return count(connection, query) == 0


class CsvAdapter(_TableAdapter):
    """Values with a comma, semicolon, tab or bar between them, and the names of the columns in the first line."""

    name, kind = "csv", "CSV"
    # Before 2.0 DuckDB looks for the column of a bad byte among those that are asked for, and where it is not there
    # takes the whole database down.
    reads_all = int(duckdb.__version__.split(".")[0]) < 2

    def sniff(self, source: Source) -> float:
        if source.is_container:
            return 0.0
        head = _head(source)
        header, _, _ = _read_header(head)
        if not header or b"\0" in head.removeprefix(codecs.BOM_UTF16_LE)[:_SAMPLE:2]:
            return 0.0
        found = find_columns(header)
        if _suffix(source) in (".csv", ".tsv"):
            return 0.92 if "text" in found else 0.6  # chats of other kinds may be quoted in it
        return 0.4 if "text" in found and len(found) > 1 else 0.0

    def _open(self, source: Source, path: str, options: LoadOptions, connection: duckdb.DuckDBPyConnection) -> _Table:
        header, delimiter, encoding = _read_header(_head(source))
        # DuckDB takes no two columns of one name, and none without.
        names: list[str] = []
        for number, name in enumerate(header, 1):
            unique = name.strip() or f"column{number}"
            names.append(unique if unique not in names else f"{unique}_{number}")
        for table in (_REJECTS, _SCANS):
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        columns = ", ".join(f"{quoted(f'c{number}')}: 'VARCHAR'" for number in range(len(names)))
        head = _head(source)
        escape = "\\" if b'\\"' in head and b'""' not in head else '"'
        # Said rather than found by DuckDB, which would take bad lines for a sign of another dialect.
        scan = (
            f"read_csv({quoted(path)}, auto_detect = false, columns = {{{columns}}}, header = true, "
            f"delim = {quoted(delimiter)}, quote = '\"', escape = {quoted(escape)}, encoding = {quoted(encoding)}, "
            f"{_compression(source, self.refuses_mark)}hive_partitioning = false, "
            f"store_rejects = true, rejects_table = '{_REJECTS}', rejects_scan = '{_SCANS}'"
        )
        details = {"delimiter": "tab" if delimiter == "\t" else delimiter}
        if escape != '"':
            details["escape"] = escape
        if _ends_differ(head) and not _can_read(connection, f"{scan})"):
            scan += ", strict_mode = false"
            details["quotes"] = "not checked, because lines end in different ways"
        scan += ")"
        if encoding != "utf-8":
            details["encoding"] = encoding
        expressions = {name: f"c{number}" for number, name in enumerate(names)}
        return _Table(scan, expressions, details=details, kept=list(expressions.values()))

    def _lines(
        self, source: Source, table: _Table, rows: list[int], connection: duckdb.DuckDBPyConnection
    ) -> dict[int, int]:
        """DuckDB does not say on which line a row begins, so that rows are looked for by their values. What Python's
        reader finds more or fewer times than DuckDB has no line."""
        query = f"SELECT record FROM temp.{staged.TABLE} WHERE reason IS NOT NULL ORDER BY rowid LIMIT {LISTED}"
        wanted: dict[tuple[str, ...], list[int]] = {}
        for row, (record,) in zip(rows, connection.execute(query).fetchall(), strict=True):
            wanted.setdefault(tuple(value or "" for value in record), []).append(row)
        all_listed, missing = len(rows) < LISTED, len(rows)
        there: dict[tuple[str, ...], list[int]] = {}
        with contextlib.suppress(csv.Error), _text(source) as file:
            reader = csv.reader(
                file,
                delimiter="\t" if table.details["delimiter"] == "tab" else table.details["delimiter"],
                doublequote="escape" not in table.details,
                escapechar=table.details.get("escape"),
            )
            line, at_header = 1, True
            for fields in reader:
                if not at_header and (key := tuple(fields)) in wanted:
                    places = there.setdefault(key, [])
                    missing -= len(places) < len(wanted[key])
                    places.append(line)
                    if not all_listed and not missing:
                        break
                at_header = at_header and not fields
                line = reader.line_num + 1
        lines: dict[int, int] = {}
        for key, numbers in wanted.items():
            places = there.get(key, [])
            if len(places) == len(numbers) or (not all_listed and len(places) > len(numbers)):
                lines |= zip(numbers, places, strict=False)
        return lines

    def _rejected(self, source: Source, connection: duckdb.DuckDBPyConnection) -> list[Skipped]:
        found = connection.execute(
            f"SELECT line, coalesce(line_byte_position, 0), arg_min(error_message, coalesce(column_idx, 0)) "
            f"FROM temp.{_REJECTS} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for table in (_REJECTS, _SCANS):
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        # DuckDB counts a row that goes over several lines as one.
        lines = _lines_at(source, [place for _, place, _ in found[:LISTED]])
        skipped = [Skipped(source.name, reason, lines.get(place)) for _, place, reason in found[:LISTED]]
        if len(found) > LISTED:
            skipped.append(Skipped(source.name, "other lines that are no rows either", count=len(found) - LISTED))
        return skipped


@contextlib.contextmanager
def _text(source: Source) -> Iterator[TextIO]:
    """A CSV file as text, with its line ends."""
    with _unpacked(source) as file:
        wide = _head(source)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        yield io.TextIOWrapper(file, "utf-16" if wide else "utf-8-sig", "replace", newline="")


def _ends_differ(head: bytes) -> bool:
    """Whether lines end in more than one way, be it inside of quotes, where that does no harm."""
    both = head.count(b"\r\n")
    return sum(count > 0 for count in (both, head.count(b"\n") - both, head.count(b"\r") - both)) > 1


def _can_read(connection: duckdb.DuckDBPyConnection, scan: str) -> bool:
    """Tries it outside of the transaction, which an error would end."""
    with connection.cursor() as other:
        try:
            other.execute(f"SELECT count(COLUMNS(*)) FROM {scan}")
        except duckdb.PermissionException:
            raise
        except duckdb.Error:
            return False
    return True


def _read_header(head: bytes) -> tuple[list[str], str, str]:
    """Names in the first line, the delimiter, and the encoding. No names where it is no CSV."""
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = head.decode("utf-16" if encoding == "utf-16" else "utf-8-sig", "replace").lstrip("\r\n")
    lines = text.splitlines(keepends=True)
    best: list[str] = []
    chosen = ","
    for delimiter in _DELIMITERS:
        try:
            fields = next(csv.reader(lines, delimiter=delimiter), [])
        except csv.Error:  # a field without an end
            continue
        if len(fields) > len(best):
            best, chosen = fields, delimiter
    return (best if any(name.strip() for name in best) else []), chosen, encoding


def _lines_at(source: Source, places: list[int]) -> dict[int, int]:
    """The line, from 1, of each of these bytes, which are in order; of the UTF-8 that DuckDB makes of the file."""
    lines: dict[int, int] = {}
    wanted = iter(sorted(set(places)))
    place = next(wanted, None)
    start, line = 0, 1
    with _unpacked(source) as content:
        file: Any = content
        if _head(source).startswith(codecs.BOM_UTF16_LE):
            file = codecs.EncodedFile(file, "utf-8", "utf-16-le", "replace")  # so named, it gives the mark too
        while place is not None and (piece := file.read(1 << 20)):
            at = 0
            while place is not None and place < start + len(piece):
                line += piece.count(b"\n", at, place - start)
                at = place - start
                lines[place] = line
                place = next(wanted, None)
            line += piece.count(b"\n", at)
            start += len(piece)
    return lines


class JsonlAdapter(_TableAdapter):
    """A JSON object a line. A mapping may name a member, or a path into one, like `$.from.name`."""

    name, kind = "jsonl", "JSON Lines"
    refuses_mark = True  # until 2.0

    def sniff(self, source: Source) -> float:
        if source.is_container:
            return 0.0
        named = _suffix(source) in (".jsonl", ".ndjson")
        lines = [line for line in _head(source).removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()][:3]
        if named:
            if not lines:
                return 0.0
            return 0.8 if "text" in find_columns(list(json.loads(lines[0]) if _is_object(lines[0]) else [])) else 0.6
        # One line alone may be any kind of JSON, and so may one that goes on after the sample.
        return 0.5 if sum(map(_is_object, lines)) > 1 else 0.0

    def _open(self, source: Source, path: str, options: LoadOptions, connection: duckdb.DuckDBPyConnection) -> _Table:
        scan = (
            f"read_json_objects({quoted(path)}, format = 'newline_delimited', ignore_errors = true, "
            f"{_compression(source, self.refuses_mark)}hive_partitioning = false)"
        )
        # A line that is no JSON is a row of NULL.
        names = connection.execute(
            f"SELECT name, min(n) AS n FROM (SELECT unnest(json_keys(json)) AS name, "
            f"generate_subscripts(json_keys(json), 1) AS n FROM (FROM {scan} WHERE json_type(json) = 'OBJECT' LIMIT "
            f"{LISTED})) GROUP BY name ORDER BY n, name"
        ).fetchall()
        expressions = {name: f"json->>{quoted(_member(name))}" for name, _ in names}
        expressions |= {path: f"json->>{quoted(path)}" for path in options.mapping.values() if path.startswith("$")}
        reason = (
            "CASE WHEN json IS NULL THEN 'no JSON' "
            "WHEN json_type(json) <> 'OBJECT' THEN 'JSON that is no object: ' || lower(json_type(json)) END"
        )
        return _Table(scan, expressions, dict.fromkeys(expressions, "JSON"), reason)

    def _lines(
        self, source: Source, table: _Table, rows: list[int], connection: duckdb.DuckDBPyConnection
    ) -> dict[int, int]:
        wanted = set(rows)
        lines: dict[int, int] = {}
        if not wanted:
            return lines
        row = 0
        with _unpacked(source) as file:
            for number, line in enumerate(file, 1):
                if line.strip():  # DuckDB passes over the others
                    if row in wanted:
                        lines[row] = number
                    row += 1
        return lines


def _member(name: str) -> str:
    """A path to a member, whatever is in its name."""
    escaped = name.replace('"', '\\"')
    return f'$."{escaped}"'


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class ParquetAdapter(_TableAdapter):
    """Parquet, with columns of whatever type."""

    name, kind = "parquet", "Parquet"

    def sniff(self, source: Source) -> float:
        return 0.95 if not source.is_container and source.head(4) == b"PAR1" else 0.0

    def _open(self, source: Source, path: str, options: LoadOptions, connection: duckdb.DuckDBPyConnection) -> _Table:
        scan = f"read_parquet({quoted(path)}, hive_partitioning = false)"
        types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE FROM {scan}").fetchall()}
        expressions = {name: identifier(name) for name in types}
        return _Table(scan, expressions, types)
