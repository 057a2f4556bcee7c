"""The SQL door on one DuckDB: every slot of csrc/duckdb/abi.h proved by what it does. Run on each supported version."""

import ctypes
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.sql import quoted

ABI = Path(__file__).parents[2] / "csrc/duckdb/abi.h"
PROOFS: dict[str, set[str]] = {}


def proves(*slots: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Says which slots a test would catch if they were wrong."""

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        PROOFS[test.__name__] = set(slots)
        return test

    return mark


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def one(con: duckdb.DuckDBPyConnection, expression: str, parameters: object = None) -> object:
    row = con.execute(f"SELECT {expression}", parameters).fetchone()
    assert row is not None
    return row[0]


@proves(
    "connect",
    "disconnect",
    "create_scalar_function",
    "scalar_function_set_name",
    "register_scalar_function",
    "scalar_function_set_return_type",
    "scalar_function_set_function",
    "destroy_scalar_function",
)
def test_version_function(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "sl_version()") == streamliner_udf.__version__


@proves(
    "create_logical_type",
    "destroy_logical_type",
    "scalar_function_add_parameter",
    "create_scalar_function_set",
    "add_scalar_function_to_set",
    "register_scalar_function_set",
    "destroy_scalar_function_set",
    "malloc",
    "free",
    "scalar_function_set_extra_info",
    "scalar_function_get_extra_info",
)
def test_overloads_and_types(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "sl_slugify('Olá, Mundo!')") == "ola-mundo"
    assert one(con, "sl_slugify('Olá, Mundo!', 5)") == "ola-m"
    assert one(con, "sl_html_escape('\"', false)") == '"'
    assert one(con, "sl_html_escape('\"', true)") == "&quot;"
    assert one(con, "typeof(sl_normalize('a'))") == "VARCHAR"
    with pytest.raises(duckdb.BinderException):
        con.execute("SELECT sl_slugify('a', 5, 6)")


@proves(
    "data_chunk_get_vector",
    "data_chunk_get_size",
    "vector_get_data",
    "vector_get_validity",
    "vector_ensure_validity_writable",
    "vector_assign_string_element_len",
)
def test_texts_of_every_length_with_nulls(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE t AS SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE repeat('<', (i % 40)::INT) || i END AS s "
        "FROM range(10000) r(i)"
    )
    bad = one(con, "count(*) FROM t WHERE sl_html_escape(s) IS DISTINCT FROM replace(s, '<', '&lt;')")
    assert bad == 0
    assert one(con, "count(*) FROM t WHERE (sl_html_escape(s) IS NULL) <> (s IS NULL)") == 0
    assert one(con, "sl_html_escape(NULL)") is None
    assert one(con, "sl_html_escape(repeat('<', 1500000)) = repeat('&lt;', 1500000)") is True


@proves("create_list_type", "list_vector_get_child", "list_vector_set_size", "list_vector_reserve")
def test_list_of_text(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE t AS SELECT i, repeat('http://x.org/' || i || ' ', (i % 9)::INT) AS s FROM range(5000) r(i)"
    )
    assert one(con, "count(*) FROM t WHERE len(sl_extract_urls(s)) <> i % 9") == 0
    assert one(con, "count(*) FROM t WHERE list_contains(sl_extract_urls(s), 'http://x.org/' || i) <> (i % 9 > 0)") == 0
    assert one(con, "sl_extract_urls(NULL)") is None


@proves("create_struct_type", "struct_vector_get_child")
def test_list_of_struct(con: duckdb.DuckDBPyConnection) -> None:
    found = one(con, "sl_find_pii('é mail ana@example.org now')")
    assert found == [{"kind": "email", "start": 7, "stop": 22, "value": "ana@example.org"}]
    chat = one(con, "sl_parse_whatsapp('05/03/2024, 09:15 - Ana: hi\n05/03/2024, 09:16 - Ana added Bo')")
    assert [(m["author"], m["text"]) for m in chat] == [("Ana", "hi"), (None, "Ana added Bo")]  # type: ignore[attr-defined]


@proves()
def test_text_or_blob(con: duckdb.DuckDBPyConnection) -> None:
    text = "05/03/2024, 09:15 - Ana: olá\n05/03/2024, 09:16 - Bo: ok\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.jpg", b"x" * 5000)
        file.writestr("_chat.txt", text)
    wanted = one(con, "sl_parse_whatsapp(?)", [text])
    assert len(wanted) == 2  # type: ignore[arg-type]
    contents = [buffer.getvalue(), text.encode(), text.encode("utf-16")]
    for content in contents:
        assert one(con, "sl_parse_whatsapp(?)", [content]) == wanted
        assert one(con, "sl_parse_whatsapp(?, 'dmy')", [content]) == wanted
    for nothing in ("NULL", "NULL::BLOB", "NULL::VARCHAR"):
        assert one(con, f"sl_parse_whatsapp({nothing})") is None
    assert one(con, "sl_parse_whatsapp(?)", [None]) is None
    con.execute("CREATE TABLE files (i BIGINT, content BLOB)")
    con.executemany("INSERT INTO files VALUES (?, ?)", [*enumerate(contents), (3, None)])
    con.execute("INSERT INTO files SELECT i + 4 * n, content FROM files, range(1, 900) r(n)")
    rows = con.execute("SELECT i % 4, sl_parse_whatsapp(content) FROM files").fetchall()
    assert len(rows) == 3600
    assert all(messages == (None if i == 3 else wanted) for i, messages in rows)
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_parse_whatsapp: expected .* ZIP archive"):
        con.execute("SELECT sl_parse_whatsapp(?)", [b"\xff\xd8\xff"]).fetchall()


@proves()
def test_uuid(con: duckdb.DuckDBPyConnection) -> None:
    oid = uuid.NAMESPACE_OID
    assert one(con, "sl_uuid5('dns', 'python.org')") == uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")
    for namespace in (f"'{oid}'", f"'{oid}'::UUID", f"'{oid}'::UUID::VARCHAR", "'oid'"):
        assert one(con, f"sl_uuid5({namespace}, 'x')") == uuid.uuid5(oid, "x")
    for argument in ("oid", str(oid), oid):
        assert one(con, "sl_uuid5(?, 'x')", [argument]) == uuid.uuid5(oid, "x")
    for nothing in ("NULL", "NULL::UUID", "NULL::VARCHAR"):
        assert one(con, f"sl_uuid5({nothing}, 'x')") is None
    assert one(con, "sl_uuid5(?, 'x')", [None]) is None
    con.execute(
        "CREATE TABLE n AS SELECT i, CASE WHEN i % 3 > 0 THEN sl_uuid5('oid', i::VARCHAR) END AS u "
        "FROM range(5000) r(i)"
    )
    rows = con.execute("SELECT u, sl_uuid5(u, 'x'), sl_uuid5(u::VARCHAR, 'x') FROM n ORDER BY i").fetchall()
    assert [a for _, a, _ in rows] == [b for _, _, b in rows] == [u and uuid.uuid5(u, "x") for u, _, _ in rows]
    # Few names come again and again: each has to find its own.
    names = con.execute("SELECT i % 300, sl_uuid5('oid', 'name ' || i % 300) FROM range(5000) r(i)").fetchall()
    assert all(found == uuid.uuid5(oid, f"name {number}") for number, found in names)


@proves("scalar_function_set_error")
def test_errors_name_the_function(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_normalize: expected form .* got 'NFX'"):
        con.execute("SELECT sl_normalize('a', 'NFX')").fetchall()
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_slugify: expected max_length .* got 0"):
        con.execute("SELECT sl_slugify('a', 0)").fetchall()
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_uuid5: expected namespace .* got 'nowhere'"):
        con.execute("SELECT sl_uuid5('nowhere', 'a')").fetchall()
    assert one(con, "sl_slugify('still alive')") == "still-alive"


@proves(
    "create_table_function",
    "table_function_set_name",
    "table_function_set_bind",
    "table_function_set_init",
    "table_function_set_function",
    "register_table_function",
    "destroy_table_function",
    "bind_add_result_column",
    "init_set_init_data",
    "function_get_init_data",
    "data_chunk_set_size",
)
def test_function_table(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("SELECT name, parameters, return_type, summary, example, since FROM sl_functions()").fetchall()
    from streamliner_udf._table import FUNCTIONS

    assert [row[0] for row in rows] == [function.sql_name for function in FUNCTIONS.values()]
    assert all(all(cell for cell in row) for row in rows)
    assert one(con, "count(*) FROM sl_functions() a, sl_functions() b") == len(rows) ** 2


def test_every_slot_is_proved() -> None:
    slots = set(re.findall(r"SL_SLOT\(\d+, [^,]+, (\w+),", ABI.read_text()))
    assert slots, "no slot found in abi.h"
    assert set().union(*PROOFS.values()) == slots


def test_options_from_columns_parameters_and_subqueries(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("SELECT i, sl_slugify('abcdefghij', i) FROM range(1, 9) r(i)").fetchall()
    assert rows == [(i, "abcdefghij"[:i]) for i in range(1, 9)]
    assert one(con, "sl_slugify('abc', ?)", [2]) == "ab"
    assert one(con, "sl_slugify('abc', (SELECT 2))") == "ab"
    assert one(con, "sl_slugify('abc', NULL)") is None
    rows = con.execute("SELECT sl_normalize('ﬁ', f) FROM (VALUES ('NFC'), (NULL), ('NFKC')) v(f)").fetchall()
    assert rows == [("ﬁ",), (None,), ("fi",)]


def test_dictionary_constant_and_filtered_vectors(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute(f"ATTACH '{tmp_path / 'd.duckdb'}' AS d")
    con.execute("CREATE TABLE d.t AS SELECT i, '<name of author ' || i % 17 || '>' AS s FROM range(50000) r(i)")
    con.execute("CHECKPOINT d")
    assert one(con, "count(*) FROM d.t WHERE sl_html_escape(s) <> '&lt;name of author ' || i % 17 || '&gt;'") == 0
    assert one(con, "count(DISTINCT sl_html_escape(s)) FROM d.t WHERE i % 3 = 0") == 17
    assert one(con, "count(*) FROM d.t WHERE sl_html_escape('<') = '&lt;'") == 50000


def test_rows_that_come_again_are_computed_once(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """How many rows of a dictionary column enter a kernel: DuckDB 1 asks for its entries, DuckDB 2 for every row."""
    entered = ctypes.c_uint64.in_dll(ctypes.CDLL(str(streamliner_udf.extension_path())), "sl_kernel_rows")
    con.execute(f"ATTACH '{tmp_path / 'd.duckdb'}' AS d")
    con.execute("CREATE TABLE d.t AS SELECT 'a rather long author name ' || i % 17 AS s FROM range(122880) r(i)")
    con.execute("CHECKPOINT d")
    before = entered.value
    assert one(con, "sum(strlen(sl_slugify(s))) FROM d.t") == one(con, "sum(strlen(s)) FROM d.t")
    assert entered.value - before <= 122880 // 2048 * 17
    # Other rows of the same vectors cost one look each, and are not mistaken for twins.
    con.execute("CREATE TABLE u AS SELECT 'text ' || i AS s FROM range(122880) r(i)")
    before = entered.value
    assert one(con, "count(DISTINCT sl_slugify(s)) FROM u") == 122880
    assert entered.value - before == 122880


def test_threads_agree(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE t AS SELECT 'mail user' || i || '@example.org or ' || i AS s FROM range(300000) r(i)")
    query = "bit_xor(hash(sl_scrub_pii(s))) FROM t"
    con.execute("SET threads = 1")
    single = one(con, query)
    con.execute("SET threads = 4")
    assert one(con, query) == single
    assert one(con, "count(*) FROM t WHERE sl_scrub_pii(s) NOT LIKE 'mail <EMAIL_REDACTED> or %'") == 0


def test_invalid_utf8_never_reaches_a_kernel(con: duckdb.DuckDBPyConnection) -> None:
    pa = pytest.importorskip("pyarrow")
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\x14\0\0\0"), pa.py_buffer(b"\xff" * 20)])
    con.register("bad", pa.table({"s": bad}))
    with pytest.raises(duckdb.Error, match=r"(?i)utf|unicode"):
        con.execute("SELECT sl_normalize(s) FROM bad").fetchall()


def test_constants_are_the_texts_that_they_were_made_of(con: duckdb.DuckDBPyConnection) -> None:
    """Also with NUL, at which the parsers of DuckDB 1 end."""
    for text in ("", "a'b", "a\0b", "\0", "'\0\0'", '"', "é\n\\"):
        assert one(con, quoted(text)) == text
    assert one(con, quoted(["\0", "x'"])) == ["\0", "x'"]


def test_a_chat_may_be_called_anything(con: duckdb.DuckDBPyConnection) -> None:
    message = {"id": 1, "type": "message", "date_unixtime": "1700000000", "from": "Ana", "text": "hi"}
    export = {"name": "a\0'b", "type": "personal_chat", "id": 5, "messages": [message]}
    assert streamliner_udf.ingest(con, json.dumps(export).encode()).rows == 1
    assert con.execute("SELECT chat, text FROM messages").fetchall() == [("a\0'b", "hi")]
