"""One measurement in a process of its own: reads a specification in JSON from standard input, answers in JSON.

Run as `python -m streamliner_udf.tuning.trial`. Memory that an allocator keeps, warm caches of DuckDB and settings end
with the process, so that no trial knows of another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from ..duckdb import connect
from ..fresh_process import answer
from ..measures import SpillWatch, machine_seconds, others, peak_memory, reset_peak_memory, written_bytes
from ..resources import VECTOR
from ..sql import identifier, quoted
from .measures import Meter

__all__ = ["main"]

_RESULT = "streamliner_result"
_SOURCE = "streamliner_source"
# Rows of a table that is sampled: every n-th vector of it, so that rows that stand together stay together.
_SAMPLED_MIN = 50_000
_GROUPS_COUNTED_MAX = 5_000_000


def _settings(connection: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        shown = quoted(value) if isinstance(value, str) else str(value).lower()
        connection.execute(f"SET {identifier(name)} = {shown}")


def _attach(connection: duckdb.DuckDBPyConnection, path: str, name: str, *options: str) -> None:
    listed = f" ({', '.join(options)})" if options else ""
    connection.execute(f"ATTACH {quoted(path)} AS {identifier(name)}{listed}")


def _group_size(spec: dict[str, Any]) -> list[str]:
    return [f"ROW_GROUP_SIZE {int(spec['row_group_size'])}"] if spec.get("row_group_size") else []


def _copied(source: str, target: str) -> None:
    """The file of a database, with what is not in the file yet."""
    for end in ("", ".wal"):
        Path(target + end).unlink(missing_ok=True)
        if Path(source + end).exists():
            shutil.copyfile(source + end, target + end)


# ---- facts and copies ------------------------------------------------------------------------------------------------


def describe(spec: dict[str, Any]) -> dict[str, Any]:
    """Tables of the database, and the settings of this DuckDB with their values on this machine."""
    with connect() as connection:
        settings = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        _attach(connection, spec["database"], spec["name"], "READ_ONLY")
        found = connection.execute(
            "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() "
            "WHERE database_name = ? AND NOT internal ORDER BY ALL",
            [spec["name"]],
        ).fetchall()
        tables = []
        for schema, table, rows in found:
            groups = None
            if rows <= _GROUPS_COUNTED_MAX:
                named = ".".join(map(identifier, (spec["name"], schema, table)))
                query = f"SELECT count(DISTINCT row_group_id) FROM pragma_storage_info({quoted(named)})"
                groups = connection.execute(query).fetchall()[0][0]
            tables.append({"schema": schema, "name": table, "rows": rows, "groups": groups})
        return {"duckdb": duckdb.__version__, "settings": settings, "tables": tables}


def prepare(spec: dict[str, Any]) -> dict[str, Any]:
    """A copy of the database with other row groups or another compression, of all rows or of a sample."""
    target, every = spec["target"], int(spec.get("every", 1))
    Path(target).unlink(missing_ok=True)
    with connect() as connection:
        _settings(connection, spec.get("settings", {}))
        _attach(connection, spec["database"], spec["name"], "READ_ONLY")
        _attach(connection, target, _SOURCE, *_group_size(spec))
        source, made = identifier(spec["name"]), identifier(_SOURCE)
        if every == 1:
            connection.execute(f"COPY FROM DATABASE {source} TO {made}")
        else:
            connection.execute(f"COPY FROM DATABASE {source} TO {made} (SCHEMA)")
            rows = connection.execute(
                "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = ?",
                [spec["name"]],
            ).fetchall()
            for schema, table, size in rows:
                named = f"{identifier(schema)}.{identifier(table)}"
                where = f" WHERE (rowid // {VECTOR}) % {every} = 0" if size >= _SAMPLED_MIN else ""
                connection.execute(f"INSERT INTO {made}.{named} SELECT * FROM {source}.{named}{where}")
        connection.execute(f"DETACH {made}")
    return {}


# ---- the workload ----------------------------------------------------------------------------------------------------


def _checksum(
    connection: duckdb.DuckDBPyConnection, source: str, order: bool, order_columns: list[Any]
) -> dict[str, Any]:
    """What the rows of a table are, in few numbers.

    The hash of a row goes over all columns but those of floating point, whose sums differ in the last bits with the
    order in which threads add: these are summed with weights that depend on the rest of the row, and compared with a
    tolerance.
    """
    columns = [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {source}").fetchall()]
    floats = [name for name, kind in columns if kind in ("FLOAT", "DOUBLE")]
    exact = [identifier(name) for name, _ in columns if name not in floats]
    row = f"hash(row({', '.join(exact)}))" if exact else "0::UBIGINT"
    sums = []
    for name in map(identifier, floats):
        finite = f"CASE WHEN isfinite({name}) THEN {name}::DOUBLE END"
        sums += [
            f"count({finite})",
            f"coalesce(sum(abs({finite})), 0)",
            f"coalesce(sum({finite} * (1 + {row} % 997)), 0)",
        ]
    listed = "".join(f", {one}" for one in sums)
    query = f"SELECT count(*), bit_xor({row})::VARCHAR, sum({row}::HUGEINT)::VARCHAR{listed} FROM {source}"
    rows, xor, total, *numbers = connection.execute(query).fetchall()[0]
    answer = {"rows": rows, "hash": f"{xor}/{total}", "floats": numbers}
    if order:
        names = [name for name, _ in columns]
        by_name = {name.lower(): name for name in reversed(names)}
        keys = [
            names[key - 1] if isinstance(key, int) and key <= len(names) else by_name.get(str(key).lower())
            for key in order_columns
        ]
        if not keys or None in keys:  # ordered by what is no column
            keys = list(names)
        compared = [identifier(key) for key in keys if key is not None and key not in floats]
        if compared:
            query = f"SELECT sum(hash(row(rowid, {', '.join(compared)}))::HUGEINT)::VARCHAR FROM {source}"
            answer["order"] = connection.execute(query).fetchall()[0][0]
    return answer


class _Run:
    """One pass over the workload on one connection."""

    def __init__(self, spec: dict[str, Any], inputs: dict[str, Any]) -> None:
        self.spec = spec
        self.name = spec["name"]
        self.inputs = inputs
        self.meter = Meter()
        self.peak = 0
        self.checks: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the database, or to a copy of it where the workload writes."""
        spec = self.spec
        path = spec["database"]
        with connect() as connection:
            _settings(connection, {"temp_directory": spec["temp_directory"], **spec["settings"]})
            if spec["in_memory"]:
                _attach(connection, path, _SOURCE, "READ_ONLY")
                _attach(connection, ":memory:", self.name)
                connection.execute(f"COPY FROM DATABASE {_SOURCE} TO {identifier(self.name)}; DETACH {_SOURCE}")
            elif spec["writes"]:
                _copied(path, spec["copy"])
                _attach(connection, spec["copy"], self.name, *_group_size(spec))
            else:
                _attach(connection, path, self.name, "READ_ONLY", *_group_size(spec))
            connection.execute(f"USE {identifier(self.name)}")
            for name, rows in self.inputs.items():
                connection.register(name, rows)
            yield connection

    def run(self, connection: duckdb.DuckDBPyConnection, check: bool) -> None:
        before = self._tables(connection) if check and self.spec["writes"] else []
        files = []
        for number, statement in enumerate(self.spec["statements"]):
            sql, query = statement["sql"], statement["kind"] == "SELECT"
            if statement["target"] is not None:
                files.append(Path(self.spec["files"]) / f"{number}-{statement['target']}")
                sql = sql.format(quoted(files[-1]))
            reset_peak_memory()
            with self.meter:
                if query:
                    self._keep(connection, sql)
                else:
                    connection.execute(sql)
            self.peak = max(self.peak, peak_memory() or 0)
            if query and check:
                self.checks.append(_checksum(connection, _RESULT, statement["order"], statement["order_columns"]))
        if self.spec["writes"]:
            with self.meter:
                connection.execute(f"CHECKPOINT {identifier(self.name)}")
            self.peak = max(self.peak, peak_memory() or 0)
            if check:
                self._check_written(connection, before, files)

    def _keep(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """The answer of a query has to go somewhere: into a table that goes with the connection."""
        start = f"CREATE OR REPLACE TEMP TABLE {_RESULT} AS "
        try:
            connection.execute(f"{start}(\n{sql}\n)")
        except duckdb.ParserException:  # DESCRIBE and the like, before DuckDB 2.0
            connection.execute(f"{start}FROM (\n{sql}\n)")

    def _tables(self, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL"
        return [(row[0], row[1]) for row in connection.execute(query, [self.name]).fetchall()]

    def _check_written(
        self, connection: duckdb.DuckDBPyConnection, before: list[tuple[str, str]], files: list[Path]
    ) -> None:
        for schema, table in self._tables(connection):
            if self.spec["changes"] or (schema, table) not in before:
                source = ".".join(map(identifier, (self.name, schema, table)))
                self.checks.append(_checksum(connection, source, False, []))
        for path in files:
            if path.is_file() and path.suffix.lower() in (".parquet", ".csv", ".json", ".jsonl", ".ndjson"):
                self._keep(connection, f"FROM {quoted(path)}")
                self.checks.append(_checksum(connection, _RESULT, False, []))
            else:
                self.checks.append({"rows": int(path.exists()), "hash": "file", "floats": []})


def _inputs(spec: dict[str, Any]) -> dict[str, Any]:
    """What the workload reads through this package, in record batches of the size that is tried."""
    rows = spec["settings"].pop("batch_rows", None)
    found = {}
    for name, given in spec["inputs"].items():
        if given["kind"] == "export":
            from .. import parse_rows

            content = Path(given["path"]).read_bytes()
            found[name] = parse_rows("parse_whatsapp", content, **({"batch_rows": rows} if rows else {}))
        else:
            found[name] = _arrow(given["path"], rows or given["batch_rows"])
    return found


def _arrow(path: str, rows: int) -> Any:
    """A table that the caller gave as Arrow, in batches of so many rows."""
    import pyarrow  # type: ignore[import-untyped,unused-ignore]
    import pyarrow.ipc  # type: ignore[import-untyped,unused-ignore]

    with pyarrow.ipc.open_stream(path) as reader:
        whole = reader.read_all().combine_chunks()
    return pyarrow.Table.from_batches(whole.to_batches(max_chunksize=rows), whole.schema)


def trial(spec: dict[str, Any]) -> dict[str, Any]:
    """Passes over the workload; figures are those of the best pass, peaks those of the worst."""
    inputs = _inputs(spec)
    passes: list[_Run] = []
    peak, total = 0, 0.0
    checks: list[dict[str, Any]] = []
    database = 0
    written, machine = written_bytes(), machine_seconds()
    work = Meter()
    with SpillWatch(Path(spec["temp_directory"])) as spill, work, contextlib.ExitStack() as kept:
        connection: duckdb.DuckDBPyConnection | None = None
        while len(passes) < spec["passes"] and (
            total < spec["seconds"] or (len(passes) < spec["passes_min"] and total < spec["seconds_max"])
        ):
            one = _Run(spec, inputs)
            if spec["writes"]:  # each pass finds the database as it was
                with one.opened() as connection:
                    one.run(connection, check=not passes)
            else:
                connection = connection or kept.enter_context(one.opened())
                one.run(connection, check=not passes)
            checks = checks or one.checks
            peak, total = max(peak, one.peak), total + one.meter.wall
            if spec["writes"] and not spec["in_memory"]:
                database = Path(spec["copy"]).stat().st_size
            passes.append(one)
    meters = [one.meter for one in passes]
    spans = [meter.span for meter in meters if meter.span is not None]
    wrote, ticked = written_bytes(), machine_seconds()
    return {
        "wall": min(meter.wall for meter in meters),
        "cpu": min(meter.cpu for meter in meters),
        "span": min(spans) if spans else None,
        "passes": [meter.wall for meter in meters],
        "peak_memory": peak or None,
        "spilled": spill.most,
        "written": None if written is None or wrote is None else wrote - written,
        "database_bytes": database or (0 if spec["in_memory"] else Path(spec["database"]).stat().st_size),
        "output_bytes": sum(path.stat().st_size for path in Path(spec["files"]).rglob("*") if path.is_file()),
        "checksums": checks,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        **others(machine, ticked, work.wall, work.cpu),
    }


def _act(spec: dict[str, Any]) -> dict[str, Any]:
    return {"describe": describe, "prepare": prepare, "trial": trial}[spec.pop("action")](spec)


def main() -> int:
    """Answers one specification of `fresh_process.ask`."""
    return answer(_act)


if __name__ == "__main__":
    sys.exit(main())
