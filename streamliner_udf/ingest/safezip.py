"""ZIP archives from strangers: members are named, checked and inflated in memory, and nothing is ever written to disk.

Limits on size and ratio count for the members that are read, because the photos of an export may be gigabytes; with
`ZipLimits(strict=True)` the declared sizes of all members count. Nested archives are not opened.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

__all__ = [
    "SafeZip",
    "ZipCompressionBombError",
    "ZipLimits",
    "ZipMemberCountError",
    "ZipMemberError",
    "ZipMemberSizeError",
    "ZipPathTraversalError",
    "ZipTotalSizeError",
    "ZipValidationError",
]

_MIB = 1 << 20
_CHUNK = 1 << 16
_ENCRYPTED, _UTF8 = 0x1, 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL = struct.Struct("<4s22xHH")  # signature, then the lengths of name and extra field
_CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class ZipLimits:
    """What an archive may hold: a member that is read, all that are read together, and how well it may be packed.

    `documents` is how many JSON files and folders there may be, which do not count as `members`: the export of a
    workspace has a file for each channel and day.
    """

    members: int = 2_000
    documents: int = 200_000
    member_bytes: int = 50 * _MIB
    total_bytes: int = 500 * _MIB
    ratio: float = 100.0
    strict: bool = False


class ZipValidationError(ValueError):
    """The archive is broken, or breaks a limit."""


class ZipMemberCountError(ZipValidationError):
    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"expected a ZIP archive of at most {limit:,} members, got {count:,}")
        self.count, self.limit = count, limit


class ZipMemberSizeError(ZipValidationError):
    def __init__(self, member: str, size: int, limit: int) -> None:
        super().__init__(f"expected {member!r} in the ZIP archive to have at most {limit:,} bytes, got {size:,}")
        self.member, self.size, self.limit = member, size, limit


class ZipTotalSizeError(ZipValidationError):
    def __init__(self, total: int, limit: int) -> None:
        super().__init__(f"expected the members of the ZIP archive to have {limit:,} bytes or fewer, got {total:,}")
        self.total, self.limit = total, limit


class ZipCompressionBombError(ZipValidationError):
    def __init__(self, member: str, ratio: float, limit: float) -> None:
        super().__init__(f"expected {member!r} in the ZIP archive to be packed at most {limit:g}:1, got {ratio:.0f}:1")
        self.member, self.ratio, self.limit = member, ratio, limit


class ZipPathTraversalError(ZipValidationError):
    def __init__(self, member: str) -> None:
        super().__init__(f"expected the names in the ZIP archive to stay inside of it, got {member!r}")
        self.member = member


class ZipMemberError(ZipValidationError):
    """A member that cannot be read safely: encrypted, of another method, no file, not what it says it is."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"expected {member!r} in the ZIP archive to be a plain file, {reason}")
        self.member, self.reason = member, reason


def _decode_name(info: zipfile.ZipInfo) -> str:
    """Phones write UTF-8 and some forget to say so."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _check_name(name: str) -> None:
    path = name.replace("\\", "/")
    if path.startswith("/") or re.match("[A-Za-z]:", path) or ".." in path.split("/"):
        raise ZipPathTraversalError(name)
    if not name or _CONTROL.search(name):
        raise ZipMemberError(name, "got a name with control characters" if name else "got no name")


class SafeZip:
    """An archive whose directory has been checked: number and names of members, and that none overlap.

        with SafeZip(path) as archive:
            text = archive.read(archive.names[0])

    Errors : ZipValidationError, one of its kinds where a limit is broken; OSError where the file cannot be read.
    """

    def __init__(self, source: str | Path | bytes, limits: ZipLimits | None = None) -> None:
        self.limits = limits or ZipLimits()
        self._read_bytes = 0
        self._file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: SIM115
        try:
            self._infos = self._open()
            self._named: dict[str, list[zipfile.ZipInfo]] = {}
            for name, info in self._infos:
                self._named.setdefault(name.casefold(), []).append(info)
            self._data = self._check_layout()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> SafeZip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files, in the order of the directory; folders are left out."""
        return tuple(name for name, _ in self._infos if not name.endswith("/"))

    def size(self, name: str) -> int:
        """Bytes that the member says it has."""
        return self._find(name).file_size

    def read(self, name: str) -> bytes:
        """The whole member, its length and CRC-32 checked."""
        info = self._find(name)
        self._check_member(name, info)
        content = b"".join(self._inflate(name, info))
        if len(content) != info.file_size:
            raise ZipMemberError(name, f"got {len(content):,} bytes where the directory says {info.file_size:,}")
        if zlib.crc32(content) != info.CRC:
            raise ZipMemberError(name, "got a wrong CRC-32 checksum")
        self._read_bytes += len(content)
        return content

    def peek(self, name: str, length: int) -> bytes:
        """At most the first `length` bytes of the member, which are all that is inflated."""
        info = self._find(name)
        self._check_member(name, info)
        content = b""
        for piece in self._inflate(name, info):
            content += piece
            if len(content) >= length:
                break
        return content[:length]

    def open(self, name: str) -> BinaryIO:
        """A reader over the member, all of it checked first."""
        return io.BytesIO(self.read(name))

    def _open(self) -> list[tuple[str, zipfile.ZipInfo]]:
        try:
            self._zip = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
            raise ZipValidationError(f"expected a ZIP archive, got a broken one ({error})") from error
        infos = self._zip.infolist()
        documents = sum(info.filename.lower().endswith((".json", "/")) for info in infos)
        if len(infos) - documents > self.limits.members:
            raise ZipMemberCountError(len(infos) - documents, self.limits.members)
        if documents > self.limits.documents:
            raise ZipMemberCountError(documents, self.limits.documents)
        named = [(_decode_name(info), info) for info in infos]
        for name, info in named:
            _check_name(name)
            if self.limits.strict and info.file_size > self.limits.member_bytes:
                raise ZipMemberSizeError(name, info.file_size, self.limits.member_bytes)
            if self.limits.strict:
                self._check_ratio(name, info)
        total = sum(info.file_size for info in infos)
        if self.limits.strict and total > self.limits.total_bytes:
            raise ZipTotalSizeError(total, self.limits.total_bytes)
        return named

    def _check_layout(self) -> dict[int, int]:
        """Where the data of the member with each header begin. Members that share bytes are how bombs are packed."""
        places: dict[int, int] = {}
        ranges = []
        for name, info in self._infos:
            header = b""
            if 0 <= info.header_offset <= self._zip.start_dir - _LOCAL.size:
                self._file.seek(info.header_offset)
                header = self._file.read(_LOCAL.size)
            if len(header) != _LOCAL.size:
                raise ZipMemberError(name, "got a place outside of the archive")
            signature, name_length, extra_length = _LOCAL.unpack(header)
            local = self._file.read(name_length)
            encoded = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
            if signature != b"PK\x03\x04" or local != encoded:
                raise ZipMemberError(name, "got another name at its place in the archive")
            start = info.header_offset + _LOCAL.size + name_length + extra_length
            places[info.header_offset] = start
            ranges.append((info.header_offset, start + info.compress_size, name))
        ranges.sort()
        stops = [start for start, _, _ in ranges[1:]] + [self._zip.start_dir]
        for (_, stop, name), limit in zip(ranges, stops, strict=False):
            if stop > limit:
                raise ZipMemberError(name, "got one that overlaps another")
        return places

    def _find(self, name: str) -> zipfile.ZipInfo:
        found = self._named.get(name.casefold(), [])
        if not any(_decode_name(info) == name for info in found):
            raise ZipMemberError(name, "got no member of that name")
        if len(found) > 1:
            raise ZipMemberError(name, "got several members of that name")
        return found[0]

    def _check_ratio(self, name: str, info: zipfile.ZipInfo) -> None:
        if info.file_size and info.compress_size and info.file_size > self.limits.ratio * info.compress_size:
            raise ZipCompressionBombError(name, info.file_size / info.compress_size, self.limits.ratio)

    def _check_member(self, name: str, info: zipfile.ZipInfo) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise ZipMemberError(name, "got an encrypted one; export the chat without a password")
        if info.compress_type not in _METHODS:
            raise ZipMemberError(name, f"got compression method {info.compress_type}, neither stored nor deflate")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise ZipMemberError(name, "got a link, a folder or a device")
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            raise ZipMemberError(name, "got two sizes for a member that is not packed")
        if info.file_size > self.limits.member_bytes:
            raise ZipMemberSizeError(name, info.file_size, self.limits.member_bytes)
        if self._read_bytes + info.file_size > self.limits.total_bytes:
            raise ZipTotalSizeError(self._read_bytes + info.file_size, self.limits.total_bytes)
        self._check_ratio(name, info)

    def _inflate(self, name: str, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content in pieces. Never more than the directory says, whatever the data say."""
        self._file.seek(self._data[info.header_offset])
        stored = info.compress_type == zipfile.ZIP_STORED
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        packed, made, pending = info.compress_size, 0, b""
        while not engine.eof:
            if not pending and packed:
                pending = self._file.read(min(_CHUNK, packed))
                packed -= len(pending)
                if not pending:
                    raise ZipMemberError(name, "got one that ends before its end")
            try:
                piece = pending if stored else engine.decompress(pending, _CHUNK)
            except zlib.error as error:
                raise ZipMemberError(name, f"got data that cannot be unpacked ({error})") from error
            pending = b"" if stored else engine.unconsumed_tail
            made += len(piece)
            if made > info.file_size:
                raise ZipMemberError(name, f"got more bytes than the {info.file_size:,} that the directory says")
            if piece:
                yield piece
            elif stored:
                return
            elif not pending and not packed and not engine.eof:
                raise ZipMemberError(name, "got packed data without an end")
