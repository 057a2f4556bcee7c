"""One run of the pipeline in a process of its own: a specification in JSON on standard input, an answer in JSON.

Run as `python -m streamliner_udf.scale.trial`. What an allocator keeps, caches and settings end with the process, so
that no trial knows of another.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb

from ..duckdb import connect
from ..fresh_process import answer
from ..measures import machine_seconds, others
from ..sql import quoted
from .measures import Meter
from .pipeline import FUNCTIONS, STEPS, Job, Step

__all__ = ["run"]

# What must be the same in every trial of a volume, whatever its threads and its memory.
_CHECKS = {
    "messages": "hash(msg_key, ts, author, text)",
    "clean": "hash(msg_key, author_id, text, urls, emails, mentions, hashtags, emoji)",
    "near": "hash(a, b, similarity)",
    "windows": "hash(chat, session, span)",
    "chunks": "hash(chat, session, idx, text)",
}


def _measured(step: Step, job: Job, spill: Path) -> dict[str, Any]:
    with Meter(spill) as meter:
        step.run(job)
    return {
        "name": step.name,
        "wall": meter.wall,
        "cpu": meter.cpu,
        "peak_memory": meter.peak,
        "spilled": meter.spilled,
        "written": meter.written,
    }


def _checked(connection: duckdb.DuckDBPyConnection, output: Path) -> dict[str, str]:
    sources = {**_CHECKS, quoted(output): "hash(msg_key, text, duplicate_of)"}
    found = {}
    for source, row in sources.items():
        query = f"SELECT count(*), bit_xor(h), sum(h) FROM (SELECT {row} AS h FROM {source})"
        name = source if source in _CHECKS else "export"
        found[name] = "/".join(map(str, connection.execute(query).fetchall()[0]))
    return found


def _contents(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = """
        SELECT count(*), count(DISTINCT text), sum(strlen(text)),
               (SELECT count(*) FROM near), (SELECT count(*) FROM near_clusters WHERE cluster <> msg_key),
               (SELECT count(*) FROM windows), (SELECT count(*) FROM chunks)
        FROM messages
    """
    names = ("rows", "texts", "text_bytes", "near_pairs", "near_duplicates", "windows", "chunks")
    return dict(zip(names, map(int, connection.execute(query).fetchall()[0]), strict=True))


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """All steps, then each function alone.

    spec : "folder" (empty, for the database, what spills and the result), "files", "threads", "memory_limit" (as DuckDB
    writes it, or None for its own), "row_group_size", "functions" (whether they are measured).
    """
    folder = Path(spec["folder"])
    spill, output = folder / "spill", folder / "messages.parquet"
    with connect() as connection:
        connection.execute(f"SET temp_directory = {quoted(spill)}; SET threads = {int(spec['threads'])}")
        if spec["memory_limit"] is not None:
            connection.execute(f"SET memory_limit = {quoted(spec['memory_limit'])}")
        groups = int(spec["row_group_size"])
        connection.execute(f"ATTACH {quoted(folder / 'scale.duckdb')} AS scale (ROW_GROUP_SIZE {groups}); USE scale")
        job = Job(connection, [Path(path) for path in spec["files"]], output)
        before = machine_seconds()
        steps = [_measured(step, job, spill) for step in STEPS]
        after = machine_seconds()
        functions = [_measured(function, job, spill) for function in FUNCTIONS] if spec["functions"] else []
        wall, cpu = (sum(step[what] for step in steps) for what in ("wall", "cpu"))
        return {
            "steps": steps,
            "functions": functions,
            "contents": _contents(connection),
            "checks": _checked(connection, output),
            "database_bytes": (folder / "scale.duckdb").stat().st_size,
            "output_bytes": output.stat().st_size,
            **others(before, after, wall, cpu),
        }


def main() -> int:
    """Answers one specification of `fresh_process.ask`."""
    return answer(run)


if __name__ == "__main__":
    sys.exit(main())
