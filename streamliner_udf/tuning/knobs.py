"""What may be tried: which values, on which version, and what never."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..resources import GROUP_MAX, GROUP_MIN, VECTOR, rows_per_group
from .trials import Facts, Input, Table
from .workload import Workload

__all__ = ["ALWAYS_LEFT", "SETTINGS", "Knob", "folklore", "knobs"]

# A rewrite of more than this is no answer to a workload that is too slow on one thread.
_REWRITE_BYTES_MAX = 4 << 30
_BATCHES = (1024, 8192, 32_768)

# Settings that the search changes, so that a workload must not.
SETTINGS = frozenset({"threads", "worker_threads", "memory_limit", "max_memory", "temp_directory", "force_compression"})

# What is never tried, because a database that may be lost or wrong is not faster.
ALWAYS_LEFT = {
    "fsync_mode": "what is committed must be on the disk",
    "default_block_size": "smaller blocks cost more time and more disk, and a file keeps them",
    "ieee_floating_point_ops": "it changes results",
    "integer_division": "it changes results",
    "disable_database_invalidation": "a database after a fatal error may be damaged",
    "enable_external_access": "protection is no matter of speed",
    "lock_configuration": "protection is no matter of speed",
    "allow_unsigned_extensions": "protection is no matter of speed",
    "wal_autocheckpoint": "what is committed must reach the database",
}

# Settings that articles recommend. (name, value, what is said of it)
_FOLKLORE = (
    ("preserve_insertion_order", "false", "results in any order"),
    ("allocator_background_threads", "true", "memory given back by threads of their own"),
    ("allocator_flush_threshold", "1GB", "memory given back seldom"),
    ("allocator_bulk_deallocation_flush_threshold", "1GB", "memory given back seldom"),
    ("enable_object_cache", "true", "does nothing by DuckDB's own source"),
    ("enable_external_file_cache", "false", "no cache of files"),
    ("enable_fsst_vectors", "true", "texts compressed in memory"),
    ("write_buffer_row_group_count", "20", "more row groups at once"),
    ("pin_threads", "on", "threads stay on their processor"),
    ("scheduler_process_partial", "true", "fairness between queries"),
    ("parquet_metadata_cache", "true", "footers of Parquet files kept"),
    ("read_ahead_depth", "8", "more reading ahead"),
    ("async_threads", "32", "more threads for reading"),
    ("streaming_buffer_size", "64MB", "a larger buffer of results"),
    ("arrow_large_buffer_size", "true", "64-bit offsets"),
    ("produce_arrow_string_view", "true", "views of texts"),
    ("cache_local_files", "true", "local files kept in memory"),
)


@dataclass(frozen=True)
class Knob:
    """One thing that can be set.

    values : to try, the likeliest first; none where there is nothing to try, and `reason` says why.
    default : what it is without us.
    disposable : loses or swells what is written; tried and shown, and chosen only if the caller said so.
    """

    name: str
    default: Any
    values: tuple[Any, ...] = ()
    reason: str = ""
    disposable: bool = False


def _read(tables: Iterable[Table], workload: Workload) -> Table | None:
    """The largest table that the workload names, or the largest of all."""
    words = set(re.findall(r"\w+", workload.text.lower()))
    named = [table for table in tables if set(re.findall(r"\w+", table.name.lower())) <= words]
    return max(named or tables, key=lambda table: table.rows, default=None)


def _row_groups(facts: Facts, workload: Workload) -> Knob:
    default = f"{GROUP_MAX:,} rows"
    table = _read(facts.tables, workload)
    if table is None or not table.rows:
        return Knob("row_group_size", default, reason="no table with rows")
    threads = min(facts.threads, facts.resources.cpus)
    if table.groups:
        default = f"{table.groups} of {table.rows / table.groups:,.0f} rows"
    if facts.database_bytes > _REWRITE_BYTES_MAX:
        return Knob("row_group_size", default, reason="the database is too large to be written anew")
    if facts.disk_free < 4 * facts.database_bytes:
        return Knob("row_group_size", default, reason="no room on the disk for a copy of the database")
    if table.rows < 2 * GROUP_MIN:
        return Knob("row_group_size", default, reason=f"{table.rows:,} rows are too few for two threads")
    rule = rows_per_group(table.rows, threads)
    groups = table.groups or -(-table.rows // GROUP_MAX)
    values = []
    if groups < 2 * threads and rule < GROUP_MAX:
        values = [rule, min(2 * rule, GROUP_MAX)]
    if table.rows / groups < GROUP_MAX / 2 and groups > 4 * threads:  # many inserts of few rows
        values = [*values, GROUP_MAX]
    # What would give the groups that there are is no change.
    values = [size for size in dict.fromkeys(values) if -(-table.rows // size) != groups]
    if not values:
        return Knob("row_group_size", default, reason=f"{groups} row groups are enough for {threads} threads")
    return Knob("row_group_size", default, tuple(values))


def _attached(facts: Facts, workload: Workload) -> Knob | None:
    """Only how the file is opened: DuckDB 2.0 lets as many threads read a table as it would have row groups of the size
    that ATTACH says, whatever the size of those that it has; and a CHECKPOINT, before 2.0 as well, makes them of that
    size."""
    table = _read(facts.tables, workload)
    if table is None or not table.groups or table.groups < 2:
        return None
    threads = min(facts.threads, facts.resources.cpus, table.groups)
    if table.rows // GROUP_MAX + 1 >= threads:
        return None
    rows = -(-table.rows // table.groups // VECTOR) * VECTOR
    return Knob("attach_row_group_size", f"{GROUP_MAX:,} rows", (max(rows, VECTOR),))


def _threads(facts: Facts) -> Knob:
    now, cpus = facts.threads, facts.resources.cpus
    values = tuple(count for count in dict.fromkeys((cpus, max(1, cpus // 2), 1)) if count != now)
    return Knob("threads", now, values, "" if values else "one processor")


def _batches(inputs: tuple[Input, ...]) -> Knob:
    default = min(one.batch_rows for one in inputs)
    return Knob("batch_rows", default, tuple(rows for rows in _BATCHES if rows != default))


def knobs(facts: Facts, workload: Workload, inputs: tuple[Input, ...] = ()) -> list[Knob]:
    """What is tried one after the other, the likeliest first. The memory limit has a search of its own."""
    attached = _attached(facts, workload)
    found = [
        *([_batches(inputs)] if inputs else []),
        *([attached] if attached else []),
        _row_groups(facts, workload),
        _threads(facts),
    ]
    if facts.disk_free < 8 * facts.database_bytes or facts.database_bytes > _REWRITE_BYTES_MAX:
        storage = Knob("storage", "file", reason="no room for a copy of the database", disposable=True)
    elif "force_compression" in facts.settings:
        storage = Knob("storage", "file", ("uncompressed", "memory"), disposable=True)
    else:
        storage = Knob("storage", "file", ("memory",), disposable=True)
    return [*found, storage]


def folklore(facts: Facts) -> list[Knob]:
    """Settings of the running DuckDB that articles recommend. DuckDB accepts some that it no longer has, so that only
    its own list says what there is."""
    found = []
    for name, value, said in _FOLKLORE:
        if name not in facts.settings:
            found.append(Knob(name, "", reason=f"not a setting of DuckDB {facts.duckdb}"))
        elif str(facts.settings[name]).lower() == value.lower():
            found.append(Knob(name, facts.settings[name], reason="it is so by default"))
        else:
            found.append(Knob(name, facts.settings[name], (value,), said))
    return found
