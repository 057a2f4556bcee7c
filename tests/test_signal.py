"""Chats of Signal, as signal-export writes them."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mutations import mutated

import streamliner_udf
from streamliner_udf.ingest import ExportError, ingest

TEXT = """[2024-03-05 09:15:02] Ana: hi  

[2024-03-05 09:16:00] Bo: 

> hi

yes: two
lines  
(- Ana: 👍 -)
[2024-03-05 09:17:00] Me:   ![p q.jpg](./media/p%20q.jpg)  [a.pdf](./media/a.pdf)  
[2024-03-05 09:18:00] Ana: (This message was deleted)
[2024-02-31 09:18:00] Ana: no such day
"""
EMPTY: dict[str, Any] = {"quote": "", "sticker": None, "reactions": [], "attachments": []}
DATA: list[dict[str, Any]] = [
    {"date": "2024-03-05T09:15:02", "sender": "Ana", "body": "hi  "},
    {"date": "2024-03-05T09:16:00", "sender": "Bo", "body": "yes: two\nlines  ", "quote": "\n\n> hi\n\n"},
    {
        "date": "2024-03-05T09:17:00",
        "sender": "Me",
        "body": "  ",
        "attachments": [{"name": "p q.jpg"}, {"name": "a.pdf"}],
    },
    {"date": "2024-03-05T09:18:00", "sender": "Ana", "body": "", "deleted": True},
    {"date": "2024-03-05T09:19:00", "sender": "Ana", "body": "Missed voice call", "call": True},
]
LINES = "".join(json.dumps({**EMPTY, **message}, ensure_ascii=False) + "\n" for message in DATA)
ROWS = [
    ("2024-03-05 09:15:02", "Ana", "hi", "text", None),
    ("2024-03-05 09:16:00", "Bo", "yes: two\nlines", "text", None),
    ("2024-03-05 09:17:00", "Me", "", "attachment", "p q.jpg\na.pdf"),
    ("2024-03-05 09:18:00", "Ana", "", "deleted", None),
]
SHOWN = "SELECT ts::VARCHAR, author, text, kind, media FROM messages ORDER BY seq"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def test_a_folder_of_chats(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name, files in {"Ana": {"chat.md": TEXT, "data.json": LINES}, "Trip": {"chat.md": TEXT}}.items():
        (tmp_path / "signal" / name / "media").mkdir(parents=True)
        for file, content in files.items():
            (tmp_path / "signal" / name / file).write_text(content, encoding="utf-8")
    (tmp_path / "signal" / "Ana" / "media" / "a.pdf").write_bytes(b"%PDF")
    report = ingest(con, tmp_path / "signal")
    assert report.files[0].adapter == "signal"
    assert report.files[0].chats == ["Ana", "Trip"]
    assert [details["form"] for details in report.files[0].details] == ["data.json", "chat.md"]
    assert {one.name: one.reason for one in report.skipped} == {
        "Ana/chat.md": "data.json beside it has the same messages",
        "Ana/media/a.pdf": "no chat",
    }
    call = ("2024-03-05 09:19:00", "Ana", "Missed voice call", "call", None)
    assert con.execute(SHOWN.replace("ORDER", "WHERE chat = 'Ana' ORDER")).fetchall() == [*ROWS, call]
    # What only looks like a header is part of the message before it.
    last = (*ROWS[3][:2], "(This message was deleted)\n[2024-02-31 09:18:00] Ana: no such day", "text", None)
    assert con.execute(SHOWN.replace("ORDER", "WHERE chat = 'Trip' ORDER")).fetchall() == [*ROWS[:3], last]
    for path in ("Ana/chat.md", "Ana/data.json"):
        assert ingest(con, tmp_path / "signal" / path, mode="replace").files[0].chats == ["Ana"]
        assert con.execute(SHOWN).fetchall()[:3] == ROWS[:3]
    assert ingest(con, tmp_path / "signal" / "Ana" / "chat.md", mode="merge").duplicates == 3


def test_lines_that_are_no_messages(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    odd = '{"date": "2024-03-05T10:00:00Z", "sender": "\\ud800", "body": "\\u0000\\ud83e\\udd86"}\n'
    bad = '{"date": "2024-13-01T00:00:00", "sender": "A", "body": "x"}\n[]\n{"date": 1}\n\n'
    (tmp_path / "data.json").write_text(LINES + bad + odd, encoding="utf-8")
    report = ingest(con, tmp_path / "data.json")
    assert report.inserted == 6
    assert con.execute("SELECT author, text, ts::VARCHAR FROM messages WHERE line = 10").fetchall() == [
        ("\ufffd", "🦆", "2024-03-05 10:00:00")
    ]
    assert [(one.line, one.reason) for one in report.skipped] == [
        (6, "a date that cannot be read"),
        (7, "no message"),
        (8, "no message"),
    ]
    (tmp_path / "chat.md").write_text("# Signal\n" + TEXT.replace("2024-02-31", "2024-02-28"), encoding="utf-8")
    report = ingest(con, tmp_path / "chat.md", source="signal", mode="replace")
    assert (report.inserted, [one.line for one in report.skipped]) == (5, [1])


@pytest.mark.parametrize("content", [TEXT, LINES], ids=["chat.md", "data.json"])
def test_mutated_chats(con: duckdb.DuckDBPyConnection, rng: random.Random, scale: int, content: str) -> None:
    junk = (
        b"\0",
        b"\xff",
        b"\n",
        b"[",
        b"]",
        b"{",
        b'"',
        b"\\u",
        b"[2024-03-05 09:15:02] ",
        b"(",
        b"9" * 30,
        b"[" * 2000,
    )
    accepted = 0
    for _ in range(300 * scale):
        with contextlib.suppress(ExportError):
            report = ingest(con, mutated(content.encode(), rng, junk), source="signal", mode="replace")
            accepted += 1
            assert con.execute("SELECT count(*) FROM messages").fetchall() == [(report.inserted,)]
            assert report.inserted > 0
    assert accepted > 200
