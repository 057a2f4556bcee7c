"""What is measured, and who measures: subprocesses, or a record of them."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..fresh_process import ask
from ..measures import processor
from ..resources import GROUP_MAX, VECTOR, Resources, detect
from .errors import TuningError
from .workload import Workload

__all__ = ["Configuration", "Facts", "Input", "Processes", "Recorded", "Runner", "Table", "Trial"]

_TRIAL = f"{__package__}.trial"

# Names of settings, and of what is no setting: "row_group_size" of a database that is written anew,
# "attach_row_group_size" of one that is only opened so, "batch_rows", "storage".
Configuration = Mapping[str, Any]
_NOT_SET = ("row_group_size", "attach_row_group_size", "storage")
# Passes of one trial: as many as take so many seconds, and three unless that is much.
_PASSES, _PASSES_MIN, _PASSES_SECONDS, _PASSES_SECONDS_MAX = 20, 3, 0.6, 3.0


@dataclass(frozen=True)
class Table:
    """A table of the database; `groups` is None where it is too large for counting them to matter."""

    schema: str
    name: str
    rows: int
    groups: int | None


@dataclass(frozen=True)
class Facts:
    """What is known before anything is measured."""

    duckdb: str
    settings: Mapping[str, str | None]
    tables: tuple[Table, ...]
    database_bytes: int
    machine: Mapping[str, Any]
    resources: Resources
    disk_free: int

    @property
    def threads(self) -> int:
        """As many as DuckDB uses by itself."""
        return int(self.settings.get("threads") or 1)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; the settings are those of DuckDB's documentation and are left out."""
        return {
            "duckdb": self.duckdb,
            "machine": dict(self.machine),
            "resources": self.resources.to_dict(),
            "tables": [asdict(table) for table in self.tables],
            "database_bytes": self.database_bytes,
        }


@dataclass(frozen=True)
class Trial:
    """One fresh process. Seconds and bytes; `wall`, `cpu` and `span` are those of the best pass.

    configuration : what differed from the defaults.
    every : 1 for all rows; n where one of n blocks of rows was taken.
    seconds : what the trial cost of the budget, with starting and copying.
    span : processor time of the busiest thread of each statement, or None where the system does not tell.
    others : processors that other processes kept busy meanwhile; `stolen` those that the host kept.
    error : why there are no figures; `memory` says that it was for want of memory.
    """

    configuration: Mapping[str, Any]
    purpose: str
    every: int = 1
    seconds: float = 0.0
    wall: float = 0.0
    cpu: float = 0.0
    span: float | None = None
    passes: tuple[float, ...] = ()
    peak_memory: int | None = None
    spilled: int = 0
    written: int | None = None
    database_bytes: int = 0
    output_bytes: int = 0
    load: float | None = None
    others: float | None = None
    stolen: float | None = None
    checksums: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    memory: bool = False

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Trial:
        """Of `to_dict()`."""
        return cls(**{**given, "passes": tuple(given["passes"]), "checksums": tuple(given["checksums"])})

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


class Runner(Protocol):
    """Measures one configuration. The search asks nobody else, so that it can be run over figures of anybody."""

    def run(self, configuration: Configuration, purpose: str, every: int, timeout: float) -> Trial: ...


class Recorded:
    """A runner that gives the trials of an earlier search again, in their order."""

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials = list(trials)
        self._next = 0

    def run(self, configuration: Configuration, purpose: str, every: int, timeout: float) -> Trial:
        if self._next >= len(self._trials):
            raise TuningError(
                f"tune: expected no trial after the {self._next} of the record, got {dict(configuration)}"
            )
        trial = self._trials[self._next]
        if (dict(trial.configuration), trial.purpose, trial.every) != (dict(configuration), purpose, every):
            raise TuningError(
                f"tune: expected trial {self._next + 1} of the record, {trial.purpose} {dict(trial.configuration)}, "
                f"got {purpose} {dict(configuration)}"
            )
        self._next += 1
        return trial


@dataclass(frozen=True)
class Input:
    """A table that the workload reads through this package: an export, or Arrow that the caller gave."""

    name: str
    kind: str  # "export" or "arrow"
    path: Path
    batch_rows: int  # as it is by default


@dataclass
class Processes:
    """Trials in fresh processes, on read-only databases and on copies in a folder.

    database : the user's file, or a copy of it. Nothing here opens it for writing.
    name : of the database, as the workload may write it.
    """

    database: Path
    name: str
    workload: Workload
    folder: Path
    inputs: tuple[Input, ...] = ()
    _made: dict[str, Path] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Tables, settings and machine. TuningError if the database cannot be opened beside whoever has it open."""
        found = ask(_TRIAL, {"action": "describe", "database": str(self.database), "name": self.name}, 600)
        if "error" in found:
            raise TuningError(
                f"tune: expected a database that can be opened read-only, got: {found['error']}. "
                "If it is open for writing, close it there, or give tune() that connection"
            )
        answer = found["answer"]
        return Facts(
            duckdb=answer["duckdb"],
            settings=answer["settings"],
            tables=tuple(Table(**table) for table in answer["tables"]),
            database_bytes=self.database.stat().st_size,
            machine=_machine(),
            resources=detect(),
            disk_free=shutil.disk_usage(self.folder).free,
        )

    def run(self, configuration: Configuration, purpose: str, every: int, timeout: float) -> Trial:
        start = time.perf_counter()
        figures = self._measured(configuration, every, timeout)
        return Trial(
            configuration=dict(configuration),
            purpose=purpose,
            every=every,
            seconds=time.perf_counter() - start,
            **figures,
        )

    def _measured(self, configuration: Configuration, every: int, timeout: float) -> dict[str, Any]:
        start = time.perf_counter()
        settings = {name: value for name, value in configuration.items() if name not in _NOT_SET}
        storage = configuration.get("storage", "file")
        groups = _sampled_groups(configuration.get("row_group_size"), every)
        if storage == "uncompressed":
            settings["force_compression"] = "uncompressed"
        try:
            database = self._variant(groups, storage == "uncompressed", every, timeout)
        except TuningError as error:
            return {"error": str(error)}
        work = self.folder / "trial"
        shutil.rmtree(work, ignore_errors=True)
        (work / "files").mkdir(parents=True)
        spec = {
            "action": "trial",
            "database": str(database),
            "name": self.name,
            "copy": str(work / "copy.duckdb"),
            "files": str(work / "files"),
            "temp_directory": str(work / "spill"),
            "in_memory": storage == "memory",
            "writes": self.workload.writes,
            "row_group_size": _sampled_groups(
                configuration.get("row_group_size") or configuration.get("attach_row_group_size"), every
            ),
            "settings": settings,
            "inputs": {one.name: {**asdict(one), "path": str(one.path)} for one in self.inputs},
            "passes": _PASSES,
            "passes_min": _PASSES_MIN,
            "seconds": _PASSES_SECONDS,
            "seconds_max": _PASSES_SECONDS_MAX,
            **self.workload.to_spec(),
        }
        try:
            found = ask(_TRIAL, spec, max(1.0, timeout - (time.perf_counter() - start)))
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if "error" in found:
            return {"error": found["error"], "memory": found["memory"]}
        answer = found["answer"]
        return {**answer, "passes": tuple(answer["passes"]), "checksums": tuple(answer["checksums"])}

    def _variant(self, row_group_size: int | None, uncompressed: bool, every: int, timeout: float) -> Path:
        """The database with other row groups, another compression or fewer rows; made once."""
        if row_group_size is None and not uncompressed and every == 1:
            return self.database
        name = f"{row_group_size or 'default'}-{'uncompressed' if uncompressed else 'auto'}-{every}"
        if name not in self._made:
            target = self.folder / f"{name}.duckdb"
            spec = {
                "action": "prepare",
                "database": str(self.database),
                "name": self.name,
                "target": str(target),
                "row_group_size": row_group_size,
                "settings": {"force_compression": "uncompressed"} if uncompressed else {},
                "every": every,
            }
            found = ask(_TRIAL, spec, timeout)
            if "error" in found:
                raise TuningError(f"the database could not be copied: {found['error']}")
            self._made[name] = target
        return self._made[name]


def _sampled_groups(rows: int | None, every: int) -> int | None:
    """Rows of a row group in a sample: as many groups as there are for all rows, so that as many threads work."""
    return rows if every == 1 else max(VECTOR, (rows or GROUP_MAX) // every // VECTOR * VECTOR)


def _machine() -> dict[str, Any]:
    import numpy

    from .. import __version__

    return {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "streamliner_udf": __version__,
    }
