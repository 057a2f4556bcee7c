"""Archives from strangers: each rule with an archive that breaks it, for the reader in Python and the one in C."""

from __future__ import annotations

import codecs
import dataclasses
import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import pytest
from archives import CHAT, HOSTILE, IOS, OTHER, SOUND, STORED, WITHOUT_CHAT, Member, build

import streamliner_udf
from streamliner_udf import InvalidArgument, InvalidUTF8, _core
from streamliner_udf.ingest import ExportError, load
from streamliner_udf.ingest.safezip import (
    SafeZip,
    ZipCompressionBombError,
    ZipLimits,
    ZipMemberCountError,
    ZipMemberError,
    ZipMemberSizeError,
    ZipTotalSizeError,
    ZipValidationError,
    default_limits,
    set_default_limits,
)
from streamliner_udf.ingest.whatsapp import read_export
from streamliner_udf.reference import chat

PARSE: Callable[..., Any] = streamliner_udf.parse_whatsapp
INGEST: Callable[..., Any] = load.ingest
SPECIFICATION: Callable[..., Any] = chat.parse_whatsapp
SQL = "SELECT sl_parse_whatsapp(?::BLOB)"
ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
SAMPLE = 1 << 16


def decode(content: bytes, errors: str) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors)
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors)


def rank_of(name: str) -> int | None:
    """How likely a member is the chat, the likeliest 0; None if it cannot be."""
    path = PurePosixPath(name.replace("\\", "/"))
    if "__MACOSX" in path.parts or path.name.startswith(".") or path.suffix.lower() != ".txt":
        return None
    return 0 if path.name == "_chat.txt" else 1 if "whatsapp" in name.lower() else 2


def text_of(content: bytes) -> str:
    """UTF-8 or UTF-16 as it is; of an archive the likeliest member with a message in its first 64 KiB, the larger of
    two that are alike."""
    if not content.startswith(ARCHIVE):
        return decode(content, "strict")
    refused = None
    with SafeZip(content, ZipLimits()) as archive:
        ranks = {name: rank for name in archive.names if (rank := rank_of(name)) is not None}
        for name in sorted(ranks, key=lambda name: (ranks[name], -archive.size(name), name)):
            try:
                sample = archive.peek(name, SAMPLE)
            except ZipValidationError as error:
                refused = refused or error
                continue
            if not sample.startswith(ARCHIVE) and SPECIFICATION(decode(sample, "replace")):
                return decode(archive.read(name), "strict")
    raise refused or ValueError("expected the ZIP archive to hold a .txt with messages")


def oracle(content: str | bytes, options: str = "") -> Any:
    """Messages of a text or of the bytes of a file, all of it in Python."""
    return SPECIFICATION(content if isinstance(content, str) else text_of(content), options)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


@pytest.fixture
def kept(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A table of one message, which no failure may change."""
    INGEST(con, OTHER.encode(), chat="kept")
    return con


def is_kept(con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute("SELECT author, text, chat FROM messages").fetchall() == [("Cy", "another", "kept")]


def read_all(archive: bytes, limits: ZipLimits | None = None) -> list[bytes]:
    with SafeZip(archive, limits) as safe:
        return [safe.read(name) for name in safe.names]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str, kept: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """By both readers with the same words, and nothing is written."""
    archive, kind, words = HOSTILE[name]
    with pytest.raises(ZipValidationError, match=words) as caught:
        read_all(archive)
    assert type(caught.value).__name__ == kind
    with pytest.raises(ExportError, match=words):
        INGEST(kept, archive)
    path = tmp_path / "chat.zip"
    path.write_bytes(archive)
    with pytest.raises(ExportError, match=words):
        read_export(path)
    with pytest.raises(ExportError, match=words):
        INGEST(kept, path)
    assert is_kept(kept)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(duckdb.InvalidInputException, match="sl_parse_whatsapp: .*" + words):
        kept.execute(SQL, [archive]).fetchall()
    for call in (PARSE, lambda content: streamliner_udf.parse_rows("parse_whatsapp", content)):
        with pytest.raises(InvalidArgument, match="^parse_whatsapp: .*" + words):
            call(archive)
    assert kept.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", WITHOUT_CHAT)
def test_without_chat(name: str, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive, words = WITHOUT_CHAT[name]
    path = tmp_path / "chat.zip"
    path.write_bytes(archive)
    with pytest.raises(ExportError, match=r"to hold a \.txt with messages like '05/03/2024, .*" + words):
        read_export(path)
    if name != "hidden":  # where no adapter takes the whole archive, each file is looked at by itself
        with pytest.raises(ExportError, match="ingest: expected bytes to be an export"):
            INGEST(con, archive)
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_parse_whatsapp: expected the ZIP .*" + words):
        con.execute(SQL, [archive]).fetchall()


@pytest.mark.parametrize("name", SOUND)
def test_sound(name: str, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Both readers choose the same member."""
    archive, text = SOUND[name]
    wanted = oracle(text)
    assert oracle(archive) == wanted
    assert PARSE(archive) == wanted
    assert PARSE([archive, None, text]) == [wanted, None, wanted]
    assert con.execute(SQL, [archive]).fetchall() == [(wanted,)]
    path = tmp_path / "chat.zip"
    path.write_bytes(archive)
    assert read_export(path).text == text
    con.register("rows", streamliner_udf.parse_rows("parse_whatsapp", archive))
    assert con.execute("SELECT text FROM rows ORDER BY seq").fetchall() == [(message["text"],) for message in wanted]
    INGEST(con, path)
    found = {text for (text,) in con.execute("SELECT text FROM messages").fetchall()}
    assert found >= {message["text"] for message in wanted}


def test_bytes_before_the_archive(kept: duckdb.DuckDBPyConnection) -> None:
    """Then it is none, as its first bytes show, and it is no text."""
    archive = b"MZ\x90\0" + build([Member("_chat.txt", CHAT)])
    with pytest.raises(ZipValidationError, match="got a broken one: it begins with something else"):
        SafeZip(archive)
    with pytest.raises(ExportError, match="ingest: expected bytes to be an export"):
        INGEST(kept, archive)
    with pytest.raises(duckdb.InvalidInputException, match=r"sl_parse_whatsapp: expected valid UTF-8, .*ZIP archive"):
        kept.execute(SQL, [archive]).fetchall()
    assert is_kept(kept)


# ---- limits ----------------------------------------------------------------------------------------------------------


def test_limits_tell_their_numbers() -> None:
    archive = build([Member("a.txt", "x" * 5000), Member("b.txt", "yz" * 3000)])
    with pytest.raises(ZipMemberCountError, match="at most 1 members, got 2") as count:
        SafeZip(archive, ZipLimits(members=1))
    assert (count.value.count, count.value.limit) == (2, 1)
    with SafeZip(archive, ZipLimits(member_bytes=4999)) as safe, pytest.raises(ZipMemberSizeError) as size:
        safe.read("a.txt")
    assert (size.value.member, size.value.size, size.value.limit) == ("a.txt", 5000, 4999)
    with SafeZip(archive, ZipLimits(ratio=20)) as safe, pytest.raises(ZipCompressionBombError) as bomb:
        safe.read("a.txt")
    assert (bomb.value.member, bomb.value.limit) == ("a.txt", 20)
    assert bomb.value.ratio > 20
    with SafeZip(archive, ZipLimits(total_bytes=10_000, ratio=2000)) as safe:
        safe.read("a.txt")
        with pytest.raises(ZipTotalSizeError) as total:
            safe.read("b.txt")
    assert (total.value.total, total.value.limit) == (11_000, 10_000)
    for limits in (ZipLimits(total_bytes=10_000, ratio=2000, strict=True), ZipLimits(member_bytes=5999, strict=True)):
        with pytest.raises((ZipTotalSizeError, ZipMemberSizeError, ZipCompressionBombError)):
            SafeZip(archive, limits)
    for error in (count, size, bomb, total):
        assert isinstance(error.value, ZipValidationError)
        assert isinstance(error.value, ValueError)


def test_limits_of_a_call_and_of_all_calls(kept: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    archive = build([Member("_chat.txt", CHAT), Member("a.jpg", b"x")])
    words = "at most 1 members, got 2"
    tight = dataclasses.replace(default_limits(), members=1)
    assert tight == ZipLimits(members=1)
    with pytest.raises(ExportError, match=words):
        INGEST(kept, archive, limits=tight)
    before = set_default_limits(tight)
    try:
        assert before == ZipLimits()
        assert default_limits() == tight
        path = tmp_path / "a.zip"
        path.write_bytes(archive)
        with pytest.raises(ExportError, match=words):
            INGEST(kept, archive)
        with pytest.raises(ExportError, match=words):
            read_export(path)
        assert is_kept(kept)
        assert INGEST(kept, archive, limits=ZipLimits()).inserted == 2, "what a call says goes first"
        assert len(PARSE(archive)) == 2, "SQL has its own"
    finally:
        assert set_default_limits(before) == tight
    assert INGEST(kept, archive).inserted == 2
    with pytest.raises(TypeError, match="set_default_limits: expected ZipLimits, got int"):
        set_default_limits(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["members", "member_bytes", "total_bytes", "ratio"])
def test_limits_are_numbers(field: str) -> None:
    for wrong in (-1, "many", None, float("nan"), True):
        with pytest.raises(ValueError, match=f"ZipLimits: expected {field} to be a number of at least 0, got"):
            ZipLimits(**{field: wrong})  # type: ignore[arg-type]


def test_raised_limits_take_a_large_workspace() -> None:
    """A hundred thousand members are found and read one by one without going through all of them each time."""
    members = [Member(f"channel/{i}.txt", b"[]", method=STORED) for i in range(100_000)]
    archive = build(members, zip64=True)
    with pytest.raises(ZipMemberCountError):
        SafeZip(archive)
    with SafeZip(archive, dataclasses.replace(default_limits(), members=200_000)) as safe:
        assert len(safe.names) == 100_000
        assert all(safe.read(name) == b"[]" for name in safe.names[::10])


def test_limits_stand_in_both_readers() -> None:
    header = (Path(__file__).parents[1] / "csrc/kernels/zip.h").read_text(encoding="utf-8")
    limits = ZipLimits()
    for name, wanted in (
        ("MEMBERS", limits.members),
        ("MEMBER_BYTES", limits.member_bytes),
        ("TOTAL_BYTES", limits.total_bytes),
        ("RATIO", limits.ratio),
    ):
        match = re.search(rf"SL_ZIP_{name} = (\d+)(?: << (\d+))?", header)
        assert match is not None
        assert int(match[1]) << int(match[2] or 0) == wanted


# ---- what is read ----------------------------------------------------------------------------------------------------


def test_media_are_never_unpacked(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for a look nor to be checked: only texts are, whatever else is there."""
    media = [Member(f"IMG-{i}.jpg", bytes(1000), data=b"\x07\xff\xff", crc=1) for i in range(50)]
    archive = build([*media, Member("_chat.txt", CHAT), Member("video.mp4", bytes(1 << 20))])
    unpacked = []
    inflate = SafeZip._inflate

    def counted(self: SafeZip, entry: Any) -> Iterator[bytes]:
        unpacked.append(entry.name)
        return inflate(self, entry)

    monkeypatch.setattr(SafeZip, "_inflate", counted)
    report = INGEST(con, archive)
    assert report.inserted == 2
    assert set(unpacked) == {"_chat.txt"}
    assert len(PARSE(archive)) == 2


def test_unpacking_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte above what the directory says, though the data would go on for a megabyte."""
    archive = build([Member("a.txt", bytes(1 << 20), size=1000)])
    made = []
    inflate = SafeZip._inflate

    def counted(self: SafeZip, entry: Any) -> Iterator[bytes]:
        for piece in inflate(self, entry):
            made.append(len(piece))
            yield piece

    class Engine:
        def __init__(self, engine: Any) -> None:
            self.engine = engine

        def __getattr__(self, name: str) -> Any:
            return getattr(self.engine, name)

        def decompress(self, data: bytes, most: int) -> bytes:
            piece: bytes = self.engine.decompress(data, most)
            made.append(len(piece))
            return piece

    original = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda bits: Engine(original(bits)))
    with SafeZip(archive) as safe, pytest.raises(ZipMemberError, match=r"got more bytes than the 1,000"):
        safe.read("a.txt")
    assert sum(made) == 1001


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_content(method: int) -> None:
    """Of an archive that zipfile made."""
    content = bytes(range(256)) * 1000 + zlib.compress(b"tail")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("a.bin", content)
        file.writestr("empty.bin", b"")
    with SafeZip(buffer.getvalue(), ZipLimits(ratio=500, strict=True)) as safe:
        assert safe.read("a.bin") == content
        assert safe.open("a.bin").read() == content
        assert safe.peek("a.bin", 70_000) == content[:70_000]
        assert safe.size("a.bin") == len(content)
        assert safe.read("empty.bin") == safe.peek("empty.bin", 10) == b""
        with pytest.raises(ZipMemberError, match="got no member of that name"):
            safe.read("b.bin")


@pytest.mark.parametrize("name", ["a..b.txt", "...", "a/.../b", "ab:c", "über.txt", "a.txt ", ".. x/b"])
def test_names_that_stay(name: str) -> None:
    assert read_all(build([Member(name, b"x")])) == [b"x"]


# ---- text as a BLOB --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("text", [CHAT, IOS, "", "no chat", "05/03/2024, 09:15 - Ana: " + "é🦆漢" * 5000])
def test_text_as_bytes(encoding: str, text: str, con: duckdb.DuckDBPyConnection) -> None:
    marks = {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}
    content = marks.get(encoding, b"") + text.encode(encoding)
    wanted = oracle(text)
    assert PARSE(content) == oracle(content) == wanted
    assert con.execute(SQL, [content]).fetchall() == [(wanted,)]
    assert con.execute("SELECT sl_parse_whatsapp(?::BLOB, 'mdy')", [content]).fetchall() == [(oracle(text, "mdy"),)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xd8\xff\xe0 JFIF", "expected valid UTF-8, UTF-16 with a byte order mark or a ZIP archive, got .* at 0"),
        (b"\xef\xbb\xbf" + CHAT.encode() + b"\xe9", f"got invalid bytes at {3 + len(CHAT.encode())}"),
        ("é".encode() * 100_000 + b"\xc3", "got invalid bytes at 200000"),
        ("漢".encode() * 50_000 + b"\xe6\xbc" + b"x" * 300_000, "got invalid bytes at 150000"),
        (b"\xff\xfea\0b", "expected valid UTF-16 after its byte order mark, got invalid bytes at 4"),
        (b"\xff\xfea\0\x00\xd8b\0", "got invalid bytes at 4"),
        (b"\xfe\xff\0a\xdc\x00\0b", "got invalid bytes at 4"),
        (build([Member("a.txt", CHAT.encode() + b"\xe9")]), "got invalid bytes at [0-9]+ in 'a.txt'"),
    ],
)
def test_neither_text_nor_archive(content: bytes, message: str, con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(InvalidUTF8, match="^parse_whatsapp: .*" + message):
        PARSE(content)
    with pytest.raises(InvalidUTF8, match=r"in row 2$"):
        PARSE(["a", None, content])
    with pytest.raises(duckdb.InvalidInputException, match="sl_parse_whatsapp: .*" + message):
        con.execute(SQL, [content]).fetchall()
    with pytest.raises(UnicodeDecodeError):
        oracle(content)


def test_other_functions_take_no_bytes() -> None:
    with pytest.raises(TypeError, match="slugify: expected text to be str"):
        streamliner_udf.slugify(b"a")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="slugify: expected text to be str, got bytes"):
        _core.Function("slugify").text_of(b"a")


def test_nothing_as_a_blob(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT sl_parse_whatsapp(NULL), sl_parse_whatsapp(NULL::BLOB), sl_parse_whatsapp(''::BLOB)"
    assert con.execute(query).fetchall() == [(None, None, [])]
    assert con.execute("SELECT sl_parse_whatsapp(?)", [None]).fetchall() == [(None,)]
    assert con.execute(
        "SELECT len(sl_parse_whatsapp(?)), len(sl_parse_whatsapp(?))", [CHAT, CHAT.encode()]
    ).fetchall() == [(2, 2)]


def test_a_column_of_files(con: duckdb.DuckDBPyConnection) -> None:
    """Archives, texts and NULLs in turn, over several vectors, with options that change."""
    files = [archive for archive, _ in SOUND.values()] + [CHAT.encode(), CHAT.encode("utf-16")]
    wanted = {order: [oracle(content, order) for content in files] for order in ("dmy", "mdy")}
    con.execute("CREATE TABLE files (i BIGINT, content BLOB)")
    con.executemany("INSERT INTO files VALUES (?, ?)", list(enumerate(files)))
    con.execute("INSERT INTO files VALUES (-1, NULL)")
    con.execute("CREATE TABLE many AS SELECT i, content, n FROM files, range(120) r(n) ORDER BY n, i")
    query = "SELECT i, n, sl_parse_whatsapp(content, ['dmy', 'mdy'][n % 2 + 1]) FROM many"
    rows = con.execute(query).fetchall()
    assert len(rows) == 120 * (len(files) + 1)
    for i, n, messages in rows:
        assert messages == (wanted["mdy" if n % 2 else "dmy"][i] if i >= 0 else None)


# ---- any damage ------------------------------------------------------------------------------------------------------


def damage(raw: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, lost, doubled or moved, most of them in headers, which are at the end."""
    content = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(content)) if rng.random() < 0.5 else max(len(content) - 1 - rng.randrange(160), 0)
        kind = rng.randrange(7)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            content[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\7"))
        elif kind == 3:
            del content[at : at + rng.choice((1, 2, 30, 1000))]
        elif kind == 4:
            content[at:at] = rng.randbytes(rng.choice((1, 2, 46)))
        elif kind == 5:
            start = rng.randrange(len(content))
            content[at:at] = content[start : start + 100]
        else:
            del content[at:]
        if not content:
            break
    return bytes(content)


BASES = [
    build([Member("Trip/", method=STORED), Member("_chat.txt", IOS), Member("a.jpg", b"\xff\xd8" * 50)]),
    SOUND["ZIP64"][0],
]
BASES += [SOUND[name][0] for name in ("stored", "a comment", "by its size", "UTF-16", "data descriptors")]


def test_any_damage_is_a_clean_error(kept: duckdb.DuckDBPyConnection, rng: random.Random, scale: int) -> None:
    """Read, or refused with words, and then the table is as it was."""
    for _ in range(2000 * scale):
        archive, why = damage(rng.choice(BASES), rng), ""
        try:
            report = INGEST(kept, archive)
        except ExportError as error:
            why = str(error)
        if not why:
            assert report.inserted > 0, archive
            kept.execute("DELETE FROM messages WHERE chat != 'kept'")
        assert is_kept(kept), archive


def test_both_readers_judge_alike(rng: random.Random, scale: int) -> None:
    """What one refuses the other refuses, for the same reason; what they read is equal."""
    words = re.compile(r"'.*?'|b?\".*?\"|[0-9,]+|\(.*?\)")
    for _ in range(2000 * scale):
        archive = damage(rng.choice(BASES), rng)
        wanted = got = None
        why = said = ""
        try:
            wanted = oracle(archive)
        except UnicodeDecodeError:
            why = "text"
        except ValueError as error:
            why = words.sub("", str(error)).strip()
        try:
            got = PARSE(archive)
        except InvalidUTF8:
            said = "text"
        except InvalidArgument as error:
            said = words.sub("", str(error).removeprefix("parse_whatsapp: ")).strip()
        assert got == wanted, archive
        assert said == why or (said and why.startswith("expected the ZIP archive to hold")), archive


# ---- deflate ---------------------------------------------------------------------------------------------------------


def samples(rng: random.Random) -> Iterator[bytes]:
    yield b""
    for length in (1, 2, 257, 258, 259, 1000, 40_000, 100_000):
        yield rng.randbytes(length)
        yield bytes(rng.choices(b"abcdefgh \n", k=length))
        yield b"x" * length
        yield b"".join(rng.choice((b"sun", b"moon", b"star ", rng.randbytes(3))) for _ in range(length // 4))
        yield (rng.randbytes(period := rng.choice((2, 3, 7, 8, 9, 300, 33_000))) * (length // period + 1))[:length]


def unpack(packed: bytes, room: int) -> tuple[bytes, str]:
    """What zlib makes of it: at most `room` bytes, and what came of the rest."""
    engine = zlib.decompressobj(-15)
    try:
        content = engine.decompress(packed, room + 1)
        while not engine.eof and len(content) <= room and (more := engine.decompress(engine.unconsumed_tail, 1)):
            content += more
    except zlib.error:
        return b"", "broken"
    if len(content) > room:
        return content[:room], "full"
    return content, "whole" if engine.eof else "cut"


@pytest.mark.parametrize("strategy", range(5))
@pytest.mark.parametrize("level", range(10))
def test_inflate_equals_zlib(level: int, strategy: int, rng: random.Random) -> None:
    """Levels and strategies make stored blocks, fixed codes and codes of their own."""
    for content in samples(rng):
        packer = zlib.compressobj(level, zlib.DEFLATED, -rng.randint(9, 15), rng.randint(1, 9), strategy)
        cut = rng.randrange(len(content) + 1)
        packed = packer.compress(content[:cut]) + packer.flush(rng.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
        packed += packer.compress(content[cut:]) + packer.flush()
        assert _core.inflate(packed, len(content)) == (content, "whole")
        assert _core.inflate(packed + b"more", len(content) + 5) == (content, "whole")
        room = rng.randrange(len(content) + 1)
        assert _core.inflate(packed, room) == unpack(packed, room)
        assert _core.inflate(packed[:-1], len(content))[1] == "cut"


def test_inflate_judges_as_zlib(rng: random.Random, scale: int) -> None:
    """Of streams with flipped bits and of noise: the same bytes, and the same end but for what is cut."""
    for _ in range(3000 * scale):
        content = bytes(rng.choices(b"abcdefgh \n", k=rng.randrange(1, 2000))) + rng.randbytes(rng.randrange(50))
        packer = zlib.compressobj(rng.randrange(10), zlib.DEFLATED, -15, 9, rng.randrange(5))
        packed = bytearray(packer.compress(content) + packer.flush())
        for _ in range(rng.randint(1, 3)):
            packed[rng.randrange(len(packed)) if rng.random() < 0.5 else rng.randrange(min(len(packed), 60))] ^= (
                1 << rng.randrange(8)
            )
        if rng.random() < 0.1:
            packed = bytearray(rng.randbytes(rng.randrange(1, 100)))
        wanted, end = unpack(bytes(packed), 5000)
        got, said = _core.inflate(bytes(packed), 5000)
        if end in ("whole", "full"):
            assert (got, said) == (wanted, end), bytes(packed)
        else:
            # Whoever sees only the beginning of a code may know already that there is none.
            assert said in ("cut", "broken"), bytes(packed)


def test_crc_equals_zlib(rng: random.Random) -> None:
    for length in (*range(40), 1000, 100_001):
        content = rng.randbytes(length)
        assert _core.crc32(content) == zlib.crc32(content)
