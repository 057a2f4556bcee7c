"""Where messages go: tables of all names, transactions, and what DuckDB forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.ingest import ExportError, ingest

CHAT = b"05/03/2024, 09:15 - Ana: hi\nnot a header\n05/03/2024, 09:16 - Bo: yes\n"
CSV = b"ts,author,text\n2024-03-05 09:15:02,Ana,hi\nbad\n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def count(con: duckdb.DuckDBPyConnection, table: str = "messages") -> int:
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


@pytest.mark.parametrize(
    "table", ['"my table"', "chats.messages", 'other.main."a ""b"""', 'other.chats."select"', '"ünï"']
)
@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_names_of_tables(con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str, mode: str) -> None:
    con.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other; CREATE SCHEMA chats; CREATE SCHEMA other.chats")
    for content, inserted in ((CHAT, 2), (CSV, 1), (CHAT, {"append": 2, "merge": 0, "replace": 2}[mode])):
        assert ingest(con, content, table, mode=mode).inserted == inserted
    assert count(con, table) == {"append": 5, "merge": 3, "replace": 2}[mode]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_a_table_with_more_columns(con: duckdb.DuckDBPyConnection) -> None:
    ingest(con, CHAT)
    con.execute("ALTER TABLE messages ADD COLUMN seen TIMESTAMP DEFAULT TIMESTAMP '2024-01-01'")
    con.execute("ALTER TABLE messages ADD COLUMN note VARCHAR")
    for mode in ("append", "merge"):
        ingest(con, CSV, mode=mode)
    rows = con.execute("SELECT source, note, seen::DATE::VARCHAR FROM messages ORDER BY ALL").fetchall()
    assert rows == [("csv", None, "2024-01-01"), ("whatsapp", None, "2024-01-01"), ("whatsapp", None, "2024-01-01")]


@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
@pytest.mark.parametrize(
    "bad", [b"a,text\n", b"nothing", b"PK\x03\x04 broken", b"From a@b.c Tue Mar  5 09:15:02 2024\n"]
)
def test_all_files_or_none(con: duckdb.DuckDBPyConnection, mode: str, bad: bytes) -> None:
    ingest(con, CHAT)
    before = con.execute("FROM messages ORDER BY ALL").fetchall()
    for good in (CHAT, CSV):
        with pytest.raises(ExportError):
            ingest(con, [good, bad], mode=mode)
    assert con.execute("FROM messages ORDER BY ALL").fetchall() == before
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]
    with pytest.raises(ExportError):
        ingest(con, [CSV, bad], "fresh", mode=mode)
    assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("messages",)]
    ingest(con, CSV, mode="append")
    assert count(con) == 3


def test_within_a_transaction_of_the_caller(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN")
    con.execute("CREATE TABLE mine (a INT)")
    for content in (CHAT, CSV, CSV):
        ingest(con, content, mode="merge")
    assert count(con) == 3
    con.execute("ROLLBACK")
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    con.execute("BEGIN")
    ingest(con, CSV)
    con.execute("COMMIT")
    assert count(con) == 1


def test_the_report_says_it_all(con: duckdb.DuckDBPyConnection) -> None:
    ingest(con, CHAT)
    report = ingest(con, [CHAT, CSV], mode="merge").to_dict()
    assert (report["rows"], report["inserted"], report["duplicates"]) == (3, 1, 2)
    assert report["seconds"] > 0
    chat, table = report["files"]
    assert (chat["adapter"], chat["rows"], chat["duplicates"], chat["bytes"]) == ("whatsapp", 2, 2, len(CHAT))
    assert chat["details"][0]["messages"] == 2
    assert table["megabytes_per_second"] > 0
    assert table["skipped"] == [
        {"name": "bytes", "reason": "Expected Number of Columns: 3 Found: 1", "line": 3, "count": 1, "place": None}
    ]


# ---- what DuckDB forbids ---------------------------------------------------------------------------------------------


def closed(tmp_path: Path, settings: list[str]) -> duckdb.DuckDBPyConnection:
    con = streamliner_udf.connect()
    for setting in settings:
        con.execute(setting.replace("HERE", str(tmp_path / "allowed")))
    return con


LOCKS = [
    ["SET enable_external_access = false"],
    ["SET allowed_directories = ['HERE']", "SET enable_external_access = false"],
]


@pytest.mark.parametrize("settings", LOCKS, ids=["none", "one folder"])
def test_nothing_is_read_that_duckdb_forbids(tmp_path: Path, settings: list[str]) -> None:
    (tmp_path / "allowed").mkdir()
    for folder in (tmp_path, tmp_path / "allowed"):
        (folder / "a.csv").write_bytes(CSV)
        (folder / "a.jsonl").write_text('{"text": "hi"}\n')
        (folder / "chat.txt").write_bytes(CHAT)
    with duckdb.connect() as other:
        other.execute(f"COPY (SELECT 'hi' AS text) TO '{tmp_path / 'a.parquet'}' (FORMAT parquet)")
    with closed(tmp_path, settings) as con:
        for reader in ("read_text", "read_blob"):
            for parse in (f"SELECT sl_parse_whatsapp(content) FROM {reader}", f"FROM {reader}"):
                with pytest.raises(duckdb.PermissionException):
                    con.execute(f"{parse}('{tmp_path / 'chat.txt'}')")
        # A name is content like any other: nothing is opened.
        path = str(tmp_path / "chat.txt")
        assert con.execute("SELECT sl_parse_whatsapp(?)", [path]).fetchall() == [([],)]
        assert con.execute("SELECT len(sl_parse_whatsapp(?))", [CHAT.decode()]).fetchall() == [(2,)]
        for name in ("a.csv", "a.jsonl", "a.parquet"):
            for source in (tmp_path / name, (tmp_path / name).read_bytes()):
                with pytest.raises(
                    ExportError, match=r"expected a connection that may read .* allowed_directories forbid"
                ):
                    ingest(con, source, source=name.partition(".")[2])
        assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
        # This file Python reads, which the caller asked it to do.
        assert ingest(con, tmp_path / "chat.txt").inserted == 2
        if len(settings) > 1:
            assert ingest(con, tmp_path / "allowed" / "a.csv").inserted == 1
            assert con.execute(f"SELECT count(*) FROM read_text('{tmp_path / 'allowed' / '*.txt'}')").fetchall() == [
                (1,)
            ]
