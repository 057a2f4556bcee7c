"""Every function against its floor and against what people use instead, with the goals that it has to meet.

    python bench/run.py [--label NAME] [--rows N] [--threads N] [--functions a,b] [--quick] [--check]

A query is `SELECT sum(strlen(f(t))) FROM m` over a table in memory (`len` for lists, `count` for UUIDs, `sum` for
numbers), on `--threads` threads, and again on one. Against it, in turns within one process:

    floor      a native function that does nothing but what DuckDB demands of its kind
    python     the code that pipelines write today (streamliner_udf.plain), as a Python UDF
    loop       the same code in a list comprehension, without DuckDB
    door       our function on the same list of str, against that loop
    builtin    the best SQL that DuckDB has built in
    others     Polars, and the library that a user would pick (bench/opponents.py), where they are installed

Answers are compared with the specification first; how many rows the opponents answer differently is shown, because
they do less. Ratios are medians of the ratios within a round. What is slow runs on a sample of the rows, and its time
is scaled to all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import cases as catalogue
import corpora
import duckdb
import floors
import opponents
import plain_python
import report
import timing
from cases import Case

import streamliner_udf
from streamliner_udf._table import FUNCTIONS
from streamliner_udf.progress import Progress

SLACK = 1.10
SAMPLE, SAMPLE_QUICKLY = 50_000, 2_000  # rows of a Python UDF
DOOR_ROWS = 200_000
SECONDS = 1.0  # an opponent gets as many rows as it does in about this time


def columns_of(connection: duckdb.DuckDBPyConnection, case: Case, rows: int) -> list[list[str]]:
    """The texts of a case as Python has them."""
    names = ", ".join(case.columns)
    found = connection.execute(f"SELECT {names} FROM {case.table} ORDER BY id LIMIT {rows}").fetchall()
    return [list(column) for column in zip(*found, strict=True)]


def affordable(make: Callable[[opponents.Columns], opponents.Run], columns: list[list[str]], most: int) -> int:
    """How many rows take about SECONDS, by a first look at a thousand."""
    rows = min(len(columns[0]), most, 1_000)
    run = make([column[:rows] for column in columns])
    run()
    started = time.perf_counter()
    run()
    each = (time.perf_counter() - started) / rows
    return max(100, min(len(columns[0]), most, int(SECONDS / max(each, 1e-9))))


def python_ways(case: Case, columns: list[list[str]]) -> dict[str, tuple[timing.Way, int]]:
    """Ways without DuckDB, and how many rows each runs on."""
    ways: dict[str, tuple[timing.Way, int]] = {}
    function = plain_python.FUNCTIONS.get(case.python or "")
    if function is not None:

        def loop(columns: opponents.Columns) -> opponents.Run:
            if len(columns) == 1:
                (column,) = columns
                return lambda: [function.run(text) for text in column]
            return lambda: [function.run(*texts) for texts in zip(*columns, strict=True)]

        rows = affordable(loop, columns, SAMPLE)
        ways["loop"] = timing.Way(loop([column[:rows] for column in columns])), rows
        rows = min(DOOR_ROWS, len(columns[0]))
        ways["door"] = timing.Way(door(case, [column[:rows] for column in columns])), rows
    for opponent in opponents.OPPONENTS.get(case.name, opponents.OPPONENTS.get(case.name.partition(",")[0], ())):
        if opponent.version() is None:
            continue
        rows = affordable(opponent.make, columns, opponent.rows)
        ways[opponent.label] = timing.Way(opponent.make([column[:rows] for column in columns])), rows
    return ways


def door(case: Case, columns: list[list[str]]) -> opponents.Run:
    """Our function on lists of str, with the arguments of the case's query."""
    function = FUNCTIONS[case.function.removeprefix("sl_")]
    call = getattr(streamliner_udf, function.name)
    args: list[object] = list(case.arguments) if case.arguments else [None] * len(function.row_indexes)
    for at, column in zip(function.row_indexes, columns, strict=True):
        args[at] = column
    return lambda: call(*args)


def measure(
    connection: duckdb.DuckDBPyConnection,
    case: Case,
    rows: int,
    threads: int,
    rounds: int,
    step: Callable[[str], object],
    others: bool,
    sample: int,
) -> dict[str, Any]:
    """Times and ratios of one case. Opponents run on all threads, the function and its floor also on one."""

    def way(query: str, count: int) -> timing.Way:
        return timing.Way(
            lambda: connection.execute(query).fetchone(), lambda: connection.execute(f"SET threads = {count}")
        )

    floor = f"SELECT {case.floor_query()} FROM {case.table}"
    ways = {"native": way(case.query(case.call), threads), "floor": way(floor, threads)}
    if threads > 1:
        ways |= {"native, one thread": way(case.query(case.call), 1), "floor, one thread": way(floor, 1)}
    scales = {}
    if case.python:
        ways["python"] = way(case.query(case.python_call(), f"{case.table}_sample"), threads)
        scales["python"] = rows / min(rows, sample)
    if case.builtin:
        ways["builtin"] = way(case.query(case.builtin), threads)
    samples = {}
    if others:
        for name, (one, count) in python_ways(case, columns_of(connection, case, rows)).items():
            ways[name] = one
            samples[name] = count
            scales[name] = rows / count
    took = timing.interleave(ways, rounds, step=lambda name: step(f"{case.name}: {name}"))

    ratios = {"floor": timing.ratio(took["native"], took["floor"])}
    if threads > 1:
        ratios["floor, one thread"] = timing.ratio(took["native, one thread"], took["floor, one thread"])
        ratios["threads"] = timing.ratio(took["native, one thread"], took["native"])
    for name in ways:
        if name not in ("native", "floor", "door") and ", one thread" not in name:
            ratios[name] = timing.ratio(took[name], took["native"], scales.get(name, 1.0))
    if "door" in ways:
        ratios["door"] = timing.ratio(took["loop"], took["door"], samples["door"] / samples["loop"])
    return {
        "milliseconds": {name: series.summary() for name, series in took.items()},
        "sampled_rows": samples,
        "ratios": ratios,
    }


def missed(record: dict[str, Any], slack: float) -> list[str]:
    """The goals that a record misses, in words."""
    sentences = []
    for name, goal in record["goals"].items():
        if name not in record["ratios"]:
            continue  # an opponent that is not installed
        got = record["ratios"][name]["paired"]
        kept = got <= goal * slack if name == "floor" else got >= goal / slack
        if not kept:
            bound = "at most" if name == "floor" else "at least"
            sentences.append(f"{record['function']}: expected x {name} to be {bound} {goal:g}, got {got:.3g}")
    return sentences


def _cell(record: dict[str, Any], name: str) -> str:
    if name not in record["ratios"]:
        return "-"
    value = record["ratios"][name]["paired"]
    shown = f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    goal = record["goals"].get(name)
    return shown if goal is None else f"{shown} ({'<=' if name == 'floor' else '>='}{goal:g})"


COLUMNS = {
    "floor": "x floor",
    "floor, one thread": "x floor 1T",
    "python": "x Python UDF",
    "loop": "x Python loop",
    "door": "list: x loop",
    "builtin": "x built-in",
}


def show(records: list[dict[str, Any]], threads: int) -> None:
    """The table, and a line for each opponent beside it."""
    header = ["function", "floor", "ns/row", "1T ns/row", *COLUMNS.values(), f"{threads}T/1T", "others"]
    lines = []
    for record in records:
        times, rows = record["milliseconds"], record["rows"]
        one = times.get("native, one thread", times["native"])
        known = {*COLUMNS, "threads"}
        lines.append(
            [
                record["function"],
                record["floor"],
                f"{times['native']['wall_min'] * 1e6 / rows:.1f}",
                f"{one['wall_min'] * 1e6 / rows:.1f}",
                *(_cell(record, name) for name in COLUMNS),
                _cell(record, "threads"),
                "; ".join(f"{name} {_cell(record, name)}" for name in record["ratios"] if name not in known),
            ]
        )
    report.table(header, lines)


def load(connection: duckdb.DuckDBPyConnection, rows: int, checked: int, sample: int) -> None:
    """The tables of all cases, a sample of each for Python UDFs, and one for the comparison of answers."""
    corpora.load_patterns(connection)
    for table, fill in catalogue.TABLES.items():
        fill(connection, rows, table)
        connection.execute(f"CREATE TABLE {table}_sample AS FROM {table} ORDER BY id LIMIT {sample}")
        connection.execute(f"CREATE TABLE {table}_checked AS FROM {table} ORDER BY hash(id) LIMIT {checked}")


def updated(label: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of an earlier file with the new ones in their places; those that it lacks at the end."""
    earlier = report.read("run", label)
    for what in ("rows", "python_rows"):
        if earlier[what] != found[what]:
            raise SystemExit(f"expected {what} to be {earlier[what]:,}, as in {label}, got {found[what]:,}")
    records = {record["function"]: record for record in earlier["functions"]}
    return list((records | {record["function"]: record for record in found["functions"]}).values())


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rows", type=int, help="messages (default 1,000,000; 100,000 with --quick)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--functions", default="", help="comma-separated names; all if empty")
    parser.add_argument("--quick", action="store_true", help="a minute: fewer rows and rounds, no loops, no libraries")
    parser.add_argument(
        "--update", action="store_true", help="of an earlier file of that label replace only what --functions names"
    )
    parser.add_argument("--check", action="store_true", help="exit status 1 if a goal is missed by more than 10 %%")
    arguments = parser.parse_args(argv)
    rows = arguments.rows or (100_000 if arguments.quick else 1_000_000)
    threads, rounds = arguments.threads, 2 if arguments.quick else 7
    sample = SAMPLE_QUICKLY if arguments.quick else SAMPLE
    wanted = {name for name in arguments.functions.split(",") if name}
    known = list(dict.fromkeys(case.name.partition(",")[0] for case in catalogue.all_cases()))
    if unknown := wanted - set(known):
        parser.error(f"expected --functions out of {', '.join(known)}, got {', '.join(sorted(unknown))}")
    with floors.connect(threads) as connection:
        load(connection, rows, catalogue.CHECKED_QUICKLY if arguments.quick else catalogue.CHECKED, sample)
        plain_python.register(connection)
        cases = [
            case
            for case in catalogue.existing(connection, catalogue.all_cases())
            if not wanted or case.name.partition(",")[0] in wanted
        ]
        where = timing.machine([1, threads])
        records = []
        with Progress("measuring", len(cases) * (rounds + 1) * 8) as bar:
            for case in cases:
                count = case.rows(rows)
                record: dict[str, Any] = {"function": case.name, "query": case.query(case.call), "floor": case.floor}
                record |= {"rows": count, "differing": catalogue.compare(connection, case)}
                record |= measure(
                    connection,
                    case,
                    count,
                    threads,
                    rounds,
                    lambda label: bar.add(label=label),
                    not arguments.quick,
                    sample,
                )
                records.append(record | {"goals": catalogue.goals(case, count, threads)})
    versions = {o.package: o.version() for several in opponents.OPPONENTS.values() for o in several}
    where["opponents"] = {name: version for name, version in versions.items() if version}
    print(timing.describe(where))
    print(f"{rows:,} rows in memory, {threads} threads; goals in brackets; samples are scaled to all rows")
    print("not installed: " + (", ".join(sorted(name for name, v in versions.items() if not v)) or "nothing") + "\n")
    show(records, threads)
    for record in records:
        for opponent, share in record["differing"].items():
            if share:
                print(f"{record['function']}: {opponent} answers {share:.1%} of the rows differently")
    found = {"machine": where, "rows": rows, "python_rows": min(rows, sample), "functions": records}
    if arguments.update:
        found["functions"] = updated(arguments.label, found)
    path = report.write("run", arguments.label, found)
    print(f"\n{path}")
    failures = [sentence for record in records for sentence in missed(record, SLACK)]
    if failures:
        print("\n".join(["", "missed goals:", *failures]), file=sys.stderr)
    sys.exit(1 if arguments.check and failures else 0)


if __name__ == "__main__":
    main()
