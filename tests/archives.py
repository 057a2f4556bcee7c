"""ZIP archives as phones, desktops and strangers make them, for every reader of archives.

`HOSTILE` are refused by all of them, with the same words but for commas in numbers; `WITHOUT_CHAT` are sound and hold
no chat; `SOUND` are read. Run as a program it writes them all into a folder, for the C tests.
"""

from __future__ import annotations

import stat
import struct
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHAT = "05/03/2024, 09:15 - Ana: olá 🦆\n05/03/2024, 09:16 - Bo: ok\n"
OTHER = "05/03/2024, 09:15 - Cy: another\n"
IOS = "[05/03/2024, 09:15:20] Ana: hi\r\n[05/03/2024, 09:16:20] Bo: ok\r\n"
STORED, DEFLATED = 0, 8
ONES_16, ONES_32 = 0xFFFF, 0xFFFFFFFF


def deflate(content: bytes, level: int = 6) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


@dataclass
class Member:
    """One member; what is not None is written instead of the truth."""

    name: str | bytes
    content: str | bytes = b""
    method: int = DEFLATED
    flags: int = 0
    mode: int = 0
    data: bytes | None = None
    size: int | None = None
    packed: int | None = None
    crc: int | None = None
    local_name: str | bytes | None = None
    offset: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    after: bytes = b""  # a data descriptor, or anything
    disk: int = 0


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def build(
    members: Iterable[Member],
    *,
    after: bytes = b"",
    comment: bytes = b"",
    count: int | None = None,
    directory_at: int | None = None,
    directory_extra: bytes = b"",
    disk: int = 0,
    zip64: bool = False,
    zip64_place: int = 0,
    small: dict[str, int] | None = None,
) -> bytes:
    """An archive, whole unless it is told otherwise. `small`: what the end of a ZIP64 archive says itself."""
    out, listed = bytearray(), []
    for member in members:
        raw, content = _bytes(member.name), _bytes(member.content)
        data = member.data if member.data is not None else deflate(content) if member.method == DEFLATED else content
        crc = member.crc if member.crc is not None else zlib.crc32(content)
        size = member.size if member.size is not None else len(content)
        packed = member.packed if member.packed is not None else len(data)
        offset = member.offset if member.offset is not None else len(out)
        local = raw if member.local_name is None else _bytes(member.local_name)
        sizes = (min(packed, ONES_32), min(size, ONES_32))
        head = struct.pack("<HHHHH", 20, member.flags, member.method, 0, 0)
        out += b"PK\3\4" + head + struct.pack("<III", crc, *sizes)
        out += (
            struct.pack("<HH", len(local), len(member.local_extra)) + local + member.local_extra + data + member.after
        )
        listed.append(
            b"PK\1\2\x14\3" + head + struct.pack("<III", crc, *sizes)
            + struct.pack("<HHHHHII", len(raw), len(member.extra), 0, member.disk, 0, member.mode << 16, offset)
            + raw + member.extra
        )  # fmt: skip
    place = len(out) if directory_at is None else directory_at
    directory = b"".join(listed) + directory_extra
    out += directory
    number = len(listed) if count is None else count
    if zip64:
        record = len(out)
        out += b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, disk, disk, number, number, len(directory), place)
        out += b"PK\6\7" + struct.pack("<IQI", 0, record + zip64_place, 1)
    end = {"entries": number, "size": len(directory), "place": place}
    if zip64:
        end = {"entries": ONES_16, "size": ONES_32, "place": ONES_32} if small is None else end | small
    entries = end["entries"]
    out += b"PK\5\6" + struct.pack("<HHHH", disk, disk, entries, entries)
    out += struct.pack("<IIH", end["size"], end["place"], len(comment)) + comment
    return bytes(out + after)


def _wide(*fields: int) -> bytes:
    return struct.pack(f"<HH{len(fields)}Q", 1, 8 * len(fields), *fields)


def _chat(**changes: object) -> Member:
    return Member("_chat.txt", CHAT, **changes)  # type: ignore[arg-type]


def _beside(member: Member) -> bytes:
    return build([_chat(), member])


def _shared_data() -> bytes:
    """Two entries of the directory for one member."""
    return build([_chat(), _chat(data=b"", packed=len(deflate(CHAT.encode())), offset=0)])


def _quoted() -> bytes:
    """The second member lies within the data of the first, as in the bombs that do not nest."""
    inner = build([Member("b.txt", OTHER, method=STORED)])
    inner = inner[: inner.index(b"PK\1\2")]
    outer = Member("a.txt", inner, method=STORED)
    return build([outer, Member("b.txt", OTHER, method=STORED, offset=30 + len("a.txt"))])


def _beyond(content: bytes) -> bytes:
    """Deflate data that copy from before their start."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=content)
    return packer.compress(content) + packer.flush()


_SIZE = len(CHAT.encode())
_BOMB = "05/03/2024, 09:15 - Ana: hi\n" * 40_000
_PATHS = (
    "/etc/passwd", "//server/share", "\\share\\a.txt", "C:\\x.txt", "c:x.txt", "Z:/x.txt", "../x.txt", "a/../../x.txt",
    "a\\..\\x.txt", "..", "a/..", "..\\..\\x.txt", "./../x.txt", ".. /x.txt",
)  # fmt: skip
_BROKEN = "expected a ZIP archive, got a broken one: "
_LEAVES = "expected the names in the ZIP archive to stay inside of it, got '"
_PLAIN = "in the ZIP archive to be a plain file, "

HOSTILE: dict[str, tuple[bytes, str, str]] = {
    # name: (archive, kind of the error, a pattern of its words)
    "too many members": (
        build([_chat(), *(Member(f"{i}.jpg", method=STORED) for i in range(2000))]),
        "ZipMemberCountError",
        "expected a ZIP archive of at most 2,?000 members, got 2,?001",
    ),
    "more members than it says": (
        build([_chat(), *(Member(f"{i}.jpg", method=STORED) for i in range(2000))], count=1),
        "ZipValidationError",
        _BROKEN + "its directory goes on after 1 members",
    ),
    "fewer members than it says": (
        build([_chat()], count=2),
        "ZipValidationError",
        _BROKEN + "its directory ends after 1 of 2 members",
    ),
    "many members of a ZIP64 archive": (
        build([_chat()], count=2**60, zip64=True),
        "ZipMemberCountError",
        "at most 2,?000 members, got 1,?152,?921,?504,?606,?846,?976",
    ),
    "member too large": (
        build([_chat(size=(50 << 20) + 1)]),
        "ZipMemberSizeError",
        "expected '_chat.txt' in the ZIP archive to have at most 52,?428,?800 bytes, got 52,?428,?801",
    ),
    "member of exabytes": (
        build([_chat(size=ONES_32, extra=_wide(2**62))]),
        "ZipMemberSizeError",
        "to have at most 52,?428,?800 bytes, got 4,?611,?686,?018,?427,?387,?904",
    ),
    "bomb": (
        build([Member("_chat.txt", _BOMB)]),
        "ZipCompressionBombError",
        "expected '_chat.txt' in the ZIP archive to be packed at most 100:1, got [0-9]+:1",
    ),
    "no packed bytes": (build([_chat(data=b"")]), "ZipMemberError", _PLAIN + "got packed data without an end"),
    "no stored bytes": (
        build([_chat(method=STORED, data=b"")]),
        "ZipMemberError",
        _PLAIN + "got two sizes for a member that is not packed",
    ),
    "size too small": (
        build([_chat(size=10)]),
        "ZipMemberError",
        _PLAIN + "got more bytes than the 10 that the directory says",
    ),
    "size too large": (
        build([_chat(size=_SIZE + 1)]),
        "ZipMemberError",
        _PLAIN + f"got {_SIZE} bytes where the directory says {_SIZE + 1}",
    ),
    "size zero": (build([_chat(size=0)]), "ZipMemberError", _PLAIN + "got more bytes than the 0 "),
    "packed size too small": (build([_chat(packed=5)]), "ZipMemberError", _PLAIN + "got packed data without an end"),
    "packed size too large": (build([_chat(packed=5000)]), "ZipMemberError", _PLAIN + "got one that overlaps another"),
    "packed size of exabytes": (
        build([_chat(packed=ONES_32, extra=_wide(2**64 - 1))]),
        "ZipMemberError",
        _PLAIN + "got one that overlaps another",
    ),
    "broken data": (
        build([_chat(data=b"\x07" + bytes(20))]),
        "ZipMemberError",
        _PLAIN + "got data that cannot be unpacked",
    ),
    "distance too far": (
        build([_chat(data=_beyond(CHAT.encode()))]),
        "ZipMemberError",
        _PLAIN + "got data that cannot be unpacked",
    ),
    "two members share their data": (_shared_data(), "ZipMemberError", _PLAIN + "got one that overlaps another"),
    "member within another": (_quoted(), "ZipMemberError", "'a.txt' " + _PLAIN + "got one that overlaps another"),
    "member within the directory": (
        build([_chat(offset=100)]),
        "ZipMemberError",
        _PLAIN + "got none at its place in the archive",
    ),
    "member far outside": (
        build([_chat(offset=2**31)]),
        "ZipMemberError",
        _PLAIN + "got none at its place in the archive",
    ),
    "wrong CRC": (build([_chat(crc=1)]), "ZipMemberError", _PLAIN + "got a wrong CRC-32 checksum"),
    "wrong CRC of a stored one": (
        build([_chat(crc=1, method=STORED)]),
        "ZipMemberError",
        "got a wrong CRC-32 checksum",
    ),
    "encrypted": (build([_chat(flags=1)]), "ZipMemberError", _PLAIN + "got an encrypted one; export the chat without"),
    "strongly encrypted": (build([_chat(flags=0x40)]), "ZipMemberError", _PLAIN + "got an encrypted one"),
    "hidden headers": (build([_chat(flags=0x2000)]), "ZipMemberError", _PLAIN + "got an encrypted one"),
    "patch": (build([_chat(flags=0x20)]), "ZipMemberError", _PLAIN + "got a patch for another file"),
    "LZMA": (
        build([_chat(method=14, data=b"x" * 50)]),
        "ZipMemberError",
        _PLAIN + "got compression method 14, neither stored nor deflate",
    ),
    "link": (build([_chat(mode=stat.S_IFLNK | 0o777)]), "ZipMemberError", _PLAIN + "got a link, a folder or a device"),
    "pipe": (build([_chat(mode=stat.S_IFIFO | 0o644)]), "ZipMemberError", _PLAIN + "got a link, a folder or a device"),
    "device": (build([_chat(mode=stat.S_IFCHR)]), "ZipMemberError", _PLAIN + "got a link, a folder or a device"),
    "the same name twice": (build([_chat(), _chat()]), "ZipMemberError", _PLAIN + "got several members of that name"),
    "the same name in capitals": (
        build([_chat(), Member("_CHAT.TXT", OTHER)]),
        "ZipMemberError",
        _PLAIN + "got several members of that name",
    ),
    "NUL in a name": (_beside(Member("a.txt\0.jpg")), "ZipMemberError", _PLAIN + "got a name with control characters"),
    "end of line in a name": (_beside(Member("a\n.txt")), "ZipMemberError", _PLAIN + "got a name with control"),
    "escape in a name": (_beside(Member("\x1b[2J")), "ZipMemberError", r"'\\x1b\[2J' " + _PLAIN + "got a name with"),
    "DEL in a name": (_beside(Member("a\x7f")), "ZipMemberError", _PLAIN + "got a name with control characters"),
    "C1 control in a name": (_beside(Member("a\x9b2J")), "ZipMemberError", _PLAIN + "got a name with control"),
    "no name": (_beside(Member("")), "ZipMemberError", _PLAIN + "got no name"),
    "name that is not the UTF-8 it should be": (
        _beside(Member(b"caf\xe9.txt", flags=0x800)),
        "ZipValidationError",
        _BROKEN + r"the name b?'caf\\xe9\.txt' is not the UTF-8 that it says it is",
    ),
    "another name at its place": (
        build([_chat(local_name="_chat.exe")]),
        "ZipMemberError",
        _PLAIN + "got another name at its place",
    ),
    "a longer name at its place": (
        build([_chat(local_name="_chat.txt.exe")]),
        "ZipMemberError",
        _PLAIN + "got another name at its place",
    ),
    "a name behind the directory": (
        build([Member("a", offset=10, method=STORED)]),
        "ZipMemberError",
        _PLAIN + "got none at its place",
    ),
    "bytes before": (
        b"PK\3\4" + b"MZ" * 50 + build([_chat()]),
        "ZipValidationError",
        _BROKEN + "its directory is not where it says",
    ),
    "bytes behind": (build([_chat()], after=b"\n"), "ZipValidationError", _BROKEN + "1 bytes follow its end"),
    "another archive behind": (build([_chat()]) + build([_chat()]), "ZipValidationError", _BROKEN + "its directory"),
    "an end in the comment": (
        build([_chat()], comment=build([])[:20] + b"\1\0" + b"x"),
        "ZipValidationError",
        _BROKEN + "its directory is not where it says",
    ),
    "cut in the middle": (build([_chat()])[:90], "ZipValidationError", _BROKEN + "it has no end; was it cut off?"),
    "cut by a byte": (build([_chat()])[:-1], "ZipValidationError", _BROKEN + "it has no end; was it cut off?"),
    "cut in the comment": (build([_chat()], comment=b"hello")[:-2], "ZipValidationError", _BROKEN + "it has no end"),
    "nothing but a signature": (b"PK\3\4", "ZipValidationError", _BROKEN + "it has no end; was it cut off?"),
    "directory elsewhere": (
        build([_chat()], directory_at=0),
        "ZipValidationError",
        _BROKEN + "its directory is not where it says",
    ),
    "directory beyond the end": (
        build([_chat()], directory_at=2**31),
        "ZipValidationError",
        _BROKEN + "its directory is not where it says",
    ),
    "bytes within the directory": (
        build([_chat()], directory_extra=b"x" * 46),
        "ZipValidationError",
        _BROKEN + "its directory goes on after 1 members",
    ),
    "part of several": (build([_chat()], disk=1), "ZipValidationError", _BROKEN + "it is one part of several"),
    "member of another part": (build([_chat(disk=3)]), "ZipValidationError", _BROKEN + "it is one part of several"),
    "ZIP64 record elsewhere": (
        build([_chat()], zip64=True, zip64_place=1),
        "ZipValidationError",
        _BROKEN + "its ZIP64 record is not where it says",
    ),
    "ZIP64 record far outside": (
        build([_chat()], zip64=True, zip64_place=2**62),
        "ZipValidationError",
        _BROKEN + "its ZIP64 record is not where it says",
    ),
    "two ends that differ": (
        build([_chat()], zip64=True, small={"entries": 3}),
        "ZipValidationError",
        _BROKEN + "its two ends say different things",
    ),
    "no ZIP64 size": (build([_chat(size=ONES_32)]), "ZipMemberError", _PLAIN + "got no size or place for it"),
    "a short ZIP64 size": (
        build([_chat(size=ONES_32, extra=_wide(60)[:-1])]),
        "ZipMemberError",
        _PLAIN + "got no size or place for it",
    ),
    **{f"path {path}": (_beside(Member(path)), "ZipPathTraversalError", _LEAVES) for path in _PATHS},
}

WITHOUT_CHAT: dict[str, tuple[bytes, str]] = {
    "nothing": (build([]), "got 0 files and no .txt"),
    "media only": (build([Member("a.jpg", b"x"), Member("b/c.mp4", b"y")]), "got 2 files and no .txt"),
    "notes": (build([Member("a.txt", "milk, eggs")]), "got none in 'a.txt'"),
    "nested": (build([Member("chats.zip", build([_chat()]))]), "got 1 files and no .txt"),
    "nested as text": (build([Member("a.txt", build([_chat(method=STORED)]))]), "got none in 'a.txt'"),
    "hidden": (build([Member(".chat.txt", CHAT), Member("__MACOSX/._chat.txt", CHAT)]), "got 2 files and no .txt"),
}

_NOTES = "".join(f"{number * number} eggs\n" for number in range(9000))
_MEDIA_BOMB = Member("a.mp4", bytes(1 << 20))
_BROKEN_MEDIA = Member("IMG-20240305-WA0001.jpg", b"\xff\xd8" * 9, data=b"\x07\xff" * 9, crc=1)
_HUGE_MEDIA = Member("b.mp4", b"", data=b"x" * 99, size=2**31)

SOUND: dict[str, tuple[bytes, str]] = {
    # name: (archive, the chat that is read)
    "Android": (build([Member("WhatsApp Chat with Ana.txt", CHAT), Member("IMG-20240305-WA0001.jpg", b"x")]), CHAT),
    "iOS": (build([Member("_chat.txt", IOS), Member("a.txt", CHAT * 50)]), IOS),
    "stored": (build([_chat(method=STORED)]), CHAT),
    "a folder around it": (
        build([Member("Trip/", method=STORED, mode=stat.S_IFDIR), Member("Trip/_chat.txt", IOS)]),
        IOS,
    ),
    "a folder of Windows": (build([Member("Trip\\_chat.txt", IOS), Member("whatsapp.txt", CHAT)]), IOS),
    "re-zipped": (build([Member("__MACOSX/._a.txt", OTHER), Member(".DS_Store", b"x"), Member("a.txt", CHAT)]), CHAT),
    "by its name": (build([Member("notes.txt", OTHER * 9), Member("x/Conversa do WhatsApp com Zé.TXT", CHAT)]), CHAT),
    "by its size": (build([Member("a.txt", OTHER), Member("b.txt", CHAT * 9), Member("c.txt", _NOTES)]), CHAT * 9),
    "the first of equals": (
        build([Member("b.txt", OTHER), Member("a.txt", OTHER.replace("Cy", "Di"))]),
        OTHER.replace("Cy", "Di"),
    ),
    "a comment": (build([_chat()], comment=b"PK\5\6 of an exporter"), CHAT),
    "ZIP64": (
        build(
            [
                Member("a.jpg", b"x"),
                _chat(size=ONES_32, packed=ONES_32, extra=_wide(_SIZE, len(deflate(CHAT.encode())))),
            ],
            zip64=True,
        ),
        CHAT,
    ),
    "ZIP64 that need not be": (build([_chat(local_extra=_wide(1, 1))], zip64=True, small={}), CHAT),
    "data descriptors": (build([_chat(flags=8, after=b"PK\7\x08" + bytes(12)), Member("a.jpg", b"x")]), CHAT),
    "UTF-8 without its flag": (build([Member("Conversa do WhatsApp com Zé 🦆.txt", CHAT)]), CHAT),
    "an old encoding of names": (build([Member(b"WhatsApp Chat caf\x82.txt", CHAT)]), CHAT),
    "UTF-16": (build([Member("_chat.txt", CHAT.encode("utf-16"))]), CHAT),
    "UTF-16 of big machines": (build([Member("_chat.txt", b"\xfe\xff" + CHAT.encode("utf-16-be"))]), CHAT),
    "byte order mark": (build([Member("_chat.txt", b"\xef\xbb\xbf" + CHAT.encode())]), CHAT),
    "broken media": (build([_chat(), _BROKEN_MEDIA]), CHAT),
    "large media": (build([_chat(), _MEDIA_BOMB, _HUGE_MEDIA]), CHAT),
    "encrypted media": (build([_chat(), Member("a.pdf", b"x", flags=1), Member("b.pdf", b"x", method=99)]), CHAT),
    "nested beside it": (
        build([Member("other.zip", build([Member("_chat.txt", OTHER)])), Member("a.txt", CHAT)]),
        CHAT,
    ),
    "a broken text beside it": (build([Member("a.txt", OTHER * 9, crc=1, data=b"\x07"), Member("b.txt", CHAT)]), CHAT),
    "an empty text": (build([Member("_chat.txt", b"", data=b""), Member("b.txt", CHAT)]), CHAT),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    archives = [archive for archive, _, _ in HOSTILE.values()]
    archives += [archive for archive, _ in (*WITHOUT_CHAT.values(), *SOUND.values())]
    for number, archive in enumerate(archives):
        (folder / f"{number:03d}.zip").write_bytes(archive)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
