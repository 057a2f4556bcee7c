"""What settings of DuckDB do for a text pipeline, each beside the default, in turns.

    python bench/settings.py [--label NAME] [--rounds N] [--quick]

The pipeline: messages into a table, cleaned and scrubbed into a second one, checkpoint, then a count and a window over
both. Every run has a database of its own, and its answer is compared with the default's. Wall time of a busy machine
says little, so there are two more figures: processor time of all threads, and that of the busiest thread, below which
the wall cannot come whatever else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import corpora
import report
import timing

import streamliner_udf
from streamliner_udf import resources
from streamliner_udf.row_groups import all_threads

ROWS, LARGE, COPIES = 100_000, 200_000, 2
# An effect is one if the middle half of the rounds is on one side, and its median this far from nothing.
NOTHING = 0.1


@dataclass(frozen=True)
class Setting:
    """One change of the default, under the name by which people know it."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    attach: str = ""
    in_memory: bool = False
    by_vectors: bool = False  # what materialize does for a source of one row group
    rows: int = ROWS
    beside: dict[str, Any] = field(default_factory=dict)  # what both sides have
    beside_in_memory: bool = False


def settings() -> list[Setting]:
    cpus = resources.detect().cpus
    size = resources.rows_per_group(ROWS, cpus)
    return [
        Setting("the default again (noise)"),
        Setting(f"ROW_GROUP_SIZE {size}", attach=f"(ROW_GROUP_SIZE {size})"),
        Setting("ROW_GROUP_SIZE 24576", attach="(ROW_GROUP_SIZE 24576)"),
        Setting("work by vectors, in memory", in_memory=True, by_vectors=True, beside_in_memory=True),
        Setting("threads = 1", {"threads": 1}, rows=LARGE),
        Setting(f"threads = {4 * cpus} on {cpus} processors", {"threads": 4 * cpus}, rows=LARGE),
        Setting("a database in memory", in_memory=True),
        Setting("force_compression = 'uncompressed'", {"force_compression": "uncompressed"}),
        Setting("memory_limit = 250 MB", {"memory_limit": "250MB"}, rows=LARGE),
        Setting("memory_limit = 100 MB", {"memory_limit": "100MB"}, rows=LARGE),
        Setting("preserve_insertion_order = false", {"preserve_insertion_order": False}, rows=LARGE),
        Setting("BLOCK_SIZE 16384", attach="(BLOCK_SIZE 16384)"),
        Setting("enable_object_cache", {"enable_object_cache": True}),
        Setting("enable_fsst_vectors", {"enable_fsst_vectors": True}),
        Setting("allocator_background_threads", {"allocator_background_threads": True}),
        Setting("allocator_flush_threshold = 1 GB", {"allocator_flush_threshold": "1GB"}),
        Setting("pin_threads = 'on'", {"pin_threads": "on"}),
        Setting("scheduler_process_partial", {"scheduler_process_partial": True}),
        Setting("checkpoint_threshold = 1 GB", {"checkpoint_threshold": "1GB"}),
        Setting("write_buffer_row_group_count = 1", {"write_buffer_row_group_count": 1}),
        Setting("enable_external_file_cache = false", {"enable_external_file_cache": False}),
    ]


def thread_times() -> dict[str, int]:
    """Nanoseconds that each thread of this process has run; empty where that is not told."""
    found = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            found[path.parent.name] = int(path.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return found


def run(setting: Setting | None, base: Setting, source: str) -> dict[str, Any]:
    """One pipeline, in a database of its own."""
    changed = setting or base
    in_memory = changed.in_memory if setting else base.beside_in_memory
    with tempfile.TemporaryDirectory(prefix="streamliner-bench-") as folder:
        path = os.path.join(folder, "chat.duckdb")
        config = {**base.beside, **(setting.config if setting else {})}
        with streamliner_udf.connect() as con:
            con.execute(f"SET temp_directory = '{folder}/spill'")
            for name, value in config.items():
                con.execute(f"SET GLOBAL {name} = '{value}'")
            con.execute(f"ATTACH '{':memory:' if in_memory else path}' AS chat {setting.attach if setting else ''}")
            con.execute(f"USE chat; ATTACH '{source}' AS given (READ_ONLY)")
            work = (
                f"CREATE TABLE messages AS FROM given.messages LIMIT {base.rows}",
                "CREATE TABLE clean AS SELECT seq, sl_scrub_pii(sl_clean_text(text)) AS text FROM messages",
                "CHECKPOINT",
            )
            asked = (
                "SELECT bit_xor(hash(m.seq, c.text, sl_slugify(m.text))) FROM messages m JOIN clean c USING (seq)",
                "SELECT bit_xor(hash(text, n)) FROM (SELECT text, count(*) AS n FROM clean GROUP BY text)",
                "SELECT sum(hash(text, before)::HUGEINT) FROM "
                "(SELECT text, lag(text) OVER (ORDER BY text, seq) AS before FROM clean)",
            )
            before, cpu, wall = thread_times(), time.process_time(), time.perf_counter()
            answers = pipeline(con, work, asked, bool(setting and setting.by_vectors))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            spent = [value - before.get(name, 0) for name, value in thread_times().items()]
            file = os.path.getsize(path) if not in_memory else 0
    # With more threads than processors none is the busiest.
    busiest = max(max(spent) / 1e9, cpu / resources.detect().cpus) if spent else 0
    return {"wall": wall, "cpu": cpu, "busiest": busiest, "file": file, "answers": answers}


def pipeline(con: Any, work: Sequence[str], asked: Sequence[str], by_vectors: bool) -> list[Any]:
    for statement in work:
        # As materialize does: for the one query that computes.
        with all_threads(con) if by_vectors and " clean " in statement else contextlib.nullcontext():
            con.execute(statement).fetchall()
    return [con.execute(query).fetchall() for query in asked]


def measure(setting: Setting, source: str, rounds: int) -> dict[str, Any]:
    """Ratios of the default to the setting: above 1 the setting is the cheaper."""
    sides: dict[str, list[dict[str, Any]]] = {"default": [], "setting": []}
    for turn in range(rounds):
        order = ("default", "setting") if turn % 2 else ("setting", "default")
        for side in order:
            sides[side].append(run(setting if side == "setting" else None, setting, source))
    answers = [one.pop("answers") for side in sides.values() for one in side]
    if any(one != answers[0] for one in answers):
        raise SystemExit(f"{setting.name}: the answers differ from the default's")
    found: dict[str, Any] = {"name": setting.name, "rows": setting.rows, "answers_equal": True}
    for what in ("wall", "cpu", "busiest"):
        pairs = list(zip(sides["default"], sides["setting"], strict=True))
        ratios = sorted(a[what] / b[what] for a, b in pairs if b[what])
        if ratios:
            low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
            found[what] = {"ratio": middle, "low": low, "high": high}
        found[f"{what}_ms"] = {side: min(one[what] for one in runs) * 1e3 for side, runs in sides.items()}
    found["file_megabytes"] = {side: runs[0]["file"] / 1e6 for side, runs in sides.items()}
    found["verdict"] = verdict(found)
    return found


def verdict(found: dict[str, Any]) -> str:
    """In a word, by processor time and by the busiest thread."""
    words = []
    for what, shown in (("busiest", "time"), ("cpu", "work")):
        if what in found:
            ratio, low, high = (found[what][one] for one in ("ratio", "low", "high"))
            if low > 1 and ratio > 1 + NOTHING:
                words.append(f"less {shown}")
            elif high < 1 and ratio < 1 - NOTHING:
                words.append(f"more {shown}")
    return ", ".join(words) or "nothing"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="2 rounds")
    arguments = parser.parse_args(argv)
    rounds = 2 if arguments.quick else arguments.rounds
    where = timing.machine(resources.detect().cpus)
    record: dict[str, Any] = {"machine": where, "rounds": rounds, "settings": []}
    print(timing.describe(where) + "\n")
    with tempfile.TemporaryDirectory(prefix="streamliner-bench-") as folder:
        source = os.path.join(folder, "given.duckdb")
        texts = corpora.chat_messages(LARGE // COPIES)
        with streamliner_udf.connect(source) as con:
            con.execute("CREATE TABLE texts (text VARCHAR)")
            con.execute("INSERT INTO texts SELECT unnest(?)", [texts])
            con.execute(
                "CREATE TABLE messages AS SELECT row_number() OVER () - 1 AS seq, t.text || repeat(' .', c) AS text "
                f"FROM range({COPIES}) copies(c), texts t; DROP TABLE texts"
            )
            listed = {row[0] for row in con.execute("SELECT name FROM duckdb_settings()").fetchall()}
        for setting in settings():
            absent = [name for name in setting.config if name not in listed]
            if absent:  # SET may still accept it, and do nothing
                record["settings"].append({"name": setting.name, "rows": setting.rows, "verdict": "no setting here"})
                continue
            record["settings"].append(measure(setting, source, rounds))
    lines = []
    for found in record["settings"]:
        cells = [found["name"], f"{found['rows']:,}", found["verdict"]]
        cells += [f"{found[what]['ratio']:.2f}" if what in found else "" for what in ("busiest", "cpu", "wall")]
        lines.append(cells)
    report.table(["setting", "rows", "what it does", "busiest", "cpu", "wall"], lines, words=3)
    print(report.write("settings", arguments.label, record))


if __name__ == "__main__":
    main()
