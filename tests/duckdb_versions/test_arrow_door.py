"""The Arrow door: the functions as Arrow UDFs where no native way is open. Run on each supported version."""

import io
import sys
import zipfile

import duckdb
import pytest
from children import python

import streamliner_udf

pytest.importorskip("pyarrow")

# A database that was opened before the import, without unsigned extensions: neither native way is left.
OPEN = """
import duckdb
con = duckdb.connect()
con.execute("SET threads = 2")
import streamliner_udf
"""
REGISTER = OPEN + "assert streamliner_udf.register(con) is streamliner_udf.Backend.ARROW\n"
MESSAGES = """
con.execute("CREATE TABLE t AS SELECT i, md5(i::VARCHAR) || repeat('x', (i % 50)::INT) AS s FROM range(30000) r(i)")
"""


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", b"x")
        file.writestr("_chat.txt", "[05/03/2024, 09:15:20] Ana: olá\r\n[05/03/2024, 09:16:20] Bo: ok\r\n")
    return buffer.getvalue()


ARCHIVE = _archive()


def test_equals_the_native_door() -> None:
    queries = [
        "SELECT sl_slugify('Olá, Mundo!'), sl_slugify('one two', 5), sl_slugify(NULL), sl_slugify('a', NULL)",
        "SELECT sl_uuid5('dns', 'python.org'), sl_uuid5('6ba7b812-9dad-11d1-80b4-00c04fd430c8'::UUID, 'x')",
        "SELECT sl_extract_urls('see http://a.b and www.python.org'), sl_extract_urls(''), sl_extract_urls(NULL)",
        "SELECT sl_find_pii('é mail ana@example.org', 'email'), sl_find_pii('nothing')",
        "SELECT sl_html_escape('\"', false), sl_html_escape('\"'), sl_normalize('ﬁ'), sl_clean_text('  ﬁ  ')",
        "SELECT sl_parse_whatsapp('05/03/2024, 09:15 - Ana: hi')",
        "SELECT sl_parse_whatsapp(t::BLOB), sl_parse_whatsapp(t::BLOB, 'mdy'), sl_parse_whatsapp(t) "
        "FROM (VALUES (1, '05/03/2024, 09:15 - Ana: hi'), (2, NULL), (3, 'no chat')) v(i, t) ORDER BY i",
        f"SELECT sl_parse_whatsapp(from_hex('{ARCHIVE.hex()}'))",
        "SELECT i, sl_slugify('abcdef', i % 5 + 1) FROM range(5000) r(i) ORDER BY i",
        "SELECT sl_slugify(CASE WHEN i % 3 > 0 THEN 'A ' || i END) FROM range(5000) r(i) WHERE i % 7 = 1 ORDER BY i",
        "SELECT sl_normalize('ﬁ', f) FROM (VALUES (1, 'NFC'), (2, NULL), (3, 'NFKC')) v(i, f) ORDER BY i",
        "SELECT sl_version()",
        "SELECT * FROM sl_functions()",
    ]
    code = REGISTER + f"for query in {queries!r}: print(con.execute(query).fetchall())"
    with streamliner_udf.connect() as con:
        expected = "\n".join(str(con.execute(query).fetchall()) for query in queries)
    assert python(code) == expected


def test_errors_name_the_function() -> None:
    code = REGISTER + (
        "for query in (\"SELECT sl_slugify('a', 0)\", \"SELECT sl_normalize('a', 'NFX')\", "
        "\"SELECT sl_parse_whatsapp('PK\\\\x03\\\\x04'::BLOB)\"):\n"
        "    try: con.execute(query).fetchall()\n"
        "    except duckdb.Error as error: print(error)"
    )
    message = python(code)
    assert "sl_slugify: expected max_length >= 1, got 0" in message
    assert "sl_normalize: expected form " in message
    assert "got 'NFX'" in message
    assert "sl_parse_whatsapp: expected a ZIP archive, got a broken one: it has no end" in message


def test_twice_and_on_other_connections() -> None:
    code = REGISTER + (
        "con.execute('BEGIN; CREATE TABLE kept AS SELECT 1 AS x')\n"
        "print(streamliner_udf.register(con).value)\n"
        "con.execute('COMMIT')\n"
        "other = con.cursor()\n"
        "print(streamliner_udf.register(other).value, other.execute(\"SELECT sl_slugify('A b')\").fetchone())\n"
        "other.close()\n"
        "print(con.execute(\"SELECT sl_slugify('A b'), x FROM kept\").fetchone())"
    )
    assert python(code).splitlines() == ["arrow", "arrow ('a-b',)", "('a-b', 1)"]


def test_settings_and_catalogue_stay_clean() -> None:
    code = OPEN + (
        "before = con.execute('FROM duckdb_settings()').fetchall()\n"
        "streamliner_udf.register(con)\n"
        "assert con.execute('FROM duckdb_settings()').fetchall() == before\n"
        "con.execute(\"ATTACH ':memory:' AS other; USE other\")\n"
        "print(con.execute(\"SELECT sl_slugify('A b')\").fetchone())\n"
        "print(con.execute(\"SELECT count(*) FROM duckdb_functions() WHERE database_name IN ('memory', 'other') "
        "AND function_name LIKE '%sl!_%' ESCAPE '!'\").fetchone())"
    )
    assert python(code).splitlines() == ["('a-b',)", "(0,)"]


# ---- duckdb/duckdb#20606 ---------------------------------------------------------------------------------------------

# Freed memory is overwritten, so that a text that points into it cannot look right by luck.
OVERWRITE = {"MALLOC_PERTURB_": "165", "ARROW_DEFAULT_MEMORY_POOL": "system"}
SEVERAL_TIMES = "coalesce(CASE WHEN i % 2 = 0 THEN {f}(s) END, {f}(s || 'x'))"
WANTED = "CASE WHEN i % 2 = 0 THEN s ELSE s || 'x' END"
COMPARE = MESSAGES + (
    f'query = "SELECT {SEVERAL_TIMES} AS got, {WANTED} AS wanted FROM t"\n'
    "try: print(sum(got != wanted for got, wanted in con.execute(query.format(f=name)).fetchall()))\n"
    "except duckdb.Error as error: print('not UTF-8' if 'unicode' in str(error) else error)\n"
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an allocator that overwrites what is freed")
def test_issue_20606_is_reproduced() -> None:
    """A plain Arrow UDF that copies its input gives wrong texts before DuckDB 2.0 when a query uses it twice."""
    code = OPEN + (
        "import pyarrow as pa\n"
        "text = (duckdb.sqltype if hasattr(duckdb, 'sqltype') else duckdb.type)('VARCHAR')\n"
        "con.create_function('copy', lambda s: pa.array(s.to_pylist(), pa.string()), [text], text, type='arrow')\n"
        "name = 'copy'\n"
    )
    outcome = python(code + COMPARE, **OVERWRITE)
    fixed = int(duckdb.__version__.split(".")[0]) >= 2
    assert (outcome == "0") is fixed, f"DuckDB {duckdb.__version__}: {outcome}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an allocator that overwrites what is freed")
def test_the_fallback_is_correct_under_issue_20606() -> None:
    for name in ("sl_strip_invisible", "sl_html_escape", "sl_normalize"):
        assert python(REGISTER + f"name = {name!r}\n" + COMPARE, **OVERWRITE) == "0", name


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an allocator that overwrites what is freed")
def test_lists_are_correct_under_issue_20606() -> None:
    code = REGISTER + (
        "con.execute(\"CREATE TABLE t AS SELECT i, 'http://' || md5(i::VARCHAR) || '.org/' AS s \"\n"
        '            "FROM range(30000) r(i)")\n'
        "query = 'SELECT coalesce(CASE WHEN i % 2 = 0 THEN sl_extract_urls(s) END, sl_extract_urls(s || 1)), "
        "CASE WHEN i % 2 = 0 THEN [s] ELSE [s || 1] END FROM t'\n"
        "print(sum(got != wanted for got, wanted in con.execute(query).fetchall()))"
    )
    assert python(code, **OVERWRITE) == "0"
