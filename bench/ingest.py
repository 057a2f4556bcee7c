"""What it costs to get chat exports into a table: each adapter, where the time goes, and beside what people do today.

    python bench/ingest.py [--label NAME] [--messages 100000,1000000] [--formats a,b] [--rounds N] [--quick]

Exports are synthetic, seeded and varied (bench/exports.py), and kept in `build/bench-cache`. Every way runs in a
process of its own, so that peaks of memory are its own, and the ways of a format take turns:

    ingest     `streamliner_udf.ingest` into a new database file, until it is on disk; the file is open before
    memory     the same into a table in memory
    default    of WhatsApp, `ingest` into a file that was opened without a word on its row groups
    floor      of WhatsApp, what DuckDB itself takes to write that: CREATE TABLE AS from a table in memory with the same
               rows, until it is on disk
    parse      all rows of the message table computed, and none written
    bytes      the bytes of the file as they lie on disk
    read       the bytes of the export, unpacked where it is an archive
    kernel     of WhatsApp, parsing alone: from the bytes in memory, checked to be UTF-8, to all seven columns of all
               rows in the layout of Arrow, which DuckDB reads as they are; by all processors, into memory that is
               touched for the first time. Reading the file and keys are not in it.
    sql        of WhatsApp, `sl_parse_whatsapp` in SQL, whose rows are counted. DuckDB gives a table of a few rows to
               one thread, so the export is cut into chats in a table for each thread, which are there before.
    parser     the parser of `python` alone, to a list of tuples of time, author and text; of WhatsApp from the text in
               memory, decoded before, of other formats from the file
    python     the code that scripts have: the standard library's parser, and executemany, into the same file
    frame      the same parser, and a pandas DataFrame that DuckDB reads, where pandas is installed
    others     whatstk and chat-miner, parsing only, where they are installed

Messages of `python` and `frame` are compared with ours first: time, author and text. executemany costs DuckDB a
statement a row, so `python` and `parser` run on a sample and their time is scaled; what was scaled is said. Row groups
are sized so that all threads can compress (ROW_GROUP_SIZE at ATTACH), as `resources.rows_per_group` says: at DuckDB's
own 122,880 rows, 100,000 messages are written by one thread.

Every way is the first in its process. `again` of `kernel`, `sql`, `ingest` and `memory` is the least of three more, as
a pipeline that goes on has them: the process has touched its memory, and DuckDB its own, before. Ingesting again is
left out above 100,000 messages, of which it is the same.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.util
import itertools
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import duckdb
import exports
import report
import timing

import streamliner_udf
from streamliner_udf import plain, resources
from streamliner_udf.ingest import LoadOptions, ZipLimits, registry
from streamliner_udf.ingest.choosing import pieces
from streamliner_udf.ingest.load import ingest
from streamliner_udf.ingest.sources import expand

CACHE = Path(__file__).parents[1] / "build" / "bench-cache"
SAMPLE = 10_000  # messages of what is too slow for all
OTHERS_MAX = 100_000  # messages of `frame` and of libraries, which take gigabytes for a million
SCALED = ("python", "parser")
OURS = ("ingest", "memory", "parse", "read", "bytes")
WHATSAPP = ("kernel", "sql", "default", "floor")  # of WhatsApp alone
OWN_GROUPS = ("default", "floor")  # of rows
AGAIN = ("kernel", "sql")
AGAIN_SMALL = (*AGAIN, "ingest", "memory")
CHATS = 60  # for a thread
SPLIT = ("read", "unpack", "parse", "write")
# A million messages are more than an archive may hold by default.
LIMITS = ZipLimits(member_bytes=1 << 30, total_bytes=1 << 31)
SEED = 11

_MESSAGE = re.compile(r"^\d\d/\d\d/\d{4}, \d\d:\d\d - ", re.MULTILINE)

Row = tuple[datetime.datetime | None, str | None, str | None]


# ---- what scripts do today -------------------------------------------------------------------------------------------


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def _telegram(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        found = json.load(file)
    rows: list[Row] = []
    for message in found["messages"]:
        if message["type"] != "message":
            continue
        text = message["text"]
        if not isinstance(text, str):
            text = "".join(part if isinstance(part, str) else part["text"] for part in text)
        rows.append((datetime.datetime.fromisoformat(message["date"]), message.get("from"), text))
    return rows


def _discord(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        found = json.load(file)
    return [
        (
            datetime.datetime.fromisoformat(message["timestamp"]).replace(tzinfo=None),
            message["author"].get("nickname") or message["author"]["name"],
            message["content"],
        )
        for message in found["messages"]
    ]


def _messenger(path: Path) -> list[Row]:
    rows: list[Row] = []
    for part in sorted(path.rglob("message_*.json")) if path.is_dir() else [path]:
        with part.open(encoding="utf-8") as file:
            found = json.load(file)
        for message in found["messages"]:
            name, text = message.get("sender_name"), message.get("content")
            rows.append(
                (
                    _utc(message["timestamp_ms"] / 1000),
                    name and name.encode("latin-1").decode(),
                    text and text.encode("latin-1").decode(),
                )
            )
    return rows


def _whatsapp(path: Path) -> list[Row]:
    return list(plain.parse_whatsapp(path.read_text(encoding="utf-8")))


def _csv(path: Path) -> list[Row]:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return [
            (datetime.datetime.fromisoformat(row["timestamp"]), row["sender"], row["message"])
            for row in csv.DictReader(file)
        ]


def _jsonl(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        found = map(json.loads, file)
        return [(datetime.datetime.fromisoformat(row["timestamp"]), row["sender"], row["message"]) for row in found]


def _mbox(path: Path) -> list[Row]:
    import email.policy
    import email.utils
    import mailbox

    rows: list[Row] = []
    for message in mailbox.mbox(path, factory=None):
        parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
        body = parsed.get_body(("plain", "html"))
        when = email.utils.parsedate_to_datetime(str(parsed["date"]))
        rows.append(
            (
                when.replace(tzinfo=None),
                email.utils.parseaddr(str(parsed["from"]))[0],
                body.get_content() if body else None,
            )
        )
    return rows


PYTHON: dict[str, Callable[[Path], list[Row]]] = {
    "whatsapp": _whatsapp,
    "telegram": _telegram,
    "discord": _discord,
    "messenger": _messenger,
    "instagram": _messenger,
    "csv": _csv,
    "jsonl": _jsonl,
    "mbox": _mbox,
}
OTHERS = {"whatsapp": ("whatstk", "chatminer")}


def _whatstk(path: Path) -> int:
    from whatstk import WhatsAppChat  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return len(WhatsAppChat.from_source(str(path), hformat="%d/%m/%Y, %H:%M - %name:").df)


def _chatminer(path: Path) -> int:
    from chatminer.chatparsers import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        WhatsAppParser,
    )

    parser = WhatsAppParser(str(path))
    parser.parse_file()
    return len(parser.parsed_messages.get_df())


LIBRARIES: dict[str, Callable[[Path], int]] = {"whatstk": _whatstk, "chatminer": _chatminer}


# ---- ways, each in a process of its own ------------------------------------------------------------------------------


@contextmanager
def _database(way: str, path: Path, messages: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a new file, for the ways that fill one; it takes no part in their time."""
    with tempfile.TemporaryDirectory() as folder, closing(streamliner_udf.connect()) as connection:
        sized = ""
        if way not in OWN_GROUPS:
            threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
            sized = f" (ROW_GROUP_SIZE {resources.rows_per_group(messages, threads)})"
        connection.execute(f"ATTACH '{folder}/chat.duckdb' AS target{sized}")
        if way == "floor":
            ingest(connection, path, "messages", limits=LIMITS)
        yield connection


def _floor(connection: duckdb.DuckDBPyConnection) -> int:
    found = connection.execute("CREATE TABLE target.messages AS FROM messages").fetchall()
    connection.execute("DETACH target")
    return int(found[0][0])


def _ingest(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> int:
    found = ingest(connection, path, table, limits=LIMITS)
    connection.execute("DETACH target")  # the table is on disk when it returns
    return found.rows


def _parse(path: Path) -> int:
    rows = 0
    with closing(streamliner_udf.connect()) as connection:
        for source in expand(path, LIMITS):
            for piece in pieces(source, None, LIMITS)[0]:
                for chat in piece.adapter.load(piece.source, LoadOptions(connection=connection, limits=LIMITS)):
                    connection.register("parsed", chat.rows)
                    query = f"SELECT count(*), bit_xor(hash(m)) FROM (SELECT {chat.select} FROM parsed "
                    found = connection.execute(query + f"WHERE ({chat.skip}) IS NULL) m").fetchall()
                    rows += found[0][0]
                    connection.unregister("parsed")
            source.close()
    return rows


def _read(path: Path) -> int:
    for source in expand(path, LIMITS):
        for piece in pieces(source, None, LIMITS)[0]:
            for one in piece.source.members() if piece.source.is_container else [piece.source]:
                one.read()
        source.close()
    return 0


def _bytes(path: Path) -> int:
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if one.is_file():
            one.read_bytes()
    return 0


def _chats(text: str) -> duckdb.DuckDBPyConnection:
    """The export in pieces that begin with a message, in a table for each thread."""
    connection = streamliner_udf.connect()
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    wanted, at = len(text) // (threads * CHATS) + 1, 0
    for thread in range(threads):
        connection.execute(f"CREATE TABLE chats_{thread} (content VARCHAR)")
        for _ in range(CHATS):
            found = _MESSAGE.search(text, at + wanted)
            stop = found.start() if found else len(text)
            connection.execute(f"INSERT INTO chats_{thread} VALUES (?)", [text[at:stop]])
            at = stop
    assert at == len(text)
    return connection


def _sql(connection: duckdb.DuckDBPyConnection | None) -> int:
    assert connection is not None
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'chats_%'").fetchall()
    counts = [f"SELECT len(sl_parse_whatsapp(content)) AS rows FROM {name}" for (name,) in tables]
    found = connection.execute(f"SELECT sum(rows) FROM ({' UNION ALL '.join(counts)})").fetchall()
    return int(found[0][0])


def _kernel(content: bytes) -> int:
    return len(streamliner_udf.parse_rows("parse_whatsapp", content))


def _python(connection: duckdb.DuckDBPyConnection, path: Path, format: str) -> int:
    rows = PYTHON[format](path)
    connection.execute("CREATE TABLE target.messages (ts TIMESTAMP, author VARCHAR, text VARCHAR)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO target.messages VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")
    connection.execute("DETACH target")
    return len(rows)


def _frame(connection: duckdb.DuckDBPyConnection, path: Path, format: str) -> int:
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]

    frame = pd.DataFrame(PYTHON[format](path), columns=["ts", "author", "text"])
    connection.register("frame", frame)
    connection.execute("CREATE TABLE target.messages AS FROM frame")
    connection.execute("DETACH target")
    return len(frame)


def run(way: str, format: str, path: Path, messages: int) -> dict[str, float]:
    """One way in this process."""
    into: dict[str, Callable[[duckdb.DuckDBPyConnection], int]] = {
        "ingest": lambda connection: _ingest(connection, path, "target.messages"),
        "memory": lambda connection: _ingest(connection, path, "messages"),
        "default": lambda connection: _ingest(connection, path, "target.messages"),
        "floor": _floor,
        "python": lambda connection: _python(connection, path, format),
        "frame": lambda connection: _frame(connection, path, format),
    }
    ways: dict[str, Callable[[], int]] = {
        "parse": lambda: _parse(path),
        "bytes": lambda: _bytes(path),
        "read": lambda: _read(path),
        "kernel": lambda: _kernel(content),
        "sql": lambda: _sql(chats),
        "parser": lambda: len(plain.parse_whatsapp(text) if format == "whatsapp" else PYTHON[format](path)),
        **{name: functools.partial(library, path) for name, library in LIBRARIES.items()},
    }
    for registered in registry.adapters():
        registered.get()
    streamliner_udf.connect().close()
    content = path.read_bytes() if way == "kernel" else b""
    text = path.read_text(encoding="utf-8") if way in ("parser", "sql") and format == "whatsapp" else ""
    chats = _chats(text) if way == "sql" else None

    def once() -> dict[str, float]:
        with _database(way, path, messages) if way in into else nullcontext() as connection:
            before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            rows = into[way](connection) if connection else ways[way]()
            seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
        return {
            "seconds": seconds,
            "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "rows": rows,
            "peak_megabytes": after.ru_maxrss / 1024,
            "before_megabytes": before.ru_maxrss / 1024,
        }

    first = once()
    more = 3 if way in (AGAIN_SMALL if messages <= OTHERS_MAX else AGAIN) else 0
    again = [once()["seconds"] for _ in range(more)]
    return first | ({"again_seconds": min(again)} if again else {})


def elsewhere(way: str, format: str, path: Path, messages: int) -> dict[str, float]:
    """One way in a new process."""
    command = [sys.executable, __file__, "--run", way, "--formats", format, "--path", str(path)]
    command += ["--messages", str(messages)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{way} of {format} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# ---- the benchmark ---------------------------------------------------------------------------------------------------


def compare(format: str, path: Path) -> float:
    """Share of the messages of `python` that are not among ours; what is not a text of a person, it may lack."""
    with closing(streamliner_udf.connect()) as connection:
        ingest(connection, path, "ours", limits=LIMITS)
        found = connection.execute("SELECT ts, author, text FROM ours").fetchall()
    ours = {(row[0], row[1], (row[2] or "").strip()) for row in found}
    theirs = PYTHON[format](path)
    return sum((ts, author, (text or "").strip()) not in ours for ts, author, text in theirs) / len(theirs)


def export(format: str, messages: int) -> Path:
    """The synthetic export, made once."""
    path = CACHE / "exports" / str(messages) / exports.FORMATS[format].filename
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        exports.FORMATS[format].make(path, messages, SEED)
    return path


def size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size


def measure(format: str, messages: int, rounds: int) -> dict[str, Any]:
    path, sample = export(format, messages), export(format, SAMPLE)
    ways = dict.fromkeys(OURS, path)
    record: dict[str, Any] = {"format": format, "messages": messages, "megabytes": size(path) / 1e6}
    record["load"] = os.getloadavg()[0]
    if format in PYTHON:
        record["differing"] = compare(format, sample)
        ways |= {"python": sample, "parser": sample}
        if importlib.util.find_spec("pandas") and messages <= OTHERS_MAX:
            ways["frame"] = path
        if format == "whatsapp":
            ways |= dict.fromkeys(WHATSAPP, path)
        if messages <= OTHERS_MAX:
            ways |= {name: path for name in OTHERS.get(format, ()) if importlib.util.find_spec(name)}
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for turn in range(rounds):
        names = list(ways)
        for way in names[turn % len(names) :] + names[: turn % len(names)]:
            runs[way].append(elsewhere(way, format, ways[way], messages))
    found = {
        way: {key: statistics.median(one[key] for one in several) for key in several[0]}
        | {"seconds_min": min(one["seconds"] for one in several)}
        for way, several in runs.items()
    }
    rows = found["ingest"]["rows"]
    record |= {"rows": rows, "ways": found, "messages_a_second": rows / found["ingest"]["seconds_min"]}
    steps = [found[way]["seconds_min"] * 1e3 for way in ("bytes", "read", "parse", "ingest")]
    split = [steps[0], *(max(0.0, after - before) for before, after in itertools.pairwise(steps))]
    record["split_ms"] = dict(zip(SPLIT, split, strict=True))
    record["ratios"] = {}
    for way in ways:
        if way in OURS + WHATSAPP:
            continue
        scale = rows / found[way]["rows"] if way in SCALED else 1.0
        ours = "parse" if way in (*LIBRARIES, "parser") else "ingest"
        if way == "parser" and "kernel" in ways:
            ours = "kernel"
        pairs = list(zip(runs[way], runs[ours], strict=True))
        if ours == "kernel":
            again = statistics.median(one["seconds"] / two["again_seconds"] for one, two in pairs)
            record["ratios"]["parser, again"] = scale * again
        record["ratios"][way] = scale * statistics.median(one["seconds"] / two["seconds"] for one, two in pairs)
    return record


def show(records: list[dict[str, Any]]) -> None:
    header = [
        "format",
        "messages",
        "MB",
        "ingest ms",
        "memory ms",
        "k msg/s",
        "MB/s",
        *SPLIT,
        "peak MB",
    ]
    lines = []
    for record in records:
        ways = record["ways"]
        total = ways["ingest"]["seconds_min"]
        lines.append(
            [
                record["format"],
                f"{record['messages']:,}",
                f"{record['megabytes']:.1f}",
                f"{total * 1e3:.0f}",
                f"{ways['memory']['seconds_min'] * 1e3:.0f}",
                f"{record['messages_a_second'] / 1e3:.0f}",
                f"{record['megabytes'] / total:.0f}",
                *(f"{record['split_ms'][part]:.0f}" for part in SPLIT),
                f"{ways['ingest']['peak_megabytes']:.0f}",
            ]
        )
    report.table(header, lines)
    for record in records:
        if record["ratios"]:
            ratios = ", ".join(f"{ratio:.1f} times {way}" for way, ratio in record["ratios"].items())
            print(
                f"{record['format']}, {record['messages']:,}: {ratios}; python has {record['differing']:.1%} other "
                f"messages, and {record['ways']['python']['rows']:,.0f} of them were scaled"
            )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--messages", default="100000,1000000", help="sizes (default %(default)s)")
    parser.add_argument("--formats", default="", help="comma-separated names; all if empty")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="20,000 messages, one round")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.run:
        print(json.dumps(run(arguments.run, arguments.formats, arguments.path, int(arguments.messages))))
        return
    wanted = [name for name in arguments.formats.split(",") if name] or list(exports.FORMATS)
    if unknown := set(wanted) - set(exports.FORMATS):
        parser.error(f"expected --formats out of {', '.join(exports.FORMATS)}, got {', '.join(sorted(unknown))}")
    sizes = [20_000] if arguments.quick else [int(size) for size in arguments.messages.split(",")]
    where = timing.machine(2)
    print(timing.describe(where) + "\n")
    rounds = 1 if arguments.quick else arguments.rounds
    records = [measure(name, count, rounds) for count in sizes for name in wanted]
    show(records)
    print(f"\n{report.write('ingest', arguments.label, {'machine': where, 'ingestions': records})}")


if __name__ == "__main__":
    main()
