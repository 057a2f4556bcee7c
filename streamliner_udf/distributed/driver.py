"""The run: plans, hands out, tries again, and commits in one step."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

import streamliner_udf

from .. import resources
from ..sql import quoted
from .errors import RunFailed
from .executors import Executor, LocalExecutor, RayExecutor, TaskFailed
from .files import DONE, MANIFEST, SHUFFLE, TEMPORARY, Lock, read_json, sweep, write_json
from .planning import (
    Partition,
    PathLike,
    Source,
    Table,
    attach,
    check_query,
    file_list,
    hashed,
    key_of,
    partitions,
    versions,
)
from .report import FailedPartition, RunReport
from .task import BUCKET, done_record

__all__ = ["run"]

Progress = Callable[[str, int, int], object]
Columns = list[list[str]]


@dataclass
class _Step:
    """Tasks of one kind, and what has become of them."""

    tasks: list[dict[str, Any]]
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: list[FailedPartition] = field(default_factory=list)
    resumed: int = 0
    computed: int = 0
    attempts: int = 0

    def done(self) -> list[dict[str, Any]]:
        """Records in the order of the tasks."""
        return [self.records[task["key"]] for task in self.tasks if task["key"] in self.records]

    def missing(self) -> int:
        return len(self.tasks) - len(self.records)

    def rows(self, name: str) -> int:
        return sum(record[name] for record in self.done())


class _Run:
    """One call of `run`."""

    def __init__(self, target: Path, executor: Executor, tries: int, common: dict[str, Any], tell: Progress) -> None:
        self.target = target
        self.executor = executor
        self.tries = tries
        self.common = common
        self.tell = tell

    def task(self, partition: Partition, sql: str, columns: Columns | None, **more: Any) -> dict[str, Any]:
        """All that a worker has to know. Its key says what the result depends on, and not who computes it."""
        what: dict[str, Any] = {
            "sql": sql,
            "buckets": 0,
            "by": [],
            "quarantine": {},
            "same_rows": False,
            "columns": columns,
            "setup": self.common["setup"],
            **more,
        }
        prefix = f"{SHUFFLE}/" if what["buckets"] else "part-"
        return {
            "key": key_of(partition.identity(), what),
            "label": partition.label,
            "target": os.path.abspath(self.target),
            "prefix": prefix,
            "rows_of": partition.rows_of,
            "database": partition.database,
            "inputs": partition.inputs,
            "rows": partition.rows,
            "versions": versions(),
            "threads": self.common["threads"],
            "memory_limit": self.common["memory_limit"],
            **what,
        }

    def known(self, step: _Step, but: str | None = None) -> _Step:
        """What an earlier run has done of it; files in the folder `but` may be gone."""
        found = {task["key"]: done_record(self.target, task["key"], but) for task in step.tasks}
        step.records = {key: record for key, record in found.items() if record is not None}
        step.resumed = len(step.records)
        return step

    def perform(self, step: _Step, label: str) -> None:
        """Everything that is not done yet, each task until it is done or was tried often enough."""
        waiting = deque(task for task in step.tasks if task["key"] not in step.records)
        tries: Counter[str] = Counter()
        at_work = 0
        while waiting or at_work:
            # A task waits here and not with the executor, so that little is under way when a run is ended.
            while waiting and at_work < 2 * self.executor.workers:
                task = waiting.popleft()
                tries[task["key"]] += 1
                step.attempts += 1
                self.executor.submit(task)
                at_work += 1
            self.tell(label, len(step.records) + len(step.failed), len(step.tasks))
            ended, outcome = self.executor.next()
            at_work -= 1
            key = ended["key"]
            if not isinstance(outcome, TaskFailed):
                step.records[key] = outcome
                step.computed += 1
            elif tries[key] < self.tries:
                waiting.append(dict(ended))
            else:
                step.failed.append(FailedPartition(ended["label"], tries[key], str(outcome)))
        self.tell(label, len(step.tasks), len(step.tasks))


def _columns(con: duckdb.DuckDBPyConnection, name: str, sql: str) -> Columns:
    """Columns that a query gives. An error for types that a Parquet file does not give back as they were."""
    found = [[row[0], row[1]] for row in con.execute(f"DESCRIBE {sql}").fetchall()]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "empty.parquet")
        con.execute(f"COPY (SELECT * FROM ({sql}) LIMIT 0) TO {quoted(path)} (FORMAT parquet)")
        kept = [row[1] for row in con.execute(f"DESCRIBE FROM read_parquet({file_list([path])})").fetchall()]
    changed = [
        f"{column} {kind}, which comes back as {other}"
        for (column, kind), other in zip(found, kept, strict=True)
        if kind != other
    ]
    if changed:
        raise ValueError(
            f"distributed.run: expected {name} to give types that Parquet keeps, got {'; '.join(changed)}: "
            "CAST to a type that is kept"
        )
    return found


@dataclass
class _Asked:
    """The queries of a run, and what they give."""

    sql: str
    before: str
    by: list[str]
    rules: Mapping[str, str]
    setup: str
    together: bool
    columns: Columns | None = None
    between: Columns | None = None

    def check(self, found: Sequence[Partition]) -> None:
        """Wrong queries are found here, once, and not in every partition."""
        with streamliner_udf.connect() as con:
            if self.setup:
                con.execute(self.setup)
            check_query(con, self.sql, "sql", self.together)
            if self.by:
                check_query(con, self.before, "before", False)
            one = next((partition for partition in found if partition.error is None), None)
            if one is None:
                return
            if one.database is not None:
                attach(con, one.database)
            con.execute(f"CREATE TEMP VIEW source AS {one.rows_of}")
            for reason, rule in self.rules.items():
                con.execute(f"SELECT {rule} FROM source LIMIT 0")
                if not reason:
                    raise ValueError("distributed.run: expected every rule of quarantine to have a reason, got ''")
            if self.by:
                self.between = _columns(con, "before", self.before)
                con.execute(f"CREATE TEMP VIEW streamliner_before AS {self.before}")
                con.execute(f"SELECT {hashed(self.by)} FROM streamliner_before LIMIT 0")
                # The next step reads what Parquet has made of it.
                con.execute("CREATE TEMP TABLE streamliner_between AS FROM streamliner_before LIMIT 0")
                con.execute("CREATE OR REPLACE TEMP VIEW source AS FROM streamliner_between")
            self.columns = _columns(con, "sql", self.sql)


def _buckets(first: _Step, target: Path, count: int) -> list[Partition]:
    """Partitions of the second step: of each file of the first the rows of one bucket."""
    records = first.done()
    paths = [os.path.join(os.path.abspath(target), record["file"]) for record in records]
    return [
        Partition(
            f"bucket {bucket + 1} of {count}",
            f"SELECT * EXCLUDE ({BUCKET}) FROM read_parquet({file_list(paths)}, hive_partitioning = false) "
            f"WHERE {BUCKET} = {bucket}",
            None,
            (),
            sum(record["buckets"].get(str(bucket), 0) for record in records),
        )
        for bucket in range(count)
    ]


def _plain(sql: str) -> str:
    """The query so that it may stand in parentheses."""
    return sql.strip().rstrip(";").rstrip() + "\n"  # it may end with a comment


def _expect(name: str, what: str, value: object, right: bool) -> None:
    if not right:
        raise ValueError(f"distributed.run: expected {name} to be {what}, got {value!r}")


def _executor(
    asked: str | Executor, workers: int | None, threads: int, memory: int | None, ray_init: Mapping[str, Any] | None
) -> tuple[Executor, int | None]:
    """Who works, and how much memory each may have."""
    if not isinstance(asked, str):
        return asked, memory
    _expect("executor", "'local' or 'ray'", asked, asked in ("local", "ray"))
    found = resources.detect()
    workers = workers if workers is not None else max(1, found.cpus // threads)
    if asked == "ray":
        return RayExecutor(workers, threads, memory, ray_init or {}), memory
    if memory is None and (limit := resources.recommend(found).memory_limit) is not None:
        memory = limit // workers
    return LocalExecutor(workers), memory


def run(
    sql: str,
    source: Source,
    target: PathLike,
    *,
    by: str | Sequence[str] | None = None,
    before: str | None = None,
    buckets: int | None = None,
    executor: str | Executor = "local",
    workers: int | None = None,
    threads: int = 1,
    memory_limit: int | None = None,
    tries: int = 3,
    quarantine: Mapping[str, str] | None = None,
    same_rows: bool = False,
    per_partition: bool = False,
    failed: str = "raise",
    setup: str = "",
    ray_init: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """The answer of a query over many files, or a large table, as Parquet files, computed part by part.

    Parameters
    ----------
    sql : str
        A SELECT from the table `source`. It has to answer each row by itself (functions, filters, unnest, joins with
        what does not change) and to give the same rows whenever it is asked; with `by` it may put rows in relation
        whose values of these columns are equal: GROUP BY, DISTINCT, windows.
    source : path, list of paths, or Table
        Parquet files, folders of them or patterns, each file a partition; or `Table(database, name)`.
    target : path
        A folder; it is made if it is not there. `read(con, target)` reads the result.
    by, before, buckets : column or columns, str, int
        Two steps: `before` (a SELECT from `source`, by default all of it) is asked of each partition, and its rows are
        put into `buckets` (as many as partitions, by default), rows with equal values of `by` into one; then `sql` is
        asked of each bucket.
    executor : "local", "ray", or an Executor
        Processes of this machine, or Ray core tasks. All have to see the same files under the same paths.
    workers, threads, memory_limit : int, int, int
        How many at once, by default as many as processors allow; threads of each; bytes for DuckDB of each, by
        default a share of what this process, or with Ray the node, may use.
    tries : int
        How often a partition is begun before it is given up.
    quarantine : dict, optional
        Reason to condition. Rows of the source for which one holds are set aside with the reason and do not reach the
        query; `quarantined(con, target)` reads them.
    same_rows : bool
        Every partition has to give as many rows as it got, but for those in quarantine; else it has failed.
    per_partition : bool
        The query is meant for each partition: nothing is refused because it depends on how rows are divided.
    failed : "raise" or "commit"
        What to do when partitions have no result after all tries. "raise": RunFailed, the target shows what it showed,
        and the next run goes on from here. "commit": the manifest names them with the reason, and `read` wants
        `partial=True`.
    setup : str
        SQL that every worker runs first: macros, settings.
    ray_init : dict, optional
        For `ray.init`, where Ray is not running yet: `{"address": "auto"}`. By default a cluster on the loopback
        interface is started, and stopped at the end.
    progress : callable, optional
        Hears what is done, and how far it is: (label, done, total).

    Returns
    -------
    RunReport
        Rows in, out and in quarantine, tasks done and kept, attempts, checksum.

    Each result is there once or not at all. A task has a key, of its inputs (path, size, time of change), the query
    and the versions; its files are written under another name, checked, put on disk and then renamed; then it is
    noted as done. The manifest, written last and in one step, names the files that make the result, and readers see
    only what it names. A run that was ended in whatever way goes on where it was when it is called again. Files of the
    result before stay for those who are reading them, until the next run.

    Nulls : values; NULL in `by` is a value like others.
    Errors : ValueError for wrong arguments and queries; TargetBusy while another run is at work there; RunFailed with
    the report when partitions failed or rows are missing; ImportError for "ray" without Ray.
    Cost : a process for each worker (0.2 s), and each partition a connection and a file; with `by` all rows are
    written once more.
    """
    started = time.perf_counter()
    _expect("tries", "1 or more", tries, tries >= 1)
    _expect("threads", "1 or more", threads, threads >= 1)
    _expect("workers", "1 or more", workers, workers is None or workers >= 1)
    _expect("buckets", "1 or more, and by to be given", buckets, buckets is None or (buckets >= 1 and by is not None))
    _expect("before", "given only with by", before, before is None or by is not None)
    _expect("failed", "'raise' or 'commit'", failed, failed in ("raise", "commit"))
    sql, before = _plain(sql), _plain(before or "SELECT * FROM source")
    keys = [by] if isinstance(by, str) else list(by or ())
    found = partitions(source)
    together = bool(keys) or per_partition or (isinstance(source, Table) and source.by is not None)
    asked = _Asked(sql, before, keys, quarantine or {}, setup, together)
    asked.check(found)
    folder = Path(target)
    for name in ("", TEMPORARY, DONE, SHUFFLE):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with Lock(folder), contextlib.ExitStack() as stack:
        # Whoever wrote these is gone: the lock was free.
        swept = sweep(folder / TEMPORARY)
        who, memory = _executor(executor, workers, threads, memory_limit, ray_init)
        stack.callback(who.close)
        common = {"threads": threads, "memory_limit": memory, "setup": setup}
        job = _Run(folder, who, tries, common, progress or (lambda label, done, total: None))
        steps = _compute(job, asked, found, buckets, same_rows, failed)
        swept += sweep(folder / TEMPORARY)  # of workers that ended in the middle of a task
        return _finish(job, asked, steps, source, failed, swept, started)


def _compute(
    job: _Run, asked: _Asked, found: Sequence[Partition], buckets: int | None, same_rows: bool, failed: str
) -> list[_Step]:
    """All steps; fewer where one did not end well and nothing is to be built on it."""
    more: dict[str, Any] = {"quarantine": dict(asked.rules), "same_rows": same_rows}
    if not asked.by:
        step = job.known(_Step([job.task(one, asked.sql, asked.columns, **more) for one in found]))
        job.perform(step, "partitions")
        return [step]
    count = buckets or len(found)

    def second_of(first: _Step) -> _Step:
        made = _buckets(first, job.target, count)
        return job.known(_Step([job.task(one, asked.sql, asked.columns) for one in made]))

    tasks = [job.task(one, asked.before, asked.between, buckets=count, by=asked.by, **more) for one in found]
    # What was divided is gone when a run has ended well, and is not needed again while the buckets are there.
    first = job.known(_Step(tasks), SHUFFLE)
    if len(first.records) == len(tasks) and not (second := second_of(first)).missing():
        return [first, second]
    first = job.known(_Step(tasks))
    job.perform(first, "dividing")
    if first.failed and failed == "raise":
        return [first]
    second = second_of(first)
    job.perform(second, "buckets")
    return [first, second]


def _finish(
    job: _Run, asked: _Asked, steps: list[_Step], source: Source, failed: str, swept: int, started: float
) -> RunReport:
    first, last = steps[0], steps[-1]
    problems = tuple(one for step in steps for one in step.failed)
    lost = ""
    if len(steps) == 2 and not last.failed and first.rows("rows_out") != last.rows("rows_in"):
        lost = f"{first.rows('rows_out')} rows were divided, and {last.rows('rows_in')} came"
    report = RunReport(
        str(job.target),
        job.executor.name,
        job.executor.workers,
        len(last.tasks),
        sum(step.computed for step in steps),
        sum(step.resumed for step in steps),
        sum(step.attempts for step in steps),
        first.rows("rows_in"),
        last.rows("rows_out"),
        first.rows("quarantined"),
        str(sum(int(record["checksum"]) for record in last.done())),
        problems,
        False,
        swept,
        time.perf_counter() - started,
    )
    if lost or (problems and failed == "raise"):
        shown = lost or "; ".join(f"{one.partition}: {one.reason}" for one in problems[:3])
        raise RunFailed(
            f"distributed.run: expected a result of every partition, got none of {len(problems)}: {shown}"
            if problems
            else f"distributed.run: expected no row to be lost, got: {shown}",
            report,
        )
    _commit(job, asked, first, last, report, source)
    return replace(report, committed=True, seconds=time.perf_counter() - started)


def _commit(job: _Run, asked: _Asked, first: _Step, last: _Step, report: RunReport, source: Source) -> None:
    """The manifest in place of the one before, and then away with what neither of them names."""
    before = read_json(job.target / MANIFEST)
    parts = [
        {
            "file": record["file"],
            "partition": record["label"],
            "rows": record["rows_out"],
            "bytes": record["files"][record["file"]],
            "checksum": record["checksum"],
            "key": record["key"],
        }
        for record in last.done()
    ]
    aside = [
        {"quarantine": record["quarantine"], "partition": record["label"], "rows": record["quarantined"]}
        for record in first.done()
        if record["quarantine"]
    ]
    manifest: dict[str, Any] = {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "sql": asked.sql,
        "before": asked.before if asked.by else None,
        "by": asked.by,
        "source": str(source),
        "columns": asked.columns,
        "versions": versions(),
        "rows_in": report.rows_in,
        "rows_out": report.rows_out,
        "quarantined": report.quarantined,
        "checksum": report.checksum,
        "parts": parts,
        "aside": aside,
        "failed": [{"partition": one.partition, "tries": one.tries, "reason": one.reason} for one in report.failed],
    }
    write_json(job.target, job.target / MANIFEST, manifest)
    named = {MANIFEST, "_lock", TEMPORARY, DONE, SHUFFLE}
    for one in (manifest, before or {}):
        named |= {part["file"] for part in one.get("parts", [])}
        named |= {part["quarantine"] for part in one.get("aside", [])}
    ours = {entry.name for entry in job.target.iterdir() if entry.name.startswith(("part-", "quarantine-"))}
    for name in ours - named:
        (job.target / name).unlink(missing_ok=True)
    keep = {f"{record['key']}.json" for step in (first, last) for record in step.done()}
    sweep(job.target / DONE, frozenset(keep))
    if not report.failed:
        sweep(job.target / SHUFFLE)
