"""The command line: the main job on a real export, its report, and what it says of files that are none."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf import cli, reference, resources
from streamliner_udf.ingest import load
from streamliner_udf.ingest.synthetic import generate_whatsapp
from streamliner_udf.progress import Progress

COMMANDS = next(action.choices for action in cli._parser()._actions if isinstance(action.choices, dict))
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


def test_ingest_and_its_report(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database, table = tmp_path / "chat.duckdb", tmp_path / "notes.csv"
    table.write_text("date,body,who\n2024-03-05 09:15,hi,Ana\nbad\n", encoding="utf-8")
    arguments = [
        "ingest",
        str(export),
        str(table),
        "--database",
        str(database),
        "--mode",
        "merge",
        "--map",
        "author=who",
    ]
    assert cli.main([*arguments, "--timezone", "America/Sao_Paulo"]) == 0
    out = capsys.readouterr().out
    assert "4 messages into messages, 0 there already, 2 files" in out
    assert "notes.csv: csv, 1 messages" in out
    assert "skipped notes.csv line 3: Expected Number of Columns: 3 Found: 1" in out
    assert cli.main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["inserted"], report["duplicates"]) == (0, 4)
    assert report["files"][1]["details"][0]["columns"] == {"ts": "date", "text": "body", "author": "who"}
    assert cli.main([*arguments, "--quiet", "--table", '"my table"', "--schema", "staging", "--chat", "C"]) == 0
    assert capsys.readouterr().out == ""
    with duckdb.connect(str(database), read_only=True) as con:
        assert con.execute("SELECT count(*), count(ts_utc) FROM messages").fetchall() == [(4, 4)]
        assert con.execute('SELECT DISTINCT thread_id FROM "my table"').fetchall() == [("c",)]


def test_ingest_fails_without_a_trace(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database, notes = tmp_path / "chat.duckdb", tmp_path / "notes.txt"
    notes.write_text("eggs\nmilk\n", encoding="utf-8")
    assert cli.main(["ingest", str(export), str(notes), "--database", str(database)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("streamliner ingest: expected notes.txt to be an export of whatsapp, ")
    assert captured.out == ""
    assert not database.exists()
    assert cli.main(["ingest", str(export), "--database", str(database), "--quiet"]) == 0
    assert cli.main(["ingest", str(notes), "--database", str(database), "--mode", "replace"]) == 1
    with duckdb.connect(str(database), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM messages").fetchall() == [(3,)]
    capsys.readouterr()
    assert cli.main(["ingest", str(tmp_path / "*.nothing"), "--database", str(database)]) == 1
    assert "expected files that match" in capsys.readouterr().err
    assert cli.main(["ingest", str(export), "--database", str(tmp_path / "no" / "x.duckdb")]) == 1
    assert capsys.readouterr().err.startswith("streamliner ingest: IO Error")
    assert cli.main(["ingest", str(export), "--database", str(database), "--timezone", "Mars/Olympus"]) == 1
    assert "Mars/Olympus" in capsys.readouterr().err
    for wrong in (["--mode", "upsert"], ["--date-order", "x"], ["--schema", "x"], ["--map", "text"], ["--map", "=a"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(["ingest", str(export), "--database", str(database), *wrong])
        assert stop.value.code == 2
    with pytest.raises(SystemExit):
        cli.main(["ingest", str(export)])


def test_choices_are_those_of_ingest() -> None:
    commands = next(action for action in cli._parser()._actions if isinstance(action.choices, dict))
    assert isinstance(commands.choices, dict)
    choices = {action.dest: action.choices for action in commands.choices["ingest"]._actions}
    assert (choices["mode"], choices["schema"], choices["date_order"]) == (load.MODES, load.SCHEMAS, load.ORDERS)


def test_sniff_says_what_ingest_would_do(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sniff", str(export)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("WhatsApp Chat with Ana.zip: whatsapp, 80% sure, 3 messages\n  Ana: ")
    assert "skipped IMG-20240305-WA0001.jpg: not a text file" in out
    notes = tmp_path / "notes.txt"
    notes.write_text("eggs\n", encoding="utf-8")
    assert cli.main(["sniff", str(export), str(notes), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["adapter"], first["messages"], first["error"]) == ("whatsapp", 3, None)
    assert (second["adapter"], second["messages"]) == (None, 0)
    assert "notes.txt to be an export of" in second["error"]
    assert cli.main(["sniff", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("streamliner sniff: expected a file or a folder at")


def test_the_bar_names_the_file_and_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    message = "From a@b.c Tue Mar  5 09:15:02 2024\nFrom: a@b.c\n\nhi\n\n"
    (tmp_path / "inbox.mbox").write_text(message * 400, encoding="utf-8")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("streamliner_udf.progress._SECONDS_BETWEEN", 0.0)
    database = str(tmp_path / "x.duckdb")
    assert cli.main(["ingest", str(tmp_path / "inbox.mbox"), "--database", database, "--json"]) == 0
    assert re.search(r"inbox\.mbox +\[#+\.+\]  50 %", terminal.getvalue())
    assert "100 %" in terminal.getvalue()
    monkeypatch.setattr("sys.stderr", quiet := Terminal())
    assert cli.main(["ingest", str(tmp_path / "inbox.mbox"), "--database", database, "--quiet"]) == 0
    assert quiet.getvalue() == ""


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert re.search(rf"example: .*streamliner {command}\b", capsys.readouterr().out)


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
    assert resources.rows_per_group(100_000, 2) == 14_336
    assert resources.rows_per_group(100, 2) == 8_192
    assert resources.rows_per_group(50_000_000, 2) == 122_880
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


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["resources"]["cpus"] >= 1
    assert status == (1 if found["findings"] else 0)
    assert cli.main(["doctor"]) == status
    assert "DuckDB uses" in capsys.readouterr().out


def test_doctor_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chat.duckdb"
    with streamliner_udf.connect(path, config={"threads": 2}) as con:
        con.execute("CREATE TABLE notes AS SELECT i FROM range(100_000) t(i)")
        threads = con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    before = path.read_bytes()
    cli.main(["doctor", "--json", "--database", str(path)])
    found = json.loads(capsys.readouterr().out)
    assert any("one row group" in one["problem"] for one in found["findings"]) == (found["duckdb_threads"] > 1)
    assert threads == 2
    assert path.read_bytes() == before
    assert cli.main(["doctor", "--database", str(tmp_path / "nothing.duckdb")]) == cli.EXIT_FAILED
    assert "streamliner doctor: " in capsys.readouterr().err
