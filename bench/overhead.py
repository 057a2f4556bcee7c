"""What a call, a vector and a row cost on each way into DuckDB, beside what DuckDB itself costs.

    python bench/overhead.py [--label NAME] [--rows N] [--threads N] [--quick]

All ways take turns in one process, over the same tables in memory, after their answers have been checked. A call is a
query over one row; a vector is a query over 2,048 rows; a row is the slope from there to `--rows`. Costs are what the
query needs above the same query without a function (the scan), but for the scan itself, which is shown whole.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import corpora
import duckdb
import floors
import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
import report
import timing

import streamliner_udf
from streamliner_udf import plain
from streamliner_udf.progress import Progress

VECTOR = 2_048


@dataclass(frozen=True)
class Entry:
    """One way: its SQL over the column t, and what it must give for a text."""

    kind: str
    sql: str
    expected: Callable[[str], object]
    number: bool = False

    def query(self, table: str) -> str:
        return f"SELECT sum({self.sql if self.number else f'strlen({self.sql})'}) FROM {table}"


def _size(text: str) -> int:
    return len(text.encode())


def _same(text: str) -> str:
    return text


SCAN = "scan"
ENTRIES = {
    SCAN: Entry("no function", "strlen(t)", _size, number=True),
    "no-op": Entry("native, floor", "sl_floor_noop(t)", _size, number=True),
    "read": Entry("native, floor", "sl_floor_touch(t)", lambda t: _size(t) if t.isascii() else 0, number=True),
    "copy": Entry("native, floor", "sl_floor_identity(t)", _same),
    "strip_invisible": Entry("native", "sl_strip_invisible(t)", plain.strip_invisible),
    "t || 'x'": Entry("built-in", "t || 'x'", lambda t: t + "x"),
    "lower": Entry("built-in", "lower(t)", str.lower),
    "copy, Arrow": Entry("Arrow UDF", "arrow_identity(t)", _same),
    "strip_invisible, Arrow": Entry("Arrow UDF", "arrow_strip_invisible(t)", plain.strip_invisible),
    "copy, Python": Entry("Python UDF", "python_identity(t)", _same),
}


def _arrow_strip_invisible(column: Any) -> Any:
    result = streamliner_udf.strip_invisible(column)  # type: ignore[attr-defined,unused-ignore]
    return pa.array(result) if hasattr(result, "__arrow_c_array__") else pa.chunked_array(result)


def register(connection: duckdb.DuckDBPyConnection) -> None:
    text = duckdb.sqltype("VARCHAR")
    for name, run in (("arrow_identity", _same), ("arrow_strip_invisible", _arrow_strip_invisible)):
        connection.create_function(name, run, [text], text, type="arrow")  # type: ignore[call-overload,unused-ignore]
    connection.create_function("python_identity", _same, [text], text)


def check(connection: duckdb.DuckDBPyConnection) -> None:
    """Every way gives what it should on every row of the small tables, or nothing is timed."""
    for table in ("one", "vector"):
        texts = [row[0] for row in connection.execute(f"SELECT t FROM {table} ORDER BY id").fetchall()]
        for name, entry in ENTRIES.items():
            answers = [row[0] for row in connection.execute(f"SELECT {entry.sql} FROM {table} ORDER BY id").fetchall()]
            for text, answer in zip(texts, answers, strict=True):
                if answer != entry.expected(text):
                    raise SystemExit(f"{name}: expected {entry.expected(text)!r} for {text!r}, got {answer!r}")


def _repeat(connection: duckdb.DuckDBPyConnection, query: str, times: int) -> timing.Way:
    def run() -> None:
        for _ in range(times):
            connection.execute(query).fetchone()

    return timing.Way(run)


def measure(connection: duckdb.DuckDBPyConnection, rows: int, quick: bool) -> list[dict[str, Any]]:
    """One record a way; microseconds a call and a vector, nanoseconds a row."""
    plan = {"one": (50 if quick else 200, 5 if quick else 11), "vector": (20 if quick else 50, 5 if quick else 11)}
    plan["m"] = (1, 3 if quick else 7)
    took: dict[str, dict[str, timing.Series]] = {}
    turns = sum((rounds + 1) * len(ENTRIES) for _, rounds in plan.values())
    with Progress("measuring", turns) as bar:
        for table, (times, rounds) in plan.items():
            ways = {name: _repeat(connection, entry.query(table), times) for name, entry in ENTRIES.items()}
            took[table] = timing.interleave(ways, rounds, step=lambda name, t=table: bar.add(label=f"{t}: {name}"))  # type: ignore[misc]

    def a_query(name: str, table: str) -> float:
        """Seconds: the median over the rounds of what the query needs, without the scan where it is not the scan."""
        own, scan = took[table][name].wall, took[table][SCAN].wall
        costs = own if name == SCAN else [a - b for a, b in zip(own, scan, strict=True)]
        return statistics.median(costs) / plan[table][0]

    records = []
    for name, entry in ENTRIES.items():
        vector = a_query(name, "vector")
        records.append(
            {
                "way": name,
                "kind": entry.kind,
                "sql": entry.sql,
                "call_us": a_query(name, "one") * 1e6,
                "vector_us": vector * 1e6,
                "row_ns": (a_query(name, "m") - vector) / (rows - VECTOR) * 1e9,
                "milliseconds": {table: series[name].summary(1e3 / plan[table][0]) for table, series in took.items()},
            }
        )
    return records


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=1, help="1 shows costs; more shows what threads hide")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    arguments = parser.parse_args(argv)
    if arguments.rows < 10 * VECTOR:
        parser.error(f"expected --rows of {10 * VECTOR} or more, got {arguments.rows}")
    with floors.connect(arguments.threads) as connection:
        corpora.load(connection, arguments.rows)
        connection.execute(f"CREATE TABLE vector AS FROM m ORDER BY id LIMIT {VECTOR}")
        # A message as most are: of median length, ASCII.
        connection.execute("CREATE TABLE one AS FROM m WHERE strlen(t) = 68 AND length(t) = 68 ORDER BY id LIMIT 1")
        register(connection)
        check(connection)
        where = timing.machine(arguments.threads)
        records = measure(connection, arguments.rows, arguments.quick)
    print(timing.describe(where))
    print(f"{arguments.rows:,} rows in memory, threads: {arguments.threads}; above the scan, but for the scan itself\n")
    report.table(
        ["way", "kind", "call, us", "vector, us", "row, ns"],
        [[r["way"], r["kind"], f"{r['call_us']:.1f}", f"{r['vector_us']:.1f}", f"{r['row_ns']:.1f}"] for r in records],
    )
    path = report.write("overhead", arguments.label, {"machine": where, "rows": arguments.rows, "ways": records})
    print(f"\n{path}")


if __name__ == "__main__":
    main()
