"""materialize over a million messages: all of them, then with 1 % new, and with 1 % edited all over the table.

    python bench/incremental.py [--label NAME] [--rounds N] [--rows N] [--quick]

Each round makes the table anew and then brings it up to date twice, so that ratios are of neighbours in time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import corpora
import duckdb
import report
import timing

import streamliner_udf
from streamliner_udf import resources
from streamliner_udf.incremental import MaterializeReport

QUERY = "SELECT msg_key, sl_scrub_pii(sl_clean_text(text)) AS text FROM messages"
DISTINCT = 100_000


def messages(con: duckdb.DuckDBPyConnection, first: int, count: int) -> str:
    """Rows of chat text, each with a number that makes it one of its kind."""
    return (
        f"SELECT md5((i)::VARCHAR)::UUID AS msg_key, t.text || ' ' || i AS text "
        f"FROM range({first}, {first + count}) r(i) JOIN texts t ON t.n = r.i % {DISTINCT}"
    )


def timed(con: duckdb.DuckDBPyConnection) -> tuple[tuple[float, float], MaterializeReport]:
    cpu, wall = time.process_time(), time.perf_counter()
    done = streamliner_udf.materialize(con, "clean", QUERY)
    return (time.perf_counter() - wall, time.process_time() - cpu), done


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="1 round over 100,000 messages")
    arguments = parser.parse_args(argv)
    if arguments.quick:
        arguments.rounds, arguments.rows = 1, 100_000
    where, part = timing.machine(resources.detect().cpus), arguments.rows // 100
    print(timing.describe(where) + "\n")
    texts = corpora.chat_messages(DISTINCT)
    runs: dict[str, list[tuple[float, float]]] = {"all": [], "1 % new": [], "1 % edited": []}
    with (
        tempfile.TemporaryDirectory(prefix="streamliner-bench-") as folder,
        streamliner_udf.connect(Path(folder, "chat.duckdb")) as con,
    ):
        con.execute("CREATE TEMP TABLE texts (n BIGINT, text VARCHAR)")
        con.execute("INSERT INTO temp.texts SELECT i, t FROM (SELECT unnest(?) AS t, unnest(range(?)) AS i)",
                    [texts, len(texts)])  # fmt: skip
        for turn in range(arguments.rounds):
            con.execute("DROP TABLE IF EXISTS clean; DROP TABLE IF EXISTS clean__inputs")
            con.execute(f"CREATE OR REPLACE TABLE messages AS {messages(con, 0, arguments.rows)}")
            con.execute("CHECKPOINT")
            took, done = timed(con)
            runs["all"].append(took)
            con.execute(f"INSERT INTO messages {messages(con, arguments.rows, part)}")
            took, done = timed(con)
            assert (done.new, done.changed, done.unchanged) == (part, 0, arguments.rows)
            runs["1 % new"].append(took)
            con.execute(f"UPDATE messages SET text = text || ' edited {turn}' WHERE rowid % 100 = 0")
            took, done = timed(con)
            assert (done.new, done.changed) == (0, -(-(arguments.rows + part) // 100))
            runs["1 % edited"].append(took)
            wrong = f"SELECT count(*) FROM (FROM clean EXCEPT ALL {QUERY})"
            assert turn or con.execute(wrong).fetchall() == [(0,)]
    record: dict[str, Any] = {"machine": where, "rows": arguments.rows, "rounds": arguments.rounds, "runs": []}
    for name, series in runs.items():
        ratios = [[a[i] / b[i] for a, b in zip(runs["all"], series, strict=True)] for i in (0, 1)]
        record["runs"].append(
            {
                "what": name,
                "wall_ms": min(one[0] for one in series) * 1e3,
                "cpu_ms": min(one[1] for one in series) * 1e3,
                "wall_ratio": statistics.median(ratios[0]),
                "cpu_ratio": statistics.median(ratios[1]),
            }
        )
    report.table(
        ["materialize", "ms", "CPU ms", "times less", "CPU"],
        [
            [
                run["what"],
                *(f"{run[name]:.0f}" for name in ("wall_ms", "cpu_ms")),
                *(f"{run[name]:.1f}" for name in ("wall_ratio", "cpu_ratio")),
            ]
            for run in record["runs"]
        ],
        words=1,
    )
    print(report.write("incremental", arguments.label, record))


if __name__ == "__main__":
    main()
