"""What is here, what DuckDB believes is here, and what to do where these differ."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy

from . import _core
from .duckdb import Backend, connect, status
from .profiles import disk_free
from .resources import Resources, detect, recommend
from .row_groups import advice
from .sql import identifier

__all__ = ["Diagnosis", "Difference", "Finding", "diagnose"]

_GIBIBYTE = 1 << 30
_UNITS = {"bytes": 1, "B": 1, **{f"{name}iB": 1 << 10 * (i + 1) for i, name in enumerate("KMGTPE")}}
# Below, sorting and joining that spills stops with an error soon.
_DISK_MIN = 2 * _GIBIBYTE
# DuckDB's default is 80 % of what it believes to be there.
_SHARE_MAX = 0.85


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and how to mend it."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class Difference:
    """A setting that `connect(profile="pipeline")` would give another value."""

    setting: str
    now: str
    recommended: str


@dataclass(frozen=True)
class Diagnosis:
    """Facts about this process, and findings; no findings is good news."""

    versions: dict[str, str]
    backend: str
    backend_reason: str
    processor: str
    resources: Resources
    duckdb_threads: int
    duckdb_memory: int
    temp_directory: str
    disk_free: int | None
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        seen = self.resources
        memory = "unknown" if seen.memory is None else _shown(seen.memory)
        free = "" if seen.available is None else f", {_shown(seen.available)} of it free"
        rows = [
            ("versions", ", ".join(f"{name} {version}" for name, version in self.versions.items())),
            ("backend", f"{self.backend}: {self.backend_reason}"),
            ("kernels", f"{self.processor} (STREAMLINER_UDF_CPU lowers it)"),
            ("processors", f"{seen.cpus} ({seen.cpu_limits[0].source}); DuckDB uses {self.duckdb_threads} threads"),
            ("memory", f"{memory}{free}; DuckDB takes up to {_shown(self.duckdb_memory)}"),
            (
                "spill to",
                f"{self.temp_directory or 'nowhere'}"
                + (f", {_shown(self.disk_free)} free" if self.disk_free is not None else ""),
            ),
        ]
        if seen.memory_limits:
            rows.insert(5, ("limited by", seen.memory_limits[0].source))
        lines = [f"{name:<11} {text}" for name, text in rows]
        if self.differences:
            lines += ["", 'streamliner_udf.connect(..., profile="pipeline") sets']
            lines += [f"  {one.setting}: {one.recommended} in place of {one.now}" for one in self.differences]
        for finding in self.findings:
            lines += ["", f"! {finding.problem}", f"  {finding.remedy}"]
        return "\n".join([*lines, *([] if self.findings else ["", "nothing to mend"])])


def _shown(size: int) -> str:
    return f"{size / _GIBIBYTE:.1f} GiB"


def _bytes(text: str) -> int:
    """A size as DuckDB writes it: `18.8 GiB`."""
    number, _, unit = text.strip().partition(" ")
    if not unit:
        unit = number.lstrip("0123456789.")
        number = number.removesuffix(unit)
    return int(float(number) * _UNITS[unit])


def _differences(found: Resources, threads: int, memory: int, folder: str) -> Iterator[Difference]:
    better = recommend(found)
    if threads != better.threads:
        yield Difference("threads", str(threads), str(better.threads))
    # DuckDB shows three digits.
    if better.memory_limit is not None and abs(memory - better.memory_limit) > better.memory_limit * 0.01:
        yield Difference("memory_limit", _shown(memory), _shown(better.memory_limit))
    if folder and not Path(folder).is_absolute():
        now = f"{folder} in the folder where the program is started"
        yield Difference("temp_directory", now, "a folder of the process alone, on a disk")


def _find_tables(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Tables that one thread alone can read."""
    names = con.execute(
        "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal"
    ).fetchall()
    for name in names:
        table = ".".join(map(identifier, name))
        if said := advice(con, table):
            problem, _, remedy = said.partition(": ")
            yield Finding(f"{problem}.", f"{remedy}; then CREATE OR REPLACE TABLE {table} AS FROM {table};")


def _find(found: Resources, threads: int, memory: int, folder: str, free: int | None) -> list[Finding]:
    better = recommend(found)
    findings = []
    if threads > found.cpus:
        findings.append(
            Finding(
                f"DuckDB uses {threads} threads on {found.cpus} processors "
                f"({found.cpu_limits[0].source}), which costs time and memory.",
                f"SET threads = {found.cpus};",
            )
        )
    if found.memory is not None and memory > found.memory * _SHARE_MAX:
        findings.append(
            Finding(
                f"DuckDB may take {_shown(memory)} of the {_shown(found.memory)} that this process may use "
                f"({found.memory_limits[0].source}): it would be ended and not spill to disk.",
                f"SET memory_limit = '{(better.memory_limit or found.memory) >> 20}MiB';",
            )
        )
    if not folder:
        findings.append(
            Finding(
                "DuckDB has no folder to spill to: a query that does not fit into memory fails.",
                f"SET temp_directory = '{Path(tempfile.gettempdir()) / 'duckdb'}';",
            )
        )
    elif free is not None and free < _DISK_MIN:
        findings.append(
            Finding(
                f"Only {_shown(free)} are free where DuckDB spills to ({folder}).",
                "SET temp_directory = a folder on a disk with more room;",
            )
        )
    return findings


def diagnose(con: duckdb.DuckDBPyConnection | None = None, found: Resources | None = None) -> Diagnosis:
    """What this process has, beside what DuckDB believes.

    Parameters
    ----------
    con : DuckDBPyConnection, optional
        Whose settings and tables are looked at; by default those of a new database in memory.
    found : Resources, optional
        In place of `resources.detect()`.

    Returns
    -------
    Diagnosis
        Versions, the way by which DuckDB got the functions, processor, limits, the place for spilling, findings
        with a remedy each, and what the profile would set in another way. `print()` shows it.

    Nulls : disk_free is None where it cannot be known.
    Errors : none of its own.
    Cost : milliseconds.

    Examples
    --------
    >>> from streamliner_udf.doctor import diagnose
    >>> diagnose().backend
    'static'
    """
    found = found or detect()
    if con is None:
        with connect() as own:
            return diagnose(own, found)
    names = ("threads", "memory_limit", "temp_directory")
    settings = dict(
        con.execute("SELECT name, value FROM duckdb_settings() WHERE name IN (?, ?, ?)", list(names)).fetchall()
    )
    threads, memory = int(settings["threads"]), _bytes(settings["memory_limit"])
    folder = settings["temp_directory"] or ""
    free = disk_free(Path(folder)) if folder else None
    findings = [*_find(found, threads, memory, folder, free), *_find_tables(con)]
    here = status()
    if here.backend is Backend.ARROW:
        findings.append(Finding(f"The functions run as Arrow UDFs: {here.reason}.", "Install DuckDB 1.4 or newer."))
    return Diagnosis(
        {
            "streamliner_udf": _core.version(),
            "DuckDB": duckdb.__version__,
            "NumPy": numpy.__version__,
            "Python": sys.version.partition(" ")[0],
        },
        here.backend.value,
        here.reason,
        f"{platform.machine()}, {_core.cpu()}",
        found,
        threads,
        memory,
        folder,
        free,
        tuple(findings),
        tuple(_differences(found, threads, memory, folder)),
    )
