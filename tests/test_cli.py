"""The command line: the main job on a real export, its report, and what it says of files that are none."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from streamliner_udf import cli, demo, reference
from streamliner_udf.ingest.synthetic import generate_whatsapp
from streamliner_udf.progress import Progress

STAGES = [
    "parse",
    "clean_text",
    "scrub_pii",
    "extract_urls",
    "slugify",
    "uuid5(author)",
    "text to rows, no write",
    "file to table on disk",
]
CHAT = (
    "05/03/2024, 09:15 - Ana: Olá! Write to ana@example.org or see https://duckdb.org/docs, ok?\n"
    "05/03/2024, 09:16 - Bo: call +1 555 123 4567\nsecond line\n"
    "05/03/2024, 09:17 - Ana added Zé\n"
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "WhatsApp Chat with Ana.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("WhatsApp Chat with Ana.txt", CHAT)
        archive.writestr("IMG-20240305-WA0001.jpg", b"\xff\xd8")
    return path


def test_demo_makes_the_clean_table(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = tmp_path / "chat.duckdb"
    assert cli.main(["demo", str(export), "--database", str(database)]) == 0
    out = capsys.readouterr().out
    for stage in STAGES:
        assert f"\n{stage} " in out
    assert "checked: all 3 rows equal the plain-Python specification" in out
    with duckdb.connect(str(database), read_only=True) as con:
        rows = con.execute("SELECT text, urls, slug, author_id, kind FROM messages_clean ORDER BY seq").fetchall()
        assert con.execute("SELECT author, line FROM messages ORDER BY seq").fetchall() == [
            ("Ana", 1),
            ("Bo", 2),
            (None, 4),
        ]
    assert rows == [
        (
            "Olá! Write to <EMAIL_REDACTED> or see https://duckdb.org/docs, ok?",
            ["https://duckdb.org/docs"],
            "ola-write-to-email-redacted-or-see-https-duckdb-org-docs-ok",
            reference.uuid5("oid", "whatsapp:Ana"),
            "text",
        ),
        (
            "call <PHONE_REDACTED> second line",
            [],
            "call-phone-redacted-second-line",
            reference.uuid5("oid", "whatsapp:Bo"),
            "text",
        ),
        ("Ana added Zé", [], "ana-added-ze", None, "system"),
    ]


def test_demo_without_an_export_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--rows", "500", "--seed", "3", "--threads", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == 500
    assert report["equal"] is True
    assert report["threads"] == 1
    assert [stage["stage"] for stage in report["stages"]] == STAGES
    assert all(stage["native_ms"] > 0 and stage["python_ms"] > 0 and stage["ratio"] > 0 for stage in report["stages"])


def test_demo_says_when_answers_differ(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "slugify", lambda text: "something else")
    assert cli.main(["demo", str(export)]) == 1
    assert "NOT EQUAL to the plain-Python specification: row 0: expected" in capsys.readouterr().out


def _zip_bytes(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.zip", _zip_bytes({"_chat.txt": CHAT})[:90], "broken.zip"),
        ("noise.zip", b"this is no archive", "expected noise.zip to be a ZIP archive"),
        ("no-chat.zip", _zip_bytes({"notes.txt": "eggs\nmilk\n"}), "expected no-chat.zip to hold a .txt with messages"),
        ("empty.txt", b"", "got an empty file"),
        ("empty.zip", b"", "got an empty file"),
        ("notes.txt", b"eggs\nmilk\n", "expected notes.txt to hold messages like"),
    ],
)
def test_demo_refuses_what_is_no_chat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    database = tmp_path / "chat.duckdb"
    assert cli.main(["demo", str(path), "--database", str(database)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("streamliner demo: ")
    assert message in captured.err
    assert captured.out == ""
    assert not database.exists()


def test_demo_reads_chats_with_lines_that_only_look_like_headers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    lines = ["3/25/24, 9:15 PM - Bob: hi", "31/02/2024, 09:15 - x: y", "05/03/2024, 25:61 - x: y", "\x1b[31mred"]
    path.write_text("25/03/2024, 09:15 - Ana: look:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert cli.main(["demo", str(path)]) == 0
    out = capsys.readouterr().out
    assert "equal the plain-Python specification" in out
    assert "\x1b" not in out


def test_demo_tells_what_it_left_out(tmp_path: Path, export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("05/03/2024, 09:15 - Zé: olá\n".encode("latin-1"))
    assert cli.main(["demo", str(path)]) == 0
    assert "note: 2 invalid places in utf-8 became U+FFFD" in capsys.readouterr().out
    assert cli.main(["demo", str(export), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["notes"] == ["1 file of the archive not read: not a text file"]
    assert report["sample"][0]["seq"] == 0


def test_demo_refuses_a_missing_file_and_an_existing_database(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", str(tmp_path / "nothing.txt")]) == 1
    assert "expected a chat export at" in capsys.readouterr().err
    database = tmp_path / "taken.duckdb"
    database.write_bytes(b"precious")
    assert cli.main(["demo", str(export), "--database", str(database)]) == 1
    assert "not to exist" in capsys.readouterr().err
    assert database.read_bytes() == b"precious"
    assert cli.main(["demo", str(export), "--database", str(tmp_path / "nowhere" / "x.duckdb")]) == 1
    assert "to be a folder, but there is none" in capsys.readouterr().err
    assert cli.main(["demo", str(export), "--rows", "5"]) == 2
    assert "expected no --rows with an EXPORT" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["demo", "--rows", "0"], ["demo", "--rows", "many"]])
def test_wrong_usage_is_status_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: streamliner" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "functions"])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: streamliner {command}" in capsys.readouterr().out


def test_functions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["functions"]) == 0
    assert "sl_slugify(text VARCHAR, max_length BIGINT = 60) -> VARCHAR" in capsys.readouterr().out
    assert cli.main(["functions", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["sl_extract_urls"]["returns"] == "VARCHAR[]"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell with pipes")
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"'{sys.executable}' -m streamliner_udf functions | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("sl_normalize(")
    assert done.stderr == ""


def test_module_and_its_exit_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamliner_udf", "demo", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("streamliner demo: expected a chat export at")
    assert "Traceback" not in done.stderr


def test_row_groups_keep_all_threads_busy() -> None:
    assert demo._group_rows(100_000, 2) == 14_336
    assert demo._group_rows(100, 2) == 8_192
    assert demo._group_rows(50_000_000, 2) == 122_880
    assert generate_whatsapp(50, seed=1) == generate_whatsapp(50, seed=1) != generate_whatsapp(50, seed=2)


def test_progress_is_drawn_for_a_person_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        with Progress("parsing", 4, stream) as bar:
            bar.add(2, label="cleaning")
    assert "cleaning" in terminal.getvalue()
    assert " 50 %" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")
    assert pipe.getvalue() == ""
