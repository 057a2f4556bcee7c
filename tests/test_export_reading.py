"""Export files as phones, desktops and strangers make them: what is read, and what is refused with which words."""

from __future__ import annotations

import io
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from streamliner_udf.ingest.safezip import (
    SafeZip,
    ZipCompressionBombError,
    ZipLimits,
    ZipMemberCountError,
    ZipMemberError,
    ZipMemberSizeError,
    ZipPathTraversalError,
    ZipTotalSizeError,
    ZipValidationError,
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


# ---- hostile archives ------------------------------------------------------------------------------------------------


def local_header(raw: bytes | bytearray) -> int:
    return raw.index(b"PK\3\4")


def central_header(raw: bytes | bytearray) -> int:
    return raw.index(b"PK\1\2")


def patched(path: Path, central: int, local: int | None, value: bytes) -> bytes:
    """The archive with a field of its first headers overwritten."""
    raw = bytearray(path.read_bytes())
    place = central_header(raw) + central
    raw[place : place + len(value)] = value
    if local is not None:
        place = local_header(raw) + local
        raw[place : place + len(value)] = value
    return bytes(raw)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "\\share", "C:\\x.txt", "c:x.txt", "../x.txt", "a/../../x.txt", "a\\..\\x.txt", ".."]
)
def test_paths_that_leave(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("_chat.txt", IOS)
        file.writestr(name, "x")
    with pytest.raises(ZipPathTraversalError, match=r"expected the names .* to stay inside of it, got") as caught:
        SafeZip(buffer.getvalue())
    assert caught.value.member == name


@pytest.mark.parametrize("name", ["a..b.txt", "...", "a/.../b", "ab:c", "über.txt"])
def test_paths_that_stay(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, "x")
    with SafeZip(buffer.getvalue()) as safe:
        assert (safe.names, safe.read(name)) == ((name,), b"x")


def test_limits_tell_their_numbers(archive: Archive) -> None:
    path = archive({"a.txt": "x" * 5000, "b.txt": "yz" * 3000})
    with pytest.raises(ZipMemberCountError, match="at most 1 members, got 2") as count:
        SafeZip(path, ZipLimits(members=1))
    assert (count.value.count, count.value.limit) == (2, 1)
    with SafeZip(path, ZipLimits(member_bytes=4999)) as safe, pytest.raises(ZipMemberSizeError) as size:
        safe.read("a.txt")
    assert (size.value.member, size.value.size, size.value.limit) == ("a.txt", 5000, 4999)
    with SafeZip(path, ZipLimits(ratio=20)) as safe, pytest.raises(ZipCompressionBombError) as bomb:
        safe.read("a.txt")
    assert (bomb.value.member, bomb.value.limit) == ("a.txt", 20)
    assert bomb.value.ratio > 20
    with SafeZip(path, ZipLimits(total_bytes=10_000, ratio=2000)) as safe:
        safe.read("a.txt")
        with pytest.raises(ZipTotalSizeError) as total:
            safe.read("b.txt")
    assert (total.value.total, total.value.limit) == (11_000, 10_000)
    with pytest.raises(ZipTotalSizeError):
        SafeZip(path, ZipLimits(total_bytes=10_000, ratio=2000, strict=True))
    for error in (count, size, bomb, total):
        assert isinstance(error.value, ZipValidationError)
        assert isinstance(error.value, ValueError)


def test_empty_member_has_no_ratio(archive: Archive) -> None:
    with SafeZip(archive({"a.txt": ""}), ZipLimits(strict=True)) as safe:
        assert safe.read("a.txt") == b""
        assert safe.peek("a.txt", 10) == b""


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_content(archive: Archive, method: int) -> None:
    content = bytes(range(256)) * 1000 + zlib.compress(b"tail")
    with SafeZip(archive({"a.bin": content}, method=method), ZipLimits(ratio=500)) as safe:
        assert safe.read("a.bin") == content
        assert safe.peek("a.bin", 70_000) == content[:70_000]
        assert safe.size("a.bin") == len(content)


@pytest.mark.parametrize(
    ("central", "local", "value", "message"),
    [
        (8, 6, b"\1\0", "got an encrypted one"),
        (10, 8, struct.pack("<H", 12), "got compression method 12"),
        (38, None, struct.pack("<I", (stat.S_IFLNK | 0o777) << 16), "got a link, a folder or a device"),
        (16, 14, b"\1\2\3\4", "got a wrong CRC-32 checksum"),
        (24, 22, struct.pack("<I", 10), "got more bytes than the 10 that the directory says"),
        (24, 22, struct.pack("<I", 6000), "got 5,000 bytes where the directory says 6,000"),
        (20, 18, struct.pack("<I", 5), "got packed data without an end"),
        (46, None, b"b", "got another name at its place"),
        (42, None, struct.pack("<I", 1), "got another name at its place|broken"),
        (46, 30, b"\1", "got a name with control characters"),
    ],
)
def test_members_that_lie(archive: Archive, central: int, local: int | None, value: bytes, message: str) -> None:
    raw = patched(archive({"a.txt": "x" * 5000, "z.txt": "z"}), central, local, value)
    with pytest.raises(ZipValidationError, match=message):
        read_all(raw)


def read_all(raw: bytes) -> None:
    with SafeZip(raw, ZipLimits(ratio=5000)) as safe:
        for name in safe.names:
            safe.read(name)


def test_stored_with_two_sizes(archive: Archive) -> None:
    raw = patched(archive({"a.txt": "x" * 50}, method=zipfile.ZIP_STORED), 24, 22, struct.pack("<I", 60))
    with pytest.raises(ZipMemberError, match="got two sizes"):
        read_all(raw)


@pytest.mark.parametrize("twin", ["a.txt", "A.TXT"])
def test_duplicate_names(twin: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("a.txt", CHAT)
        file.writestr(twin, CHAT)
    with SafeZip(buffer.getvalue()) as safe, pytest.raises(ZipMemberError, match="got several members of that name"):
        safe.read("a.txt")


def test_overlapping_members(archive: Archive) -> None:
    """Two entries of the directory that share one member's bytes, as in bombs that do not nest."""
    raw = archive({"a.txt": "x" * 500}).read_bytes()
    start, end = central_header(raw), raw.index(b"PK\5\6")
    twice = raw[:end] + raw[start:end] + raw[end:]
    footer = bytearray(twice[-22:])
    struct.pack_into("<HHI", footer, 8, 2, 2, 2 * (end - start))
    with pytest.raises(ZipValidationError, match="got one that overlaps another"):
        read_all(twice[:-22] + footer)


def test_any_damage_is_a_clean_error(archive: Archive) -> None:
    """Every byte of a small archive flipped, and every cut: read right, or refused as ExportError."""
    path = archive({"_chat.txt": IOS, "a.jpg": b"\xff\xd8"})
    raw = path.read_bytes()
    damaged = [raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :] for at in range(len(raw))]
    for content in [*damaged, *(raw[:at] for at in range(len(raw)))]:
        path.write_bytes(content)
        try:
            export = read_export(path)
        except ExportError:
            continue
        assert export.text == IOS


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
