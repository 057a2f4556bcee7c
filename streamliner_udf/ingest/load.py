"""Exports into the message table: one transaction, stable keys, and a report of every file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from ..resources import GROUP_MAX
from ..row_groups import advice, group_rows
from ..sql import count, quoted
from ..transaction import is_open, transaction
from . import registry, staging
from .adapter import LISTED, MESSAGE_COLUMNS, Adapter, Chat, LoadOptions, Skipped, Source
from .choosing import pieces, refusal
from .errors import ExportError
from .report import FileReport, IngestReport
from .safezip import ZipLimits, ZipValidationError
from .sources import PathLike, expand
from .zones import moment

__all__ = ["check_timezone", "count_messages", "ingest", "with_progress"]

MODES = ("append", "replace", "merge")
SCHEMAS = ("messages", "staging")
ORDERS = ("auto", "dmy", "mdy", "ymd")
Progress = Callable[[str, int, int], object]

# What tells messages without an id apart, but for how often the same was there before.
_CONTENT = ("coalesce(epoch_us(ts)::VARCHAR, '')", "coalesce(author, '')", "coalesce(text, '')")

_ROWS = "streamliner_rows"
_REPEATED = "streamliner_repeated"
_HASHES = "streamliner_hashes"
_NEW = "streamliner_new"
_COPY = "streamliner_copy"
# Chats that wait to be inserted with others, and their rows and bytes, at most: they stay in memory.
_WAITING, _WAITING_ROWS, _WAITING_BYTES = 200, 500_000, 64 << 20

# Before 1.5 DuckDB asks for an Arrow stream when it is registered, and not whenever it is scanned.
_SCANS_STREAMS_ONCE = tuple(map(int, duckdb.__version__.split(".")[:2])) < (1, 5)


@dataclass
class _Target:
    """Where the messages go."""

    connection: duckdb.DuckDBPyConnection
    table: str
    mode: str
    schema: str

    def columns(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {self.table}").fetchall()}

    @property
    def key(self) -> str:
        return "msg_key" if self.schema == "messages" else "event_id"

    def wanted(self) -> dict[str, str]:
        return {"msg_key": "UUID", **MESSAGE_COLUMNS} if self.schema == "messages" else staging.COLUMNS

    def prepare(self) -> None:
        """The table, empty if it is to be replaced. An error if it is there and has other columns."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in self.wanted().items())
        if self.mode == "replace":
            self.connection.execute(f"CREATE OR REPLACE TABLE {self.table} ({columns})")
            return
        # An error would end the transaction, so that one cannot ask for the table and see.
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {self.table} ({columns})")
        there = self.columns()
        for name, kind in self.wanted().items():
            if name not in there:
                raise ExportError(
                    f"ingest: expected table {self.table} to have a column {name} {kind}, got {', '.join(there)}"
                )

    def batch_rows(self) -> int | None:
        """Rows of a row group, which DuckDB writes in parallel where a batch is one; smaller ones it puts together
        first, and one thread writes them. A merge goes through a table in memory."""
        rows = group_rows(self.connection, self.table)
        return None if rows is None else GROUP_MAX if self.mode == "merge" else min(rows, GROUP_MAX)

    def insert(self, selected: str, unique: bool) -> tuple[int, int]:
        """Rows inserted, and rows left out because they are there. `unique`: no two of the selected have one key."""
        names = ", ".join(f'"{name}"' for name in self.wanted())
        if self.mode != "merge":
            return count(self.connection, f"INSERT INTO {self.table} ({names}) {selected}"), 0
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_NEW} AS {selected}")
        try:
            key = self.key
            total = count(self.connection, f"SELECT count(*) FROM {_NEW}")
            new = _NEW
            if not unique and count(self.connection, f"SELECT count(DISTINCT {key}) FROM {_NEW}") < total:
                new = f"(FROM {_NEW} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY rowid) = 1)"
            inserted = count(
                self.connection,
                f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {new} n "
                f"WHERE NOT EXISTS (SELECT 1 FROM {self.table} t WHERE t.{key} = n.{key})",
            )
        finally:
            with contextlib.suppress(duckdb.Error):
                self.connection.execute(f"DROP TABLE IF EXISTS temp.{_NEW}")
        return inserted, total - inserted


class _Stream:
    """Rows that can be let go of: DuckDB keeps what was registered in a transaction until its end, and with it the
    bytes of every file."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rows, name)


def _is_stream(chat: Chat) -> bool:
    # A relation can be asked for a stream too, but would run on this connection while the connection reads it.
    return hasattr(chat.rows, "__arrow_c_stream__") and not isinstance(chat.rows, duckdb.DuckDBPyRelation)


@contextlib.contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, chat: Chat, name: str = _ROWS) -> Iterator[None]:
    """The rows of the chat under a name."""
    is_stream = _is_stream(chat)
    stream = _Stream(chat.rows)
    connection.register(name, stream if is_stream else chat.rows)
    copied = _SCANS_STREAMS_ONCE and is_stream
    try:
        if copied:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {_COPY} AS FROM {name}")
            connection.unregister(name)
            connection.register(name, connection.table(f"temp.{_COPY}"))
        yield
    finally:
        # In a transaction that failed nothing can be dropped, and need not be: it is undone with the rest.
        with contextlib.suppress(duckdb.Error):
            connection.unregister(name)
            if copied:
                connection.execute(f"DROP TABLE IF EXISTS temp.{_COPY}")
        stream.rows = None


@dataclass
class _Waiting:
    """A chat that is registered, and is to be inserted with others."""

    selected: str
    rows: int
    size: int
    file: FileReport


class _Loader:
    """Chats into one table.

    Small chats wait for each other, since DuckDB ends its row groups with each INSERT on several threads: of forty
    chats of 25,000 messages by themselves it makes small groups, and the next checkpoint writes all of them again.
    """

    def __init__(self, target: _Target, options: LoadOptions) -> None:
        self.target = target
        self.options = options
        self.inserting = 0.0  # seconds
        self._waiting: list[_Waiting] = []
        self._registered = contextlib.ExitStack()
        threads = target.connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
        self._enough = min(int(threads) * GROUP_MAX, _WAITING_ROWS)

    def load(self, chat: Chat, adapter: Adapter, source: Source, file: FileReport) -> tuple[int, int]:
        """Rows that are, or will be, inserted, and rows that were there. What was skipped goes to the chat's report."""
        rows, size = self._rows_to_come(chat), chat.held or 0
        if rows is None or sum(one.size for one in self._waiting) + size > _WAITING_BYTES:
            self.insert_waiting()
        if rows is None:
            with _registered(self.target.connection, chat):
                return self._load(chat, adapter, source)
        name = f"{_ROWS}_{len(self._waiting)}"
        self._registered.enter_context(_registered(self.target.connection, chat, name))
        selected = self._selected(self._messages(chat, adapter, source, self._given(chat, name), name))
        self._waiting.append(_Waiting(selected, rows, size, file))
        if len(self._waiting) == _WAITING or sum(one.rows for one in self._waiting) >= self._enough:
            self.insert_waiting()
        return rows, 0

    def _rows_to_come(self, chat: Chat) -> int | None:
        """How many rows a chat adds that can wait for others; None where that is not known, or it is to be alone."""
        if self.target.mode == "merge" or _SCANS_STREAMS_ONCE or not _is_stream(chat):
            return None
        if chat.held is None or not chat.has_keys or chat.skip != "NULL" or chat.finish is not None:
            return None
        if not isinstance(chat.rows, Sized) or chat.held > _WAITING_BYTES:
            return None
        rows = len(chat.rows)
        return rows if rows < GROUP_MAX else None

    def insert_waiting(self) -> None:
        """The chats that wait, in one statement."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        started = time.perf_counter()
        with self._registered:
            inserted, _ = self.target.insert(" UNION ALL ".join(one.selected for one in waiting), unique=True)
        expected = sum(one.rows for one in waiting)
        if inserted != expected:
            raise ExportError(f"ingest: expected {expected:,} messages of {len(waiting)} chats, got {inserted:,}")
        seconds = time.perf_counter() - started
        self.inserting += seconds
        for one in waiting:
            one.file.seconds += seconds * one.rows / max(expected, 1)

    def close(self) -> None:
        """Lets go of the chats that wait; after an error they are not inserted."""
        self._registered.close()

    def _messages(self, chat: Chat, adapter: Adapter, source: Source, given: set[str], name: str = _ROWS) -> str:
        """A query for the messages of a chat, with its key where it has keys."""
        columns = {column: self._column(column, given, chat, adapter, source) for column in MESSAGE_COLUMNS}
        columns["thread"] = "CAST(thread AS VARCHAR)" if "thread" in given else quoted(chat.thread)
        if chat.has_keys:
            columns["msg_key"] = "msg_key"
        listed = ", ".join(f"{expression} AS {column}" for column, expression in columns.items())
        return f"SELECT {listed} FROM (SELECT {chat.select} FROM {name} WHERE {_reason(chat)} IS NULL)"

    def _selected(self, keyed: str) -> str:
        """The columns of the table, of messages with their keys."""
        if self.target.schema == "staging":
            return staging.select(keyed)
        return f"SELECT msg_key, {', '.join(MESSAGE_COLUMNS)} FROM ({keyed})"

    def _load(self, chat: Chat, adapter: Adapter, source: Source) -> tuple[int, int]:
        connection = self.target.connection
        repeated = False
        try:
            given = self._given(chat, _ROWS)
            messages = self._messages(chat, adapter, source, given)
            if not chat.has_ids and not chat.has_keys:
                repeated = self._find_repeated(messages)
            occurrence = "coalesce(occurrence, 0)" if repeated else "0"
            identity = f"concat_ws(chr(31), {', '.join(_CONTENT)}, {occurrence})"
            if "native_id" in given:
                identity = f"coalesce(native_id, {identity})"
            if repeated:
                messages = f"SELECT * FROM ({messages}) LEFT JOIN temp.{_REPEATED} USING (seq)"
            # The stable key, which anybody can compute again in SQL.
            key = f"md5(concat_ws(chr(31), {quoted(adapter.name)}, thread, {identity}))::UUID"
            keyed = messages if chat.has_keys else f"SELECT {key} AS msg_key, * FROM ({messages})"
            inserted, duplicates = self.target.insert(self._selected(keyed), unique="native_id" not in given)
            # The rows are read once more, unless all of them are known to be messages.
            if chat.skip != "NULL" and getattr(chat.rows, "count", None) != inserted + duplicates:
                chat.skipped += _find_skipped(connection, chat, source)
            if chat.finish is not None:
                chat.finish()
            return inserted, duplicates
        finally:
            if repeated:
                with contextlib.suppress(duckdb.Error):
                    connection.execute(f"DROP TABLE IF EXISTS temp.{_REPEATED}")

    def _given(self, chat: Chat, name: str) -> set[str]:
        query = f"DESCRIBE SELECT {chat.select} FROM {name}"
        given = {row[0] for row in self.target.connection.execute(query).fetchall()}
        if unknown := given - set(MESSAGE_COLUMNS) - {"thread", "msg_key"}:
            raise ExportError(f"ingest: expected columns of the message table, got {', '.join(sorted(unknown))}")
        return given

    def _column(self, name: str, given: set[str], chat: Chat, adapter: Adapter, source: Source) -> str:
        kind = MESSAGE_COLUMNS[name]
        if name == "ts_utc" and self.options.timezone is not None:
            local = moment(self.target.connection, self.options.timezone, "ts")
            return f"coalesce(ts_utc, {local})" if name in given else local
        if name in given:
            return f"CAST({name} AS {kind})"
        constants = {"chat": chat.title, "source": adapter.name, "filename": source.name}
        if name in constants:
            return quoted(constants[name])
        if name == "seq":
            return "row_number() OVER () - 1"
        return f"CAST(NULL AS {kind})"

    def _find_repeated(self, messages: str) -> bool:
        """Numbers messages of the same time, author and text, so that each has a key. Few are, so that only those that
        share a hash with another are looked at, and where there are none the messages are read once."""
        connection = self.target.connection
        # As in the key, where nobody and nothing are an empty text.
        content = "thread, ts, coalesce(author, ''), coalesce(text, '')"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_HASHES} AS SELECT hash({content}) AS h FROM ({messages})")
        try:
            several = f"SELECT h FROM temp.{_HASHES} GROUP BY h HAVING count(*) > 1"
            if not count(connection, f"SELECT count(*) FROM ({several})"):
                return False
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {_REPEATED} AS "
                f"SELECT seq, row_number() OVER (PARTITION BY {content} ORDER BY seq) - 1 AS occurrence "
                f"FROM ({messages}) WHERE hash({content}) IN ({several})"
            )
        finally:
            with contextlib.suppress(duckdb.Error):
                connection.execute(f"DROP TABLE IF EXISTS temp.{_HASHES}")
        return True


def _reason(chat: Chat) -> str:
    """Why a row is no message, as an expression; NULL where it is one."""
    return f"CAST({chat.skip} AS VARCHAR)"


def _find_skipped(connection: duckdb.DuckDBPyConnection, chat: Chat, source: Source) -> list[Skipped]:
    """The first of them with their places, if they have any, and how many others there are."""
    reason = _reason(chat)
    if chat.place is not None:
        rows = connection.execute(
            f"SELECT reason, place, known_as, count(*) OVER () FROM (SELECT {reason} AS reason, {chat.place} AS place, "
            f"CAST({chat.known_as} AS VARCHAR) AS known_as FROM {_ROWS}) WHERE reason IS NOT NULL ORDER BY place "
            f"LIMIT {LISTED}"
        ).fetchall()
        skipped = []
        for why, number, known_as, _ in rows:
            name, number = chat.located(number) if chat.located is not None else (source.name, number)
            known = f" ({known_as})" if known_as else ""
            skipped.append(Skipped(name, why, place=f"message {number + 1:,}{known}"))
        if rows and rows[0][3] > len(rows):
            others = rows[0][3] - len(rows)
            skipped.append(Skipped(source.name, "other rows that are no messages either", count=others))
        return skipped
    found = connection.execute(
        f"SELECT reason, count(*) FROM (SELECT {reason} AS reason FROM {_ROWS}) "
        "WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason"
    ).fetchall()
    return [Skipped(source.name, why, count=count) for why, count in found]


def count_messages(connection: duckdb.DuckDBPyConnection, chat: Chat, source: Source) -> tuple[int, list[Skipped]]:
    """How many messages the chat has, and what of its rows is none."""
    with _registered(connection, chat):
        reason = _reason(chat)
        # The columns are asked for, so that a file without one of them fails here as it would when it is loaded.
        query = f"SELECT count(*) FROM (SELECT {chat.select} FROM {_ROWS} WHERE {reason} IS NULL)"
        return count(connection, query), [] if chat.skip == "NULL" else _find_skipped(connection, chat, source)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"ingest: expected {name} to be one of {', '.join(known)}, got {value!r}")


def check_timezone(con: duckdb.DuckDBPyConnection, timezone: str | None) -> None:
    """Outside of the transaction, which an error would end."""
    if timezone is None:
        return
    with con.cursor() as other:
        try:
            other.execute("SELECT timezone(?, TIMESTAMP '2000-01-01')", [timezone])
        except duckdb.Error as error:
            reason = str(error).strip().split("\n")[0]
            raise ValueError(
                f"ingest: expected timezone to be a name like America/Sao_Paulo, got {timezone!r} ({reason})"
            ) from error


def ingest(
    con: duckdb.DuckDBPyConnection,
    path: PathLike,
    table: str = "messages",
    source: str = "auto",
    mode: str = "append",
    timezone: str | None = None,
    progress: Progress | None = None,
    *,
    date_order: str = "auto",
    chat: str | None = None,
    mapping: dict[str, str] | None = None,
    schema: str = "messages",
    limits: ZipLimits | None = None,
) -> IngestReport:
    """Chat exports into a table of messages.

    Parameters
    ----------
    con : DuckDBPyConnection
        Where the table is, or will be made.
    path : str, os.PathLike, bytes, bytearray, memoryview, or an iterable of these
        A file, a folder, a pattern with * or ?, a zip archive, the bytes of a file, or several of these. A folder or an
        archive may hold exports of several kinds, each of which is read as it is alone, and a folder archives of them;
        an archive within an archive is not opened. Bytes of a name that are no UTF-8 are shown as %E9.
    table : str
        Name of the table, as SQL has it; it is made if it is not there.
    source : str
        "auto", or the name of an adapter: `streamliner_udf.ingest.adapters()` lists them.
    mode : str
        "append" adds all messages; "merge" those whose `msg_key` is not there yet, so that the same export twice adds
        nothing and two that overlap give their union; "replace" makes the table anew.
    timezone : str, optional
        Of the phone that exported, like "America/Sao_Paulo": gives `ts_utc` to exports without an offset.
    progress : callable, optional
        Called with the name of a file, the bytes that are done and the bytes of all files: before each file, in between
        by adapters that read piece by piece, and at the end with "" for a name.
    date_order : str
        "auto", "dmy", "mdy" or "ymd", for exports of WhatsApp.
    chat : str, optional
        A stable name for the chat; part of the keys where an export has none of its own.
    mapping : dict, optional
        For CSV, JSONL and Parquet: the name of the file's column for a column of the table, or in JSONL a path like
        "$.from.name". Columns that it does not name are found by their usual names, which the report tells.
    schema : str
        "messages", or "staging" for the layout of egregora's staging table, with what has no column there in `attrs`.
    limits : ZipLimits, optional
        What an archive may hold.

    Returns
    -------
    IngestReport
        Rows, inserted, duplicates, and each file with what was decided about it and what was skipped, and why.

    Errors : ExportError for a file that is no export or holds no message, and for a table with other columns;
    TypeError for a path that is none, ValueError for a wrong option. One transaction: after an error the table is as it
    was. Within a transaction of your own it is yours to roll back.
    Cost : reading and parsing at memory speed; DuckDB's writing is the rest.

    Examples
    --------
    >>> import duckdb, streamliner_udf
    >>> con = duckdb.connect()
    >>> report = streamliner_udf.ingest(con, b"05/03/2024, 09:15 - Ana: hi", chat="family")
    >>> report.inserted
    1
    >>> con.sql("SELECT ts, author, text, chat FROM messages").fetchall()
    [(datetime.datetime(2024, 3, 5, 9, 15), 'Ana', 'hi', 'family')]
    """
    _check("mode", mode, MODES)
    _check("schema", schema, SCHEMAS)
    _check("date_order", date_order, ORDERS)
    check_timezone(con, timezone)
    named = None if source == "auto" else registry.find(source)
    options = LoadOptions(timezone, date_order, chat, dict(mapping or {}), limits, con)
    started = time.perf_counter()
    sources = list(expand(path, limits))
    if not sources:
        raise ExportError("ingest: expected at least one file, got none")
    report = IngestReport(table, mode)
    ours = not is_open(con)
    try:
        with transaction(con):
            target = _Target(con, table, mode, schema)
            target.prepare()
            options = replace(options, batch_rows=target.batch_rows(), several=len(sources) > 1)
            loader = _Loader(target, options)
            with contextlib.closing(loader):
                for one, said in with_progress(sources, options, progress, loader.insert_waiting):
                    try:
                        report.files.append(_load_file(one, named, loader, said))
                    except ZipValidationError as error:
                        raise ExportError(f"{one.name}: {error}") from error
            report.rows = sum(file.rows for file in report.files)
            report.duplicates = sum(file.duplicates for file in report.files)
            report.inserted = report.rows - report.duplicates
    finally:
        for one in sources:
            one.close()
    if ours:  # in a transaction of the caller an error would end it
        report.advice = advice(con, table)
    report.seconds = time.perf_counter() - started
    return report


def with_progress(
    sources: list[Source],
    options: LoadOptions,
    progress: Progress | None,
    last: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Source, LoadOptions]]:
    """The sources one after the other, with options by which an adapter can say how far it is. `last` : what is left to
    do after them, before all is done."""
    if progress is None:
        yield from ((source, options) for source in sources)
        last()
        return
    sizes = [source.size() for source in sources]
    total, before = sum(sizes), 0
    for source, size in zip(sources, sizes, strict=True):

        def tell(share: float, name: str = source.name, start: int = before, size: int = size) -> None:
            progress(name, start + int(share * size), total)

        tell(0)
        yield source, replace(options, progress=tell)
        before += size
    last()
    progress("", total, total)


def _load_file(source: Source, named: Adapter | None, loader: _Loader, options: LoadOptions) -> FileReport:
    started, before = time.perf_counter(), loader.inserting
    taken, left_out = pieces(source, named, options.limits)
    if not taken:
        raise refusal(source, options.mapping)
    options = replace(options, several=options.several or len(taken) > 1)
    file = FileReport(source.name, ", ".join(dict.fromkeys(piece.adapter.name for piece in taken)))
    for piece in taken:
        file.bytes += piece.source.size()
        for chat in piece.adapter.load(piece.source, options):
            inserted, duplicates = loader.load(chat, piece.adapter, piece.source, file)
            file.rows += inserted + duplicates
            file.duplicates += duplicates
            file.chats.append(chat.title)
            file.details.append({**chat.details, "messages": inserted + duplicates})
            file.skipped += chat.skipped
            file.warnings += chat.warnings
    file.skipped += left_out
    if not file.rows:
        skipped = f"; skipped {_first(file.skipped)}" if file.skipped else ""
        raise ExportError(
            f"ingest: expected {source.name} to hold messages, got none that {file.adapter} can read{skipped}"
        )
    # What was inserted together is shared out among its files.
    file.seconds += time.perf_counter() - started - (loader.inserting - before)
    return file


def _first(skipped: list[Skipped]) -> str:
    one = skipped[0]
    more = f", and {len(skipped) - 1:,} more" if len(skipped) > 1 else ""
    return f"{one.where}: {one.reason}{more}"
