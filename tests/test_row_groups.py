"""Threads on tables of one row group: they all compute, and reports say where they will not read."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.row_groups import advice, all_threads, group_rows, too_few

ROWS = 100_000
CHAT = "".join(f"05/03/2024, 09:{i % 60:02} - Ana: message {i}\n" for i in range(25_000)).encode()


@pytest.fixture(params=["file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "chat.duckdb") if request.param == "file" else ":memory:"


def notes(con: duckdb.DuckDBPyConnection, rows: int = ROWS, name: str = "notes") -> None:
    con.execute("SET threads = 2")
    con.execute(f"CREATE TABLE {name} AS SELECT i AS id, 'note ' || i AS said FROM range({rows}) t(i)")


def test_work_is_handed_out_by_vectors_in_order(database: str) -> None:
    """Counted with a function that notes which of its vectors have come."""
    with streamliner_udf.connect(database) as con:
        notes(con)
        lengths = "SELECT count(*) FROM (SELECT id, rowid AS r FROM copied) WHERE id != r"
        with all_threads(con):
            con.execute("CREATE TABLE copied AS SELECT id, sl_slugify(said) AS said FROM notes")
        assert con.execute(lengths).fetchall() == [(0,)]
        assert con.execute("FROM copied EXCEPT ALL SELECT id, 'note-' || id FROM notes").fetchall() == []
        with pytest.raises(duckdb.Error), all_threads(con):
            con.execute("SELECT nothing")
        # Off again: one thread sees all rows one after the other, and lists them so.
        assert con.execute("SELECT list(id) = range(100_000) FROM notes").fetchall() == [(True,)]


def test_materialize_says_what_keeps_threads_idle(database: str) -> None:
    with streamliner_udf.connect(database) as con:
        notes(con)
        query = "SELECT id, upper(said) AS said FROM notes"
        report = streamliner_udf.materialize(con, "clean", query, key="id")
        (warning,) = report.warnings
        assert "100,000 rows in one row group" in warning
        assert "profile='pipeline'" in warning
        assert ("ROW_GROUP_SIZE 14336" in warning) == (database != ":memory:")
        assert warning in str(report)
        con.execute("BEGIN")
        assert streamliner_udf.materialize(con, "more", query, key="id").warnings == ()
        con.execute("COMMIT")
        con.execute("SET threads = 1")
        assert streamliner_udf.materialize(con, "clean", query, key="id").warnings == ()


def test_all_threads_compute_what_materialize_makes(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = []
    real = all_threads

    def noted(connection: duckdb.DuckDBPyConnection) -> contextlib.AbstractContextManager[None]:
        entered.append(connection)
        return real(connection)

    monkeypatch.setattr("streamliner_udf.incremental.all_threads", noted)
    with streamliner_udf.connect(database) as con:
        notes(con)
        notes(con, 1_000, "few")
        con.execute("CREATE VIEW seen AS FROM notes")
        for table, times in (("notes", 1), ("few", 0), ("seen", 0)):
            entered.clear()
            streamliner_udf.materialize(con, f"of_{table}", f"SELECT id, upper(said) AS said FROM {table}", key="id")
            assert len(entered) == times, table
            with pytest.raises(duckdb.Error):
                streamliner_udf.materialize(con, f"bad_{table}", f"SELECT id, error(said) AS x FROM {table}", key="id")
        assert con.execute("SELECT list(id) = range(100_000) FROM of_notes").fetchall() == [(True,)]


def test_the_remedy_is_one(tmp_path: Path) -> None:
    with streamliner_udf.connect(tmp_path / "chat.duckdb", profile="pipeline", config={"threads": 2}) as con:
        notes(con)
        assert streamliner_udf.materialize(con, "clean", "SELECT id, said FROM notes", key="id").warnings == ()
        assert streamliner_udf.ingest(con, CHAT).warnings == []
    with streamliner_udf.connect(config={"threads": 2}) as con:
        report = streamliner_udf.ingest(con, CHAT)
        assert report.advice is not None
        assert report.warnings == [report.advice]
        assert report.advice in report.to_text()
        assert report.to_dict()["advice"] == report.advice


def test_names_of_tables(tmp_path: Path) -> None:
    with streamliner_udf.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'one.duckdb'}' AS one; CREATE SCHEMA \"a b\"")
        for name in ('"a b"."my ""notes"""', 'one.main."x"', "one.y", "main.z"):
            notes(con, 30_000, name)
            found = advice(con, name)
            if '""' in name and duckdb.__version__ < "2":
                continue  # DuckDB itself does not find it
            assert found is not None, name
            assert found.startswith(f"{name} has 30,000 rows")
        con.execute("CREATE VIEW v AS FROM main.z; CREATE TEMP TABLE passing AS FROM main.z")
        for name in ("v", "passing", "nothing", "range(5)", "no name at all"):
            assert advice(con, name) is None, name


@pytest.mark.parametrize(
    ("rows", "groups", "threads", "wanted"),
    [
        (100_000, 1, 2, True),
        (100_000, 2, 2, False),
        (100_000, 1, 1, False),
        (19_999, 1, 2, False),
        (10_000_000, 1, 2, False),
    ],
)
def test_when_a_word_is_due(rows: int, groups: int, threads: int, wanted: bool) -> None:
    assert too_few(rows, groups, threads) is wanted


def test_ingest_gives_batches_of_a_row_group(tmp_path: Path) -> None:
    rows = 8192
    with streamliner_udf.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'chat.duckdb'}' AS target (ROW_GROUP_SIZE {rows})")
        streamliner_udf.ingest(con, CHAT, "target.messages", chat="family")
        if (known := group_rows(con, "target.messages")) is None:
            pytest.skip("this DuckDB does not say how large its row groups are")
        assert known == rows
        assert group_rows(con, "target.nothing") is None
        found = con.execute(
            "SELECT count FROM pragma_storage_info('target.messages') "
            "WHERE column_name = 'seq' AND segment_type = 'BIGINT' ORDER BY row_group_id"
        ).fetchall()
        assert [count for (count,) in found] == [rows, rows, rows, 25_000 - 3 * rows]
        in_order = "SELECT list(seq ORDER BY rowid) = range(25_000) FROM target.messages"
        assert con.execute(in_order).fetchall() == [(True,)]
        for mode, count in (("append", 50_000), ("merge", 50_000), ("replace", 25_000)):
            streamliner_udf.ingest(con, CHAT, "target.messages", mode=mode, chat="family")
            assert con.execute("SELECT count(*) FROM target.messages").fetchall() == [(count,)]
        assert con.execute(in_order).fetchall() == [(True,)]
        con.execute("CREATE TABLE here (i INTEGER)")
        assert group_rows(con, "here") == 122_880
