"""Ingestion: one message table, stable keys, merge, one transaction, and a report of every file."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import random
import re
import sys
import tracemalloc
import uuid
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.ingest import (
    MESSAGE_COLUMNS,
    Chat,
    ExportError,
    LoadOptions,
    Source,
    adapters,
    load,
    registry,
    sniff,
)

FIRST = "05/03/2024, 09:15 - Ana: hi\n05/03/2024, 09:15 - Ana: hi\n05/03/2024, 09:16 - Bo: yes\n"
SECOND = "05/03/2024, 09:16 - Bo: yes\n13/03/2024, 10:00 - Ana: new\n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def ingest(con: duckdb.DuckDBPyConnection, path: Any, **options: Any) -> Any:
    return vars(streamliner_udf)["ingest"](con, path, **options)


def count(con: duckdb.DuckDBPyConnection, table: str = "messages") -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_a_text_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with Bo.txt"
    path.write_text(FIRST, encoding="utf-8")
    seen: list[tuple[str, int, int]] = []
    report = ingest(con, path, progress=lambda *step: seen.append(step))
    assert (report.rows, report.inserted, report.duplicates) == (3, 3, 0)
    assert seen == [(path.name, 0, len(FIRST)), ("", len(FIRST), len(FIRST))]
    columns = {row[0]: row[1] for row in con.execute("DESCRIBE messages").fetchall()}
    wanted = {name: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for name, kind in MESSAGE_COLUMNS.items()}
    assert columns == {"msg_key": "UUID", **wanted}
    rows = con.execute("SELECT seq, author, text, chat, source, line, filename FROM messages ORDER BY seq").fetchall()
    assert rows[2] == (2, "Bo", "yes", "Bo", "whatsapp", 3, path.name)
    assert report.to_dict()["files"][0]["chats"] == ["Bo"]
    assert "3 messages" in str(report)


def test_keys_can_be_computed_by_anybody(con: duckdb.DuckDBPyConnection) -> None:
    ingest(con, FIRST.encode(), chat="family")
    micros = 1709630100 * 1_000_000
    wanted = [
        uuid.UUID(hashlib.md5("\x1f".join(("whatsapp", "family", str(micros), "Ana", "hi", n)).encode()).hexdigest())
        for n in "01"
    ]
    assert con.execute("SELECT msg_key FROM messages WHERE author = 'Ana' ORDER BY seq").fetchall() == [
        (key,) for key in wanted
    ]


def test_merge_is_a_union(con: duckdb.DuckDBPyConnection) -> None:
    for expected in ((3, 3, 0), (3, 0, 3)):
        report = ingest(con, FIRST.encode(), chat="family", mode="merge")
        assert (report.rows, report.inserted, report.duplicates) == expected
    report = ingest(con, SECOND.encode(), chat="family", mode="merge")
    assert (report.inserted, report.duplicates) == (1, 1)
    assert count(con) == 4  # the same text twice in a minute is two messages
    assert ingest(con, FIRST.encode(), chat="other", mode="merge").inserted == 3
    ingest(con, SECOND.encode(), chat="family", mode="replace")
    assert count(con) == 2
    ingest(con, SECOND.encode(), chat="family")
    assert count(con) == 4


def test_archives_folders_patterns_and_lists(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "WhatsApp Chat - Ana.zip", "w") as archive:
        archive.writestr("_chat.txt", FIRST)
        archive.writestr("00000001-PHOTO.jpg", b"\xff\xd8")
        archive.writestr("notes.txt", "no chat")
    (tmp_path / "sub").mkdir()
    for name in ("WhatsApp Chat with X.txt", "sub/WhatsApp Chat with Y.txt"):
        (tmp_path / name).write_text(SECOND, encoding="utf-8")
    report = ingest(con, tmp_path / "WhatsApp Chat - Ana.zip", table="a")
    assert report.files[0].chats == ["Ana"]
    assert {s.name: s.reason for s in report.skipped}["00000001-PHOTO.jpg"] == "not a text file"
    assert ingest(con, tmp_path / "*.txt", table="b").inserted == 2
    assert ingest(con, [tmp_path / "WhatsApp Chat with X.txt", FIRST.encode()], table="c").inserted == 5
    assert ingest(con, tmp_path / "sub", table="d").inserted == 2


def test_archives_in_a_folder_are_read_as_they_are_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    (folder / "deep").mkdir(parents=True)
    for name in ("WhatsApp Chat - Ana", "deep/WhatsApp Chat - J. Doe"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr("_chat.txt", FIRST)
            archive.writestr("notes.pdf", "%PDF")
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"\xff\xd8")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    (folder / "WhatsApp Chat with Bo.txt").write_text(SECOND, encoding="utf-8")
    (folder / "result.json").write_text(
        '{"name": "Zoe", "type": "personal_chat", "id": 1, "messages": '
        '[{"id": 1, "type": "message", "date": "2024-03-05T09:15:02", "text": "hi"}]}'
    )
    report = ingest(con, folder)
    assert (report.inserted, report.files[0].adapter) == (9, "whatsapp, telegram")
    assert sorted(report.files[0].chats) == ["Ana", "Bo", "J. Doe", "Zoe"]
    skipped = {one.name: one.reason for one in report.skipped}
    assert skipped.pop("broken.zip") not in ("", "no adapter takes it")
    assert skipped == {"photos.zip": "no adapter takes it", "notes.pdf": "not a text file"}
    for path in folder.rglob("WhatsApp*"):
        assert ingest(con, path, mode="merge").inserted == 0
    assert {found.name.rpartition("/")[2] for found in sniff(folder) if found.adapter == "whatsapp"} == {
        "WhatsApp Chat - Ana.zip",
        "WhatsApp Chat - J. Doe.zip",
        "phone: WhatsApp Chat with Bo.txt",
    }


def test_a_chat_of_ios_is_called_as_what_is_around_it(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    names = ("WhatsApp Chat - Ana", "WhatsApp Chat - J. Doe")
    for name in names:
        (tmp_path / "chats" / name).mkdir(parents=True)
        (tmp_path / "chats" / name / "_chat.txt").write_text(FIRST, encoding="utf-8")
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("_chat.txt", FIRST)
        with zipfile.ZipFile(tmp_path / f"again {name[-3:]}.zip", "w") as archive:
            archive.writestr(f"{name}/_chat.txt", FIRST)
    ingest(con, [tmp_path / f"{name}.zip" for name in names])
    assert con.execute("SELECT DISTINCT chat FROM messages ORDER BY chat").fetchall() == [("Ana",), ("J. Doe",)]
    for again in ("chats", "chats/*", "chats/*/_chat.txt", "again *.zip"):
        paths = sorted(tmp_path.glob(again))
        assert ingest(con, paths, mode="merge").rows == 6, again
        assert count(con) == 6, again


def test_a_failure_leaves_the_table_as_it_was(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ingest(con, FIRST.encode(), chat="family")
    bad = tmp_path / "bad.txt"
    bad.write_text("nothing like a chat", encoding="utf-8")
    for mode in ("append", "merge", "replace"):
        with pytest.raises(
            ExportError, match=r"ingest: expected bad\.txt to be an export of .* got 'nothing like a chat'"
        ):
            ingest(con, [SECOND.encode(), bad], mode=mode)
        assert count(con) == 3
    with pytest.raises(ExportError, match=r"expected a file or a folder at .*none"):
        ingest(con, tmp_path / "none.txt", table="fresh")
    with pytest.raises(duckdb.CatalogException):
        count(con, "fresh")


def test_wrong_options_and_tables(con: duckdb.DuckDBPyConnection) -> None:
    for options in (
        {"mode": "upsert"},
        {"schema": "x"},
        {"date_order": "ymdd"},
        {"source": "icq"},
        {"timezone": "Mars/Base"},
    ):
        with pytest.raises(ValueError, match=f"ingest: expected {next(iter(options))} to be .* got "):
            ingest(con, FIRST.encode(), **options)
    con.execute("CREATE TABLE other (a INT)")
    with pytest.raises(ExportError, match="expected table other to have a column msg_key UUID, got a"):
        ingest(con, FIRST.encode(), table="other")
    with pytest.raises(ExportError, match="an empty file"):
        ingest(con, b"")
    with pytest.raises(ExportError, match="expected at least one file, got none"):
        ingest(con, [])


class _Place:
    """A path that is no Path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def test_what_a_path_may_be(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat with Bo.txt"
    path.write_text(FIRST, encoding="utf-8")
    given: Any
    for given in (str(path), path, _Place(path), os.scandir(tmp_path), FIRST.encode(), bytearray(FIRST.encode())):
        assert ingest(con, given, mode="replace").rows == 3, given
    assert ingest(con, memoryview(FIRST.encode())[: len(FIRST) // 2 + 20], mode="replace").rows == 2
    given = [_Place(path), (bytearray(FIRST.encode()), {memoryview(FIRST.encode())})]
    assert ingest(con, given, mode="replace").rows == 9
    with pytest.raises(ExportError, match="ingest: expected a path, got an empty one"):
        ingest(con, "")
    with pytest.raises(ExportError, match="ingest: expected a path, got an empty one"):
        ingest(con, [path, ""], table="none")
    message = "ingest: expected path to be a path, bytes or an iterable of these, got "
    for given, name in ((5, "int"), (None, "NoneType"), ({"a": 1}, "dict"), ([path, 5], "int")):
        with pytest.raises(TypeError, match=f"^{message}{name}$"):
            ingest(con, given, table="none")
    with path.open("rb") as binary, path.open(encoding="utf-8") as text:
        for file, name in ((binary, "BufferedReader"), (text, "TextIOWrapper"), (io.BytesIO(b"x"), "BytesIO")):
            for given in (file, [file]):
                with pytest.raises(TypeError, match=f"^{message}{name}; its name, or what its read"):
                    ingest(con, given, table="none")
                with pytest.raises(TypeError, match=f"^{message}{name}; its name, or what its read"):
                    sniff(given)
    with pytest.raises(duckdb.CatalogException):
        count(con, "none")


def test_a_mapping_needs_the_name_of_an_adapter_where_no_column_is_known(con: duckdb.DuckDBPyConnection) -> None:
    content, mapping = b"When;Who;What\n2024-03-05 09:15:02;Ana;hi\n", {"ts": "When", "author": "Who", "text": "What"}
    hint = r"got 'When;Who;What.*; a mapping of columns needs source=\"csv\", \"jsonl\" or \"parquet\""
    with pytest.raises(ExportError, match=hint):
        ingest(con, content, mapping=mapping)
    assert re.search(hint, str(sniff(content, mapping=mapping)[0].error))
    with pytest.raises(ExportError, match="got 'When;Who;What") as caught:
        ingest(con, content)
    assert "mapping" not in str(caught.value)
    assert ingest(con, content, source="csv", mapping=mapping).rows == 1


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_no_utf8(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A byte of a name that is no UTF-8 is shown as %E9, and two names stay two."""
    folder = tmp_path / "odd"
    (folder / os.fsdecode(b"d\xe9p\xf4t")).mkdir(parents=True)
    telegram = '{"name": "", "type": "personal_chat", "messages": '
    telegram += '[{"id": 1, "type": "message", "date": "2024-03-05T09:15:02", "text": "hi"}]}'
    files = {
        b"WhatsApp Chat with caf\xe9.txt": FIRST,
        b"WhatsApp Chat with caf\xe8.txt": FIRST,
        b"d\xe9p\xf4t/_chat.txt": FIRST,
        b"d\xe9p\xf4t/2024-03-05.json": '[{"type": "message", "user": "U1", "text": "hi", "ts": "1709630102.000001"}]',
        b"r\xe9sult.json": telegram,
        b"t\xe9.csv": "date,author,text\n2024-03-05 09:15:02,Ana,hi\n",
        b"t\xe9.jsonl": '{"date": "2024-03-05T09:15:02", "text": "hi", "author": "Ana"}\n',
        b"d\xe9p\xf4t/chat.md": "[2024-03-05 09:15:02] Ana: hi\n",
        b"m\xe9.eml": "From: a@b.c\nTo: d@e.f\nDate: Tue, 5 Mar 2024 09:15:02 +0000\n\nhi\n",
        b"n\xe9.bin": "nothing",
    }
    for name, content in files.items():
        (folder / os.fsdecode(name)).write_text(content, encoding="utf-8")
    with zipfile.ZipFile(folder / os.fsdecode(b"WhatsApp Chat - z\xefp.zip"), "w") as archive:
        archive.writestr("_chat.txt", FIRST)
    report = ingest(con, folder, mode="merge")
    found = dict(con.execute("SELECT source || ': ' || chat, count(*) FROM messages GROUP BY 1").fetchall())
    assert found == {
        "whatsapp: caf%E9": 3,
        "whatsapp: caf%E8": 3,
        "whatsapp: d%E9p%F4t": 3,
        "whatsapp: z%EFp": 3,
        "slack: d%E9p%F4t": 1,
        "telegram: r%E9sult": 1,
        "signal: d%E9p%F4t": 1,
        "csv: t%E9": 1,
        "jsonl: t%E9": 1,
        "mbox: m%E9": 1,
    }
    assert [one.name for one in report.skipped] == ["n%E9.bin"]
    str(report).encode()
    alone = [folder / os.fsdecode(name) for name in files if not name.endswith(b".bin")]
    for path in [*alone, *folder.glob("*.zip"), folder / os.fsdecode(b"d\xe9p\xf4t")]:
        again = ingest(con, path, mode="merge")
        assert (again.inserted, again.rows > 0) == (0, True), path
        str(again).encode()
    with pytest.raises(ExportError, match=r"expected n%E9\.bin to be an export"):
        ingest(con, folder / os.fsdecode(b"n\xe9.bin"))
    with pytest.raises(ExportError, match=r"odd/no%E9\.txt, got none"):
        ingest(con, folder / os.fsdecode(b"no\xe9.txt"))
    assert [found.error for found in sniff(folder)] == [None] * len(sniff(folder))


def test_a_mark_of_a_copy_is_no_part_of_a_title(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("WhatsApp Chat with Ana", "WhatsApp Chat with Ana (1)", "WhatsApp Chat with Ana (1) (12)"):
        (tmp_path / f"{name}.txt").write_text(FIRST, encoding="utf-8")
    report = ingest(con, tmp_path, mode="merge")
    assert (report.inserted, report.duplicates, report.files[0].chats) == (3, 6, ["Ana"] * 3)
    folder = tmp_path.name
    assert report.warnings == [
        f"{folder}: 'WhatsApp Chat with Ana (1) (12)' ends in the mark of a copy, (1) (12): its chat is 'Ana'",
        f"{folder}: 'WhatsApp Chat with Ana (1)' ends in the mark of a copy, (1): its chat is 'Ana'",
    ]
    # Of iOS the archive has the name; a Chinese phone has something behind it.
    for name, title in (("WhatsApp Chat - Bo (2)", "Bo"), ("与Bo的 WhatsApp 聊天 (3)", "Bo")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("_chat.txt", FIRST)
        report = ingest(con, tmp_path / f"{name}.zip", mode="replace")
        assert report.files[0].chats == [title]
        assert len(report.warnings) == 1
    # Messages of two chats are all there, but for those that are the same; a name that is given settles it.
    other = tmp_path / "WhatsApp Chat with Ana (3).txt"
    other.write_text(SECOND, encoding="utf-8")
    report = ingest(con, [tmp_path / "WhatsApp Chat with Ana.txt", other], mode="replace")
    assert (report.inserted, count(con)) == (5, 5)
    report = ingest(con, other, mode="replace", chat="Ana (3)")
    assert (report.files[0].chats, report.warnings) == (["Ana (3)"], [])


@pytest.mark.parametrize(
    "name",
    [
        "WhatsApp Chat with Class (2024)",
        "WhatsApp Chat with Ana (0)",
        "WhatsApp Chat with Ana (01)",
        "WhatsApp Chat with Ana(1)",
        "WhatsApp Chat with Ana (one)",
        "WhatsApp Chat with Ana (1) Bo",
        "WhatsApp Chat with (1)",
        "Ana (1)",
    ],
)
def test_what_is_no_mark_of_a_copy(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.txt").write_text(FIRST, encoding="utf-8")
    report = ingest(con, tmp_path / f"{name}.txt")
    assert (report.files[0].chats, report.warnings) == ([name.removeprefix("WhatsApp Chat with ")], [])


def test_timezone_and_staging(con: duckdb.DuckDBPyConnection) -> None:
    ingest(con, FIRST.encode(), timezone="America/Sao_Paulo")
    utc = "SELECT DISTINCT timezone('UTC', ts_utc)::VARCHAR FROM messages WHERE author = 'Bo'"
    assert con.execute(utc).fetchall() == [("2024-03-05 12:16:00",)]
    ingest(con, "05/03/2024, 09:15 - Zé: hi".encode(), table="staged", schema="staging", chat="The Family")
    row = con.execute("SELECT thread_id, author_raw, author_uuid, created_by_run FROM staged").fetchone()
    # The vector of the name in the notes on egregora's staging table.
    assert row == ("the-family", "Zé", "000e5629-6698-5047-9711-7c9a6e94225a", "adapter:whatsapp")


def test_a_transaction_of_the_caller_is_his(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN")
    ingest(con, FIRST.encode(), chat="family")
    con.execute("ROLLBACK")
    with pytest.raises(duckdb.CatalogException):
        count(con)


class Lines:
    """An adapter of `name: text` lines."""

    name = "lines"

    def sniff(self, source: Source) -> float:
        return 0.5 if source.head().startswith(b"#lines") else 0.0

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        items = streamliner_udf.JsonItems(source.read().partition(b"\n")[2], [])
        yield Chat("c", "c", items, "item->>'who' AS author, item->>'what' AS text, item->>'id' AS native_id")


def test_another_adapter(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {r.name: r for r in adapters()} | {
        "lines": registry.Registered("lines", "test", f"{__name__}:Lines"),
        "broken": registry.Registered("broken", "test", f"{__name__}:Nothing"),
    }
    monkeypatch.setattr(registry, "_known", known)
    content = b'#lines\n[{"id": 1, "who": "Ana", "what": "hi"}, {"id": 2, "who": "Bo", "what": "ho"}]'
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for inserted in (2, 0):
            assert ingest(con, content, mode="merge").inserted == inserted
    assert len([w for w in caught if "broken" in str(w.message)]) == 1
    assert con.execute("SELECT author, text, source FROM messages ORDER BY native_id").fetchall() == [
        ("Ana", "hi", "lines"),
        ("Bo", "ho", "lines"),
    ]
    assert known["broken"].error is not None


class Rows:
    """An adapter of rows (id, chat, ts, text), for any file."""

    name = "rows"

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def sniff(self, source: Source) -> float:
        return 1.0

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        pa = pytest.importorskip("pyarrow")

        columns = zip(*self.rows, strict=True)
        table = pa.table(dict(zip(("id", "room", "said_at", "said"), columns, strict=True)))
        select = "id AS native_id, room AS chat, room AS thread, said_at::TIMESTAMP AS ts, said AS text"
        yield Chat("all", "all", table, select, skip="CASE WHEN said IS NULL THEN 'nothing said' END")


def test_some_messages_have_ids(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    at = "2024-03-05 09:15:00"
    rows: list[tuple[Any, ...]] = [
        ("1", "a", at, "hi"),
        (None, "a", at, "hi"),
        (None, "a", at, "hi"),
        (None, "b", at, "hi"),
    ]
    rows += [("1", "b", at, "hi"), ("2", "b", at, None)]
    made = registry.Registered("rows", "test", "", _made=Rows(rows))
    monkeypatch.setattr(registry, "_known", {"rows": made})
    report = ingest(con, b"x", source="rows", mode="merge")
    assert (report.inserted, report.duplicates) == (5, 0)
    assert [(one.reason, one.count) for one in report.skipped] == [("nothing said", 1)]
    again = ingest(con, b"x", source="rows", mode="merge")
    assert (again.inserted, again.duplicates) == (0, 5)
    keys = {row[0] for row in con.execute("SELECT msg_key FROM messages").fetchall()}
    assert len(keys) == 5
    assert uuid.UUID(hashlib.md5(b"rows\x1fa\x1f1").hexdigest()) in keys
    assert ingest(con, b"x", table="staged", source="rows", schema="staging").inserted == 5
    assert con.execute("SELECT list(DISTINCT thread_id ORDER BY thread_id) FROM staged").fetchall() == [(["a", "b"],)]


def test_what_was_decided_about_an_export(con: duckdb.DuckDBPyConnection) -> None:
    report = ingest(con, b"My chat\n\n25/03/2024, 09:15 - Ana: hi", table="sure", source="whatsapp")
    [decided] = report.files[0].details
    assert decided == {
        "dialect": "d/m/yyyy, hh:mm -",
        "date_order": "dmy",
        "confident": True,
        "reason": "dates that exist in this order only: 1",
        "messages": 1,
    }
    assert [(s.reason, s.line, s.count) for s in report.skipped] == [("before the first message", 1, 2)]
    assert report.warnings == []
    # A guess, and a file whose dates contradict each other.
    report = ingest(con, b"5/3/2024, 9:15 - Ana: hi", table="guess")
    assert [w.partition(": ")[2] for w in report.warnings] == [
        "dates are read as dmy, which is not certain: nothing tells, and most dates have the day first"
    ]
    both = b"25/3/2024, 9:15 - A: a\n26/3/2024, 9:15 - A: b\n3/27/2024, 9:15 - A: c"
    report = ingest(con, both, table="torn")
    assert "in the other only: 1" in report.warnings[0]
    assert (report.rows, report.files[0].details[0]["confident"]) == (2, False)


def test_the_caller_knows_the_order_of_dates(con: duckdb.DuckDBPyConnection) -> None:
    for order, day in (("auto", "2024-03-05"), ("dmy", "2024-03-05"), ("mdy", "2024-05-03"), ("ymd", "2024-03-05")):
        report = ingest(con, b"5/3/2024, 9:15 - Ana: hi", date_order=order, mode="replace")
        assert con.execute("SELECT ts::DATE::VARCHAR FROM messages").fetchall() == [(day,)]
        known = order in ("dmy", "mdy")  # a year of four digits at the end does not stand first
        assert (report.files[0].details[0]["reason"] == "the caller knows it", report.warnings == []) == (known, known)
    report = ingest(con, b"24/03/05, 9:15 - Ana: hi", date_order="ymd", mode="replace")
    assert con.execute("SELECT ts::DATE::VARCHAR FROM messages").fetchall() == [("2024-03-05",)]
    assert report.files[0].details[0]["date_order"] == "ymd"
    report = ingest(con, b"2024/3/5, 9:15 - Ana: hi", date_order="mdy", mode="replace")
    assert report.files[0].details[0]["date_order"] == "ymd"


def test_a_marker_that_nobody_knows_is_named(con: duckdb.DuckDBPyConnection) -> None:
    content = b"05/03/2024, 9:15 xm - Ana: hi"
    for source in ("auto", "whatsapp"):
        with pytest.raises(ExportError, match="got none: the time of line 1 has 'xm', which is not known"):
            ingest(con, content, source=source)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("13/6/18, x 9:22 - A: a\n13/6/18, y 2:22 - A: b\n13/6/18, x 9:25 - A: c\n", "line 1 has 'x'"),
        ("2018/6/13 上午9:22 - A: a\n2018/6/13 午夜12:22 - A: b\n2018/6/13 下午1:22 - A: c\n", "line 2 has '午夜'"),
    ],
)
def test_words_for_morning_and_afternoon_are_known_or_named(
    con: duckdb.DuckDBPyConnection, content: str, word: str
) -> None:
    with pytest.raises(
        ExportError, match=f"that are known in bytes, got others: the time of {word}, which is not known"
    ):
        ingest(con, content.encode())
    [sniffed] = sniff(content.encode())
    assert word in (sniffed.error or "")
    assert sniffed.messages == 0


def test_unknown_words_in_an_archive(con: duckdb.DuckDBPyConnection) -> None:
    def archive(**members: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            for name, text in members.items():
                file.writestr(f"{name}.txt", text)
        return packed.getvalue()

    unknown = "05/03/2024, 9:15 xm - Ana: hi\n"
    for source in ("auto", "whatsapp"):
        with pytest.raises(
            ExportError, match=r"got one\.txt with no message in its first 64 KiB: the time of line 1 has 'xm'"
        ):
            ingest(con, archive(one=unknown), source=source)
    report = ingest(con, archive(one=unknown, two=unknown.replace("xm", "pm")))
    assert report.rows == 1
    assert [s.name for s in report.skipped if "'xm', which is not known; write am or pm" in s.reason] == ["one.txt"]


def test_a_word_in_a_message_is_no_reason_to_refuse_the_file(con: duckdb.DuckDBPyConnection) -> None:
    usual = "".join(f"3/29/24, 9:{i % 60:02} AM - A: a\n" for i in range(150))
    report = ingest(con, f"{usual}3/29/24, 9:15 sharp - bring cake\n{usual}".encode(), table="quoted")
    [warning] = report.warnings
    assert report.rows == 300
    assert "read as text: the time of line 151 has 'sharp', which is not known; dates are read as mdy" in warning
    with pytest.raises(
        ExportError, match="line 151 has 'sharp', which is not known, and so have 3 more; write am or pm"
    ):
        ingest(con, (usual + "3/29/24, 9:15 sharp - A: a\n" * 4 + usual).encode())


def test_lines_that_look_like_messages_are_named(con: duckdb.DuckDBPyConnection) -> None:
    def lines(*dates: str, layout: str = "{}, 20:31 - P: a\n") -> str:
        return "".join(layout.format(date) for date in dates)

    dmy, mdy = [f"{day}/06/22" for day in range(13, 18)], [f"06/{day}/22" for day in range(13, 18)]
    for content, order, rows, warned in (
        (
            lines(*dmy, *mdy),
            "auto",
            5,
            "this order: 5, the first in line 6, '06/13/22, 20:31 -'; dates are read as dmy",
        ),
        (lines("10/06/22", "11/06/22", *dmy), "mdy", 2, "this order: 5, the first in line 3, '13/06/22, 20:31 -'"),
        (
            lines(*dmy * 6) + lines(*mdy, layout="[{}, 8:31:00 PM] P: a\n"),
            "auto",
            30,
            "headers of another dialect: 5, the first in line 31, '[06/13/22, 8:31:00 PM]'",
        ),
    ):
        report = ingest(con, content.encode(), mode="replace", date_order=order)
        [warning] = report.warnings
        assert warning.startswith("bytes: lines that look like messages were read as text: ")
        assert warned in warning
        assert (report.rows, report.files[0].details[0]["confident"]) == (rows, False)
    report = ingest(con, lines("13/06/22", "14/06/22", layout="{}, x 9:31 - P: a\n").encode(), mode="replace")
    assert report.warnings == [
        "bytes: hours are read as they stand: the word before all times may be one for morning or afternoon: 'x'"
    ]


def test_messages_that_were_edited(con: duckdb.DuckDBPyConnection) -> None:
    bodies = [
        "hi \u200e<This message was edited>",
        "\u200e<Se editó este mensaje.>",
        "two\nlines <Mensagem editada>",
        "not <This message was edited> so",
        "<This message was edited",
        "a > b",
        "",
    ]
    content = (
        "".join(f"[13/06/22, 20:31:05] A: {body}\r\n" for body in bodies)
        + "[13/06/22, 20:31:06] \u200e<Mensagem editada>"
    )
    ingest(con, content.encode(), table="changed")
    found = con.execute("SELECT edited, kind, text FROM changed ORDER BY seq").fetchall()
    assert [edited for edited, _, _ in found] == [True, True, True, False, False, False, False, False]
    assert found[0] == (True, "text", "hi <This message was edited>")
    assert found[1] == (True, "text", "<Se editó este mensaje.>")


def test_files_of_one_ingestion_do_not_stay_in_memory(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB keeps what was registered until the transaction ends, and that is after the last file. Small files wait
    for each other, up to a number of bytes: here those of one."""
    line = "05/03/2024, 09:15 - Ana: " + "a text of some length " * 20 + "\n"
    files = []
    for number in range(12):
        files.append(tmp_path / f"WhatsApp Chat with {number}.txt")
        files[-1].write_text(line * 1_500)
    size = files[0].stat().st_size
    monkeypatch.setattr(load, "_WAITING_BYTES", size)
    tracemalloc.start()
    try:
        assert ingest(con, files).rows == 12 * 1_500
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < peak < 4 * size


def test_small_files_fill_row_groups_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files by themselves would leave a group or two each, which the next checkpoint writes once more to join them."""
    files = []
    for number in range(20):
        files.append(tmp_path / f"WhatsApp Chat with {number:02}.txt")
        files[-1].write_text("".join(f"05/03/2024, 09:15 - Ana: {number} {n}\n" for n in range(3_000)))

    def groups(name: str) -> int:
        with streamliner_udf.connect(config={"threads": 2}) as con:
            con.execute(f"ATTACH '{tmp_path / name}' AS there (ROW_GROUP_SIZE 8192); USE there")
            report = ingest(con, files)
            assert [file.rows for file in report.files] == [3_000] * 20
            assert all(file.seconds > 0 for file in report.files)
            assert sum(file.seconds for file in report.files) <= report.seconds
            order = con.execute("SELECT filename, text FROM messages ORDER BY rowid").fetchall()
            assert order == [(file.name, f"{i} {n}") for i, file in enumerate(files) for n in range(3_000)]
            query = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('messages')"
            return int(con.execute(query).fetchall()[0][0])

    assert groups("together.duckdb") <= 60_000 // 8_192 + 3
    monkeypatch.setattr(load, "_WAITING", 1)
    assert groups("alone.duckdb") >= 8


@pytest.mark.skipif(load._SCANS_STREAMS_ONCE, reason="DuckDB before 1.5 takes chats one by one")
def test_chats_a_little_larger_than_a_row_group_leave_no_small_ones(tmp_path: Path) -> None:
    """Record batches of a row group are for one large chat: of several small ones the rest of each would be a group."""
    files = []
    for number in range(8):
        files.append(tmp_path / f"WhatsApp Chat with {number}.txt")
        files[-1].write_text("".join(f"05/03/2024, 09:15 - Ana: {number} {n}\n" for n in range(8_500)))
    archive = tmp_path / "chats.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in files:
            packed.write(file, file.name)
    for name, path in (("files", files), ("archive", archive)):
        with streamliner_udf.connect(config={"threads": 2}) as con:
            con.execute(f"ATTACH '{tmp_path / name}.duckdb' AS there (ROW_GROUP_SIZE 8192); USE there")
            assert ingest(con, path).rows == 8 * 8_500
            query = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('messages')"
            assert con.execute(query).fetchall()[0][0] <= 8 * 8_500 // 8_192 + 3, name


@pytest.mark.skipif(load._SCANS_STREAMS_ONCE, reason="DuckDB before 1.5 takes chats one by one")
def test_media_beside_a_chat_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive is as large as its photos, which are never unpacked: its chat is small all the same."""
    monkeypatch.setattr(load, "_WAITING_BYTES", 1 << 20)
    archives = []
    for number in range(6):
        archives.append(tmp_path / f"WhatsApp Chat with {number}.zip")
        with zipfile.ZipFile(archives[-1], "w") as packed:
            packed.writestr("_chat.txt", "".join(f"[05/03/2024, 09:15:00] Ana: {n}\n" for n in range(8_500)))
            packed.writestr("photo.jpg", bytes(1 << 20))
    with streamliner_udf.connect(config={"threads": 2}) as con:
        con.execute(f"ATTACH '{tmp_path / 'chats.duckdb'}' AS there (ROW_GROUP_SIZE 8192); USE there")
        assert ingest(con, archives).rows == 6 * 8_500
        query = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('messages')"
        assert con.execute(query).fetchall()[0][0] <= 6 * 8_500 // 8_192 + 3


class _Rows:
    """Rows with keys that are there while their adapter is at them, and no longer."""

    def __init__(self) -> None:
        self.open = True

    def __len__(self) -> int:
        return 1

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        assert self.open
        text = "05/03/2024, 09:15 - Ana: hi"
        return streamliner_udf.parse_rows("parse_whatsapp", text, keyed="x").__arrow_c_stream__()


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_rows_are_read_before_an_adapter_goes_on(
    mode: str, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closing:
        name = "closing"

        def sniff(self, source: Source) -> float:
            return 1.0

        def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
            rows = _Rows()
            chat = Chat("t", "t", rows, "seq, ts, author, text, msg_key", has_keys=True)
            chat.finish = lambda: chat.warnings.append("told at the end")
            yield chat
            rows.open = False

    monkeypatch.setattr(registry, "find", lambda name: Closing())
    report = ingest(con, b"x", source="closing", mode=mode)
    assert (report.inserted, report.files[0].warnings) == (1, ["told at the end"])


def test_a_failure_after_files_that_wait(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    good, bad = tmp_path / "WhatsApp Chat with Ana.txt", tmp_path / "notes.bin"
    good.write_text(FIRST)
    bad.write_bytes(bytes(range(256)))
    with pytest.raises(ExportError, match=r"notes\.bin"):
        ingest(con, [good, bad])
    left = con.execute("SELECT count(*) FROM duckdb_views() WHERE starts_with(view_name, 'streamliner_')").fetchall()
    assert left == [(0,)]
    with pytest.raises(duckdb.CatalogException):
        count(con)
    assert ingest(con, good).inserted == 3


def test_keys_made_while_parsing_are_those_of_sql(con: duckdb.DuckDBPyConnection) -> None:
    """More batches than one, messages that come again at once and in another batch, and every kind of text."""
    rng = random.Random(5)
    authors = ["Ana: ", "Bartholomew Longname: ", "", "Zé: "]
    texts = ["ok", "", "x" * 80, "é\u200eok marks in here", "two\nlines", "exactly 12 by", "no author: a name"]
    lines = [
        f"{rng.randint(1, 3):02d}/03/2024, 09:{rng.randint(0, 3):02d} - {rng.choice(authors)}{rng.choice(texts)}"
        for _ in range(9000)
    ]
    ingest(con, "\n".join(lines).encode(), chat="família")
    differing = con.execute(
        "SELECT count(*) FILTER (msg_key <> md5(concat_ws(chr(31), 'whatsapp', 'família', epoch_us(ts)::VARCHAR, "
        "coalesce(author, ''), coalesce(text, ''), occurrence))::UUID), count(DISTINCT msg_key), max(occurrence) > 9 "
        "FROM (SELECT *, row_number() OVER (PARTITION BY ts, coalesce(author, ''), coalesce(text, '') ORDER BY seq) "
        "- 1 AS occurrence FROM messages)"
    ).fetchall()
    assert differing == [(0, 9000, True)]


def test_a_chat_cannot_be_later_than_its_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Of the two days that a date can be, one is after the file was written; the time of the file tells which."""
    path = tmp_path / "WhatsApp Chat with Ana.txt"
    path.write_bytes(b"5/3/24, 09:15 - Ana: hi")
    for day, found in (("2024-04-30", "2024-03-05"), ("2024-05-02", "2024-05-03"), ("2025-01-01", "2024-05-03")):
        written = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
        os.utime(path, (written, written))
        report = ingest(con, path, mode="replace")
        assert con.sql("SELECT ts::DATE::VARCHAR FROM messages").fetchall() == [(found,)]
        [details] = report.files[0].details
        is_bound = found == "2024-03-05"
        assert details["confident"] is is_bound
        assert details["reason"].startswith("dates after the file was written" if is_bound else "without leading zeros")
        assert [chat["details"]["reason"] for chat in sniff(path)[0].chats] == [details["reason"]]


@pytest.mark.parametrize(
    ("when", "found"), [((2024, 4, 30, 9, 0, 0), "2024-03-05"), ((1980, 1, 1, 0, 0, 0), "2024-05-03")]
)
def test_members_have_a_time_of_their_own(
    con: duckdb.DuckDBPyConnection, when: tuple[int, int, int, int, int, int], found: str
) -> None:
    """An archive that is written without times says 1980, which is no bound."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("WhatsApp Chat with Ana.txt", when), b"5/3/24, 09:15 - Ana: hi")
    ingest(con, made.getvalue())
    assert con.sql("SELECT ts::DATE::VARCHAR FROM messages").fetchall() == [(found,)]


def test_the_app_writes_under_the_name_of_a_group(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = [f"[05/03/2024, 09:15:2{i}] {rest}" for i, rest in enumerate(("Trip: Di joined", "Ana: a", "Bo: b"))]
    path = tmp_path / "WhatsApp Chat - Trip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", "\r\n".join(lines))
    kinds = "SELECT list(kind ORDER BY seq) FROM messages"
    ingest(con, path)
    assert con.sql(kinds).fetchall() == [(["system", "text", "text"],)]
    ingest(con, path, mode="replace", chat="holidays")  # a name that the caller gives is not that of the chat
    assert con.sql(kinds).fetchall() == [(["system", "text", "text"],)]
    path.rename(tmp_path / "other.zip")
    ingest(con, tmp_path / "other.zip", mode="replace")
    assert con.sql(kinds).fetchall() == [(["text", "text", "text"],)]
    ingest(con, "\n".join(lines).encode(), mode="replace", chat="Trip")
    assert con.sql(kinds).fetchall() == [(["system", "text", "text"],)]
