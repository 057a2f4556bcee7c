"""tune() and verify(): what is where, and nothing of the user's that is changed."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import duckdb

from ..duckdb import connect
from ..sql import identifier, quoted
from .errors import TuningError
from .knobs import SETTINGS
from .recommendation import Recommendation
from .search import METRICS, OBJECTIVES, Search, differs, value
from .statistics import interval
from .trials import Input, Processes, Trial
from .workload import Workload, parse

__all__ = ["Verification", "tune", "verify"]

_COPY = "streamliner_copy"
_TRIES = 3
_PAIRS = 5


def tune(
    database: duckdb.DuckDBPyConnection | str | PathLike[str],
    workload_sql: str,
    *,
    objective: str = "latency",
    budget: float = 180.0,
    trials: int = 100,
    seed: int = 0,
    inputs: Mapping[str, Any] | None = None,
    disposable: bool = False,
    everything: bool = False,
    folder: str | PathLike[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Recommendation:
    """The settings of DuckDB that your workload on your data and this machine gains from; often its own are right.

    Each trial is a fresh process on a read-only database, or on a copy where the workload writes: nothing of yours is
    changed. A setting that changes results is rejected. The winner is recommended only if it beats the default while
    both take turns.

    Parameters
    ----------
    database : path, or DuckDBPyConnection
        A file that can be opened read-only, or a connection, whose database is copied first; its own settings are not.
    workload_sql : str
        One statement or several. Files that a COPY writes go to the copy's folder. ATTACH needs READ_ONLY. The rows of
        a SELECT are kept in a temporary table.
    objective : "latency", "throughput", "memory" or "disk"
        Time on the clock; processor time; peak memory; bytes of database, files written and spilling. The last two may
        cost a quarter more time.
    budget : float
        Seconds that all trials may take.
    trials : int
        How many there may be.
    seed : int
        Of the bootstrap.
    inputs : mapping, optional
        Name of a table in the workload to what it reads as Arrow: the path of a WhatsApp export as text, or an object
        with `__arrow_c_stream__` (needs pyarrow). The rows of a record batch are tried as well then.
    disposable : bool
        What the workload writes may be lost: in memory and uncompressed may be chosen.
    everything : bool
        Try also the settings that articles recommend.
    folder : path, optional
        Where copies are made and trials spill to, by default the system's temporary folder; put it on the disk that the
        database is on.
    progress : callable, optional
        Told how many trials are done, of how many, and what comes.

    Returns
    -------
    Recommendation
        `print()` shows the table; `.sql()`, `.to_json()`, `.svg()`, `.write(folder)`, `.apply(con)`.

    Nulls : none.
    Errors : TuningError (a ValueError) for SQL that is none or reaches out of the database, for a database that cannot
    be opened, for a workload that fails, and for a budget that the first runs do not fit into.
    Cost : the budget at most, and one trial that was under way; Ctrl-C keeps what was measured.

    Examples
    --------
    >>> import duckdb
    >>> from streamliner_udf import tune
    >>> con = duckdb.connect()
    >>> _ = con.execute("CREATE TABLE numbers AS SELECT range AS i FROM range(1000)")
    >>> found = tune(con, "SELECT sum(i) FROM numbers", trials=6)  # too few for a real search
    >>> found.outcome.chosen, found.complete
    ({}, False)
    """
    _check(objective, budget, trials)
    workload = parse(workload_sql, SETTINGS)
    with _opened(database, workload, folder, inputs or {}) as runner:
        facts = runner.facts()
        search = Search(
            runner,
            facts,
            workload,
            objective=objective,
            budget=budget,
            most=trials,
            seed=seed,
            inputs=runner.inputs,
            disposable=disposable,
            everything=everything,
            progress=progress,
        )
        return Recommendation.of(
            search.run(),
            facts,
            objective=objective,
            seed=seed,
            budget=budget,
            database="" if isinstance(database, duckdb.DuckDBPyConnection) else str(database),
            workload=workload_sql,
            workload_sha256=workload.sha256,
        )


def _check(objective: str, budget: float, trials: int) -> None:
    if objective not in OBJECTIVES:
        raise TuningError(f"tune: expected objective to be one of {', '.join(OBJECTIVES)}, got {objective!r}")
    if not budget > 0:
        raise TuningError(f"tune: expected a budget above 0 seconds, got {budget!r}")
    if trials < 1:
        raise TuningError(f"tune: expected trials above 0, got {trials!r}")


@dataclass(frozen=True)
class Verification:
    """A recommendation, measured again against the default.

    verdict : "faster" ("less" for memory and disk), "no difference", "worse", "other results", "nothing to verify".
    ratio, low, high : the median of the paired ratios of the metric, and its 95 % interval.
    changed : what is not as it was when the recommendation was made.
    """

    verdict: str
    metric: str
    ratio: float | None
    low: float | None
    high: float | None
    wall: float | None
    pairs: int
    changed: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def holds(self) -> bool:
        """False if it is worse than the default, or changes results."""
        return self.verdict not in ("worse", "other results")

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "holds": self.holds}

    def __str__(self) -> str:
        lines = [self.verdict]
        if self.ratio is not None:
            lines = [
                f"{self.verdict}: {METRICS[self.metric]} x {self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}), "
                f"on the clock x {self.wall:.2f}, {self.pairs} pairs taking turns"
            ]
        return "\n".join([*lines, *(f"changed since: {what}" for what in self.changed)])


def verify(
    recommendation: Recommendation,
    database: duckdb.DuckDBPyConnection | str | PathLike[str],
    workload_sql: str,
    *,
    pairs: int = _PAIRS,
    inputs: Mapping[str, Any] | None = None,
    folder: str | PathLike[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Verification:
    """Whether a recommendation still holds: it and the default take turns again, on another day or on other data.

    Parameters
    ----------
    recommendation : Recommendation
        `Recommendation.from_json()` reads it from its file.
    database, workload_sql, inputs, folder, progress
        As for `tune`.
    pairs : int
        How often both run.

    Returns
    -------
    Verification

    Nulls : ratio, low, high and wall are None where there was nothing to verify.
    Errors : TuningError as for `tune`.
    Cost : 2 * pairs runs of the workload.
    """
    if pairs < 1:
        raise TuningError(f"verify: expected pairs above 0, got {pairs!r}")
    workload = parse(workload_sql, SETTINGS)
    settings, metric = recommendation.settings, recommendation.outcome.metric
    if not settings:
        return Verification("nothing to verify", metric, None, None, None, None, 0, (), ())
    with _opened(database, workload, folder, inputs or {}) as runner:
        facts = runner.facts()
        then, now = dict(recommendation.facts), facts.to_dict()
        changed = [
            f"{name} was {_brief(then.get(name))}, is {_brief(now[name])}"
            for name in ("duckdb", "tables")
            if then.get(name) != now[name]
        ]
        if workload.sha256 != recommendation.workload_sha256:
            changed.append("the workload is another")
        done: list[tuple[Trial, Trial]] = []
        wrong = None
        for number in range(pairs):
            if progress:
                progress(2 * number, 2 * pairs, "verify")
            old = runner.run({}, "verify", 1, 3600.0)
            if old.error is not None:
                raise TuningError(f"verify: expected a workload that runs by default, got: {old.error.splitlines()[0]}")
            new = runner.run(settings, "verify", 1, 3600.0)
            done.append((old, new))
            stable = all(differs(one.checksums, done[0][0].checksums) is None for one, _ in done)
            wrong = new.error or (differs(new.checksums, old.checksums) if stable else None)
            if wrong:
                break
    trials = tuple(trial for pair in done for trial in pair)
    if wrong:
        return Verification("other results", metric, None, None, None, None, len(done), (*changed, wrong), trials)
    ratios = [value(new, metric) / (value(old, metric) or 1.0) for old, new in done]
    low, high = interval(ratios, recommendation.seed)
    wall = statistics.median(new.wall / old.wall for old, new in done)
    verdict = "faster" if metric in ("wall", "cpu", "span") else "less"
    verdict = verdict if high < 1 else "worse" if low > 1 else "no difference"
    return Verification(verdict, metric, statistics.median(ratios), low, high, wall, len(done), tuple(changed), trials)


def _brief(what: Any) -> str:
    if isinstance(what, list):
        return ", ".join(f"{table['name']} ({table['rows']:,} rows)" for table in what) or "none"
    return str(what)


# ---- databases and inputs --------------------------------------------------------------------------------------------


@contextmanager
def _opened(
    database: duckdb.DuckDBPyConnection | str | PathLike[str],
    workload: Workload,
    folder: str | PathLike[str] | None,
    inputs: Mapping[str, Any],
) -> Iterator[Processes]:
    """Who measures, in a folder that is gone afterwards."""
    if folder is not None and not Path(folder).is_dir():
        raise TuningError(f"tune: expected folder to be a folder, got {folder}")
    with tempfile.TemporaryDirectory(prefix="streamliner-tune-", dir=folder, ignore_cleanup_errors=True) as made:
        here = Path(made)
        given = tuple(_input(name, what, here) for name, what in inputs.items())
        if isinstance(database, duckdb.DuckDBPyConnection):
            path, name = _copied(database, here)
        else:
            path = Path(database)
            if not path.is_file():
                raise TuningError(f"tune: expected the file of a DuckDB database or a connection, got {path}")
            path, name = path.absolute(), path.stem
        # Names that DuckDB has itself: the database goes by another one.
        name = f"{name}_db" if name.lower() in ("memory", "temp", "system", "main") else name
        yield Processes(path, name, workload, here, given)


def _copied(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[Path, str]:
    """A copy of a connection's database, as what is committed stands, and the name of the database."""
    target = folder / "database.duckdb"
    with connection.cursor() as cursor:
        name, path = cursor.execute(
            "SELECT database_name, path FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()[0]
        if not path:
            cursor.execute(f"ATTACH {quoted(target)} AS {_COPY}")
            try:
                cursor.execute(f"COPY FROM DATABASE {identifier(name)} TO {_COPY}")
            finally:
                cursor.execute(f"DETACH {_COPY}")
            return target, name
    # The file as it is: copied through SQL, its rows would stand in other groups.
    for _ in range(_TRIES):
        before = _state(path)
        for end in ("", ".wal"):
            if Path(path + end).exists():
                shutil.copyfile(path + end, f"{target}{end}")
        if before == _state(path):
            break
        for end in ("", ".wal"):
            Path(f"{target}{end}").unlink(missing_ok=True)
    else:
        raise TuningError(
            "tune: expected a database that nobody writes into meanwhile, but it changed while it was copied"
        )
    if Path(f"{target}.wal").exists():
        # Trials open it read-only, and then what is in the log could not go into the file.
        with connect(target):
            pass
    return target, name


def _state(path: str) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for one in (Path(path), Path(path + ".wal")):
        try:
            there = one.stat()
            found.append((there.st_size, there.st_mtime_ns))
        except FileNotFoundError:
            found.append(None)
    return found


def _input(name: str, what: Any, folder: Path) -> Input:
    """What the workload reads as Arrow, where a fresh process can read it."""
    if isinstance(what, (str, PathLike)):
        path = Path(what)
        if not path.is_file():
            raise TuningError(f"tune: expected inputs[{name!r}] to be the file of an export, got {path}")
        return Input(name, "export", path.absolute(), 2048)
    if not hasattr(what, "__arrow_c_stream__"):
        raise TuningError(
            f"tune: expected inputs[{name!r}] to be a path or an object with __arrow_c_stream__, "
            f"got {type(what).__name__}"
        )
    try:
        import pyarrow  # type: ignore[import-untyped,unused-ignore]
        import pyarrow.ipc  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise TuningError(f"tune: expected pyarrow to be installed for inputs[{name!r}]; pip install pyarrow") from None
    path, most = folder / f"{len(list(folder.iterdir()))}.arrows", 1
    with (
        pyarrow.RecordBatchReader.from_stream(what) as reader,
        pyarrow.ipc.new_stream(str(path), reader.schema) as writer,
    ):
        for batch in reader:
            most = max(most, batch.num_rows)
            writer.write_batch(batch)
    return Input(name, "arrow", path, most)
