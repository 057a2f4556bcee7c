"""materialize: after any change of the source the table is what the query gives, and only what changed was computed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import SCALE

import streamliner_udf
from streamliner_udf import incremental
from streamliner_udf.incremental import materialize

QUERY = "SELECT id, sl_scrub_pii(said) AS said FROM notes WHERE said IS NOT NULL"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        connection.execute("CREATE TABLE notes (id INTEGER, said VARCHAR, other INTEGER)")
        connection.execute(
            "INSERT INTO notes "
            "SELECT i, CASE WHEN i % 7 != 0 THEN 'mail n' || i || '@example.org' END, i FROM range(100) t(i)"
        )
        yield connection


def same(con: duckdb.DuckDBPyConnection, target: str, query: str) -> bool:
    left, right = (
        f"SELECT * FROM ({one}) EXCEPT ALL SELECT * FROM ({two})"
        for one, two in ((query, f"FROM {target}"), (f"FROM {target}", query))
    )
    return not con.execute(left).fetchall() and not con.execute(right).fetchall()


def test_only_what_changed_is_computed(con: duckdb.DuckDBPyConnection) -> None:
    first = materialize(con, "clean", QUERY, key="id")
    assert (first.reason, first.new, first.unchanged, first.rows) == ("first", 100, 0, 85)
    again = materialize(con, "clean", QUERY, key="id")
    assert (again.reason, again.computed, again.unchanged) == ("incremental", 0, 100)
    con.execute("UPDATE notes SET other = -1")
    assert materialize(con, "clean", QUERY, key="id").computed == 0, "the query does not read that column"
    con.execute("INSERT INTO notes VALUES (1000, 'call +55 11 91234-5678', 0), (1001, NULL, 0)")
    con.execute("UPDATE notes SET said = 'edited ' || said WHERE id IN (1, 2, 3)")
    con.execute("UPDATE notes SET said = NULL WHERE id = 4")
    found = materialize(con, "clean", QUERY, key="id")
    assert (found.new, found.changed, found.unchanged) == (2, 4, 96)
    assert same(con, "clean", QUERY)
    assert found.rows == 85
    assert "2 new, 4 changed" in str(found)
    assert found.to_dict()["computed"] == 6


def test_the_query_runs_on_changed_rows_only(con: duckdb.DuckDBPyConnection) -> None:
    seen: list[int] = []

    def noted(value: int) -> int:
        seen.append(value)
        return value

    con.create_function("noted", noted, ["INTEGER"], "INTEGER", side_effects=True)
    query = "SELECT id, noted(id) AS it FROM notes"
    materialize(con, "kept", query, key="id")
    assert len(seen) == 100
    seen.clear()
    con.execute("INSERT INTO notes VALUES (500, 'x', 0)")
    materialize(con, "kept", query, key="id")
    assert seen == [500]


def test_deleted_rows(con: duckdb.DuckDBPyConnection) -> None:
    materialize(con, "clean", QUERY, key="id")
    con.execute("DELETE FROM notes WHERE id < 10")
    kept = materialize(con, "clean", QUERY, key="id")
    assert (kept.deleted, kept.pruned, kept.rows) == (10, False, 85)
    pruned = materialize(con, "clean", QUERY, key="id", prune=True)
    assert (pruned.deleted, pruned.pruned, pruned.rows) == (10, True, 77)
    assert same(con, "clean", QUERY)
    assert materialize(con, "clean", QUERY, key="id", prune=True).deleted == 0
    con.execute("INSERT INTO notes VALUES (1, 'back', 0)")
    assert materialize(con, "clean", QUERY, key="id").new == 1
    assert same(con, "clean", QUERY)


def test_another_query_or_version_computes_all(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    materialize(con, "clean", QUERY, key="id")
    spaced = QUERY.replace("FROM", "\n  from").replace(", ", ",")
    assert materialize(con, "clean", spaced, key="id").reason == "incremental", "only the spelling is different"
    other = QUERY.replace("IS NOT NULL", "!= ''")
    assert materialize(con, "clean", other, key="id").reason == "query changed"
    monkeypatch.setattr("streamliner_udf.incremental.__version__", "99.0")
    assert materialize(con, "clean", other, key="id").reason == "functions changed"
    assert materialize(con, "plain", "SELECT id, lower(said) AS s FROM notes", key="id").reason == "first"
    monkeypatch.undo()
    plain = materialize(con, "plain", "SELECT id, lower(said) AS s FROM notes", key="id")
    assert plain.reason == "incremental", "none of our functions is in it"
    con.execute("ALTER TABLE notes ADD COLUMN more VARCHAR DEFAULT 'x'")
    materialize(con, "all_of_it", "SELECT * FROM notes", key="id")
    con.execute("ALTER TABLE notes ADD COLUMN still_more VARCHAR DEFAULT 'y'")
    assert materialize(con, "all_of_it", "SELECT * FROM notes", key="id").reason == "query changed"
    assert same(con, "all_of_it", "FROM notes")


def test_several_rows_of_a_key(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT n.id, unnest(sl_chunk_text(n.said, 8, 2)) AS piece FROM main.notes AS n"
    materialize(con, "pieces", query, key="id")
    con.execute("UPDATE notes SET said = 'short' WHERE id = 1")
    assert materialize(con, "pieces", query, key="id").changed == 1
    assert same(con, "pieces", query)


def test_common_table_expressions_and_other_tables(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE kinds AS SELECT i AS id, 'kind ' || i AS kind FROM range(0, 100, 2) t(i)")
    query = (
        "WITH long AS (SELECT id, said FROM notes WHERE length(said) > 3) "
        "SELECT long.id, kind FROM long LEFT JOIN kinds USING (id)"
    )
    with pytest.raises(ValueError, match=r'materialize: expected a query of one table, or source= .*"notes", "kinds"'):
        materialize(con, "joined", query, key="id")
    materialize(con, "joined", query, key="id", source="notes")
    con.execute("INSERT INTO notes VALUES (200, 'hello', 0)")
    assert materialize(con, "joined", query, key="id", source="notes").computed == 1
    assert same(con, "joined", query)
    with pytest.raises(ValueError, match="expected source to be one of the tables"):
        materialize(con, "joined", query, key="id", source="elsewhere")


def test_a_view_and_a_temporary_table(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW seen AS SELECT id, said FROM notes WHERE id != 50")
    con.execute("CREATE TEMP TABLE passing AS FROM notes")
    for source in ("seen", "passing"):
        query = f"SELECT id, upper(said) AS said FROM {source}"
        materialize(con, f"of_{source}", query, key="id")
        con.execute(f"UPDATE {'notes' if source == 'seen' else source} SET said = 'new' WHERE id IN (3, 50)")
        assert materialize(con, f"of_{source}", query, key="id").changed == (1 if source == "seen" else 2)
        assert same(con, f"of_{source}", query)


def test_names_with_quotes_in_another_database(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other")
    con.execute('CREATE SCHEMA other."a ""b"; CREATE TABLE other."a ""b"."my notes" AS FROM notes')
    query = 'SELECT id, upper(said) AS said FROM other."a ""b"."my notes"'
    target = 'other."a ""b"."my table"'
    materialize(con, target, query, key="id")
    con.execute('UPDATE other."a ""b"."my notes" SET said = \'new\' WHERE id = 9')
    assert materialize(con, target, query, key="id").changed == 1
    assert same(con, target, query)


@pytest.mark.parametrize(
    ("query", "came"),
    [
        ("SELECT id, count(*) FROM notes GROUP BY id", "GROUP BY"),
        ("SELECT max(id) AS id FROM notes", "max"),
        ("SELECT id, row_number() OVER () AS n FROM notes", "a window function"),
        ("SELECT DISTINCT id FROM notes", "DISTINCT"),
        ("SELECT id FROM notes LIMIT 3", "LIMIT"),
        ("SELECT id FROM notes UNION ALL SELECT id FROM notes", "a set operation"),
        ("SELECT id FROM notes USING SAMPLE 10 ROWS", "sample"),
        ("SELECT said FROM notes", "to give a column id, got said"),
        ("SELECT 1 AS id", "got none"),
        ("DELETE FROM notes", "one SELECT"),
        ("SELECT id FROM notes; SELECT 1", "2 statements"),
        ("SELEKT 1", "syntax error"),
    ],
)
def test_queries_that_mix_rows(con: duckdb.DuckDBPyConnection, query: str, came: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)materialize: expected .*{came}"):
        materialize(con, "clean", query, key="id")
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'clean%'").fetchall() == [(0,)]


def test_keys_that_are_none(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT id, said FROM notes"
    materialize(con, "clean", query, key="id")
    for value, message in (
        ("NULL", "no NULL in column id, got 1"),
        ("5", "different values of id"),
        ("999), (999", "different values of id"),
    ):
        rows = ", ".join(f"({one.strip('()')}, 'x', 0)" for one in value.split(", "))
        con.execute(f"INSERT INTO notes VALUES {rows}")
        with pytest.raises(ValueError, match=message):
            materialize(con, "clean", query, key="id")
        with pytest.raises(ValueError, match=message):
            materialize(con, "fresh", query, key="id")
        assert con.execute("SELECT count(*) FROM clean").fetchall() == [(100,)]
        con.execute("DELETE FROM notes WHERE said = 'x'")
    assert materialize(con, "clean", query, key="id").computed == 0
    with pytest.raises(ValueError, match="to have a column nope"):
        materialize(con, "clean", query, key="nope")


@pytest.mark.parametrize("prune", [False, True])
def test_any_history(tmp_path: Path, prune: bool) -> None:
    """Random changes of a table in a file, which is closed now and then: what is taken for unchanged is."""
    rng = random.Random(11 + prune)
    path = str(tmp_path / "notes.duckdb")
    con = streamliner_udf.connect(path)
    con.execute("CREATE TABLE notes AS SELECT i AS id, 'note ' || i AS said FROM range(5000) t(i)")
    query, last = "SELECT id, upper(said) AS said FROM notes", 5_000
    materialize(con, "clean", query, key="id", prune=prune)
    for turn in range(40 * SCALE):
        before = dict(con.execute("SELECT id, said FROM notes").fetchall())
        for _ in range(rng.randrange(4)):
            low = rng.randrange(last)
            some = f"id BETWEEN {low} AND {low + rng.choice((0, 3, 300, 3000))}"
            kind = rng.choice(("new", "edit", "delete", "move", "back"))
            if kind == "new":
                count = rng.choice((1, 300))
                con.execute(f"INSERT INTO notes SELECT {last} + i, 'new ' || i FROM range({count}) t(i)")
                last += count
            elif kind == "edit":
                con.execute(f"UPDATE notes SET said = 'edit {turn} ' || id WHERE {some}")
            elif kind == "delete":
                con.execute(f"DELETE FROM notes WHERE {some}")
            elif kind == "move":  # the same rows in other places
                con.execute("CREATE OR REPLACE TABLE notes AS FROM notes ORDER BY hash(id + ?)", [turn])
            else:
                con.execute(f"INSERT INTO notes SELECT {low}, 'back' WHERE {low} NOT IN (SELECT id FROM notes)")
        if rng.random() < 0.2:
            con.close()
            con = streamliner_udf.connect(path)
        after = dict(con.execute("SELECT id, said FROM notes").fetchall())
        kept = dict(con.execute("SELECT id, said FROM clean").fetchall())
        found = materialize(con, "clean", query, key="id", prune=prune)
        assert found.new == len(after.keys() - kept.keys())
        assert found.changed == sum(key in kept and kept[key] != said.upper() for key, said in after.items())
        assert found.unchanged == len(after) - found.new - found.changed
        assert found.deleted == len(kept.keys() - after.keys())
        if prune:
            assert same(con, "clean", query)
        else:
            assert same(con, "(FROM clean SEMI JOIN notes USING (id))", query)
        assert materialize(con, "clean", query, key="id", prune=prune).computed == 0, (before, turn)
    con.close()


def test_rows_that_stand_where_they_stood_are_not_joined(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE many AS SELECT i AS id, 'note ' || i AS said FROM range(100_000) t(i)")
    query = "SELECT id, upper(said) AS said FROM many"
    materialize(con, "clean", query, key="id")
    con.execute("INSERT INTO many VALUES (100_000, 'new')")
    store = incremental._Store(con, "clean", "id", incremental._Query(con, query, None))
    assert store.find_changes(["id", "said"]).new == 1
    (found,) = con.execute("SELECT count(*) FROM temp.streamliner_blocks").fetchall()
    assert found == (1,)
    con.execute("INSERT INTO many VALUES (5, 'the same key, far away from the row that has it')")
    with pytest.raises(ValueError, match="different values of id"):
        materialize(con, "clean", query, key="id")
    con.execute("DELETE FROM many WHERE said = 'new' OR starts_with(said, 'the same')")
    # Gone and not pruned: it must not make a block look changed for ever.
    con.execute("DELETE FROM many WHERE id = 50_000")
    assert materialize(con, "clean", query, key="id").deleted == 1
    assert store.find_changes(["id", "said"]).deleted == 1
    assert con.execute("SELECT count(*) FROM temp.streamliner_blocks").fetchall() == [(0,)]


def test_somebody_elses_table_is_left_alone(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE mine AS SELECT 1 AS id")
    with pytest.raises(ValueError, match="a table that materialize made"):
        materialize(con, "mine", "SELECT id FROM notes", key="id")
    assert con.execute("FROM mine").fetchall() == [(1,)]


def test_within_the_callers_transaction(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN")
    materialize(con, "clean", QUERY, key="id")
    con.execute("ROLLBACK")
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'clean%'").fetchall() == [(0,)]
    assert materialize(con, "clean", QUERY, key="id").reason == "first"


_WORKER = """
import sys, streamliner_udf
from streamliner_udf.incremental import materialize
con = streamliner_udf.connect(sys.argv[1])
print("ready", flush=True)
materialize(con, "clean", sys.argv[2], key="id", prune=True)
print("done", flush=True)
"""


def test_killed_at_any_point(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("no SIGKILL here")
    path, rng = tmp_path / "notes.duckdb", random.Random(5)
    query = "SELECT id, sl_scrub_pii(said) AS said FROM notes"
    with streamliner_udf.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE notes AS "
            "SELECT i AS id, repeat('mail a@example.org ', 20) || i AS said FROM range(60000) t(i)"
        )
    killed, took = 0, 0.0
    started = time.perf_counter()
    arguments = [sys.executable, "-c", _WORKER, str(path), query]
    for turn in range(20 * SCALE):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            if turn > 1:  # the first has all rows to do, the second as many as each that follows
                time.sleep(rng.random() * took)
                worker.send_signal(signal.SIGKILL)
            else:
                began = time.perf_counter()
                worker.wait()
                took = time.perf_counter() - began
            killed += worker.wait() == -signal.SIGKILL
        with streamliner_udf.connect(str(path)) as con:
            assert materialize(con, "clean", query, key="id", prune=True).unchanged >= 0
            assert same(con, "clean", query)
            assert con.execute("SELECT count(*) FROM clean__inputs").fetchall() == [(60000,)]
            # What the next one has to do: some new, some changed, some gone; as many rows as before.
            con.execute(f"UPDATE notes SET said = 'turn {turn} ' || said WHERE id % 20 = {turn % 20}")
            con.execute("DELETE FROM notes WHERE id IN (SELECT id FROM notes ORDER BY id LIMIT 3000)")
            con.execute("INSERT INTO notes SELECT max(id) + i, 'new ' || i FROM notes, range(1, 3001) t(i) GROUP BY i")
    assert killed > 5 * SCALE, f"{killed} of the workers were killed in {time.perf_counter() - started:.0f} s"
