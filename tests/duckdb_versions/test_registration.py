"""Getting the functions into DuckDB: at import, at connect, on an open connection. Run on each supported version."""

import os
from pathlib import Path

import duckdb
import pytest
from children import python

import streamliner_udf
from streamliner_udf import Backend

STATIC = int(duckdb.__version__.split(".")[0]) >= 2
NATIVE = Backend.STATIC if STATIC else Backend.EXTENSION


def test_status_says_what_happened() -> None:
    status = streamliner_udf.status()
    assert status.backend is NATIVE
    assert status.duckdb_version == duckdb.__version__
    assert status.extension.is_file()
    assert ("registered" in status.reason) == STATIC


@pytest.mark.skipif(not STATIC, reason="static registration came with DuckDB 2.0")
def test_plain_connect_has_the_functions() -> None:
    code = (
        "import duckdb, streamliner_udf; con = duckdb.connect(config={%s})\n"
        "print(con.execute('SELECT sl_version()').fetchone()[0])"
    )
    assert python(code % "") == streamliner_udf.__version__
    assert python(code % "'enable_external_access': 'false'") == streamliner_udf.__version__
    assert (
        python("import streamliner_udf, duckdb; print(duckdb.sql(\"SELECT sl_slugify('A b')\").fetchall())")
        == "[('a-b',)]"
    )


def test_autoload_can_be_switched_off() -> None:
    code = (
        "import duckdb, streamliner_udf as s; print(s.status().backend.value, s.status().reason)\n"
        "try: duckdb.connect().execute('SELECT sl_version()')\n"
        "except duckdb.CatalogException: print('absent')\n"
        "print(s.connect().execute('SELECT sl_version()').fetchone()[0])"
    )
    lines = python(code, STREAMLINER_UDF_AUTOLOAD="0").splitlines()
    assert lines[0].startswith("extension STREAMLINER_UDF_AUTOLOAD=0")
    assert lines[1:] == ["absent", streamliner_udf.__version__]


def test_import_survives_a_missing_extension_file() -> None:
    code = (
        "import streamliner_udf.errors, sys, pathlib\n"
        "real = pathlib.Path.is_file\n"
        "pathlib.Path.is_file = lambda self: self.suffix != '.duckdb_extension' and real(self)\n"
        "for name in [n for n in sys.modules if n.startswith('streamliner_udf')]: del sys.modules[name]\n"
        "import _duckdb; _duckdb.__dict__.pop('_streamliner_udf_registered_by', None)\n"
        "import streamliner_udf as s; print(s.status().reason); print(s.slugify('A b'))"
    )
    reason, slug = python(code).splitlines()
    assert "missing" in reason
    assert slug == "a-b"


@pytest.mark.skipif(not STATIC, reason="static registration came with DuckDB 2.0")
def test_second_copy_is_skipped_with_a_warning() -> None:
    code = (
        "import _duckdb, warnings\n"
        "_duckdb._streamliner_udf_registered_by = '/elsewhere/streamliner_udf.duckdb_extension'\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    import streamliner_udf as s\n"
        "print(len(seen), s.status().backend.value, s.connect().execute('SELECT sl_version()').fetchone()[0])"
    )
    assert python(code) == f"1 extension {streamliner_udf.__version__}"


def test_connect_closes_the_unsigned_window(tmp_path: Path) -> None:
    for database in (":memory:", tmp_path / "x.duckdb"):
        with streamliner_udf.connect(database) as con:
            assert con.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone() == (False,)
            with pytest.raises(duckdb.Error):
                con.execute("SET allow_unsigned_extensions = true")


def test_connect_keeps_the_callers_settings() -> None:
    config = {"enable_external_access": "false", "threads": "3", "lock_configuration": "true"}
    with streamliner_udf.connect(config=config) as con:
        assert con.execute("SELECT current_setting('enable_external_access')").fetchone() == (False,)
        assert con.execute("SELECT current_setting('threads')").fetchone() == (3,)
        with pytest.raises(duckdb.Error):
            con.execute("SET threads = 1")
        assert con.execute("SELECT sl_slugify('A b')").fetchone() == ("a-b",)


def test_connect_twice_and_read_only(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with streamliner_udf.connect(path) as first, streamliner_udf.connect(path) as second:
        first.execute("CREATE TABLE t AS SELECT 'A b' AS s")
        assert second.execute("SELECT sl_slugify(s) FROM t").fetchone() == ("a-b",)
    with streamliner_udf.connect(path, read_only=True) as con:
        assert con.execute("SELECT sl_slugify(s) FROM t").fetchone() == ("a-b",)


def test_no_database_is_kept_alive(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    streamliner_udf.connect(path).close()
    # Were the first instance alive, another configuration would be refused.
    duckdb.connect(str(path), config={"threads": "1", "default_null_order": "nulls_first"}).close()
    path.unlink()


def test_register_on_an_open_connection() -> None:
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        assert streamliner_udf.register(con) is NATIVE
        assert streamliner_udf.register(con) is NATIVE
        assert con.execute("SELECT sl_slugify('A b')").fetchone() == ("a-b",)
        assert con.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone() == (True,)


def test_register_in_a_transaction() -> None:
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        con.execute("BEGIN; CREATE TABLE t AS SELECT 1 AS x")
        streamliner_udf.register(con)
        con.execute("COMMIT")
        assert con.execute("SELECT x FROM t").fetchone() == (1,)


def test_register_leaves_an_open_transaction_alone() -> None:
    # Where LOAD is refused, which must not abort it, and where it is not.
    code = (
        "import duckdb; con = duckdb.connect(config={'allow_unsigned_extensions': %s})\n"
        "import streamliner_udf as s\n"
        "con.execute('BEGIN; CREATE TABLE kept AS SELECT 1 AS x')\n"
        "backend = s.register(con)\n"
        "con.execute('COMMIT')\n"
        "print(backend.value, con.execute(\"SELECT x, sl_slugify('A b') FROM kept\").fetchall())"
    )
    pytest.importorskip("pyarrow")
    assert python(code % "False") == "arrow [(1, 'a-b')]"
    assert python(code % "True") == "extension [(1, 'a-b')]"


def test_register_leaves_a_result_that_is_not_read_yet() -> None:
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        con.execute("SELECT * FROM range(3)")
        streamliner_udf.register(con)
        assert con.fetchall() == [(0,), (1,), (2,)]


EXTENSION_ONLY = {"STREAMLINER_UDF_AUTOLOAD": "0"}


def test_connect_by_extension_takes_any_configuration(tmp_path: Path) -> None:
    code = (
        "import streamliner_udf as s\n"
        "settings = {'Enable_External_Access': False, 'allowed_directories': [%r], 'ALLOW_UNSIGNED_EXTENSIONS': True}\n"
        "con = s.connect(config=settings)\n"
        "query = \"SELECT current_setting('enable_external_access'), current_setting('allow_unsigned_extensions')\"\n"
        "print(con.execute(query).fetchall(), con.execute(\"SELECT sl_slugify('A b')\").fetchone())\n"
        "print(s.connect(':default:').execute(\"SELECT sl_slugify('A b')\").fetchone())"
    )
    assert python(code % str(tmp_path), **EXTENSION_ONLY).splitlines() == ["[(False, True)] ('a-b',)", "('a-b',)"]


def test_connect_by_extension_changes_nothing_for_others(tmp_path: Path) -> None:
    code = (
        "import duckdb, streamliner_udf as s\n"
        "first = s.connect(%r)\n"
        "try: s.connect(%r, config={'enable_external_access': False, 'lock_configuration': True})\n"
        "except duckdb.ConnectionException as error: print('different configuration' in str(error))\n"
        "first.execute('SET threads = 2')\n"
        "print(first.execute(\"SELECT current_setting('enable_external_access')\").fetchone())"
    )
    path = str(tmp_path / "x.duckdb")
    assert python(code % (path, path), **EXTENSION_ONLY).splitlines() == ["True", "(True,)"]


def test_connect_refuses_what_is_no_path() -> None:
    with pytest.raises(TypeError, match="connect: expected database to be a path, got int"):
        streamliner_udf.connect(5)  # type: ignore[arg-type]


def test_register_refuses_what_is_no_connection() -> None:
    with pytest.raises(TypeError, match=r"register: expected a duckdb\.DuckDBPyConnection, got str"):
        streamliner_udf.register("chat.duckdb")  # type: ignore[arg-type]


def test_register_falls_back_to_arrow_or_says_what_to_do() -> None:
    # A connection that was opened before the import: no static functions, and no unsigned extension.
    code = (
        "import sys, duckdb; con = duckdb.connect()\n"
        "%s\n"
        "import streamliner_udf as s\n"
        "try:\n"
        "    ways = s.register(con).value, s.register(con).value\n"
        "    print(*ways, con.execute(\"SELECT sl_slugify('A b', 1)\").fetchone()[0])\n"
        "except s.RegistrationError as error: print(error)"
    )
    pytest.importorskip("pyarrow")
    assert python(code % "") == "arrow arrow a"
    message = python(code % "sys.modules['pyarrow'] = None")
    assert "streamliner_udf.connect(...)" in message
    assert "pip install pyarrow" in message


def test_plain_connection_and_ours_to_one_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as plain, streamliner_udf.connect(path) as ours:
        plain.execute("CREATE TABLE t AS SELECT 'A b' AS s")
        assert ours.execute("SELECT sl_slugify(s) FROM t").fetchone() == ("a-b",)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_may_open_its_own_database() -> None:
    code = (
        "import os, streamliner_udf as s\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    ok = s.connect().execute(\"SELECT sl_slugify('A b')\").fetchone() == ('a-b',)\n"
        "    os._exit(0 if ok else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert python(code) == "0"
