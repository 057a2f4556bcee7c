"""Export files as phones, desktops and strangers make them: what is read, and what is refused with which words."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from streamliner_udf.ingest.safezip import (
    ZipLimits,
)
from streamliner_udf.ingest.synthetic import DIALECTS, generate_whatsapp
from streamliner_udf.ingest.whatsapp import ExportError, read_export
from streamliner_udf.reference.chat import parse_whatsapp

CHAT = "05/03/2024, 09:15 - Ana: olá 🦆\n05/03/2024, 09:16 - Bo: ok\n"
NOTES = "".join(f"{number * number} eggs\n" for number in range(9000))
IOS = "[05/03/2024, 09:15:20] Ana: hi\r\n[05/03/2024, 09:16:20] Bo: ok\r\n"

Archive = Callable[..., Path]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Writes a ZIP file with these members, by name."""

    def make(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "WhatsApp Chat - Trip.zip"
        with zipfile.ZipFile(path, "w", method) as file:
            for member, content in members.items():
                file.writestr(member, content)
        return path

    return make


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# ---- text files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CHAT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + CHAT.encode(), "utf-8"),
        (b"\xff\xfe" + CHAT.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + CHAT.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, encoding: str) -> None:
    export = read_export(write(tmp_path, "WhatsApp Chat with Ana.txt", content))
    assert (export.text, export.encoding, export.replaced) == (CHAT, encoding, 0)
    assert (export.title, export.member, export.skipped) == ("Ana", None, ())


def test_line_ends_stay(tmp_path: Path) -> None:
    assert read_export(write(tmp_path, "a.txt", IOS.encode())).text == IOS


def test_invalid_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    export = read_export(str(write(tmp_path, "a.txt", CHAT.encode() + b"a\xffb\xe2\x80c \xef\xbf\xbd")))
    assert export.text == CHAT + "a\ufffdb\ufffdc \ufffd"
    assert export.replaced == 2


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("WhatsApp Chat with Ana & Bo.txt", "Ana & Bo"),
        ("WhatsApp_Chat_with_Ana.txt", "Ana"),
        ("WhatsApp-Chat mit A B.txt", "A B"),
        ("WhatsApp Chat mit A B.txt", "A B"),
        ("Conversa do WhatsApp com Zé.txt", "Zé"),
        ("Conversa no WhatsApp com Zé.txt", "Zé"),
        ("Chat de WhatsApp con Niño.txt", "Niño"),
        ("Chat WhatsApp con Gianni.txt", "Gianni"),
        ("Discussion WhatsApp avec Chloé.txt", "Chloé"),
        ("WhatsApp-chat met Jan.txt", "Jan"),
        ("Chat WhatsApp s\u00a0uživatelem Jana.txt", "Jana"),
        ("Чат WhatsApp с\u00a0контактом\u00a0Иван.txt", "Иван"),
        ("与小明的 WhatsApp 聊天.txt", "小明"),
        ("與小明的 WhatsApp 對話.txt", "小明"),
        ("notes.txt", "notes"),
    ],
)
def test_titles(tmp_path: Path, name: str, title: str) -> None:
    assert read_export(write(tmp_path, name, CHAT.encode())).title == title


# ---- archives --------------------------------------------------------------------------------------------------------


def test_ios_archive(archive: Archive) -> None:
    photo = "00000012-PHOTO-2024-03-05-09-15-20.jpg"
    export = read_export(archive({"_chat.txt": IOS, photo: b"\xff\xd8" * 100}))
    assert (export.text, export.title, export.member, export.bytes_read) == (IOS, "Trip", "_chat.txt", len(IOS))
    assert [(s.name, s.reason) for s in export.skipped] == [(photo, "not a text file")]


def test_zipped_again_by_a_desktop(archive: Archive) -> None:
    members = {"Trip/": "", "Trip/_chat.txt": IOS, "a/__MACOSX/chat.txt": b"\0\5\26\7", "Trip/.DS_Store": b"x"}
    export = read_export(archive(members))
    assert export.member == "Trip/_chat.txt"
    assert len(export.skipped) == 2


@pytest.mark.parametrize(
    ("members", "chosen"),
    [
        ({"a.txt": CHAT * 9, "WhatsApp Chat with Bo.txt": CHAT, "_chat.txt": IOS}, "_chat.txt"),
        ({"a.txt": CHAT * 9, "WHATSAPP.TXT": CHAT}, "WHATSAPP.TXT"),
        ({"20252026.txt": CHAT, "notes.txt": NOTES}, "20252026.txt"),
        ({"20252026.txt": CHAT, "bomb.txt": "milk, eggs\n" * 9000}, "20252026.txt"),
        ({"a.txt": CHAT, "b.txt": CHAT * 2}, "b.txt"),
        ({"_chat.txt": "no chat", "other.txt": CHAT}, "other.txt"),
        ({"late.txt": NOTES + CHAT, "early.txt": CHAT}, "early.txt"),
    ],
)
def test_which_member(archive: Archive, members: dict[str, str], chosen: str) -> None:
    export = read_export(archive(members))
    assert export.member == chosen
    assert {s.name for s in export.skipped} == set(members) - {chosen}


def test_names_in_utf8_without_the_flag(tmp_path: Path, archive: Archive) -> None:
    """Some phones write UTF-8 names and do not say so."""
    name = "Conversa do WhatsApp com Zé.txt"
    raw = bytearray(archive({name: CHAT}).read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = raw.index(signature) + at
        raw[place : place + 2] = b"\0\0"
    export = read_export(write(tmp_path, "z.zip", bytes(raw)))
    assert (export.member, export.title) == (name, "Zé")


def test_media_do_not_count(archive: Archive) -> None:
    """Limits are for what is read, unless strict."""
    path = archive({"_chat.txt": IOS, "a.mp4": b"\0" * 100_000})
    limits = ZipLimits(member_bytes=1000, total_bytes=2000)
    assert read_export(path, limits).text == IOS
    with pytest.raises(ExportError, match="at most 1,000 bytes, got 100,000"):
        read_export(path, ZipLimits(member_bytes=1000, strict=True))
    with pytest.raises(ExportError, match="packed at most 100:1"):
        read_export(path, ZipLimits(strict=True))


# ---- what is no export -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "got an empty file"),
        ("empty.zip", b"", "got an empty file"),
        ("notes.txt", b"milk, eggs", "expected notes.txt to hold messages like '05/03/2024, .* got 'milk, eggs'"),
        ("a.zip", b"not a zip", "expected a.zip to be a ZIP archive, got a file that starts with b'not '"),
        ("b.zip", b"PK\3\4" + b"x" * 50, "b.zip: expected a ZIP archive, got a broken one"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        read_export(write(tmp_path, name, content))


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamliner_udf.ingest.whatsapp._TEXT_MAX", len(CHAT.encode()))
    assert read_export(write(tmp_path, "a.txt", CHAT.encode())).text == CHAT
    with pytest.raises(ExportError, match=r"expected a\.txt to have at most 62 bytes, got more"):
        read_export(write(tmp_path, "a.txt", CHAT.encode() + b"\n"))


def test_refused_places(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"expected a chat export at .*gone.txt, got No such file"):
        read_export(tmp_path / "gone.txt")
    with pytest.raises(ExportError, match="expected a chat export at"):
        read_export(tmp_path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.jpg": b"x", "b.jpg": b"y"}, "got 2 files and no .txt"),
        ({"a.txt": "milk"}, "to hold a .txt with messages like .*, got none in 'a.txt'"),
        ({}, "got 0 files and no .txt"),
    ],
)
def test_archive_without_chat(archive: Archive, members: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        read_export(archive(members))


# ---- synthetic chats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_synthetic(dialect: str, tmp_path: Path) -> None:
    text = generate_whatsapp(3000, seed=11, dialect=dialect)
    assert text == generate_whatsapp(3000, seed=11, dialect=dialect)
    assert text != generate_whatsapp(3000, seed=12, dialect=dialect)
    messages = parse_whatsapp(text)
    assert len(messages) == 3000
    assert messages == parse_whatsapp(text, "mdy" if dialect == "android-us" else "dmy")
    assert [m["ts"] for m in messages] == sorted(m["ts"] for m in messages)
    assert {m["kind"] for m in messages} == {"text", "system", "attachment", "omitted", "deleted", "location"}
    assert len({m["author"] for m in messages}) > 200
    sizes = sorted(len(m["text"].encode()) for m in messages)
    assert 80 < sum(sizes) / len(sizes) < 130
    assert 50 < sizes[1500] < 90
    assert 0.17 < sum(not m["text"].isascii() for m in messages) / 3000 < 0.26
    assert len(text.encode()) / len(zlib.compress(text.encode())) < 10
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_chat.txt", text)
    assert read_export(path).text == text


def test_synthetic_options() -> None:
    assert generate_whatsapp(0) == ""
    assert len(parse_whatsapp(generate_whatsapp(1, dialect="ios"))) == 1
    with pytest.raises(ValueError, match=re.escape("expected dialect to be one of android-24h, android-us")):
        generate_whatsapp(1, dialect="fax")
    with pytest.raises(ValueError, match="expected rows >= 0, got -1"):
        generate_whatsapp(-1)
