"""connect(profile="pipeline"): what it sets, what it leaves alone, and that nothing else changes. On each version."""

import os
import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest
from children import python

import streamliner_udf
from streamliner_udf import resources

ROWS = 100_000


@pytest.fixture(params=["new file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "it's a chat.duckdb") if request.param == "new file" else ":memory:"


def settings(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return dict(con.execute("SELECT name, value FROM duckdb_settings()").fetchall())


def groups(con: duckdb.DuckDBPyConnection, table: str) -> int:
    query = f"SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('{table}')"
    return int(con.execute(query).fetchall()[0][0])


def fill(con: duckdb.DuckDBPyConnection, table: str = "notes", rows: int = ROWS) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT i, 'note ' || i AS said FROM range({rows}) t(i)")


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    small = resources.Resources(2, 1 << 30, None, (resources.Limit(2, "test"),), (resources.Limit(1 << 30, "test"),))
    monkeypatch.setattr("streamliner_udf.profiles.detect", lambda: small)


@pytest.mark.usefixtures("two_threads")
def test_settings_come_of_what_this_process_may_use(database: str) -> None:
    with duckdb.connect() as plain, streamliner_udf.connect(database, profile="pipeline") as con:
        before, after = settings(plain), settings(con)
        assert (after["threads"], after["memory_limit"]) == ("2", "512.0 MiB")
        changed = {name for name, value in after.items() if before[name] != value}
        assert changed <= {
            "threads", "worker_threads", "memory_limit", "max_memory", "temp_directory", "max_temp_directory_size",
            # These follow from others, or from the way by which the functions come in.
            "allocator_bulk_deallocation_flush_threshold", "write_buffer_row_group_memory_limit", "async_threads",
        }, changed  # fmt: skip
        assert con.execute("SELECT sl_slugify('A b')").fetchall() == [("a-b",)]
        assert after["max_temp_directory_size"].endswith("iB")


@pytest.mark.usefixtures("two_threads")
def test_all_threads_have_work_in_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.duckdb")
    with streamliner_udf.connect(path, profile="pipeline") as con:
        fill(con)
        assert groups(con, "notes") == 7  # of 14,336 rows
        with con.cursor() as other, streamliner_udf.connect(path, profile="pipeline") as again:
            for one in (con, other, again):
                assert one.execute("SELECT current_database(), current_schema()").fetchall() == [("chat", "main")]
                assert one.execute("SELECT count(*) FROM chat.main.notes").fetchall() == [(ROWS,)]
                assert len(one.execute("SELECT 1 FROM duckdb_databases() WHERE NOT internal").fetchall()) == 1
            fill(again, "more")
            assert groups(other, "more") == 7
        assert con.execute("SELECT current_setting('search_path')").fetchall() == [("",)]
    with streamliner_udf.connect(path, profile="pipeline", config={"threads": 4}) as con:
        assert groups(con, "notes") == 7
        fill(con)
        assert groups(con, "notes") == 13  # of 8,192 rows
        fill(con, "large", 2_000_000)
    with streamliner_udf.connect(path, profile="pipeline") as con:
        fill(con, "as_large", 1_000_000)
        assert groups(con, "as_large") == 9  # of 122,880 rows, as for the largest that is there


def test_what_a_crash_left_in_the_log_comes_in(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.duckdb")
    python(
        f"import os, streamliner_udf; path = {path!r}\n"
        "con = streamliner_udf.connect(path, profile='pipeline', config={'threads': 4})\n"
        "con.execute('CREATE TABLE notes AS SELECT i FROM range(100000) t(i)'); con.execute('CHECKPOINT')\n"
        "con.execute('INSERT INTO notes SELECT i FROM range(20) t(i)'); os._exit(0)"
    )
    assert Path(f"{path}.wal").exists()
    with streamliner_udf.connect(path, profile="pipeline", config={"threads": 4}) as con:
        assert con.execute("SELECT count(*) FROM notes").fetchall() == [(100_020,)]
        assert groups(con, "notes") >= 13
    assert not Path(f"{path}.wal").exists()


def test_the_callers_settings_win(database: str, tmp_path: Path) -> None:
    config = {
        "Threads": 1,
        "max_memory": "123MiB",
        "temp_directory": str(tmp_path / "mine"),
        "max_temp_directory_size": "77MiB",
        "storage_compatibility_version": "v1.0.0",
        "preserve_insertion_order": False,
    }
    with streamliner_udf.connect(database, profile="pipeline", config=config) as con:
        found = settings(con)
        assert [found[name] for name in ("threads", "memory_limit", "temp_directory", "max_temp_directory_size")] == [
            "1", "123.0 MiB", str(tmp_path / "mine"), "77.0 MiB",
        ]  # fmt: skip
        assert found["preserve_insertion_order"] == "false"
        if database != ":memory:":
            tags = con.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0]
            assert tags["storage_version"] == "v1.0.0+"


def test_locks_are_on_afterwards(database: str) -> None:
    config = {"enable_external_access": False, "lock_configuration": True}
    with streamliner_udf.connect(database, profile="pipeline", config=config) as con:
        assert settings(con)["enable_external_access"] == "false"
        for statement in ("SET threads = 1", "SET temp_directory = 'elsewhere'", "FROM read_text('setup.py')"):
            with pytest.raises(duckdb.Error):
                con.execute(statement)
        fill(con)
        assert database == ":memory:" or groups(con, "notes") > 1


def test_without_a_profile_nothing_is_set(database: str) -> None:
    with streamliner_udf.connect(database) as con, duckdb.connect() as plain:
        found, usual = settings(con), settings(plain)
        for name in ("threads", "memory_limit", "max_temp_directory_size"):
            assert found[name] == usual[name]
        fill(con)
        assert groups(con, "notes") == 1


@pytest.mark.usefixtures("two_threads")
def test_a_database_that_others_have_open_keeps_its_settings(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.duckdb")
    with streamliner_udf.connect(path) as first:
        first.execute("SET threads = 3")
        before = settings(first)
        first.execute("BEGIN; CREATE TABLE open_work AS SELECT 1 AS one")
        with streamliner_udf.connect(path, profile="pipeline") as second:
            assert settings(second)["threads"] == "3"
        first.execute("COMMIT")
        assert settings(first) == before
        assert first.execute("FROM open_work").fetchall() == [(1,)]


def test_read_only(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.duckdb")
    with streamliner_udf.connect(path, profile="pipeline") as con:
        fill(con)
        assert settings(con)["temp_directory"] == f"{path}.tmp"
    before = Path(path).read_bytes()
    with streamliner_udf.connect(path, profile="pipeline", read_only=True) as con:
        assert con.execute("SELECT count(*) FROM notes").fetchall() == [(ROWS,)]
        assert settings(con)["temp_directory"] != f"{path}.tmp"
        with pytest.raises(duckdb.Error):
            con.execute("CREATE TABLE other AS SELECT 1")
    assert Path(path).read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
def test_spills_where_only_the_user_can_look(tmp_path: Path) -> None:
    with streamliner_udf.connect(profile="pipeline", config={"memory_limit": "60MiB", "threads": 1}) as con:
        folder = Path(settings(con)["temp_directory"])
        assert not folder.exists()
        con.execute("CREATE TEMP TABLE large AS SELECT i, md5(i::VARCHAR) AS s FROM range(1_500_000) t(i)")
        assert list(folder.iterdir())
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert not folder.exists(), "DuckDB removes what it made"
    where = python(
        "import atexit, os, streamliner_udf; con = streamliner_udf.connect(profile='pipeline')\n"
        "folder = con.execute(\"SELECT current_setting('temp_directory')\").fetchone()[0]; print(folder, flush=True)\n"
        # The child runs what runs at exit and goes: it must not close the connection that it has inherited.
        "if os.fork() == 0: atexit._run_exitfuncs(); os._exit(0)\n"
        "os.wait(); print(os.path.isdir(os.path.dirname(folder)))"
    )
    spilled_to, there = where.splitlines()
    assert there == "True", "a forked child takes nothing of its parent's away"
    assert not Path(spilled_to).parent.exists(), "the folder of the process goes with it"


def test_an_unknown_profile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "chat.duckdb"
    with pytest.raises(ValueError, match="connect: expected profile to be None or one of pipeline, got 'fast'"):
        streamliner_udf.connect(str(path), profile="fast")
    assert not path.exists()
