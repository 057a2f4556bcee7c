"""CSV, JSON Lines and Parquet: columns by name, times of all kinds, and nothing lost without a word."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from mutations import mutated

import streamliner_udf
from streamliner_udf.ingest import ExportError, ingest, sniff
from streamliner_udf.ingest.columns import find_columns

CSV = (
    "id,Date,From,Message\n"
    '1,2024-03-05 09:15:02,Ana,"hi, you"\n'
    "2,2024-03-05T09:16:00+02:00,Bo,yes\n"
    ',2024-03-05 09:17,Ana,"two\nlines"\n'
)
KEPT = "SELECT native_id, ts::VARCHAR, author, text FROM messages ORDER BY seq"
ROWS = [
    ("1", "2024-03-05 09:15:02", "Ana", "hi, you"),
    ("2", "2024-03-05 09:16:00", "Bo", "yes"),
    (None, "2024-03-05 09:17:00", "Ana", "two\nlines"),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- csv -------------------------------------------------------------------------------------------------------------


def test_csv_on_disk_in_memory_packed_and_in_folders(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path / "family [1].csv", CSV)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("sub/family [1].csv", CSV)
        archive.writestr("photo.jpg", b"\xff\xd8")
    (tmp_path / "folder").mkdir()
    written(tmp_path / "folder" / "family [1].csv", CSV)
    packed = written(tmp_path / "family [1].csv.gz", gzip.compress(CSV.encode()))
    (tmp_path / "wide").mkdir()
    wide = written(tmp_path / "wide" / "family [1].csv", CSV.encode("utf-16"))
    tabs = CSV.replace('"hi, you"', "hi, you").replace(",", "\t").replace("hi\t you", "hi, you")
    for source in (path, CSV.encode(), tmp_path / "a.zip", tmp_path / "folder", packed, wide, tabs.encode()):
        report = ingest(con, source, mode="replace")
        assert con.execute(KEPT).fetchall() == ROWS, source
        assert report.files[0].adapter == "csv"
        columns = {"native_id": "id", "ts": "Date", "author": "From", "text": "Message"}
        assert report.files[0].details[0]["columns"] == columns
    assert con.execute("SELECT DISTINCT chat FROM messages").fetchall() == [("bytes",)]
    assert con.execute("SELECT ts_utc::VARCHAR FROM messages WHERE native_id = '2'").fetchall() == [
        ("2024-03-05 07:16:00+00",)
    ]
    assert [one.name for one in ingest(con, tmp_path / "a.zip").skipped] == ["photo.jpg"]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]


def test_rejected_lines_are_reported_with_their_place(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    bad = b'3,2024-03-05,Bo\n4,2024-03-05,Bo,a,b\n5,2024-03-05,B\xff,a\n6,"2"4,Bo,a\n7,32/13/2024,Bo,a\n,,,\n'
    path = written(tmp_path / "a.csv", CSV.encode() + bad)
    report = ingest(con, path)
    assert report.inserted == 3
    places = [(one.line, one.reason.split(".")[0], one.count) for one in report.skipped]
    assert [line for line, _, _ in places] == [6, 7, 8, 9, 10, 11]
    assert "Expected Number of Columns: 4 Found: 3" in places[0][1]
    assert "Expected Number of Columns: 4 Found: 5" in places[1][1]
    assert "not utf-8" in report.skipped[2].reason
    assert places[4][1] == "a time in Date that cannot be read: 32/13/2024"
    assert report.skipped[5].reason == "an empty row"
    with pytest.raises(
        ExportError, match=r"expected bytes to hold messages, got none that csv can read; skipped bytes"
    ):
        ingest(con, b"ts,text\nyesterday,hi\n")


# Lines counted by hand.
PLACED = (
    "date,author,content\n"  # 1
    "2024-03-05 09:16,Ana,x\n"  # 2
    "bad,D,d\n"  # 3
    ",,\n"  # 4
    '2024-03-05 09:17,Bo,"two\n\nlines"\n'  # 5
    "\n"
    'bad,D,"over\ntwo, ""lines"""\n'  # 9
    "short\n"  # 11
    "bad,D,d\n"  # 12
    '"",,\n'  # 13
    "2024-03-05 09:18,Bo,good\n"  # 14
    "worse,é,end"  # 15
)


@pytest.mark.parametrize(
    "made",
    [
        str.encode,
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode("utf-16")),
    ],
    ids=["plain", "mark", "gzip", "utf-16", "utf-16 in gzip"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_that_are_none_have_their_line(
    con: duckdb.DuckDBPyConnection, made: Callable[[str], bytes], ends: str, delimiter: str
) -> None:
    text = PLACED.replace(",", delimiter).replace("\n", ends)
    report = ingest(con, made(text), source="csv")
    assert report.inserted == 3
    assert [(one.line, one.reason[:11], one.place, one.count) for one in report.skipped] == [
        (11, "Expected Nu", None, 1),
        (3, "a time in d", None, 1),
        (4, "an empty ro", None, 1),
        (9, "a time in d", None, 1),
        (12, "a time in d", None, 1),
        (13, "an empty ro", None, 1),
        (15, "a time in d", None, 1),
    ]


def test_many_rows_that_are_none(con: duckdb.DuckDBPyConnection) -> None:
    """The first thousand with their lines, the others counted."""
    text = "date,text\n" + "".join(f"{'bad' if n % 2 else '2024-03-05'},t{n % 3}\n" for n in range(5_000))
    report = ingest(con, text.encode())
    assert report.inserted == 2_500
    # Row n stands on line n + 2, and every other one is bad.
    assert [one.line for one in report.skipped[:-1]] == [n + 2 for n in range(1, 2_000, 2)]
    assert (report.skipped[-1].count, report.skipped[-1].line) == (1_500, None)


def test_rows_without_a_line_have_their_number(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    con.execute(f"COPY (FROM (VALUES ('2024-03-05', 'a'), ('bad', 'b'), (NULL, NULL)) v(date, text)) TO '{path}'")
    report = ingest(con, path)
    assert [(one.where, one.reason) for one in report.skipped] == [
        ("a.parquet row 2", "a time in date that cannot be read: bad"),
        ("a.parquet row 3", "an empty row"),
    ]
    # A field that Python's reader refuses: what it has not reached is numbered among the rows.
    text = f"date,text\nbad,x\n2024-03-05,{'y' * 200_000}\nshort\nbad,z\n"
    report = ingest(con, text.encode(), mode="replace")
    assert [(one.line, one.place) for one in report.skipped] == [(4, None), (2, None), (None, "row 3")]
    con.execute("SET preserve_insertion_order = false")
    assert [(one.line, one.place) for one in ingest(con, path, mode="replace").skipped] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("text", "options", "ts", "utc"),
    [
        ("2024-03-05 09:15:02", {}, "2024-03-05 09:15:02", None),
        ("2024-03-05T09:15:02.123456", {}, "2024-03-05 09:15:02.123456", None),
        ("2024-03-05", {}, "2024-03-05 00:00:00", None),
        (" 2024-03-05 09:15:02 ", {}, "2024-03-05 09:15:02", None),
        ("2024-03-05 09:15:02", {"timezone": "America/Sao_Paulo"}, "2024-03-05 09:15:02", "2024-03-05 12:15:02"),
        ("2024-03-05T09:15:02Z", {}, "2024-03-05 09:15:02", "2024-03-05 09:15:02"),
        ("2024-03-05T09:15:02.5-03:30", {}, "2024-03-05 09:15:02.5", "2024-03-05 12:45:02.5"),
        ("2024-03-05 09:15:02 +0530", {}, "2024-03-05 09:15:02", "2024-03-05 03:45:02"),
        ("2024-03-05 09:15-00:30", {}, "2024-03-05 09:15:00", "2024-03-05 09:45:00"),
        ("2024-03-05T09:15:02.1234567+00:00", {}, "2024-03-05 09:15:02.123456", "2024-03-05 09:15:02.123456"),
        ("1709630102", {}, "2024-03-05 09:15:02", "2024-03-05 09:15:02"),
        ("1709630102.25", {}, "2024-03-05 09:15:02.25", "2024-03-05 09:15:02.25"),
        ("1709630102123", {}, "2024-03-05 09:15:02.123", "2024-03-05 09:15:02.123"),
        ("1709630102123456", {}, "2024-03-05 09:15:02.123456", "2024-03-05 09:15:02.123456"),
        ("1709630102", {"timezone": "Asia/Tokyo"}, "2024-03-05 18:15:02", "2024-03-05 09:15:02"),
        ("05/03/2024 09:15", {"date_order": "dmy"}, "2024-03-05 09:15:00", None),
        ("03/05/24, 9:15 PM", {"date_order": "mdy"}, "2024-03-05 21:15:00", None),
        ("05.03.2024 09:15:02", {"date_order": "dmy"}, "2024-03-05 09:15:02", None),
        ("05-Mar-24 09:15 AM", {}, "2024-03-05 09:15:00", None),
        ("", {}, None, None),
    ],
)
def test_times(
    con: duckdb.DuckDBPyConnection, text: str, options: dict[str, str], ts: str | None, utc: str | None
) -> None:
    content = f'time,text\n"{text}",hi\n'.encode()
    ingest(con, content, **options)  # type: ignore[arg-type]
    found = con.execute("SELECT ts::VARCHAR, timezone('UTC', ts_utc)::VARCHAR FROM messages").fetchall()
    assert found == [(ts, utc)]


@pytest.mark.parametrize(
    "text", ["05/03/2024 09:15", "12345", "2024-02-30 10:00:00", "2024-03-05 25:00", "soon", "99999999999999999999"]
)
def test_times_that_nobody_can_read(con: duckdb.DuckDBPyConnection, text: str) -> None:
    report = ingest(con, f"time;text\n{text};hi\n2024-03-05;ok\n".encode())
    assert report.inserted == 1
    assert [(one.reason, one.count) for one in report.skipped] == [(f"a time in time that cannot be read: {text}", 1)]


def test_which_column_is_which(con: duckdb.DuckDBPyConnection) -> None:
    assert find_columns(["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"]) == {
        "ts": ["Date"], "text": ["Content"], "author": ["Author"], "author_id": ["AuthorID"], "media": ["Attachments"],
    }  # fmt: skip
    assert find_columns(["date", "time", "user", "msg"])["ts"] == ["date", "time"]
    ingest(con, b"date,time,user,msg\n2024-03-05,09:15,Ana,hi\n")
    assert con.execute("SELECT ts::VARCHAR FROM messages").fetchall() == [("2024-03-05 09:15:00",)]
    content = b"when did,who,message,note\n2024-03-05,Ana,subject,the body\n"
    mapping = {"text": "note", "ts": "when did", "author": "who"}
    report = ingest(con, content, table="mapped", source="csv", mapping=mapping)
    assert con.execute("SELECT author, text, ts::DATE::VARCHAR FROM mapped").fetchall() == [
        ("Ana", "the body", "2024-03-05")
    ]
    assert report.files[0].details[0]["left_out"] == ["message"]
    with pytest.raises(ExportError, match=r"to have a column of texts \(text, message, .*\), got a, b; a mapping says"):
        ingest(con, b"a,b\n1,2\n", source="csv")
    with pytest.raises(ExportError, match="to have a column 'c', got when did, who, message, note"):
        ingest(con, content, source="csv", mapping={"text": "c"})
    with pytest.raises(ValueError, match=r"mapping to name columns of the message table .* got 'body'"):
        ingest(con, content, source="csv", mapping={"body": "note"})
    ingest(
        con,
        b'text,text,,"a ""b"""\nhi,x,y,z\n',
        table="odd",
        mapping={"author": 'a "b"', "media": "text_2"},
        source="csv",
    )
    assert con.execute("SELECT text, author, media FROM odd").fetchall() == [("hi", "z", "x")]


def test_several_chats_and_kinds(con: duckdb.DuckDBPyConnection) -> None:
    content = b"id,room,text,attachments,edited\n1,a,hi,,true\n1,b,,p.jpg,false\n2,,,,x\n"
    report = ingest(con, content, chat="rest", mode="merge")
    rows = con.execute("SELECT native_id, chat, kind, media, edited FROM messages ORDER BY seq").fetchall()
    assert rows == [
        ("1", "a", "text", None, True),
        ("1", "b", "attachment", "p.jpg", False),
        ("2", "rest", "empty", None, None),
    ]
    assert report.files[0].chats == ["rest"]
    assert ingest(con, content, chat="rest", mode="merge").duplicates == 3


def test_an_id_that_comes_twice_is_one_message(con: duckdb.DuckDBPyConnection) -> None:
    report = ingest(con, b"id,text\n1,hi\n1,hi\n2,ho\n", mode="merge")
    assert (report.rows, report.inserted, report.duplicates) == (3, 2, 1)
    assert ingest(con, b"id,text\n1,hi\n1,hi\n2,ho\n", mode="append").inserted == 3


def test_line_ends_and_quotes(con: duckdb.DuckDBPyConnection) -> None:
    for content, texts in {
        b'id,text\r\n1,"a\nb"\r\n2,hi\r\n': ["a\nb", "hi"],
        b'id,text\n1,"a\r\nb"\n2,hi\n': ["a\r\nb", "hi"],
        b'id,text\r\n1,ho\r\n2,hi\n3,"a\r\nb"\r\n': ["ho", "hi", "a\r\nb"],
        b"id,text\r1,ho\r2,hi\r": ["ho", "hi"],
        b'id,text\n1,"say \\"hi\\", no"\n': ['say "hi", no'],
        b'id,text\n1,"say ""hi"", no"\n': ['say "hi", no'],
    }.items():
        con.execute("BEGIN")
        ingest(con, content, mode="replace")
        con.execute("COMMIT")
        assert con.execute("SELECT text FROM messages ORDER BY seq").fetchall() == [(text,) for text in texts]
    report = ingest(con, b'id,text\n1,hi\n2,"open\n3,yes\n', mode="replace")
    assert [(one.line, one.reason) for one in report.skipped] == [(3, "Value with unterminated quote found.")]
    report = ingest(con, b'id,text\n1,hi\n2,"' + b"x" * 3_000_000 + b'"\n3,yes\n', mode="replace")
    assert report.inserted == 2
    assert "Maximum line size" in report.skipped[0].reason


# ---- json lines ------------------------------------------------------------------------------------------------------


def test_json_lines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = [
        '\ufeff{"id": 12345678901234567890, "date": 1709630102, "sender": "Ana", "body": "hi\\n\\ud83e\\udd86"}',
        "",
        '{"id": "x", "date": "2024-03-05T09:16:00Z", "extra": {"name": "Bo"}, "body": ["a", 1]}',
        '{"id": "y", "date": "2024',
        "[1, 2]",
        "null",
        '{"date": 1709630102000, "body": null, "sender": "Zé"}',
    ]
    path = written(tmp_path / "data.json", "\n".join(lines))
    for source in (path, path.read_bytes(), written(tmp_path / "data.jsonl.gz", gzip.compress(path.read_bytes()))):
        report = ingest(con, source, mode="replace", mapping={"media": "$.extra.name"})
        assert report.files[0].adapter == "jsonl"
        found = con.execute(
            "SELECT native_id, ts::VARCHAR, author, text, kind, media FROM messages ORDER BY seq"
        ).fetchall()
        assert found == [
            ("12345678901234567890", "2024-03-05 09:15:02", "Ana", "hi\n🦆", "text", None),
            ("x", "2024-03-05 09:16:00", None, '["a",1]', "text", "Bo"),
            (None, "2024-03-05 09:15:02", "Zé", None, "empty", None),
        ]
        assert [(one.line, one.reason) for one in report.skipped] == [
            (4, "no JSON"),
            (5, "JSON that is no object: array"),
            (6, "JSON that is no object: null"),
        ]


# ---- parquet ---------------------------------------------------------------------------------------------------------


def test_parquet_and_our_own_table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ingest(con, CSV.encode(), timezone="Europe/Berlin")
    path = tmp_path / "mes'sages.parquet"
    con.execute(f"COPY messages TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    for source in (path, path.read_bytes()):
        ingest(con, source, table="again", mode="replace")
        same = "seq, ts, ts_utc, author, text, kind, edited, media, reply_to, native_id, author_id, chat, line"
        assert con.execute(f"SELECT {same} FROM again EXCEPT SELECT {same} FROM messages").fetchall() == []
        assert con.execute("SELECT count(*), any_value(source) FROM again").fetchall() == [(3, "parquet")]
    typed = tmp_path / "typed.parquet"
    con.execute(
        f"COPY (SELECT TIMESTAMPTZ '2024-03-05 09:15:02+02' AS sent, 7::BIGINT AS id, 'hi' AS text, 1.5 AS \"from\") "
        f"TO '{typed}' (FORMAT parquet)"
    )
    ingest(con, typed, table="typed", timezone="Asia/Tokyo")
    found = con.execute(
        "SELECT ts::VARCHAR, timezone('UTC', ts_utc)::VARCHAR, native_id, author, text FROM typed"
    ).fetchall()
    assert found == [("2024-03-05 16:15:02", "2024-03-05 07:15:02", "7", "1.5", "hi")]
    for kind, value in (
        ("DOUBLE", "1709630102.0"),
        ("BIGINT", "1709630102000"),
        ("TIMESTAMP_S", "'2024-03-05 09:15:02'"),
    ):
        con.execute(f"COPY (SELECT {value}::{kind} AS ts, 'hi' AS text) TO '{typed}' (FORMAT parquet)")
        ingest(con, typed, table="typed", mode="replace")
        assert con.execute("SELECT ts::VARCHAR FROM typed").fetchall() == [("2024-03-05 09:15:02",)], kind
    with pytest.raises(ExportError, match="ingest: expected bytes to be Parquet, got: "):
        ingest(con, path.read_bytes()[:200])


def test_several_attachments_are_one_a_line(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "listed.parquet"
    con.execute(
        "COPY (SELECT unnest([1, 2, 3]) AS id, 'hi' AS text, unnest([['a, b.pdf', 'c.png'], [], NULL]) AS attachments) "
        f"TO '{path}' (FORMAT parquet)"
    )
    lines = (
        '{"id": 1, "text": "hi", "attachments": ["a, b.pdf", "c.png"]}\n'
        '{"id": 2, "text": "hi", "attachments": []}\n'
        '{"id": 3, "text": "hi", "attachments": null}\n'
        '{"id": 4, "text": "hi", "attachments": "[draft] d.pdf"}\n'
    )
    wanted = [("1", "a, b.pdf\nc.png"), ("2", None), ("3", None)]
    for source, found in ((path, wanted), (lines.encode(), [*wanted, ("4", "[draft] d.pdf")])):
        ingest(con, source, mode="replace")
        assert con.execute("SELECT native_id, media FROM messages ORDER BY seq").fetchall() == found


def test_rows_are_counted_whatever_a_column_of_numbers_says(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    twice = b"05/03/2024, 09:15 - Ana: ok\n05/03/2024, 09:15 - Ana: ok\n"
    for chat in ("family", "work"):
        ingest(con, twice, chat=chat)
    path = tmp_path / "messages.parquet"
    con.execute(f"COPY messages TO '{path}'")
    report = ingest(con, path, table="again")
    assert report.warnings == ["messages.parquet: seq does not number the rows: they are numbered as they stand"]
    assert con.execute("SELECT count(*), count(DISTINCT msg_key), max(seq) FROM again").fetchall() == [(4, 4, 3)]
    assert ingest(con, path, table="again", mode="merge").inserted == 0
    csv = b"seq,ts,author,text\n,2024-03-05 09:15,Ana,ok\n,2024-03-05 09:15,Ana,ok\n"
    ingest(con, csv, table="unnumbered")
    assert con.execute("SELECT count(DISTINCT msg_key) FROM unnumbered").fetchall() == [(2,)]
    ordered = b"seq,text,author\n7,b,Ana\n3,a,Ana\n"
    assert ingest(con, ordered, table="numbered").warnings == []
    assert con.execute("SELECT text FROM numbered ORDER BY seq").fetchall() == [("a",), ("b",)]


def test_no_text_and_an_empty_one_are_two_messages(con: duckdb.DuckDBPyConnection) -> None:
    line = '{"ts": "2024-03-05 09:15:00", "author": "Ana", "text": %s, "media": "%s"}\n'
    ingest(con, (line % ("null", "a.jpg") + line % ('""', "b.jpg")).encode(), mode="merge")
    assert con.execute("SELECT count(DISTINCT msg_key) FROM messages").fetchall() == [(2,)]


# ---- sniff -----------------------------------------------------------------------------------------------------------


def test_sniff_tells_and_writes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", CSV + "x\n")
    quoting = written(tmp_path / "b.csv", 'id,text\n1,"look:\n05/03/2024, 09:15 - Ana: hi"\n')
    assert [one.adapter for one in sniff(quoting)] == ["csv"]
    found = sniff([path, CSV.encode(), b"nothing of the kind", b"05/03/2024, 09:15 - Ana: hi, text, message\n"])
    assert [(one.adapter, one.messages) for one in found] == [("csv", 3), ("csv", 3), (None, 0), ("whatsapp", 1)]
    assert found[0].sure > found[1].sure > 0
    assert found[0].chats[0]["details"]["delimiter"] == ","
    assert [one.line for one in found[0].skipped] == [6]
    assert found[2].error is not None
    assert "to be an export of whatsapp, " in found[2].error
    assert "csv, 92% sure, 3 messages" in found[0].to_text()
    assert json.loads(json.dumps(found[0].to_dict()))["messages"] == 3


def test_a_bad_byte_beside_a_column_that_is_left_out(con: duckdb.DuckDBPyConnection) -> None:
    rows = b"other,ts,author,text,more\n1,2024-03-05 09:15,Ana,hi,x\n1,2024-03-05 09:16,Ana,ol\xe1,x\n"
    for content in (rows, rows.replace(b"hi,x\n", b"hi,x\r\n")):
        report = ingest(con, content, source="csv", mode="replace")
        assert con.execute("SELECT text FROM messages").fetchall() == [("hi",)]
        assert [one.line for one in report.skipped] == [3]


# ---- hostile files ---------------------------------------------------------------------------------------------------


JUNK = (b'"', b"\xff", b"\0", b"\n", b"\r\n", b",", b"{", b"}", b"\xe2\x80", b"\\u", b"9" * 30, b"PAR1")


def samples(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, bytes]:
    rows = (
        "SELECT range AS id, TIMESTAMP '2024-03-05 09:15:02' + to_seconds(range) AS ts, 'Ana' AS author, "
        "'hi ' || range AS text FROM range(30)"
    )
    con.execute(f"COPY ({rows}) TO '{folder / 'a.csv'}' (HEADER)")
    con.execute(f"COPY ({rows}) TO '{folder / 'a.jsonl'}' (FORMAT json)")
    con.execute(f"COPY ({rows}) TO '{folder / 'a.parquet'}' (FORMAT parquet)")
    found = {name: (folder / f"a.{name}").read_bytes() for name in ("csv", "jsonl", "parquet")}
    return found | {"jsonl.gz": gzip.compress(b"\xef\xbb\xbf" + found["jsonl"], mtime=0)}


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet", "jsonl.gz"])
def test_mutated_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, rng: random.Random, scale: int, name: str
) -> None:
    content = samples(con, tmp_path)[name]
    source = name.partition(".")[0]
    ingest(con, content, source=source)
    path = tmp_path / f"mutated.{name}"
    accepted = 0
    for _ in range(300 * scale):
        path.write_bytes(mutated(content, rng, JUNK))
        with contextlib.suppress(ExportError):
            report = ingest(con, path, table="mutated", source=source, mode="replace")
            accepted += 1
            found = con.execute("SELECT count(*) FROM mutated").fetchall()[0][0]
            assert found == report.inserted > 0
        assert con.execute("SELECT count(*) FROM messages").fetchall() == [(30,)]
    assert accepted
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]


# ---- names of files --------------------------------------------------------------------------------------------------

# Each with names that it matches where it is taken for a pattern.
PATTERNS = {
    "G [5]": ["G 5"],
    "what?": ["whats", "what!"],
    "p*": ["pq", "p"],
    "[!a]c": ["bc"],
    "[^a]c": ["bc"],
    "a[[]b": ["a[b"],
    "x[]]": ["x]"],
    "back\\slash [1]": ["back\\slash 1"],
    "folder [1]/chat": ["folder 1/chat"],
    "**/chat": ["deep/chat"],
}


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "parquet"])
@pytest.mark.parametrize("name", PATTERNS)
def test_a_name_is_no_pattern(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, ending: str) -> None:
    for one in [name, *PATTERNS[name]]:
        path = tmp_path / f"{one}.{ending}"
        path.parent.mkdir(exist_ok=True)
        if ending == "parquet":
            con.execute(f"COPY (SELECT '{one}' AS text) TO '{tmp_path / 'made'}' (FORMAT parquet)")
            (tmp_path / "made").rename(path)
        elif ending == "jsonl":
            written(path, json.dumps({"text": one}) + "\n")
        else:
            content = f"date,text\n,{one}\n".encode()
            written(path, gzip.compress(content) if ending == "csv.gz" else content)
    for given in (str(tmp_path / f"{name}.{ending}"), tmp_path / f"{name}.{ending}"):
        ingest(con, given, mode="replace")
        assert con.execute("SELECT text FROM messages").fetchall() == [(name,)]
    # In a folder each is read once.
    folder = tmp_path
    ingest(con, folder, mode="replace")
    found = [text for (text,) in con.execute("SELECT text FROM messages ORDER BY text").fetchall()]
    assert found == sorted([name, *PATTERNS[name]])


def test_folders_are_no_columns(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "c0=other" / "json=other"
    folder.mkdir(parents=True)
    for path, content in (("a.csv", "text,date\nmine,\n"), ("a.jsonl", '{"text": "mine"}\n')):
        ingest(con, written(folder / path, content), mode="replace")
        assert con.execute("SELECT text FROM messages").fetchall() == [("mine",)]


@pytest.mark.parametrize("lock", ["allowed_paths = ['{}/in [1]/a [1].csv']", "allowed_directories = ['{}/in [1]']"])
def test_a_name_that_is_allowed_is_read(tmp_path: Path, lock: str) -> None:
    (tmp_path / "in [1]").mkdir()
    path = written(tmp_path / "in [1]" / "a [1].csv", CSV)
    with streamliner_udf.connect() as con:
        con.execute(f"SET {lock.format(tmp_path)}; SET enable_external_access = false")
        assert ingest(con, path).inserted == 3
        # Nor is another file read, or this one's name taken for it.
        (tmp_path / "in 1").mkdir()
        written(tmp_path / "in 1" / "a 1.csv", CSV.replace("two", "other"))
        with pytest.raises(ExportError, match="allowed_directories forbid it"):
            ingest(con, tmp_path / "in 1" / "a 1.csv")
        with contextlib.suppress(ExportError):
            ingest(con, path, "again")
            assert con.execute("SELECT count(*) FROM again WHERE text LIKE '%other%'").fetchall() == [(0,)]
