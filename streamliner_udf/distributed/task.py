"""One try at one partition: reads, computes, checks, and gives the finished files their names. Runs in a worker."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

import streamliner_udf

from .. import resources
from ..sql import quoted
from .files import DONE, publish, read_json, temporary_name, write_json
from .planning import attach, file_list, hashed, state_of, versions

__all__ = ["BUCKET", "REASON", "checksum_of", "done_record", "perform"]

BUCKET = "streamliner_bucket"
REASON = "quarantine_reason"
_PLACE = "streamliner_place"


def checksum_of(con: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, str]:
    """How many rows a query gives, and the sum of their hashes."""
    found = con.execute(f"SELECT count(*), coalesce(sum(hash(r)::HUGEINT), 0)::VARCHAR FROM ({rows}\n) r").fetchall()[0]
    return int(found[0]), str(found[1])


def done_record(target: Path, key: str, but: str | None = None) -> dict[str, Any] | None:
    """What a finished task left, if its files are there and whole; those in the folder `but` may be gone."""
    record = read_json(target / DONE / f"{key}.json")
    if record is None or record.get("key") != key:
        return None
    for name, size in record["files"].items():
        if but is not None and name.startswith(f"{but}/"):
            continue
        try:
            if (target / name).stat().st_size != size:
                return None
        except OSError:
            return None
    return record


def _share(task: Mapping[str, Any]) -> int | None:
    """Memory for DuckDB, in bytes: what the driver says, or the part of this machine that belongs to the threads."""
    if task["memory_limit"] is not None:
        return int(task["memory_limit"])
    found = resources.detect()
    limit = resources.recommend(found).memory_limit
    return None if limit is None else limit * min(task["threads"], found.cpus) // found.cpus


def perform(task: Mapping[str, Any]) -> dict[str, Any]:
    """Does one task, and returns its record. Doing it again gives the same files."""
    if task["versions"] != versions():
        raise RuntimeError(f"expected a worker with {task['versions']}, got {versions()}")
    target, key = Path(task["target"]), task["key"]
    started = time.perf_counter()
    spill = temporary_name(target, key, ".spill")
    config: dict[str, Any] = {"threads": task["threads"], "temp_directory": str(spill)}
    if (limit := _share(task)) is not None:
        config["memory_limit"] = f"{limit // 1_000_000}MB"
    made: list[Path] = []
    try:
        with streamliner_udf.connect(config=config) as con:
            record = _compute(con, target, task, made)
    finally:
        for path in made:
            path.unlink(missing_ok=True)
        shutil.rmtree(spill, ignore_errors=True)
    record["seconds"] = round(time.perf_counter() - started, 6)
    write_json(target, target / DONE / f"{key}.json", record)
    return record


def _unchanged(task: Mapping[str, Any]) -> None:
    for path, size, changed in task["inputs"]:
        if state_of(path) != (path, size, changed):
            raise RuntimeError(f"expected {path} to stay as it is while it is read, but it has changed")


def _compute(con: duckdb.DuckDBPyConnection, target: Path, task: Mapping[str, Any], made: list[Path]) -> dict[str, Any]:
    _unchanged(task)
    if task["database"] is not None:
        attach(con, task["database"])
    if task["setup"]:
        con.execute(task["setup"])
    rules: dict[str, str] = task["quarantine"]
    bad = " OR ".join(f"coalesce(({rule}), false)" for rule in rules.values())
    good = f"SELECT * FROM ({task['rows_of']}) WHERE NOT ({bad})" if rules else task["rows_of"]
    con.execute(f"CREATE TEMP VIEW source AS {good}")
    rows_in = con.execute(f"SELECT count(*) FROM ({task['rows_of']})").fetchall()[0][0]
    if task["rows"] is not None and rows_in != task["rows"]:
        raise RuntimeError(f"expected {task['rows']} rows in it, got {rows_in}")
    _expect_columns(con, task)

    record: dict[str, Any] = {"key": task["key"], "label": task["label"], "rows_in": rows_in, "quarantined": 0}
    record |= {"file": f"{task['prefix']}{task['key']}.parquet", "quarantine": None, "versions": versions()}
    finished = []
    if rules:
        cases = " ".join(f"WHEN coalesce(({rule}), false) THEN {quoted(reason)}" for reason, rule in rules.items())
        query = f"SELECT CASE {cases} END AS {REASON}, * FROM ({task['rows_of']}) WHERE {bad}"
        path, record["quarantined"], _ = _write(con, target, task, query, "", made)
        if record["quarantined"]:
            record["quarantine"] = f"quarantine-{task['key']}.parquet"
            finished.append((path, record["quarantine"]))
    if task["buckets"]:
        count = task["buckets"]
        query = (
            f"SELECT * EXCLUDE ({_PLACE}) FROM (SELECT *, ({hashed(task['by'])} % {count})::INTEGER AS {BUCKET}, "
            f"row_number() OVER () AS {_PLACE} FROM ({task['sql']})) ORDER BY {BUCKET}, {_PLACE}"
        )
        group = min(max(-(-rows_in // (count * resources.VECTOR)), 1) * resources.VECTOR, resources.GROUP_MAX)
        path, record["rows_out"], record["checksum"] = _write(
            con, target, task, query, f", ROW_GROUP_SIZE {group}", made, f"* EXCLUDE ({BUCKET})"
        )
        found = con.execute(f"SELECT {BUCKET}, count(*) FROM read_parquet({file_list([str(path)])}) GROUP BY 1")
        record["buckets"] = {str(bucket): rows for bucket, rows in found.fetchall()}
    else:
        path, record["rows_out"], record["checksum"] = _write(con, target, task, task["sql"], "", made)
    if task["same_rows"] and record["rows_out"] + record["quarantined"] != rows_in:
        raise RuntimeError(
            f"expected as many rows as came, {rows_in - record['quarantined']}, got {record['rows_out']}"
        )
    _unchanged(task)
    finished.append((path, record["file"]))
    record["files"] = {name: path.stat().st_size for path, name in finished}
    for path, name in finished:
        publish(path, target / name)
    return record


def _expect_columns(con: duckdb.DuckDBPyConnection, task: Mapping[str, Any]) -> None:
    """All parts have to have the same columns, or they could not be read as one."""
    if task["columns"] is None:
        return
    wanted = [list(column) for column in task["columns"]]
    came = [[row[0], row[1]] for row in con.execute(f"DESCRIBE {task['sql']}").fetchall()]
    if came != wanted:
        shown = (", ".join(" ".join(column) for column in columns) for columns in (wanted, came))
        raise RuntimeError("expected the columns {}, got {}".format(*shown))


def _write(
    con: duckdb.DuckDBPyConnection,
    target: Path,
    task: Mapping[str, Any],
    query: str,
    options: str,
    made: list[Path],
    columns: str = "*",
) -> tuple[Path, int, str]:
    """A file of a query's rows, how many the file holds, and their checksum."""
    path = temporary_name(target, task["key"], ".parquet")
    made.append(path)
    con.execute(f"COPY ({query}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false{options})")
    # Of what was written, so that it is known to be readable.
    rows, checksum = checksum_of(con, f"SELECT {columns} FROM read_parquet({file_list([str(path)])})")
    return path, rows, checksum
