"""Exports in JSON: every kind of message, by hand, of Telegram, Discord, Slack, Messenger and Instagram."""

from __future__ import annotations

import datetime
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import json_exports as exports
import pytest

import streamliner_udf
from streamliner_udf.ingest import ExportError, IngestReport, LoadOptions, Source, ZipLimits, adapters, sources
from streamliner_udf.ingest.json_export import Layout, Part, Parts

AT = datetime.datetime(2024, 3, 5, 9, 15, 2)
# 2024-03-05 09:15:02 in UTC
UNIX = 1709630102


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def ingest(con: duckdb.DuckDBPyConnection, path: Any, **options: Any) -> IngestReport:
    report: IngestReport = vars(streamliner_udf)["ingest"](con, path, **options)
    return report


def read(con: duckdb.DuckDBPyConnection, path: Any, columns: str, **options: Any) -> list[tuple[Any, ...]]:
    """Columns of all messages, in the order of the export."""
    ingest(con, path, mode="replace", **options)
    return con.execute(f"SELECT {columns} FROM messages ORDER BY chat, seq").fetchall()


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


# ---- all -----------------------------------------------------------------------------------------------------------


def test_each_source_is_taken_by_its_own_adapter(tmp_path: Path) -> None:
    for wanted, path in exports.write_all(tmp_path).items():
        (source,) = sources.expand(path, None)
        scores = {}
        for registered in adapters():
            adapter = registered.get()
            assert adapter is not None
            scores[registered.name] = adapter.sniff(source)
        source.close()
        kind = wanted.partition(" ")[0]
        best = max(scores, key=lambda name: scores[name])
        assert best == kind, (wanted, scores)
        # Only these two write the same, and one of them is never sure of the other's.
        near = {kind, "messenger", "instagram"} if kind in ("messenger", "instagram") else {kind}
        assert not [name for name, score in scores.items() if name not in near and score > 0], (wanted, scores)
        assert all(scores[name] <= 0.1 for name in near - {kind}), (wanted, scores)


def test_what_looks_like_an_export_and_is_none(con: duckdb.DuckDBPyConnection) -> None:
    for text in (
        b"{}",
        b"[]",
        b"[1, 2]",
        b'{"messages": []}',
        b'{"name": "a", "type": "b"}',
        b'[{"type": "message"}]',
        b"\0\1",
    ):
        source = Source("x.json", content=text)
        for registered in adapters():
            adapter = registered.get()
            assert adapter is not None
            assert adapter.sniff(source) == 0, (text, registered.name)


def test_merge_twice_adds_nothing_and_files_that_overlap_give_their_union(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name, path in exports.write_all(tmp_path).items():
        table = name.replace(" ", "_").replace(".", "_")
        first = ingest(con, path, table=table, mode="merge")
        assert first.inserted == first.rows > 0, name
        again = ingest(con, path, table=table, mode="merge")
        assert (again.inserted, again.duplicates) == (0, first.rows), name
    early, late = (
        exports.telegram([exports.telegram_text(n, f"m{n}") for n in part]) for part in ((1, 2, 3), (2, 3, 4))
    )
    for expected, part in ((3, early), (1, late)):
        assert ingest(con, encoded(part), table="overlap", mode="merge").inserted == expected
    # A message without an id is known by its time, author and text, and by how often the same came before.
    one, two = (exports.messenger("Ana", "ana_1", texts) for texts in (["a", "ok", "ok"], ["ok", "ok", "b"]))
    for expected, part in ((3, one), (1, two)):
        assert ingest(con, encoded(part), table="ana", mode="merge").inserted == expected


def test_a_file_without_messages_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    for document in (
        exports.telegram([]),
        exports.telegram([{"id": 1, "type": "unsupported"}]),
        exports.discord([]),
        exports.messenger("Ana", "ana_1", []),
    ):
        with pytest.raises(ExportError, match=r"ingest: expected bytes to (hold messages|be an export)"):
            ingest(con, encoded(document))
        with pytest.raises(duckdb.CatalogException):
            con.execute("FROM messages")


def test_cut_files_give_what_is_whole(con: duckdb.DuckDBPyConnection) -> None:
    texts = [f"message {n}" for n in range(50)]
    telegram = exports.telegram([exports.telegram_text(n, text) for n, text in enumerate(texts)])
    discord = exports.discord([exports.discord_text(n, text) for n, text in enumerate(texts)])
    for document in (telegram, discord):
        whole = encoded(document)
        for cut in (len(whole) * 2 // 3, len(whole) - 1):
            report = ingest(con, whole[:cut], mode="replace")
            found = [text for (text,) in con.execute("SELECT text FROM messages ORDER BY seq").fetchall()]
            assert found == texts[: len(found)]
            assert len(found) == sum(whole.index(one) + len(one) <= cut for one in map(encoded, document["messages"]))
            assert report.warnings == [f"bytes: bytes is cut or broken after {len(found)} messages, which were read"]


def test_where_a_message_of_several_files_stands(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """By the number in its own file, also where the newest stand first."""
    folder = tmp_path / "messages" / "inbox" / "ana_1"
    folder.mkdir(parents=True)
    for number, first in ((1, 10), (2, 0)):
        document = exports.messenger("Ana", "inbox/ana_1", [])
        document["messages"] = [exports.messenger_text(first + n, f"m{first + n}") for n in (3, 2, 1, 0)]
        del document["messages"][1]["timestamp_ms"]
        (folder / f"message_{number}.json").write_bytes(encoded(document))
    expected = [f"messages/inbox/ana_1/message_{number}.json message 2" for number in (2, 1)]
    assert [one.where for one in ingest(con, tmp_path).skipped] == expected
    space = tmp_path / "space"
    for day, texts in (("05", "ab"), ("06", "cde"), ("07", "f")):
        (space / "general").mkdir(parents=True, exist_ok=True)
        listed = [
            {"type": "message", "user": "U1", "text": one, "ts": f"1709{day}00{i}.0"} for i, one in enumerate(texts)
        ]
        listed[-1]["type"] = "reminder"
        (space / "general" / f"2024-03-{day}.json").write_bytes(encoded(listed))
    (space / "users.json").write_bytes(b"[]")
    report = ingest(con, space, table="slack", source="slack")
    assert [(one.where, one.reason) for one in report.skipped] == [
        ("general/2024-03-05.json message 2 (ts 170905001.0)", "type reminder"),
        ("general/2024-03-06.json message 3 (ts 170906002.0)", "type reminder"),
        ("general/2024-03-07.json message 1 (ts 170907000.0)", "type reminder"),
    ]


def test_many_that_are_skipped_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    texts = [exports.telegram_text(n, "hi") for n in range(1_500)]
    for one in texts[3:1_203]:
        one["type"] = "unsupported"
    report = ingest(con, encoded(exports.telegram(texts)))
    assert (report.inserted, sum(one.count for one in report.skipped)) == (300, 1_200)
    assert [one.place for one in report.skipped[:2]] == ["message 4 (id 3)", "message 5 (id 4)"]
    assert report.skipped[-1].reason == "other rows that are no messages either"
    assert (report.skipped[-1].count, report.skipped[-1].place) == (200, None)


def test_what_stands_behind_a_document_is_reported(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    telegram = encoded(exports.telegram([exports.telegram_text(1, "hi")]))
    discord = encoded(exports.discord([exports.discord_text(1, "hi")]))
    for document in (telegram, discord):
        for behind in (document, b"xyz", b"}", b"\0"):
            report = ingest(con, document + b" \n" + behind, mode="replace")
            assert report.inserted == 1
            place = f"{len(document) + 2:,}"
            assert report.warnings == [
                f"bytes: bytes goes on at byte {place}, behind the end of its JSON: what stands there was not read"
            ]
        assert ingest(con, document + b" \r\n\t", mode="replace").warnings == []
    messenger = encoded(exports.messenger("Ana", "inbox/ana_1", ["hi"]))
    slack = b'[{"type": "message", "user": "U1", "text": "hi", "ts": "1709630102.000100"}]'
    for path, document in (("inbox/ana_1/message_1.json", messenger), ("space/general/2024-03-05.json", slack)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes(document + b"\n[1]")
        report = ingest(con, tmp_path / path.partition("/")[0], mode="replace")
        assert report.inserted == 1
        assert [f"goes on at byte {len(document) + 1:,}, behind" in one for one in report.warnings] == [True]


# ---- telegram ------------------------------------------------------------------------------------------------------


def test_telegram_texts_and_who_wrote_them(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(
        rb"""{
 "name": "Ana", "type": "personal_chat", "id": 4242,
 "messages": [
  {"id": 1, "type": "message", "date": "2024-03-05T06:15:02", "date_unixtime": "1709630102", "from": "Ana",
   "from_id": "user4242", "text": "plain \x0B text", "text_entities": []},
  {"id": 2, "type": "message", "date": "2024-03-05T06:15:03", "date_unixtime": "1709630103",
   "edited": "2024-03-05T06:16:00", "edited_unixtime": "1709630160", "from": null, "from_id": "user7",
   "reply_to_message_id": 1, "text": ["see ", {"type": "link", "text": "https://ex.org"}, ", ", {"type": "bold",
   "text": "now"}, "!"], "text_entities": [{"type": "plain", "text": "see "}]},
  {"id": 3, "type": "message", "date": "2019-01-02T03:04:05", "from": "Bo", "from_id": 99, "text": ""},
  {"id": 4, "type": "message", "date": "2024-03-05T06:20:00", "date_unixtime": "1709630400", "from": "Ana",
   "from_id": "user4242", "reply_to_message_id": 8, "reply_to_peer_id": "channel5", "text": "elsewhere"},
  {"id": 5, "type": "unsupported"},
  {"id": 6, "type": "unsupported"},
  {"id": 7, "type": "message", "date": "yesterday", "text": "no date"},
  {"type": "message", "date": "2024-03-05T06:20:00", "text": "no id"},
  {"id": 9, "type": "advert", "date": "2024-03-05T06:20:00", "text": "?"},
  {"id": 10, "type": "message" "date": "2024-03-05T06:20:00"},
  5
 ]
}"""
    )
    report = ingest(con, path)
    found = con.execute(
        "SELECT native_id, ts, timezone('UTC', ts_utc), author, author_id, text, kind, edited, reply_to, chat, source "
        "FROM messages ORDER BY seq"
    ).fetchall()
    assert [row[:1] + row[3:9] for row in found] == [
        ("1", "Ana", "user4242", "plain \x0b text", "text", False, None),
        ("2", None, "user7", "see https://ex.org, now!", "text", True, "1"),
        ("3", "Bo", "99", "", "empty", False, None),
        ("4", "Ana", "user4242", "elsewhere", "text", False, None),
    ]
    assert found[0][1] == datetime.datetime(2024, 3, 5, 6, 15, 2)
    assert found[0][2] == datetime.datetime(2024, 3, 5, 9, 15, 2)
    assert found[2][1:3] == (datetime.datetime(2019, 1, 2, 3, 4, 5), None)
    assert {row[9:] for row in found} == {("Ana", "telegram")}
    assert [(skipped.where, skipped.reason) for skipped in report.skipped] == [
        ("result.json message 5 (id 5)", "a kind of message that Telegram did not export"),
        ("result.json message 6 (id 6)", "a kind of message that Telegram did not export"),
        ("result.json message 7 (id 7)", "no date"),
        ("result.json message 8", "no id"),
        ("result.json message 9 (id 9)", "type advert"),
        ("result.json message 10", "broken JSON"),
        ("result.json message 11", "no object"),
    ]
    assert all((skipped.line, skipped.count) == (None, 1) for skipped in report.skipped)
    assert report.warnings == []


def test_telegram_kinds(con: duckdb.DuckDBPyConnection) -> None:
    missing = "(File not included. Change data exporting settings to download.)"
    parts: list[dict[str, Any]] = [
        {"photo": "photos/photo_1.jpg", "text": "look"},
        {"file": "stickers/a.webp", "media_type": "sticker", "sticker_emoji": "🙂", "text": ""},
        {"file": missing, "file_name": "plan.pdf", "text": ""},
        {"photo": missing, "text": ["cap", {"type": "bold", "text": "tion"}]},
        {"location_information": {"latitude": 51.5, "longitude": -0.12}, "text": ""},
        {"place_name": "Cafe", "address": "1 Way", "location_information": {"latitude": 1, "longitude": 2}, "text": ""},
        {"contact_information": {"first_name": "Cy", "last_name": "", "phone_number": "+44 20"}, "text": ""},
        {
            "poll": {"question": "Tea?", "closed": False, "answers": [{"text": "yes"}, {"text": ["n", {"text": "o"}]}]},
            "text": "",
        },
        {"todo_list": {"title": "Buy", "answers": [{"text": "milk", "id": 1}, {"text": "tea", "id": 2}]}, "text": ""},
        {"file": "voice_messages/audio_1.ogg", "media_type": "voice_message", "duration_seconds": 5, "text": ""},
        {"location_information": None, "text": "gone"},
    ]
    document = exports.telegram([exports.telegram_text(n, "", **part) for n, part in enumerate(parts)])
    assert read(con, encoded(document), "kind, media, text") == [
        ("attachment", "photos/photo_1.jpg", "look"),
        ("attachment", "stickers/a.webp", "🙂"),
        ("omitted", "plan.pdf", ""),
        ("omitted", None, "caption"),
        ("location", None, "51.5 -0.12"),
        ("location", None, "Cafe, 1 Way, 1 2"),
        ("contact", None, "Cy +44 20"),
        ("poll", None, "Tea?\nyes\nno"),
        ("text", None, "Buy\nmilk\ntea"),
        ("attachment", "voice_messages/audio_1.ogg", ""),
        ("text", None, "gone"),
    ]


def test_telegram_service_messages(con: duckdb.DuckDBPyConnection) -> None:
    parts: list[dict[str, Any]] = [
        {"action": "create_group", "title": "Trip", "members": ["Ana", None, "Bo"]},
        {"action": "phone_call", "duration_seconds": 56, "discard_reason": "hangup"},
        {"action": "pin_message", "message_id": 3},
        {"action": "group_call", "duration": 9},
        {"action": "migrate_from_group", "actor": None},
    ]
    document = exports.telegram([exports.telegram_service(n, **part) for n, part in enumerate(parts)])
    assert read(con, encoded(document), "kind, author, author_id, text, reply_to") == [
        ("system", "Ana", "user1", 'Ana: create group "Trip" Ana, Bo', None),
        ("call", "Ana", "user1", "Ana: phone call hangup 56 s", None),
        ("system", "Ana", "user1", "Ana: pin message", "3"),
        ("call", "Ana", "user1", "Ana: group call 9 s", None),
        ("system", None, "user1", "migrate from group", None),
    ]


def test_telegram_rich_messages(con: duckdb.DuckDBPyConnection) -> None:
    def plain(text: str) -> dict[str, Any]:
        return {"type": "plain", "text": text}

    def item(text: str) -> dict[str, Any]:
        return {"task_state": "none", "content": "text", "text": plain(text)}

    def cell(text: str) -> dict[str, Any]:
        return {"text": plain(text), "header": False, "align": "left", "vertical_align": "top"}

    bold = {"type": "bold", "text": {"type": "italic", "text": plain('b "q" \\ é\n2')}}
    rich = {
        "rtl": False,
        "part": False,
        "blocks": [
            {"type": "heading", "level": 1, "text": plain("Title")},
            {"type": "paragraph", "text": {"type": "concat", "text": [plain("a "), bold, plain(" c")]}},
            {"type": "divider"},
            {"type": "list", "kind": "bullet", "items": [item("one"), item("two")]},
            {
                "type": "table",
                "title": {"type": "empty"},
                "rows": [{"cells": [cell("x"), cell("y")]}, {"cells": [cell("z")]}],
            },
            {"type": "code", "text": plain("print()"), "language": "py"},
            {"type": "paragraph", "text": plain('"type":"paragraph"')},
        ],
    }
    document = exports.telegram(
        [exports.telegram_text(1, "", rich_message=rich), exports.telegram_text(2, "both", rich_message=rich)]
    )
    del document["messages"][0]["text"]
    wanted = 'Title\na b "q" \\ é\n2 c\none\ntwo\nx\ty\nz\nprint()\n"type":"paragraph"'
    for ascii_only in (True, False):
        text = json.dumps(document, ensure_ascii=ascii_only, indent=1).encode()
        assert read(con, text, "kind, text") == [("text", wanted), ("text", "both")]


def test_telegram_in_the_staging_layout_loses_no_id(con: duckdb.DuckDBPyConnection) -> None:
    messages = [
        exports.telegram_text(1, "gone", **{"from": None}),
        exports.telegram_text(2, "hi"),
        exports.telegram_text(3, "another Ana", from_id="user2", reply_to_message_id=2, edited="2024-03-05T10:00:00"),
    ]
    ingest(con, encoded(exports.telegram(messages)), schema="staging")
    found = con.execute("SELECT author_raw, author_uuid, thread_id, attrs FROM messages ORDER BY ts").fetchall()
    uuids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"telegram:user{n}")) for n in (1, 1, 2)]
    assert [row[:3] for row in found] == [(None, uuids[0], "77"), ("Ana", uuids[1], "77"), ("Ana", uuids[2], "77")]
    assert json.loads(found[2][3]) == {
        "message_date": "2024-03-05",
        "kind": "text",
        "media": None,
        "seq": 2,
        "chat": "Family",
        "author_id": "user2",
        "native_id": "3",
        "reply_to": "2",
        "edited": True,
    }


def test_telegram_account(con: duckdb.DuckDBPyConnection) -> None:
    """All chats of an account are keyed as each of them alone is."""
    one = exports.telegram([exports.telegram_text(1, "hi"), exports.telegram_text(2, "ho")], name="O'Neil", id=7)
    saved = exports.telegram([exports.telegram_text(1, "note")], type="saved_messages", id=8)
    del saved["name"]
    left = exports.telegram([exports.telegram_text(1, "bye")], name="Left", id=9)
    account = {
        "about": "Here is the data you requested. Remember: Telegram is ad free.",
        "personal_information": {"first_name": "Ana"},
        "chats": {"about": "", "list": [one, saved]},
        "left_chats": {"about": "", "list": [left]},
    }
    assert read(con, encoded(account), "chat, text") == [
        ("Left", "bye"), ("O'Neil", "hi"), ("O'Neil", "ho"), ("Saved Messages", "note"),
    ]  # fmt: skip
    keys = {row[0] for row in con.execute("SELECT msg_key FROM messages WHERE chat = 'O''Neil'").fetchall()}
    assert len(keys) == 2
    assert {row[0] for row in read(con, encoded(one), "msg_key")} == keys
    assert read(con, encoded(saved), "chat") == [("Saved Messages",)]
    assert {row[0] for row in read(con, encoded(one), "chat", chat="mine")} == {"mine"}


def test_telegram_account_in_any_language(con: duckdb.DuckDBPyConnection) -> None:
    """Known by how it is built, where chats stand far behind what else there is."""
    about = 'Люди "ваши"'
    people = {"about": about, "list": [{"user_id": n, "first_name": "x" * 90} for n in range(2_000)]}
    chat = exports.telegram([exports.telegram_text(1, "hi"), {"id": 2, "type": "unsupported"}])
    for before in (
        {"personal_information": {"user_id": 7}, "others": people},
        {"contacts": people},
        {"sessions": people},
    ):
        account = {"about": about, **before, "chats": {"about": "", "list": [chat]}}
        report = ingest(con, encoded(account), mode="replace")
        assert (report.files[0].adapter, report.inserted) == ("telegram", 1)
        assert [one.place for one in report.skipped] == [f"message 2 (id 2 of chat {chat['id']})"]
    with pytest.raises(ExportError, match="expected bytes to be an export"):
        ingest(con, encoded({"about": "me", "contacts": [{"name": "Ana"}], "chats": 5}))


# ---- discord -------------------------------------------------------------------------------------------------------


def test_discord(con: duckdb.DuckDBPyConnection) -> None:
    parts: list[dict[str, Any]] = [
        {"content": "hi", "timestamp": "2024-03-05T06:15:02.1230000-03:00"},
        {
            "content": "yes",
            "type": "Reply",
            "reference": {"messageId": "70", "channelId": "222"},
            "timestampEdited": "2024-03-05T10:00:00+00:00",
        },
        {
            "content": "two",
            "attachments": [{"fileName": "a.png", "url": "https://x/a.png"}, {"fileName": "b.png", "url": "u"}],
        },
        {"content": "", "stickers": [{"id": "1", "name": "wave", "format": "Png"}]},
        {"content": "Joined the server.", "type": "GuildMemberJoin"},
        {"content": "Started a call that lasted 5 minutes.", "type": "Call"},
        {"content": "", "embeds": [{"title": "News", "description": "It rains."}]},
        {"content": "", "forwardedMessage": {"content": "old words", "attachments": []}},
        {"content": "from a command", "type": "20"},
        {"content": "", "author": {"id": "5", "name": "bo", "nickname": ""}},
    ]
    document = exports.discord([exports.discord_text(n, "", **part) for n, part in enumerate(parts)])
    found = read(con, encoded(document), "native_id, author, author_id, kind, text, media, edited, reply_to")
    assert found == [
        ("70", "Ana", "4", "text", "hi", None, False, None),
        ("71", "Ana", "4", "text", "yes", None, True, "70"),
        ("72", "Ana", "4", "attachment", "two", "a.png\nb.png", False, None),
        ("73", "Ana", "4", "attachment", "", "wave", False, None),
        ("74", "Ana", "4", "system", "Joined the server.", None, False, None),
        ("75", "Ana", "4", "call", "Started a call that lasted 5 minutes.", None, False, None),
        ("76", "Ana", "4", "text", "News\nIt rains.", None, False, None),
        ("77", "Ana", "4", "text", "old words", None, False, None),
        ("78", "Ana", "4", "text", "from a command", None, False, None),
        ("79", "bo", "5", "empty", "", None, False, None),
    ]
    ts, utc, chat = con.execute("SELECT ts, timezone('UTC', ts_utc), chat FROM messages ORDER BY seq").fetchall()[0]
    assert ts == datetime.datetime(2024, 3, 5, 6, 15, 2, 123000)
    assert utc == datetime.datetime(2024, 3, 5, 9, 15, 2, 123000)
    assert chat == "Neighbours / general"


def test_discord_parts_are_one_channel(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for part, numbers in (("", (1, 2)), (" [part 2]", (2, 3))):
        document = exports.discord([exports.discord_text(n, f"m{n}") for n in numbers])
        (tmp_path / f"Neighbours - general [222]{part}.json").write_bytes(encoded(document))
    report = ingest(con, tmp_path / "*.json", mode="merge")
    assert (report.inserted, report.duplicates) == (3, 1)
    del document["channel"]["name"]
    document["guild"] = {"id": "0", "name": "Direct Messages"}
    path = tmp_path / "Bo [part 3].json"
    path.write_bytes(encoded(document))
    assert read(con, path, "chat") == [("Bo",), ("Bo",)]


# ---- slack ---------------------------------------------------------------------------------------------------------


def test_slack(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = exports.slack(tmp_path / "space.zip")
    report = ingest(con, path)
    found = con.execute("SELECT chat, author, author_id, kind, text FROM messages ORDER BY chat, native_id").fetchall()
    ana, bo = ("Ana é", "U1"), ("bo", "U2")
    assert found == [
        ("Ana é, bo", *bo, "text", "psst"),
        ("general", *ana, "system", "@Ana é has joined the channel"),
        ("general", *ana, "text", "a < b & c > d, @bo and @U9, see #general and #old"),
        ("general", *bo, "text", "@here https://ex.org/?a=1&b=2 site (https://ex.org) ex.org/x mail@ex.org @team"),
        ("general", "U9", "U9", "text", "gone user"),
        ("general", *ana, "attachment", ""),
        ("general", *ana, "omitted", ""),
        ("general", "deploy", "B1", "text", "built"),
        ("general", "Guest", "U8", "text", "connect"),
        ("general", *ana, "deleted", "This message was deleted."),
        ("lost", *ana, "text", "no channel of that name"),
    ]
    ts, utc, native, reply, edited, media = con.execute(
        "SELECT ts, timezone('UTC', ts_utc), native_id, reply_to, edited, media FROM messages "
        "WHERE chat = 'general' ORDER BY native_id"
    ).fetchall()[1]
    assert (ts, native) == (AT + datetime.timedelta(microseconds=200), f"{UNIX}.000200")
    assert utc == ts
    assert (reply, edited, media) == (f"{UNIX}.000100", True, None)
    media = con.execute("SELECT media FROM messages WHERE kind = 'attachment'").fetchall()
    assert media == [("a.png\nb.png",)]
    assert {(skipped.name, skipped.reason) for skipped in report.skipped} == {
        ("empty", "listed as a channel, has no folder in the export"),
        ("integration_logs.json", "no file of messages"),
        ("general/2024-03-05.json", "type reminder"),
        ("general/2024-03-05.json", "no id"),
        ("general/2024-03-07.json", "no messages in it"),
    }
    assert report.warnings == [
        "space.zip: general/2024-03-06.json is cut or broken after 2 messages, which were read",
        "space.zip: folder lost is of no channel that the export lists: it is known by its name",
    ]


def test_slack_folders_and_single_files(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive = exports.slack(tmp_path / "space.zip")
    first = ingest(con, archive, mode="merge")
    for inside in ("", "My space export"):
        with zipfile.ZipFile(archive) as file:
            file.extractall(tmp_path / "out" / inside)
        assert ingest(con, tmp_path / "out" / inside, mode="merge").duplicates == first.rows
    day = tmp_path / "out" / "My space export" / "general" / "2024-03-05.json"
    report = ingest(con, day, table="day")
    assert report.files[0].chats == ["general"]
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{" if name == "users.json" else old.read(name))
    report = ingest(con, broken, table="broken")
    assert "users.json is no list: what it names stays an id" in report.warnings[0]
    assert con.execute("SELECT DISTINCT author FROM broken WHERE author_id = 'U1'").fetchall() == [("U1",)]


def test_slack_signs_spelled_as_numbers_and_blocks(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = "&lt;<@U1><@U1>&gt; a &amp; <#C1> \\<https://ex.org|site> \\u003c"
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Built"}}, {"type": "divider"}]
    blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": "by <@U1>"}})
    bot = {"type": "message", "bot_id": "B1", "text": "", "ts": f"{UNIX}.000200", "blocks": blocks}
    days = json.dumps([exports.slack_text(100, text), bot])
    for sign, spelled in (("<", "\\u003c"), (">", "\\u003E"), ("&", "\\u0026")):
        days = days.replace(sign, spelled)
    with zipfile.ZipFile(tmp_path / "space.zip", "w") as archive:
        archive.writestr("users.json", encoded([{"id": "U1", "name": "ana"}]))
        archive.writestr("channels.json", encoded([{"id": "C1", "name": "general"}]))
        archive.writestr("general/2024-03-05.json", days)
    assert read(con, tmp_path / "space.zip", "text, kind") == [
        ("<@ana@ana> a & #general \\site (https://ex.org) \\u003c", "text"),
        ("Built\nby @ana", "text"),
    ]


def test_slack_channels_without_a_list_are_known_by_their_folders(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name in ("general", "lunch"):
        (tmp_path / "space" / name).mkdir(parents=True)
        (tmp_path / "space" / name / "2024-03-05.json").write_bytes(encoded([exports.slack_text(100, "hi")]))
    with zipfile.ZipFile(tmp_path / "space.zip", "w") as archive:
        for path in sorted((tmp_path / "space").rglob("*.json")):
            archive.write(path, path.relative_to(tmp_path).as_posix())
    ingest(con, tmp_path / "space.zip")
    assert con.execute("SELECT DISTINCT chat FROM messages ORDER BY chat").fetchall() == [("general",), ("lunch",)]
    for again in (tmp_path / "space", tmp_path / "space" / "general", tmp_path / "space" / "lunch" / "2024-03-05.json"):
        assert ingest(con, again, mode="merge").inserted == 0


def test_slack_has_files_by_the_thousand(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("channels.json", encoded([{"id": "C1", "name": "general"}]))
        for number in range(2500):
            day = datetime.date(2015, 1, 1) + datetime.timedelta(days=number)
            archive.writestr(f"general/{day}.json", encoded([exports.slack_text(number, "hi")]))
    assert ingest(con, path).inserted == 2500
    limits = ZipLimits(documents=2000)
    with pytest.raises(ExportError, match="expected a ZIP archive of at most 2,000 members, got 2,501"):
        ingest(con, path, limits=limits)


# ---- messenger and instagram ---------------------------------------------------------------------------------------


def test_messenger(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    parts: list[dict[str, Any]] = [
        {"content": "olÃ¡ ð\x9f\x98\x82"},
        {"content": "plain é"},
        {"photos": [{"uri": "messages/inbox/ana_1/photos/1.jpg"}, {"uri": "messages/inbox/ana_1/photos/2.jpg"}]},
        {"sticker": {"uri": "messages/stickers_used/3.png"}},
        {"is_unsent": True},
        {"content": "look", "share": {"link": "https://ex.org"}, "type": "Share"},
        {"content": "https://ex.org", "share": {"link": "https://ex.org"}},
        {"content": "You called Ana.", "call_duration": 5, "type": "Call"},
        {"content": "Ana added Bo.", "type": "Subscribe"},
        {},
        {"content": "hi", "reactions": [{"reaction": "x", "actor": "Bo"}]},
    ]
    folder = tmp_path / "messages" / "inbox" / "ana_1"
    folder.mkdir(parents=True)
    made = [exports.messenger_text(n, "", **part) for n, part in enumerate(parts)]
    for number, chosen in ((1, made[6:]), (2, made[:6])):
        document = exports.messenger("JosÃ©", "inbox/ana_1", [])
        document["messages"] = chosen[::-1]
        (folder / f"message_{number}.json").write_text(json.dumps(document), encoding="ascii")
    assert read(con, tmp_path, "seq, kind, text, media") == [
        (0, "text", "olá 😂", None),
        (1, "text", "plain é", None),
        (2, "attachment", "", "messages/inbox/ana_1/photos/1.jpg\nmessages/inbox/ana_1/photos/2.jpg"),
        (3, "attachment", "", "messages/stickers_used/3.png"),
        (4, "deleted", "", None),
        (5, "text", "look\nhttps://ex.org", None),
        (6, "text", "https://ex.org", None),
        (7, "call", "You called Ana.", None),
        (8, "system", "Ana added Bo.", None),
        (9, "empty", "", None),
        (10, "text", "hi", None),
    ]
    shown = "ts, timezone('UTC', ts_utc), author, chat, source"
    first = con.execute(f"SELECT {shown} FROM messages ORDER BY seq").fetchall()[0]
    assert first[:2] == (AT, AT)
    assert first[2:] == ("Zoë", "José", "messenger")
    (folder / "message_3.json").write_bytes(b'{"participants":[],"messages":[{"sender_name":"a"}')
    report = ingest(con, tmp_path, table="more")
    assert report.rows == 11
    assert report.warnings[0].endswith("message_3.json is cut or broken after 1 messages, which were read")
    skipped = [(one.name, one.place, one.reason) for one in report.skipped]
    assert skipped == [("messages/inbox/ana_1/message_3.json", "message 1", "no date")]


def test_encrypted_chats_of_messenger(con: duckdb.DuckDBPyConnection) -> None:
    message = {
        "isUnsent": False,
        "media": [{"uri": "./media/a.jpg"}],
        "reactions": [],
        "senderName": "Bo",
        "text": "hé",
    }
    document = {
        "participants": ["Bo", "Cy"],
        "threadName": "Bo_1",
        "messages": [message | {"timestamp": UNIX * 1000, "type": "text"}],
    }
    wanted = [("Bo_1", "Bo", "hé", "attachment", "./media/a.jpg", AT)]
    assert read(con, encoded(document), "chat, author, text, kind, media, ts") == wanted


def test_old_exports_of_instagram_are_told_by_what_else_is_in_them(con: duckdb.DuckDBPyConnection) -> None:
    for beside, wanted in (
        ("followers_and_following/followers.json", "instagram"),
        ("connections/followers_and_following/followers_1.json", "instagram"),
        ("friends_and_followers/friends.json", "messenger"),
    ):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(
                "messages/inbox/ana_1/message_1.json", encoded(exports.messenger("Ana", "inbox/ana_1", ["x"]))
            )
            archive.writestr(beside, "[]")
        assert read(con, made.getvalue(), "source") == [(wanted,)]


def test_instagram_is_told_from_messenger(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for parent, wanted in (("your_instagram_activity", "instagram"), ("your_facebook_activity", "messenger")):
        path = exports.meta(tmp_path / f"{wanted}.zip", parent)
        assert read(con, path, "source") == [(wanted,)] * 4
    document = exports.messenger("Ana", "inbox/ana_1", ["x"])
    document["messages"][0]["photos"] = [{"uri": "your_instagram_activity/messages/inbox/ana_1/photos/1.jpg"}]
    assert read(con, encoded(document), "source") == [("instagram",)]
    # Who knows better may say so.
    document = exports.messenger("Ana", "inbox/ana_1", ["x"])
    assert read(con, encoded(document), "source") == [("messenger",)]
    assert read(con, encoded(document), "source", source="instagram") == [("instagram",)]


def test_more_broken_messages_than_were_counted_are_of_the_last_file() -> None:
    """What is broken between messages may be read as one of its own where they are read again."""
    parts = Parts(Source("x", None, b""), Layout({"a": "a"}, {"text": "a"}, "NULL"), LoadOptions(), "x", [])
    for file, count, backwards in (("one", 2, False), ("two", 3, True)):
        parts.add(Part("t", "t", b"1,2", file, count, backwards))
    assert [parts.files.find(place)[0] for place in range(7)] == ["one"] * 2 + ["two"] * 5
    assert [parts.files.find(place)[1] for place in range(5)] == [0, 1, 2, 1, 0]
