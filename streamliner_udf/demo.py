"""The main job, timed: a chat export becomes a clean DuckDB table, natively and in pure Python, with equal answers."""

from __future__ import annotations

import collections
import functools
import importlib.util
import sys
import tempfile
import time
import unittest.mock
import uuid
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from . import parse_rows, plain, reference
from .duckdb import connect, status
from .ingest.synthetic import generate_whatsapp
from .ingest.whatsapp import Export, read_export
from .progress import Progress
from .resources import rows_per_group
from .sql import quoted

_NATIVE_RUNS = 7
_NAMESPACE = uuid.NAMESPACE_OID

# A row group is DuckDB's unit of parallel work: at 122,880 rows, its default, a chat of 100,000 messages would use one
# core whatever `threads` says.

_CLEAN = """
SELECT seq, ts, sl_uuid5('oid', 'whatsapp:' || author) AS author_id, clean AS text,
       sl_extract_urls(clean) AS urls, sl_slugify(clean) AS slug, kind, line
FROM (SELECT *, sl_scrub_pii(sl_clean_text(text)) AS clean FROM {source})
"""
# Each stage alone, over the same messages, without keeping the result.
_NATIVE_STAGES = {
    "clean_text": "sum(strlen(sl_clean_text(text)))",
    "scrub_pii": "sum(strlen(sl_scrub_pii(text)))",
    "extract_urls": "sum(len(sl_extract_urls(text)))",
    "slugify": "sum(strlen(sl_slugify(text)))",
    "uuid5(author)": "count(sl_uuid5('oid', 'whatsapp:' || author))",
}
_COMPUTE = "SELECT count(author_id), sum(strlen(text)), sum(len(urls)), sum(strlen(slug)) FROM (" + _CLEAN + ")"


@dataclass(frozen=True)
class Stage:
    """One line of the table; milliseconds, and megabytes of text a second."""

    stage: str
    native_ms: float
    python_ms: float
    rows: int
    megabytes: float

    @property
    def ratio(self) -> float:
        return self.python_ms / self.native_ms if self.native_ms else float("nan")

    @property
    def megabytes_per_second(self) -> float:
        return self.megabytes / (self.native_ms / 1000) if self.native_ms else float("nan")


@dataclass(frozen=True)
class Report:
    """What the demo measured; `equal` says whether every row equals the plain-Python specification."""

    source: str
    rows: int
    megabytes: float
    database: str
    backend: str
    duckdb_version: str
    threads: int
    stages: list[Stage]
    equal: bool
    first_difference: str | None
    sample: list[dict[str, Any]]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        stages = [
            {**asdict(stage), "ratio": stage.ratio, "megabytes_per_second": stage.megabytes_per_second}
            for stage in self.stages
        ]
        return {**asdict(self), "stages": stages}

    def to_text(self) -> str:
        """The table for a terminal."""
        head = f"{'stage':<26}{'native ms':>11}{'Python ms':>11}{'ratio':>8}{'rows':>10}{'MB/s':>9}"
        lines = [
            f"{self.source}: {self.rows:,} messages, {self.megabytes:.1f} MB",
            f"DuckDB {self.duckdb_version}, {self.threads} threads, functions: {self.backend}",
            "",
            head,
            "-" * len(head),
        ]
        for s in self.stages:
            lines.append(
                f"{s.stage:<26}{s.native_ms:>11.1f}{s.python_ms:>11.1f}{s.ratio:>7.0f}x{s.rows:>10,}"
                f"{s.megabytes_per_second:>9.0f}"
            )
        lines += [
            "",
            f"native: best of {_NATIVE_RUNS}; Python: one run of what pipelines write today (streamliner_udf.plain)",
        ]
        if self.equal:
            lines.append(
                f"checked: all {self.rows:,} rows equal the plain-Python specification (streamliner_udf.reference)"
            )
        else:
            lines.append(f"NOT EQUAL to the plain-Python specification: {self.first_difference}")
        lines += [f"note: {note}" for note in self.notes]
        for row in self.sample:
            lines.append("")
            lines += [f"  {key:<10} {_printable(value)}" for key, value in row.items()]
        if self.database:
            lines += ["", f"tables messages and messages_clean are in {self.database}"]
        return "\n".join(lines)


def _printable(value: Any) -> str:
    """A value for a terminal, which would obey the control characters of a stranger's chat."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def _notes(export: Export) -> list[str]:
    """What of the file is not in the tables as it was."""
    notes = []
    if export.replaced:
        notes.append(f"{export.replaced:,} invalid places in {export.encoding} became U+FFFD")
    reasons = collections.Counter(skipped.reason for skipped in export.skipped)
    notes += [
        f"{count:,} file{'s' if count > 1 else ''} of the archive not read: {why}" for why, count in reasons.items()
    ]
    return notes


def _best(work: Callable[[], Any], runs: int = _NATIVE_RUNS) -> tuple[float, Any]:
    """Milliseconds of the fastest run, and its answer."""
    best, answer = float("inf"), None
    for _ in range(runs):
        start = time.perf_counter()
        answer = work()
        best = min(best, time.perf_counter() - start)
    return best * 1000, answer


class _Native:
    """The native path: one kernel call parses, DuckDB does the rest in its own threads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, content: bytes, path: Path, threads: int) -> None:
        self.connection = connection
        self.content = content
        self.path = path
        self.threads = threads

    def parse(self) -> Any:
        return parse_rows("parse_whatsapp", self.content)

    def query(self, source: Any, query: str) -> list[tuple[Any, ...]]:
        self.connection.register("messages_source", source)
        try:
            return self.connection.execute(query).fetchall()
        finally:
            self.connection.unregister("messages_source")

    def write(self, source: Any, raw: bool) -> None:
        """A database file with the cleaned table, and with the messages as they came if `raw`."""
        for old in (self.path, self.path.with_name(self.path.name + ".wal")):
            old.unlink(missing_ok=True)
        groups = rows_per_group(len(source), self.threads)
        self.connection.execute(f"ATTACH {quoted(self.path)} AS chat (ROW_GROUP_SIZE {groups})")
        try:
            if raw:
                self.query(source, "CREATE TABLE chat.messages AS FROM messages_source")
            self.query(source, "CREATE TABLE chat.messages_clean AS " + _CLEAN.format(source="messages_source"))
        finally:
            self.connection.execute("DETACH chat")  # checkpoints: the tables are on disk when it returns


def _python_read(export: Export) -> str:
    """The text of the export, the way a script gets it."""
    if export.member is None:
        content = export.path.read_bytes()
    else:
        with zipfile.ZipFile(export.path) as archive:
            content = archive.read(export.member)
    return content.decode(export.encoding, "replace").removeprefix("\ufeff")


def _python_clean(messages: list[tuple[Any, str | None, str]]) -> dict[str, list[Any]]:
    texts = [plain.scrub_pii(plain.clean_text(text)) for _, _, text in messages]
    return {
        "seq": list(range(len(messages))),
        "ts": [ts for ts, _, _ in messages],
        "author_id": [a if a is None else plain.uuid5(_NAMESPACE, "whatsapp:" + a) for _, a, _ in messages],
        "text": texts,
        "urls": [plain.extract_urls(text) for text in texts],
        "slug": [plain.slugify(text) for text in texts],
    }


def _python_write(columns: dict[str, list[Any]], path: Path, groups: int) -> None:
    """As a script would, with the row groups that the native way has as well."""
    import numpy as np

    path.unlink(missing_ok=True)
    source = {}
    for name, values in columns.items():
        array = np.empty(len(values), dtype=object)
        array[:] = values
        source[name] = np.array(values, dtype="datetime64[us]") if name == "ts" else array
    # DuckDB 1.5 looks for pandas again with every object where it is not installed.
    missing = {} if importlib.util.find_spec("pandas") else {"pandas": None}
    with closing(duckdb.connect()) as connection, unittest.mock.patch.dict(sys.modules, missing):
        connection.execute(f"ATTACH {quoted(path)} AS chat (ROW_GROUP_SIZE {groups})")
        connection.register("columns_source", source)
        connection.execute("CREATE TABLE chat.messages_clean AS FROM columns_source")
        connection.execute("DETACH chat")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    return _best(work, runs=1)


def _python_stages(messages: list[tuple[Any, str | None, str]]) -> dict[str, Callable[[], Any]]:
    texts = [text for _, _, text in messages]
    authors = [author for _, author, _ in messages if author is not None]
    return {
        "clean_text": lambda: [plain.clean_text(text) for text in texts],
        "scrub_pii": lambda: [plain.scrub_pii(text) for text in texts],
        "extract_urls": lambda: [plain.extract_urls(text) for text in texts],
        "slugify": lambda: [plain.slugify(text) for text in texts],
        "uuid5(author)": lambda: [plain.uuid5(_NAMESPACE, "whatsapp:" + author) for author in authors],
    }


@functools.cache
def _specified_text(text: str) -> tuple[str, list[str], str]:
    """Clean text, URLs and slug; chats repeat themselves, and the specification is slow."""
    clean = reference.scrub_pii(reference.clean_text(text))
    return clean, reference.extract_urls(clean), reference.slugify(clean)


def _specified(message: dict[str, Any]) -> tuple[Any, ...]:
    """The row of messages_clean that the specification gives for a message."""
    author = message["author"]
    author_id = None if author is None else reference.uuid5("oid", "whatsapp:" + author)
    return (
        message["seq"],
        message["ts"],
        author_id,
        *_specified_text(message["text"]),
        message["kind"],
        message["line"],
    )


def _compare(export: Export, rows: list[tuple[Any, ...]]) -> str | None:
    """The first difference from the specification, in words."""
    expected = reference.parse_whatsapp(export.text)
    _specified_text.cache_clear()
    if len(expected) != len(rows):
        return f"expected {len(expected):,} messages, got {len(rows):,}"
    with Progress("comparing with the oracle", len(rows)) as bar:
        for message, row in zip(expected, rows, strict=True):
            wanted = _specified(message)
            if wanted != row:
                return f"row {message['seq']}: expected {wanted}, got {row}"
            bar.add()
    return None


def run(
    path: Path | None = None,
    *,
    rows: int = 100_000,
    seed: int = 7,
    database: Path | None = None,
    threads: int | None = None,
) -> Report:
    """Reads the export (or makes one), cleans it both ways, compares and times.

    Errors : ExportError for a broken zip, an empty file or a file that is no chat; FileExistsError if `database`
    exists.
    """
    if database is not None and database.exists():
        raise FileExistsError(f"expected {database} not to exist, but it does; remove it or name another file")
    if database is not None and not database.absolute().parent.is_dir():
        raise FileNotFoundError(f"expected {database.absolute().parent} to be a folder, but there is none")
    with tempfile.TemporaryDirectory(prefix="streamliner-") as folder:
        if path is None:
            path = Path(folder) / "WhatsApp Chat with Synthetic Friends.txt"
            path.write_text(generate_whatsapp(rows, seed=seed), encoding="utf-8", newline="")
            source = f"synthetic chat (seed {seed})"
        else:
            source = path.name
        kept = database or Path(folder) / "chat.duckdb"
        with closing(connect()) as connection:
            if threads is not None:
                connection.execute(f"SET threads = {int(threads)}")
            return _measure(connection, path, source, kept, str(database or ""), Path(folder) / "python.duckdb")


def _measure(
    connection: duckdb.DuckDBPyConnection, path: Path, source: str, kept: Path, shown: str, python_database: Path
) -> Report:
    threads = int(connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
    with Progress("reading", 9 + 2 * len(_NATIVE_STAGES)) as bar:
        export = read_export(path)
        python_read_ms, text = _best(lambda: _python_read(export))
        native = _Native(connection, export.content, kept, threads)

        bar.add(label="parsing")
        # The rows are made by a thread in the background: only their number is sure to be known after the last.
        parse_ms, count = _best(lambda: len(native.parse()))
        parsed = native.parse()
        python_parse_ms, messages = _timed(lambda: plain.parse_whatsapp(text))
        bar.add(label="parsing")

        megabytes = len(export.content) / 1e6
        text_megabytes = sum(len(text.encode()) for _, _, text in messages) / 1e6
        stages = [Stage("parse", parse_ms, python_parse_ms, count, megabytes)]
        for name, work in _python_stages(messages).items():
            bar.add(label=f"{name}, native")
            query = f"SELECT {_NATIVE_STAGES[name]} FROM messages_source"
            native_ms, _ = _best(functools.partial(native.query, parsed, query))
            bar.add(label=f"{name}, Python")
            python_ms, _ = _timed(work)
            stages.append(Stage(name, native_ms, python_ms, count, text_megabytes))

        bar.add(label="all functions, native")
        compute_ms, _ = _best(lambda: native.query(native.parse(), _COMPUTE.format(source="messages_source")))
        bar.add(label="all functions, Python")
        python_compute_ms, columns = _timed(lambda: _python_clean(plain.parse_whatsapp(text)))
        stages.append(Stage("text to rows, no write", compute_ms, python_compute_ms, count, megabytes))

        bar.add(label="to disk, native")
        total_ms, _ = _best(lambda: native.write(read_export(path).messages, raw=False))
        bar.add(label="to disk, Python")
        groups = rows_per_group(len(messages), threads)
        python_write_ms, _ = _timed(lambda: _python_write(columns, python_database, groups))
        python_total_ms = python_read_ms + python_compute_ms + python_write_ms
        stages.append(Stage("file to table on disk", total_ms, python_total_ms, count, megabytes))

        bar.add(label="keeping both tables")
        native.write(parsed, raw=True)
        connection.execute(f"ATTACH {quoted(kept)} AS chat (READ_ONLY)")
        result = connection.execute("FROM chat.messages_clean ORDER BY seq").fetchall()
        names = [column[0] for column in connection.description or []]
        connection.execute("DETACH chat")
    difference = _compare(export, result)
    telling = next((r for r in result if "_REDACTED>" in r[3] and r[4]), result[0])
    return Report(
        source=source,
        rows=count,
        megabytes=megabytes,
        database=shown,
        backend=status().backend.value,
        duckdb_version=duckdb.__version__,
        threads=threads,
        stages=stages,
        equal=difference is None,
        first_difference=difference,
        sample=[dict(zip(names, telling, strict=True))],
        notes=_notes(export),
    )
