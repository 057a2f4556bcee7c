"""distributed: the result of a run is that of one machine, whoever does the tasks and however often they are begun."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streamliner_udf
from streamliner_udf import distributed
from streamliner_udf.distributed.executors import TaskFailed
from streamliner_udf.distributed.task import perform
from streamliner_udf.sql import quoted

PARTS, ROWS = 4, 500
QUERY = "SELECT id, sl_scrub_pii(text) AS text FROM source"


class Here:
    """Does tasks in this process, and fails where it is told to: the name of a partition, and how often."""

    name = "here"
    workers = 2

    def __init__(self, failing: Mapping[str, int] | None = None) -> None:
        self.failing = dict(failing or {})
        self.tasks: deque[Mapping[str, Any]] = deque()
        self.begun: list[str] = []
        self.closed = False

    def submit(self, task: Mapping[str, Any]) -> None:
        self.tasks.append(task)

    def next(self) -> tuple[Mapping[str, Any], dict[str, Any] | TaskFailed]:
        task = self.tasks.popleft()
        label = Path(task["label"]).name
        self.begun.append(label)
        if self.failing.get(label, 0) > 0:
            self.failing[label] -= 1
            return task, TaskFailed("as told")
        try:
            return task, perform(json.loads(json.dumps(task)))
        except Exception as error:
            return task, TaskFailed(str(error))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


@pytest.fixture
def source(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> Path:
    """Four files, and a view `source` over all of them for the way of one machine."""
    folder = tmp_path / "in"
    folder.mkdir()
    for part in range(PARTS):
        write(con, folder / f"p{part}.parquet", part)
    con.execute(f"CREATE VIEW source AS FROM read_parquet({quoted(folder / '*.parquet')})")
    return folder


def write(con: duckdb.DuckDBPyConnection, path: Path, part: int) -> None:
    con.execute(
        f"COPY (SELECT {part * ROWS} + i AS id, 'mail a' || i || '@example.org' AS text, "
        f"CASE WHEN i % 7 > 0 THEN 'chat ' || i % 7 END AS chat, "
        f"TIMESTAMP '2024-01-01' + INTERVAL (i * 37 % 1000) MINUTE AS ts "
        f"FROM range({ROWS}) t(i)) TO {quoted(path)}"
    )


def same_as(
    con: duckdb.DuckDBPyConnection, target: Path, query: str, report: distributed.RunReport, partial: bool = False
) -> None:
    """The rows of the target are those of the query, and the report says so."""
    found = distributed.read(con, target, partial=partial)
    found.create_view("found", replace=True)
    for left, right in (("FROM found", query), (query, "FROM found")):
        assert con.execute(f"SELECT * FROM ({left}) EXCEPT ALL SELECT * FROM ({right})").fetchall() == []
    rows, checksum = distributed.checksum(con, query)
    assert (report.rows_out, report.checksum) == (rows, checksum)


# ---- one step ------------------------------------------------------------------------------------------------------


def test_processes_give_what_one_machine_gives(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    heard: list[tuple[str, int, int]] = []
    report = distributed.run(
        QUERY, source, target, workers=2, same_rows=True, progress=lambda *told: heard.append(told)
    )
    same_as(con, target, QUERY, report)
    assert (report.executor, report.workers, report.partitions) == ("local", 2, PARTS)
    assert (report.computed, report.resumed, report.attempts) == (PARTS, 0, PARTS)
    assert (report.rows_in, report.quarantined, report.failed, report.committed) == (PARTS * ROWS, 0, (), True)
    assert heard[-1] == ("partitions", PARTS, PARTS)
    assert [row[0] for row in distributed.read(con, target).project("id").fetchall()] == list(range(PARTS * ROWS))
    again = distributed.run(QUERY, source, target, workers=2, same_rows=True)
    assert (again.computed, again.resumed, again.attempts, again.checksum) == (0, PARTS, 0, report.checksum)
    assert "2,000 rows in, 2,000 out" in str(report)
    assert report.to_dict()["partitions"] == PARTS


@pytest.mark.parametrize("how", ["pattern", "list", "file names"])
def test_sources_of_files(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, how: str) -> None:
    given: Any = {
        "pattern": str(source / "*.parquet"),
        "list": [source / "p0.parquet", source / "p[123].parquet"],
        "file names": source,
    }[how]
    if how == "file names":
        names = ["it's.parquet", "a b[1].parquet", "x*.parquet", "chat=family.parquet"]
        for part, name in enumerate(names):
            (source / f"p{part}.parquet").rename(source / name)
        con.execute(f"CREATE OR REPLACE VIEW source AS FROM read_parquet({quoted(source / '*.parquet')})")
    target = tmp_path / "it's [out]*"
    report = distributed.run(QUERY, given, target, executor=Here())
    assert report.partitions == PARTS
    same_as(con, target, QUERY, report)


@pytest.mark.parametrize(
    "query",
    [
        "FROM source",
        "SELECT id FROM source WHERE id % 3 = 0 -- a third",
        "SELECT id, unnest(sl_extract_emails(text)) AS mail FROM source ORDER BY mail;",
        "WITH few AS (SELECT * FROM source WHERE id > 1717) SELECT text, {'a': [id, NULL]} AS nested FROM few",
        "SELECT id FROM source WHERE false",
        "SELECT id FROM source UNION ALL SELECT -id FROM source",
    ],
)
def test_queries(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, query: str) -> None:
    report = distributed.run(query, source, tmp_path / "out", executor=Here())
    same_as(con, tmp_path / "out", query.rstrip(";") + "\n", report)


def test_only_what_is_new_is_computed(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    distributed.run(QUERY, source, target, executor=Here())
    write(con, source / "p9.parquet", 9)
    write(con, source / "p1.parquet", 11)
    os.utime(source / "p1.parquet", ns=(1, 1))
    report = distributed.run(QUERY, source, target, executor=Here())
    assert (report.computed, report.resumed) == (2, PARTS - 1)
    same_as(con, target, QUERY, report)
    other = "SELECT id, text FROM source"
    report = distributed.run(other, source, target, executor=Here())
    assert (report.computed, report.resumed) == (PARTS + 1, 0)
    same_as(con, target, other, report)


def test_results_stay_for_those_who_read_them(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    queries = [f"SELECT id + {step} AS id FROM source" for step in range(3)]
    distributed.run(queries[0], source, target, executor=Here())
    first = distributed.read(con, target)
    distributed.run(queries[1], source, target, executor=Here())
    assert first.aggregate("min(id)").fetchall() == [(0,)], "the manifest was read before"
    assert distributed.read(con, target).aggregate("min(id)").fetchall() == [(1,)]
    distributed.run(queries[2], source, target, executor=Here())
    with pytest.raises(duckdb.Error):
        first.aggregate("min(id)").fetchall()
    files = {entry.name for entry in target.iterdir() if entry.suffix == ".parquet"}
    assert len(files) == 2 * PARTS, "of this result and the one before"
    assert not list((target / "_tmp").iterdir())


# ---- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [None, 1, 3, 40])
def test_ranges_of_a_table(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, parts: int | None) -> None:
    with duckdb.connect(str(tmp_path / "chat.duckdb")) as other:
        other.execute(f"CREATE TABLE messages AS FROM read_parquet({quoted(source / '*.parquet')})")
        other.execute("DELETE FROM messages WHERE id % 5 = 0 OR id > 1900")
    con.execute("CREATE TEMP TABLE kept AS SELECT * FROM source WHERE NOT (id % 5 = 0 OR id > 1900)")
    table = distributed.Table(tmp_path / "chat.duckdb", "messages", parts=parts)
    report = distributed.run(QUERY, table, tmp_path / "out", executor=Here())
    assert report.partitions == (parts or 1)
    same_as(con, tmp_path / "out", QUERY.replace("source", "kept"), report)


def test_parts_of_a_table_by_column(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "chat.duckdb")) as other:
        other.execute(f"CREATE TABLE messages AS FROM read_parquet({quoted(source / '*.parquet')})")
        other.execute("CREATE VIEW seen AS FROM messages WHERE id > 10")
    table = distributed.Table(tmp_path / "chat.duckdb", "main.seen", parts=3, by="chat")
    query = "SELECT chat, count(*) AS messages, min(id) AS first FROM source GROUP BY chat"
    report = distributed.run(query, table, tmp_path / "out", workers=2)
    con.execute("CREATE TEMP TABLE seen AS FROM source WHERE id > 10")
    same_as(con, tmp_path / "out", query.replace("source", "seen"), report)
    with duckdb.connect(str(tmp_path / "chat.duckdb")) as writer:
        writer.execute("CREATE TABLE more (i INTEGER)")
        with pytest.raises(RuntimeError, match=r"distributed\.run: expected .* to be free for reading"):
            distributed.run(query, table, tmp_path / "out2", executor=Here())


# ---- two steps -----------------------------------------------------------------------------------------------------

KEYED = {
    "dedup": ("SELECT text, min(id) AS id, count(*) AS times FROM source GROUP BY text", "text"),
    "windows": (
        "SELECT id, row_number() OVER (PARTITION BY chat ORDER BY ts, id) AS place, "
        "ts - lag(ts) OVER (PARTITION BY chat ORDER BY ts, id) AS gap FROM source",
        "chat",
    ),
    "two columns": ("SELECT DISTINCT chat, ts FROM source", ["chat", "ts"]),
}


@pytest.mark.parametrize("buckets", [None, 1, 9])
@pytest.mark.parametrize("name", KEYED)
def test_rows_that_belong_together(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, name: str, buckets: int | None
) -> None:
    query, by = KEYED[name]
    target = tmp_path / "out"
    report = distributed.run(query, source, target, by=by, buckets=buckets, executor=Here())
    same_as(con, target, query, report)
    assert report.partitions == (buckets or PARTS)
    assert (report.rows_in, report.computed) == (PARTS * ROWS, PARTS + (buckets or PARTS))
    assert not list((target / "_shuffle").iterdir()), "what was divided is not kept"
    again = distributed.run(query, source, target, by=by, buckets=buckets, executor=Here())
    assert (again.computed, again.resumed) == (0, report.computed)
    assert (again.rows_in, again.checksum) == (report.rows_in, report.checksum)


def test_processes_in_two_steps(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    before = "SELECT id, chat, ts, sl_scrub_pii(text) AS text FROM source WHERE chat IS NOT NULL"
    query = "SELECT chat, text, count(*) AS times, list(id ORDER BY id) AS ids FROM source GROUP BY ALL"
    report = distributed.run(query, source, tmp_path / "out", by="chat", before=before, workers=2, buckets=3)
    same_as(con, tmp_path / "out", query.replace("source", f"({before})"), report)
    assert report.rows_in == PARTS * ROWS


def test_a_second_step_that_is_half_there(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    query, by = KEYED["dedup"]
    target = tmp_path / "out"
    with pytest.raises(distributed.RunFailed, match=r"bucket 2 of 4: as told") as raised:
        distributed.run(query, source, target, by=by, executor=Here({"bucket 2 of 4": 3}))
    assert [(one.partition, one.tries) for one in raised.value.report.failed] == [("bucket 2 of 4", 3)]
    assert not raised.value.report.committed
    with pytest.raises(FileNotFoundError, match=r"expected .* to hold a finished run"):
        distributed.read(con, target)
    report = distributed.run(query, source, target, by=by, executor=Here())
    assert (report.computed, report.resumed) == (1, 2 * PARTS - 1)
    same_as(con, target, query, report)


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_tries(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    workers = Here({"p1.parquet": 2, "p2.parquet": 1})
    report = distributed.run(QUERY, source, tmp_path / "out", executor=workers)
    assert (report.computed, report.attempts, report.failed) == (PARTS, PARTS + 3, ())
    assert workers.closed
    same_as(con, tmp_path / "out", QUERY, report)
    failing = Here({"p1.parquet": 9})
    with pytest.raises(distributed.RunFailed, match=r"p1\.parquet: as told"):
        distributed.run("SELECT id FROM source", source, tmp_path / "out", executor=failing, tries=2)
    assert failing.begun.count("p1.parquet") == 2
    assert failing.closed
    same_as(con, tmp_path / "out", QUERY, report)


def test_a_run_without_some_partitions(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    report = distributed.run(QUERY, source, target, executor=Here({"p1.parquet": 9}), failed="commit")
    assert report.committed
    assert [one.reason for one in report.failed] == ["as told"]
    assert f"failed {source / 'p1.parquet'} (3 tries): as told" in str(report)
    with pytest.raises(ValueError, match=r"all partitions, got a run without .*p1\.parquet; partial=True"):
        distributed.read(con, target)
    same_as(con, target, f"{QUERY} WHERE id // {ROWS} <> 1", report, partial=True)
    whole = distributed.run(QUERY, source, target, executor=Here())
    assert (whole.computed, whole.resumed) == (1, PARTS - 1)
    same_as(con, target, QUERY, whole)


def test_quarantine(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    rules = {"no chat": "chat IS NULL", "it's odd": "id % 100 = 99"}
    report = distributed.run(QUERY, source, target, executor=Here(), quarantine=rules, same_rows=True)
    same_as(con, target, f"{QUERY} WHERE chat IS NOT NULL AND id % 100 <> 99", report)
    assert report.rows_in == report.rows_out + report.quarantined
    aside = distributed.quarantined(con, target)
    assert aside is not None
    found = aside.aggregate("quarantine_reason, count(*) AS n, min(id) AS first", "quarantine_reason").order("n")
    wanted = con.execute(
        "SELECT CASE WHEN chat IS NULL THEN 'no chat' ELSE 'it''s odd' END AS reason, count(*) AS n, min(id) "
        "FROM source WHERE chat IS NULL OR id % 100 = 99 GROUP BY reason ORDER BY n"
    ).fetchall()
    assert found.fetchall() == wanted
    assert sum(row[1] for row in wanted) == report.quarantined
    none = distributed.run(QUERY, source, target, executor=Here())
    assert none.quarantined == 0
    assert distributed.quarantined(con, target) is None


def test_rows_that_get_lost_are_noticed(source: Path, tmp_path: Path) -> None:
    with pytest.raises(distributed.RunFailed, match="expected as many rows as came, 500, got 499"):
        distributed.run(
            "SELECT id FROM source WHERE id <> 7", source, tmp_path / "out", executor=Here(), same_rows=True
        )


def test_columns_that_differ(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    con.execute(f"COPY (SELECT 'x' AS id, 't' AS text) TO {quoted(source / 'p9.parquet')}")
    with pytest.raises(distributed.RunFailed, match="expected the columns id BIGINT, text VARCHAR, got id VARCHAR"):
        distributed.run(QUERY, source, tmp_path / "out", executor=Here())


def test_an_error_of_a_row(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    """Processes hand on what DuckDB says."""
    with pytest.raises(distributed.RunFailed, match=r"p2\.parquet: ConversionException.*it is 1100"):
        distributed.run(
            "SELECT CASE WHEN id = 1100 THEN ('it is ' || id)::INTEGER ELSE id END AS id FROM source",
            source,
            tmp_path / "out",
            workers=1,
        )


def test_a_file_that_changes_meanwhile(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    class Changing(Here):
        def submit(self, task: Mapping[str, Any]) -> None:
            if task["label"].endswith("p3.parquet"):
                os.utime(source / "p3.parquet", ns=(5, len(self.begun) + 5))
            super().submit(task)

    with pytest.raises(distributed.RunFailed, match=r"expected .*p3\.parquet to stay as it is while it is read"):
        distributed.run(QUERY, source, tmp_path / "out", executor=Changing())
    report = distributed.run(QUERY, source, tmp_path / "out", executor=Here())
    assert report.computed == 1
    same_as(con, tmp_path / "out", QUERY, report)


def test_damaged_records_are_done_again(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    distributed.run(QUERY, source, target, executor=Here())
    parts = distributed.read_manifest(target)["parts"]
    (target / parts[0]["file"]).unlink()
    (target / parts[1]["file"]).write_bytes(b"short")
    (target / "_done" / f"{parts[2]['key']}.json").write_text('{"key": ')
    report = distributed.run(QUERY, source, target, executor=Here())
    assert (report.computed, report.resumed) == (3, 1)
    same_as(con, target, QUERY, report)


def test_one_run_at_a_time(source: Path, tmp_path: Path) -> None:
    class Calling(Here):
        def next(self) -> tuple[Mapping[str, Any], dict[str, Any] | TaskFailed]:
            if not self.begun:
                with pytest.raises(distributed.TargetBusy, match=f"a run at work in it: process {os.getpid()} on"):
                    distributed.run(QUERY, source, tmp_path / "out", executor=Here())
            return super().next()

    report = distributed.run(QUERY, source, tmp_path / "out", executor=Calling())
    assert report.computed == PARTS


def test_setup_and_other_versions(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    setup = "CREATE MACRO twice(x) AS x * 2"
    query = "SELECT twice(id) AS id FROM source"
    report = distributed.run(query, source, tmp_path / "out", executor=Here(), setup=setup)
    con.execute(setup)
    same_as(con, tmp_path / "out", query, report)

    class Older(Here):
        def submit(self, task: Mapping[str, Any]) -> None:
            super().submit({**task, "versions": {"streamliner_udf": "0.0.1", "duckdb": "0.9"}})

    with pytest.raises(distributed.RunFailed, match=r"expected a worker with .*0\.0\.1.* got "):
        distributed.run(QUERY, source, tmp_path / "out2", executor=Older())


def test_without_ray(monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"expected Ray for executor='ray', got none; pip install 'streamliner_udf"):
        distributed.run(QUERY, source, tmp_path / "out", executor="ray")


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("SELECT random() AS x FROM source", {}, "sql to give the same rows whenever it is asked, got random"),
        ("SELECT now() AS x FROM source", {}, "got now"),
        ("SELECT uuid() AS x FROM source", {"by": "id"}, "got uuid"),
        ("SELECT count(*) FROM source", {}, "sql to answer each row by itself, got count_star"),
        ("SELECT chat FROM source GROUP BY chat", {}, "got GROUP BY"),
        ("SELECT DISTINCT chat FROM source", {}, "got DISTINCT; by= brings rows together"),
        ("SELECT row_number() OVER () AS n FROM source", {}, "got a window function"),
        ("FROM source LIMIT 5", {}, "got LIMIT"),
        ("SELECT id FROM source EXCEPT SELECT 5 FROM source", {}, "got EXCEPT"),
        ("SELECT id::HUGEINT AS it FROM source", {}, "Parquet keeps, got it HUGEINT, which comes back as DOUBLE: CAST"),
        ("SELECT 1", {}, "sql to read the table source, got none"),
        ("FROM source; FROM source", {}, "sql to be one SELECT, got 2 statements"),
        ("DELETE FROM source", {}, "sql to be one SELECT, got "),
        ("SELECT source.id FROM", {}, "sql to be one SELECT, got "),
        ("FROM source", {"before": "FROM source"}, "before to be given only with by"),
        ("FROM source", {"by": "id", "before": "SELECT count(*) AS id FROM source"}, "before to answer each row"),
        ("FROM source", {"buckets": 3}, "buckets to be 1 or more, and by to be given, got 3"),
        ("FROM source", {"tries": 0}, "tries to be 1 or more, got 0"),
        ("FROM source", {"workers": 0}, "workers to be 1 or more, got 0"),
        ("FROM source", {"threads": 0}, "threads to be 1 or more, got 0"),
        ("FROM source", {"failed": "skip"}, "failed to be 'raise' or 'commit', got 'skip'"),
        ("FROM source", {"executor": "spark"}, "executor to be 'local' or 'ray', got 'spark'"),
        ("FROM source", {"quarantine": {"": "id = 1"}}, "every rule of quarantine to have a reason"),
    ],
)
def test_wrong_arguments(source: Path, tmp_path: Path, query: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"distributed\.run: expected ") as raised:
        distributed.run(query, source, tmp_path / "out", **options)
    assert message in str(raised.value)
    assert not list((tmp_path / "out").glob("*.*")), "nothing was begun"


def test_wrong_sources(source: Path, tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    for given, error, message in (
        (tmp_path / "nothing", FileNotFoundError, "expected source to be Parquet files, got "),
        (str(tmp_path / "*.nothing"), ValueError, "which matches none"),
        ([source, source / "p1.parquet"], ValueError, "every file of source once, got "),
        (distributed.Table(tmp_path / "no.duckdb", "t"), FileNotFoundError, "expected a database at "),
        (distributed.Table(tmp_path / "no.duckdb", "t", by=[]), FileNotFoundError, "expected a database at "),
    ):
        with pytest.raises(error, match=message):
            distributed.run(QUERY, given, tmp_path / "out")
    with pytest.raises(duckdb.BinderException, match="nothing"):
        distributed.run("SELECT nothing FROM source", source, tmp_path / "out")
    with pytest.raises(duckdb.BinderException, match="nothing"):
        distributed.run(QUERY, source, tmp_path / "out", quarantine={"why": "nothing > 1"})
    with pytest.raises(duckdb.BinderException, match="nothing"):
        distributed.run(QUERY, source, tmp_path / "out", by="nothing")


def test_each_partition_for_itself(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    query = "SELECT count(*) AS rows, min(id) AS first FROM source"
    report = distributed.run(query, source, tmp_path / "out", executor=Here(), per_partition=True)
    assert report.rows_out == PARTS
    found = distributed.read(con, tmp_path / "out").order("first").fetchall()
    assert found == [(ROWS, part * ROWS) for part in range(PARTS)]
