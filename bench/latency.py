"""What one call costs where there is little to do: import, connect, one row through SQL, one str through Python.

    python bench/latency.py [--label NAME] [--rounds N] [--quick]

Each line stands beside what it is compared with, and both take turns: `import streamliner_udf` with `import duckdb`,
a function of ours with a built-in one in the same statement, a call of ours with the shortest Python that does the
same. Micro-batches are Arrow in, one function, Arrow out; a list in, a list out by the Python door.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import report
import timing

import streamliner_udf
from streamliner_udf import plain

TEXT = "Hello <b>wörld</b>, mail ana@example.org"
BATCHES = (1, 10, 100, 1_000, 10_000)
IMPORT_GOAL_MS, CALL_GOAL_NS = 25.0, 1_000.0
SIMPLE = (
    "strip_invisible",
    "squash_spaces",
    "clean_text",
    "normalize",
    "fold",
    "html_escape",
    "html_unescape",
    "slugify",
    "scrub_pii",
    "has_pii",
    "extract_urls",
    "count_words",
)


def imports(rounds: int) -> dict[str, float]:
    """Milliseconds of a fresh process: duckdb alone, and what ours adds to it."""
    code = (
        "import time; a = time.perf_counter(); import duckdb; b = time.perf_counter(); import streamliner_udf; "
        "c = time.perf_counter(); print(b - a, c - b)"
    )
    runs = []
    for _ in range(rounds + 1):
        runs.append([float(x) for x in subprocess.check_output([sys.executable, "-c", code], text=True).split()])
    theirs, ours = (min(column) * 1e3 for column in zip(*runs[1:], strict=True))
    return {"import duckdb": theirs, "import streamliner_udf, after it": ours}


def each(run: Callable[[], object], count: int) -> Callable[[], object]:
    def several() -> None:
        for _ in range(count):
            run()

    return several


def measure(ways: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Nanoseconds a call of each way, the least of the rounds."""
    took = timing.interleave({name: timing.Way(each(run, count)) for name, run in ways.items()}, rounds)
    return {name: min(series.wall) / count * 1e9 for name, series in took.items()}


def sql(con: duckdb.DuckDBPyConnection, rounds: int) -> dict[str, float]:
    con.execute("CREATE TABLE one AS SELECT ? AS t", [TEXT])

    def statement(query: str) -> Callable[[], object]:
        (parsed,) = con.extract_statements(query)
        return lambda: con.execute(parsed).fetchall()

    con.execute("PREPARE ours AS SELECT sl_html_escape(t) FROM one")
    con.execute("PREPARE builtin AS SELECT lower(t) FROM one")
    ways: dict[str, Callable[[], object]] = {
        "SELECT 1": lambda: con.execute("SELECT 1").fetchall(),
        "one row, lower": lambda: con.execute("SELECT lower(t) FROM one").fetchall(),
        "one row, sl_html_escape": lambda: con.execute("SELECT sl_html_escape(t) FROM one").fetchall(),
        "parameter, lower": lambda: con.execute("SELECT lower(?)", [TEXT]).fetchall(),
        "parameter, sl_html_escape": lambda: con.execute("SELECT sl_html_escape(?)", [TEXT]).fetchall(),
        "EXECUTE, lower": lambda: con.execute("EXECUTE builtin").fetchall(),
        "EXECUTE, sl_html_escape": lambda: con.execute("EXECUTE ours").fetchall(),
        "statement object, lower": statement("SELECT lower(t) FROM one"),
        "statement object, sl_html_escape": statement("SELECT sl_html_escape(t) FROM one"),
    }
    return measure(ways, 200, rounds)


def door(rounds: int) -> dict[str, float]:
    ways: dict[str, Callable[[], object]] = {}
    for name in SIMPLE:
        ways[f"{name}, ours"] = functools.partial(getattr(streamliner_udf, name), TEXT)
        ways[f"{name}, Python"] = functools.partial(getattr(plain, name), TEXT)
    return measure(ways, 2_000, rounds)


def batches(con: duckdb.DuckDBPyConnection, rounds: int) -> dict[str, float]:
    """Microseconds a batch."""
    found: dict[str, float] = {}
    for size in BATCHES:
        texts = [f"{TEXT} {i}" for i in range(size)]
        ways: dict[str, Callable[[], object]] = {
            f"list of {size:,}": lambda texts=texts: streamliner_udf.scrub_pii(texts)  # type: ignore[misc]
        }
        try:
            import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
        except ImportError:
            pass
        else:
            table = pa.table({"t": texts})

            def query(table: Any = table) -> object:
                con.register("batch", table)
                return con.sql("SELECT sl_scrub_pii(t) AS t FROM batch").to_arrow_table()

            ways[f"Arrow, SQL, {size:,}"] = query
        found |= {name: ns / 1e3 for name, ns in measure(ways, max(1, 2_000 // size), rounds).items()}
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="2 rounds")
    arguments = parser.parse_args(argv)
    rounds = 2 if arguments.quick else arguments.rounds
    where = timing.machine(1)
    found: dict[str, Any] = {"machine": where, "import_ms": imports(rounds)}
    with streamliner_udf.connect() as con:
        connects: dict[str, Callable[[], object]] = {
            "duckdb.connect": lambda: duckdb.connect().close(),
            "streamliner_udf.connect": lambda: streamliner_udf.connect().close(),
        }
        found["connect_ms"] = {name: ns / 1e6 for name, ns in measure(connects, 3, rounds).items()}
        found["sql_us"] = {name: ns / 1e3 for name, ns in sql(con, rounds).items()}
        found["door_ns"] = door(rounds)
        found["batch_us"] = batches(con, rounds)
    print(timing.describe(where) + "\n")
    lines = [
        [name, f"{value:.1f}", part.rpartition("_")[2]]
        for part, values in found.items()
        if part != "machine"
        for name, value in values.items()
    ]
    report.table(["what", "least", "unit"], lines, words=1)
    slow = {name: ns for name, ns in found["door_ns"].items() if name.endswith("ours") and ns > CALL_GOAL_NS}
    added = found["import_ms"]["import streamliner_udf, after it"]
    print(
        f"\nimport adds {added:.0f} ms (goal {IMPORT_GOAL_MS:.0f}); calls above {CALL_GOAL_NS:.0f} ns: {slow or 'none'}"
    )
    ours = statistics.median(found["sql_us"][name] for name in found["sql_us"] if "html_escape" in name)
    theirs = statistics.median(found["sql_us"][name] for name in found["sql_us"] if "lower" in name)
    print(f"a function of ours adds {ours - theirs:.1f} microseconds to a statement, beside a built-in one")
    print(report.write("latency", arguments.label, found))


if __name__ == "__main__":
    main()
