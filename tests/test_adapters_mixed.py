"""Exports of several kinds in one folder or archive: each is read as it is alone, and nothing else is."""

from __future__ import annotations

import itertools
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import json_exports as exports
import pytest

import streamliner_udf
from streamliner_udf.ingest import Chat, ExportError, IngestReport, Source, adapters, registry, sniff
from streamliner_udf.ingest.safezip import SafeZip

CHAT = b"13/03/2024, 09:15 - Ana: hi\n13/03/2024, 09:16 - Bo: ho\n"
MAIL = b"From: Cy <cy@ex.org>\nTo: b@ex.org\nMessage-ID: <1@ex.org>\nDate: Tue, 5 Mar 2024 09:15:02 +0000\n\nhi\n"
SIGNAL = (
    b'{"date": "2024-03-05T09:15:02", "sender": "Di", "body": "hi", "quote": "", "reactions": [], "attachments": []}\n'
)
TABLE = b"date,author,text\n2024-03-05 09:15:02,Ed,hi\n"
LINES = b'{"date": "2024-03-05T09:15:02", "text": "hi", "author": "Flo"}\n'


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def ingest(con: duckdb.DuckDBPyConnection, path: Any, **options: Any) -> IngestReport:
    report: IngestReport = vars(streamliner_udf)["ingest"](con, path, **options)
    return report


def workspace(user: str, channel: str, name: str, texts: list[str]) -> dict[str, bytes]:
    """Files of an export of Slack with one user and one channel."""
    messages = [exports.slack_text(number, text, user=user) for number, text in enumerate(texts)]
    return {
        "users.json": exports.encoded([{"id": user, "name": f"{user} by name"}]),
        "channels.json": exports.encoded([{"id": channel, "name": name}]),
        "integration_logs.json": b"[]",
        f"{name}/2024-03-05.json": exports.encoded(messages),
    }


def download(thread: str, texts: list[str]) -> dict[str, bytes]:
    """Files of a download of Messenger or Instagram."""
    return {f"messages/inbox/{thread}/message_1.json": exports.encoded(exports.messenger(thread, thread, texts))}


# Each in a folder of its own, or some of them where all others are; what they hold, counted by hand.
KINDS: dict[str, tuple[dict[str, bytes], str, int]] = {
    "slack": (workspace("U1", "C1", "general", ["a", "b", "c"]), "slack", 3),
    "another slack": (workspace("U1", "C2", "general", ["d"]), "slack", 1),
    "facebook-ana": (download("zoe_1", ["a", "b"]), "messenger", 2),
    "instagram-ana": (
        download("yan_2", ["c"]) | {"connections/followers_and_following/followers_1.json": b"[]"},
        "instagram",
        1,
    ),
    "telegram": ({"result.json": exports.encoded(exports.telegram([exports.telegram_text(1, "x")]))}, "telegram", 1),
    "discord": ({"general [222].json": exports.encoded(exports.discord([exports.discord_text(1, "y")]))}, "discord", 1),
    "whatsapp": ({"WhatsApp Chat with Ana.txt": CHAT}, "whatsapp", 2),
    "mail": ({"a.eml": MAIL}, "mbox", 1),
    "signal": ({"Di/data.json": SIGNAL, "Di/media/a.jpg": b"\xff\xd8"}, "signal", 1),
    "table": ({"rows.csv": TABLE}, "csv", 1),
    "lines": ({"rows.jsonl": LINES}, "jsonl", 1),
}
# Only one of them can stand where the others do.
UNPACKED_HERE = ("slack", "facebook-ana", "telegram", "whatsapp", "mail", "signal", "table", "lines")


def write(files: dict[str, bytes], place: Path, packed: bool) -> Path:
    if packed:
        place.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(place.with_name(f"{place.name}.zip"), "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return place.with_name(f"{place.name}.zip")
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_all_kinds_are_read_as_each_is_alone(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, packed: bool, rng: random.Random, scale: int
) -> None:
    shown = "source, msg_key, author, text, chat"
    alone = {}
    for kind, (files, source, rows) in KINDS.items():
        path = write(files, tmp_path / "alone" / kind, packed=False)
        ingest(con, path, mode="replace")
        alone[kind] = con.execute(f"SELECT {shown} FROM messages").fetchall()
        assert [row[0] for row in alone[kind]] == [source] * rows
    assert len({row[1] for rows in alone.values() for row in rows}) == sum(map(len, alone.values()))
    chosen = [set(KINDS), *map(set, itertools.combinations(KINDS, 2))]
    chosen += [set(rng.sample(sorted(KINDS), rng.randint(3, 6))) for _ in range(20 * scale)]
    for number, kinds in enumerate(chosen):
        here = [kind for kind in UNPACKED_HERE if kind in kinds and rng.random() < 0.5]
        files = {
            (name if kind in here else f"{kind}/{name}"): content
            for kind in sorted(kinds, key=lambda _: rng.random())
            for name, content in KINDS[kind][0].items()
        }
        path = write(files | {"unread.bin": b"\0\1", "IMG.jpg": b"\xff"}, tmp_path / str(number), packed)
        report = ingest(con, path, mode="replace")
        wanted = sorted(row for kind in kinds for row in alone[kind])
        assert sorted(con.execute(f"SELECT {shown} FROM messages").fetchall()) == wanted, (number, here)
        skipped = {one.name: one.reason for one in report.skipped}
        assert {"unread.bin", "IMG.jpg"} <= skipped.keys() <= {*files, "unread.bin", "IMG.jpg"}
        assert not [name for name in skipped if name.endswith((".txt", ".eml", ".csv", ".jsonl", "result.json"))]
        looked = sniff(path)
        assert [found.error for found in looked] == [None] * len(looked), [found.name for found in looked]
        assert sum(found.messages for found in looked) == report.rows


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_two_workspaces_have_users_and_channels_of_their_own(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, packed: bool
) -> None:
    """Ids are unique in a workspace only."""
    one, two = workspace("U1", "C1", "general", ["a <@U1>"]), workspace("U1", "C2", "general", ["b <@U1>"])
    two["users.json"] = exports.encoded([{"id": "U1", "name": "other"}])
    unlisted = {"lunch/2024-03-05.json": exports.encoded([exports.slack_text(1, "c")])}
    spaces = {"a/slack": one, "b/slack": two, "c/deep/space": unlisted}
    every = {f"{root}/{name}": content for root, files in spaces.items() for name, content in files.items()}
    path = write(every, tmp_path / "both", packed)
    report = ingest(con, path)
    assert con.execute("SELECT author, text, chat FROM messages ORDER BY text").fetchall() == [
        ("U1 by name", "a @U1 by name", "general"),
        ("other", "b @other", "general"),
        ("U1", "c", "lunch"),
    ]
    logs = [f"{root}/integration_logs.json" for root in ("a/slack", "b/slack")]
    assert [(one.name, one.reason) for one in report.skipped] == [(name, "no file of messages") for name in logs]
    assert report.warnings == []
    for root, files in spaces.items():
        alone = write(files, tmp_path / root, packed)
        assert ingest(con, alone, mode="merge").inserted == 0, root
    assert ingest(con, tmp_path / "c" if not packed else path, mode="merge").inserted == 0


def test_a_channel_alone_beside_a_chat_is_called_by_its_folder(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    day = exports.encoded([exports.slack_text(1, "hi")])
    write({"x/general/2024-03-05.json": day, "chat.txt": CHAT}, tmp_path / "mixed", packed=False)
    ingest(con, tmp_path / "mixed")
    assert con.execute("SELECT DISTINCT chat FROM messages ORDER BY chat").fetchall() == [("chat",), ("general",)]
    assert ingest(con, tmp_path / "mixed/x/general", mode="merge").inserted == 0
    # With the list of users in the folder of its days.
    write({"y/lunch/2024-03-05.json": day, "y/lunch/users.json": b"[]"}, tmp_path / "mixed", packed=False)
    ingest(con, tmp_path / "mixed", mode="replace")
    assert ingest(con, tmp_path / "mixed/y/lunch", mode="merge").inserted == 0
    assert con.execute("SELECT count(DISTINCT chat) FROM messages").fetchall() == [(3,)]


def test_whose_download_it_is_is_told_by_the_nearer_name(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    parts = {"facebook-ana": "messenger", "instagram-ana": "instagram"}
    for folder in ("facebook and instagram", "instagram and facebook", "plain"):
        for name in parts:
            write(download(f"{name}_1", ["x"]), tmp_path / folder / name, packed=False)
        ingest(con, tmp_path / folder, mode="replace")
        found = con.execute("SELECT chat, source FROM messages ORDER BY chat").fetchall()
        assert found == [(f"{name}_1", source) for name, source in parts.items()], folder
    # Both unpacked into one folder, as they are since 2023.
    both = {
        f"your_{name}_activity/{file}": content
        for name in ("facebook", "instagram")
        for file, content in download(f"{name}_1", ["x"]).items()
    }
    for packed in (False, True):
        ingest(con, write(both, tmp_path / "both", packed), mode="replace")
        found = con.execute("SELECT chat, source FROM messages ORDER BY chat").fetchall()
        assert found == [("facebook_1", "messenger"), ("instagram_1", "instagram")]


def test_what_is_attached_to_a_chat_is_no_export(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Of an archive with a chat in it the text files are looked at, and documents that are exports of another kind."""
    attached = {
        "WhatsApp Chat with Ana.txt": CHAT,
        "00000012-list.csv": TABLE,
        "DOC-20240305-WA0001.json": KINDS["telegram"][0]["result.json"],
        "expenses.csv": b"what,cost\ntea,1\n",
        "chat.log": CHAT,
        ".hidden.txt": CHAT,
        "__MACOSX/._WhatsApp Chat with Ana.txt": CHAT,
        "notes.txt": b"9:15 xm, nothing else",
        "photo.webp": CHAT,
    }
    path = write(attached, tmp_path / "media", packed=True)
    report = ingest(con, path)
    assert (report.rows, report.files[0].adapter) == (2, "whatsapp")
    assert {one.name: one.reason for one in report.skipped} == {
        "00000012-list.csv": "not a text file",
        "DOC-20240305-WA0001.json": "not a text file",
        "expenses.csv": "not a text file",
        "chat.log": "not a text file",
        ".hidden.txt": "hidden file",
        "__MACOSX/._WhatsApp Chat with Ana.txt": "written by macOS beside the files",
        "notes.txt": "no header of a message in its first 64 KiB",
        "photo.webp": "not a text file",
    }
    # With a second export there: who leaves a file out has a reason all the same.
    report = ingest(con, write(attached | KINDS["telegram"][0], tmp_path / "two", packed=True), mode="replace")
    assert (report.rows, report.files[0].adapter) == (3, "whatsapp, telegram")
    reasons = {one.name: one.reason for one in report.skipped}
    assert reasons.keys() == attached.keys() - {"WhatsApp Chat with Ana.txt"}
    assert reasons["expenses.csv"] == "csv is not sure of it (60%), and it is not alone"
    assert reasons["photo.webp"] == reasons["notes.txt"] == "no adapter takes it"


def test_a_chat_that_cannot_be_read_is_no_error_beside_another_export(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Its words for morning and afternoon are not known; alone in an archive it is an error that names them."""
    unknown = {"WhatsApp Chat with Cy.txt": b"05/03/2024, 9:15 xm - Cy: hi\n"}
    with pytest.raises(ExportError, match=r"WhatsApp Chat with Cy\.txt .*'xm', which is not known"):
        ingest(con, write(unknown, tmp_path / "alone", packed=True))
    for number, kind in enumerate(("telegram", "slack")):
        report = ingest(con, write(unknown | KINDS[kind][0], tmp_path / str(number), packed=True), mode="replace")
        assert report.rows == KINDS[kind][2]
        reasons = {one.name: one.reason for one in report.skipped}
        assert reasons["WhatsApp Chat with Cy.txt"] == "whatsapp is not sure of it (10%), and it is not alone"


def test_photos_in_an_archive_are_never_unpacked(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"slack/{name}": content for name, content in KINDS["slack"][0].items()} | KINDS["whatsapp"][0]
    media = [f"a.{suffix}" for suffix in ("jpg", "mp4", "opus", "webp", "m4a", "ogg", "heic", "mov")]
    path = write(files | {f"media/{name}": b"\xff" * 100 for name in media}, tmp_path / "all", packed=True)
    inflate = SafeZip._inflate
    seen: set[str] = set()

    def watched(archive: SafeZip, entry: Any) -> Any:
        seen.add(entry.name)
        return inflate(archive, entry)

    monkeypatch.setattr(SafeZip, "_inflate", watched)
    report = ingest(con, path)
    assert report.rows == 5
    assert {"slack/users.json", "WhatsApp Chat with Ana.txt"} <= seen
    assert not [name for name in seen if name.startswith("media/")]
    assert {one.name for one in report.skipped} == {f"media/{name}" for name in media} | {"slack/integration_logs.json"}


def test_a_member_that_breaks_a_limit_is_left_out_with_that_reason(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    files = {f"slack/{name}": content for name, content in KINDS["slack"][0].items()} | KINDS["whatsapp"][0]
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("zeros.json", bytes(1 << 20))
    report = ingest(con, path)
    assert report.rows == 5
    reasons = {one.name: one.reason for one in report.skipped}
    assert reasons.keys() == {"slack/integration_logs.json", "zeros.json"}
    assert "to be packed at most 100:1" in reasons["zeros.json"]


class Whole:
    """An adapter as it was before adapters could tell which files are theirs: it takes folders, and what is in them."""

    name = "whole"

    def __init__(self, sure: float) -> None:
        self.sure = sure
        self.asked: list[tuple[str, ...]] = []

    def sniff(self, source: Source) -> float:
        if not source.is_container:
            return 0.0
        names = tuple(member.member or "" for member in source.members())
        self.asked.append(names)
        return self.sure if "whole.marker" in names else 0.0

    def load(self, source: Source, options: Any) -> Iterator[Any]:
        rows = json.dumps([{"n": member.member} for member in source.members()])
        items = streamliner_udf.JsonItems(rows.encode(), [])
        yield Chat("w", "w", items, "item->>'n' AS text")


def test_an_adapter_of_another_package_takes_what_it_did(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"slack/{name}": content for name, content in KINDS["slack"][0].items()} | {"whole.marker": b""}
    for packed in (False, True):
        path = write(files, tmp_path / "all", packed)
        for sure, wanted in ((0.95, {"whole": 5}), (0.5, {"slack": 3, "whole": 1})):
            made = registry.Registered("whole", "test", "", _made=Whole(sure))
            monkeypatch.setattr(registry, "_known", {one.name: one for one in adapters()} | {"whole": made})
            ingest(con, path, mode="replace")
            found = con.execute("SELECT source, count(*) FROM messages GROUP BY source").fetchall()
            assert dict(found) == wanted, (packed, sure)


def test_an_adapter_that_fails_while_it_looks_for_exports_is_left_out(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tripping(Whole):
        def find_exports(self, source: Source) -> Any:
            raise KeyError("x")

    made = registry.Registered("whole", "test", "", _made=Tripping(0.9))
    monkeypatch.setattr(registry, "_known", {one.name: one for one in adapters()} | {"whole": made})
    path = write(KINDS["slack"][0], tmp_path / "slack", packed=False)
    with pytest.warns(UserWarning, match="adapter 'whole' of test is left out: KeyError: 'x'"):
        assert ingest(con, path).rows == 3
    assert made.error == "KeyError: 'x'"


def test_a_named_adapter_takes_its_own_of_a_mixed_folder(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for kind, (files, _, _) in KINDS.items():
        write(files, tmp_path / "all" / kind, packed=False)
    for source, rows in {"slack": 4, "whatsapp": 2, "telegram": 1, "discord": 1, "signal": 1}.items():
        assert ingest(con, tmp_path / "all", source=source, mode="replace").rows == rows
        assert con.execute("SELECT DISTINCT source FROM messages").fetchall() == [(source,)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExportError, match="expected empty to be an export"):
        ingest(con, tmp_path / "empty", source="slack")
