"""Connections, threads and processes that come and go, and memory that is not there. Run on each supported version."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from children import python

import streamliner_udf

ROWS = 5000
QUERY = (
    f"SELECT sum(hash(sl_slugify('Row é ' || i) || sl_scrub_pii('mail a' || i || '@ex.org'))) FROM range({ROWS}) t(i)"
)


def test_many_connections_cursors_and_threads() -> None:
    """Some share a database, some have their own, all run at once."""
    with streamliner_udf.connect() as con:
        want = con.execute(QUERY).fetchall()

        def work(number: int) -> list[object]:
            own = con.cursor() if number % 2 else streamliner_udf.connect()
            with own:
                return [own.execute(QUERY).fetchall() for _ in range(3)]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(16))) == [[want] * 3] * 16
        assert con.execute(QUERY).fetchall() == want


def test_threads_push_out_each_others_options() -> None:
    """Far more options than are kept compiled, new ones in each row, while databases come and go."""
    wrong = (
        "SELECT count(*) FROM (SELECT 1 + (i * 7 + {k}) % 250 AS n, 'a' || (i + {k}) % 500 || 'b' AS p "
        "FROM range(4000) t(i)) WHERE sl_slugify(repeat('x', 300), n) IS DISTINCT FROM repeat('x', n) "
        "OR sl_contains_any('<' || p || '>', [p]) IS NOT TRUE OR sl_contains_any('<' || p || '>', [p || '!']) "
        "OR sl_replace_many('<' || p || '>', [p], ['r' || n]) IS DISTINCT FROM '<r' || n || '>'"
    )

    def work(number: int) -> list[object]:
        found: list[object] = []
        for turn in range(3):
            with streamliner_udf.connect(config={"threads": 2}) as own:
                found += own.execute(wrong.format(k=31 * number + turn)).fetchall()
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[(0,)] * 3] * 8


def test_databases_side_by_side_closed_and_opened_again(tmp_path: Path) -> None:
    for round_number in range(3):
        open_now = [streamliner_udf.connect(tmp_path / f"{name}.duckdb") for name in "abc"]
        for con in open_now:
            con.execute("CREATE TABLE IF NOT EXISTS t AS SELECT sl_slugify('A B') AS s")
            assert con.execute("SELECT s, sl_slugify(s || ' C') FROM t").fetchall() == [("a-b", "a-b-c")]
        for con in open_now[:: 1 if round_number % 2 else -1]:
            con.close()
    with streamliner_udf.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'a.duckdb'}' AS other (READ_ONLY)")
        assert con.execute("SELECT sl_slugify(s || ' D') FROM other.t").fetchall() == [("a-b-d",)]


def test_what_uses_the_functions_opens_without_them(tmp_path: Path) -> None:
    """The database opens, all else in it can be read, the error names the function; with the import all works again."""
    path = tmp_path / "with.duckdb"
    with streamliner_udf.connect(path) as con:
        con.execute("CREATE TABLE t AS SELECT 'A B' AS s")
        con.execute("CREATE VIEW v AS SELECT sl_slugify(s) AS slug FROM t")
        con.execute("CREATE MACRO twice(x) AS sl_slugify(x || ' ' || x)")
        con.execute("COMMENT ON VIEW v IS 'needs streamliner_udf'")
    without = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print(con.execute("SELECT s FROM t").fetchall())
for query in ("FROM v", "SELECT twice('A')"):
    try:
        con.execute(query)
    except duckdb.Error as error:
        print(type(error).__name__, "sl_slugify does not exist" in str(error))
print(con.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'v'").fetchall()[0][0])
"""
    lines = without.replace("sys.argv[1]", repr(str(path)))
    told = ["[('A B',)]", "CatalogException True", "CatalogException True", "needs streamliner_udf"]
    assert python(lines).split("\n") == told
    with streamliner_udf.connect(path) as con:
        assert con.execute("SELECT slug, twice('A') FROM v").fetchall() == [("a-b", "a-a")]


def test_interrupt_in_mid_query() -> None:
    with streamliner_udf.connect() as con:
        done = threading.Event()

        def interrupt() -> None:
            while not done.wait(0.05):  # again, should the query not have begun
                con.interrupt()

        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            started = time.monotonic()
            with pytest.raises(duckdb.InterruptException):
                con.execute(
                    "SELECT sum(strlen(sl_normalize(repeat('é ', 500) || i))) FROM range(100_000_000) t(i)"
                ).fetchall()
            assert time.monotonic() - started < 60  # all of it would take far longer
        finally:
            done.set()
            thread.join()
        assert con.execute("SELECT sl_slugify('A B')").fetchall() == [("a-b",)]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts what a process maps, as Linux does it")
@pytest.mark.not_sanitized("it maps terabytes for itself")
def test_too_little_address_space_is_an_error() -> None:
    """An escape of 40 MB makes 160 MB where 100 MB are left: told by every door, and the process goes on."""
    code = """
import resource
import duckdb, streamliner_udf
con = streamliner_udf.connect(config={"threads": 1})
con.execute("SELECT sl_html_escape('<')").fetchall()
streamliner_udf.html_escape(["<"])
text = "<" * 40_000_000
con.execute("CREATE TABLE t AS SELECT repeat('<', 40_000_000) AS s")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000, resource.RLIM_INFINITY))
for call in (
    lambda: streamliner_udf.html_escape(text),
    lambda: streamliner_udf.html_escape([text, None]),
    lambda: con.execute("SELECT strlen(sl_html_escape(s)) FROM t").fetchall(),
):
    try:
        print("no error", len(call()))
    except (MemoryError, streamliner_udf.OutOfMemory, duckdb.Error) as error:
        print("error")
print(con.execute("SELECT sl_slugify('A B')").fetchall()[0][0], streamliner_udf.slugify("A B"))
"""
    assert python(code).split("\n") == ["error", "error", "error", "a-b a-b"]


def test_import_again() -> None:
    code = """
import importlib, sys, warnings
warnings.simplefilter("error")
import streamliner_udf
importlib.reload(streamliner_udf)
for name in [name for name in sys.modules if name.startswith("streamliner_udf")]:
    if not name.endswith("._core"):
        del sys.modules[name]
import streamliner_udf
print(streamliner_udf.connect().execute("SELECT sl_slugify('A B')").fetchall(), streamliner_udf.slugify("C D"))
"""
    assert python(code) == "[('a-b',)] c-d"


def test_exit_is_silent() -> None:
    """A connection, a result that is read in part and a column are there when the interpreter ends.

    And with a thread in mid-call it ends too; what DuckDB's binding then says of its own objects is not ours.
    """
    code = """
import threading, time
import streamliner_udf
con = streamliner_udf.connect()
rest = con.execute("SELECT sl_slugify('A ' || i) FROM range(100_000) t(i)")
rest.fetchmany(3)
column = streamliner_udf.slugify(["A b"] * 1000)
"""
    thread = """
threading.Thread(target=lambda: [streamliner_udf.slugify(["A b"] * 10**5) for _ in range(10**9)], daemon=True).start()
time.sleep(0.1)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = subprocess.run([sys.executable, "-P", "-c", code + thread], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_spawned_processes_import_again(tmp_path: Path) -> None:
    """The functions can be sent to other processes, which have their own databases."""
    script = tmp_path / "spawning.py"
    script.write_text(
        """
import multiprocessing
import streamliner_udf

def in_sql(text):
    with streamliner_udf.connect() as con:
        return con.execute("SELECT sl_slugify(?)", [text]).fetchone()[0]

if __name__ == "__main__":
    con = streamliner_udf.connect()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(in_sql, ["A B", "C D"]), pool.map(streamliner_udf.slugify, ["A B", "C D"]))
""",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "-P", str(script)], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("['a-b', 'c-d'] ['a-b', 'c-d']", "")
