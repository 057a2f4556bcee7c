"""A day's worth of calls in miniature: rows through every function and door, while memory is watched.

    python tests/soak.py --rows 1_000_000_000

Each round puts every function to work in SQL on all threads, some on options that were not there before, and by the
doors of Python, and opens and closes a database. It fails if a round answers otherwise than the first, or memory grows.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb
import paths
from paths import FUNCTIONS, Function

import streamliner_udf

MANY, HANDFUL = 1_000_000, 200
FEWER = 50
# Functions that cost less than this much a row see all the rows, the others a fiftieth of them.
CHEAP_NS = 150.0
# An allocator keeps now more and now less; what leaks grows with every round.
SPARE = 24 << 20
WARM = 0.2  # of the rounds: pools and caches fill
TEXTS = """
    SELECT i, CASE
        WHEN i % 10 = 0 THEN NULL
        WHEN i % 100_000 = 7 THEN repeat('Long é text, <b>bold</b> &amp; more. ', 6000) || i
        WHEN i % 1000 = 3 THEN repeat('mail ana' || i || '@example.org or +351 912 345 678 ', 80)
        WHEN i % 3 = 0 THEN 'Olá, Mundo! “' || i || '” see http://a.b/' || i || ' #tag @ana 😀'
        ELSE 'word ' || i END AS s
    FROM range({rows}) t(i)
"""


@dataclass
class Sample:
    round: int
    rows: int
    seconds: float
    rss: int


@dataclass
class Soak:
    """What happened; `problem` is empty if nothing did."""

    samples: list[Sample] = field(default_factory=list)
    queries: int = 0
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def resident() -> int:
    """Bytes of this process that are in memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def growth(samples: Sequence[Sample]) -> int:
    """How much the least of the last quarter is above the most of the first rounds after warming up."""
    warm = int(len(samples) * WARM)
    early = samples[warm : warm + max(1, len(samples) // 4)]
    late = samples[-max(1, len(samples) // 4) :]
    return min(s.rss for s in late) - max(s.rss for s in early)


def query(function: Function, options: tuple[Any, ...], table: str) -> tuple[str, list[Any]]:
    call = paths.call(function, options)
    if not paths.of_texts(function):
        call = paths.call(function, options, [f"[strlen(s), i]::{kind}" for kind in types_of(function)])
    elif paths.is_pair(function):
        call = paths.call(function, options, ["s", "left(s, 40)"])
    return f"SELECT count(*), count(r), bit_xor(hash(r)) FROM (SELECT {call} AS r FROM {table})", list(options)


def types_of(function: Function) -> list[str]:
    return [function.params[at].sql_type for at in function.row_indexes]


class Work:
    """What is done in each round, and what the first one answered."""

    def __init__(self, seed: int, threads: int | None, many: int) -> None:
        self.few = many // FEWER
        self.rng = random.Random(seed)
        self.config = {} if threads is None else {"threads": threads}
        self.answers: dict[str, Any] = {}
        self.soak = Soak()
        self.options = {name: paths.option_variants(function)[0] for name, function in FUNCTIONS.items()}
        self.columns = {
            name: paths.columns(function, paths.random_rows(function, self.rng, HANDFUL))
            for name, function in FUNCTIONS.items()
        }
        self.chat = "".join(f"05/03/2024, 09:{i % 60:02} - Ana{i % 90}: hi {i}\n" for i in range(5000)).encode()
        self.cheap: list[Function] = []
        self.rows = 0

    def expect(self, name: str, answer: Any) -> None:
        if self.answers.setdefault(name, answer) != answer and not self.soak.problem:
            self.soak.problem = f"{name}: another answer than in the first round"

    def ask(self, con: duckdb.DuckDBPyConnection, function: Function, table: str) -> float:
        started = time.perf_counter()
        text, values = query(function, self.options[function.name], table)
        answer = con.execute(text, values).fetchall()
        self.rows += answer[0][0]
        self.soak.queries += 1
        self.expect(f"{function.sql_name} on {table}", answer)
        return time.perf_counter() - started

    def in_sql(self, number: int, source: duckdb.DuckDBPyConnection) -> None:
        for function in FUNCTIONS.values():
            seconds = self.ask(source, function, "few")
            if number == 0 and 1e9 * seconds / self.few < CHEAP_NS and paths.of_texts(function):
                self.cheap.append(function)
        for function in self.cheap:
            self.ask(source, function, "many")
        # Options that nobody has compiled yet push others out.
        for n in range(20):
            fresh = 1000 + 20 * number + n
            source.execute("SELECT max(sl_slugify(s, ?)), max(sl_pseudonym(s, ?)) FROM few", [fresh, f"key {fresh}"])
            source.execute("SELECT count_if(sl_contains_any(s, [?, 'x'])) FROM few", [f"{fresh}"]).fetchall()
            self.rows += 3 * self.few
            self.soak.queries += 2

    def in_python(self) -> None:
        for name, function in FUNCTIONS.items():
            columns = self.columns[name]
            self.expect(f"{name} of a list", repr(paths.door(function, columns, self.options[name])))
            self.rows += HANDFUL
        messages = streamliner_udf.parse_rows("parse_whatsapp", self.chat)
        con = duckdb.connect()
        con.register("messages", messages)
        self.expect("parse_rows", con.execute("SELECT count(*), bit_xor(hash(text)) FROM messages").fetchall())
        con.close()
        self.rows += len(messages)

    def life(self) -> None:
        """A database and cursors that come and go."""
        with streamliner_udf.connect(config=self.config) as con, con.cursor() as cursor:
            self.expect("cursor", cursor.execute("SELECT sl_slugify('A b'), count(*) FROM sl_functions()").fetchall())


def run(
    rows: int, seed: int = 7, threads: int | None = None, rounds: int = 0, report: Any = None, many: int = MANY
) -> Soak:
    """Until so many rows have gone through, and for `rounds` at least; `many` rows are in the larger table."""
    work = Work(seed, threads, many)
    soak = work.soak
    started = time.perf_counter()
    with streamliner_udf.connect(config=work.config) as source:
        for table, count in (("many", many), ("few", work.few)):
            source.execute(f"CREATE TABLE {table} AS {TEXTS.format(rows=count)}")
        while (work.rows < rows or len(soak.samples) < rounds) and not soak.problem:
            number = len(soak.samples)
            work.in_sql(number, source)
            work.in_python()
            work.life()
            sample = Sample(number, work.rows, time.perf_counter() - started, resident())
            soak.samples.append(sample)
            if report:
                report(sample)
    if not soak.problem and len(soak.samples) >= 8 and growth(soak.samples) > SPARE:
        soak.problem = f"memory grew by {growth(soak.samples):,} bytes"
    return soak


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000_000, help="rows in all (default %(default)s)")
    parser.add_argument("--threads", type=int, help="of DuckDB (default: its own)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print all samples as JSON at the end")
    options = parser.parse_args(arguments)

    def report(sample: Sample) -> None:
        if sample.round % 10 == 0:
            print(
                f"round {sample.round:4}: {sample.rows:13,} rows, {sample.seconds:7.1f} s, "
                f"{sample.rss / 2**20:7.1f} MiB",
                file=sys.stderr,
                flush=True,
            )

    soak = run(options.rows, options.seed, options.threads, rounds=8, report=report)
    if options.json:
        print(json.dumps(soak.to_dict()))
        return 1 if soak.problem else 0
    first, last = soak.samples[0], soak.samples[-1]
    most = max(sample.rss for sample in soak.samples)
    print(
        f"{last.rows:,} rows in {last.seconds:,.0f} s ({last.rows / last.seconds / 1e6:.1f} million a second), "
        f"{len(soak.samples)} rounds, {soak.queries:,} queries\n"
        f"memory {first.rss / 2**20:.1f} MiB after the first round, {most / 2**20:.1f} at most, "
        f"{last.rss / 2**20:.1f} at the end"
    )
    print(f"FAILED: {soak.problem}" if soak.problem else "every round answered as the first, memory did not grow")
    return 1 if soak.problem else 0


if __name__ == "__main__":
    sys.exit(main())
