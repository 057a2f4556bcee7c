"""ZIP archives from strangers: members are named, checked and inflated in memory, and nothing is ever written to disk.

Limits on size and ratio count for the members that are read, because the photos of an export may be gigabytes; with
`ZipLimits(strict=True)` the declared sizes of all members count. Nested archives are not opened. csrc/kernels/zip.c
reads archives for SQL by the same rules.
"""

from __future__ import annotations

import datetime
import io
import itertools
import re
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

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
    "default_limits",
    "set_default_limits",
]

_MIB = 1 << 20
_CHUNK = 1 << 16
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _PATCH, _UTF8 = 0x2041, 0x20, 0x800
_ONES_16, _ONES_32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA = 1
_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_LOCAL = struct.Struct("<4s22xHH")  # signature, then the lengths of name and extra field
_ENTRY = struct.Struct("<4s4xHH2xHIIIHHHH2xII")
_END = struct.Struct("<4sHHHHIIH")
_ZIP64_END = struct.Struct("<4sQ4xIIQQQQ")
_ZIP64_PLACE = struct.Struct("<4sIQI")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class ZipLimits:
    """What an archive may hold: a member that is read, all that are read together, and how well it may be packed.

    `documents` is how many JSON files and folders there may be, which do not count as `members`: the export of a
    workspace has a file for each channel and day. `dataclasses.replace(default_limits(), members=100_000)` changes one
    limit. Errors : ValueError for what is no number or below 0.
    """

    members: int = 2_000
    documents: int = 200_000
    member_bytes: int = 50 * _MIB
    total_bytes: int = 500 * _MIB
    ratio: float = 100.0
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("members", "documents", "member_bytes", "total_bytes", "ratio"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ValueError(f"ZipLimits: expected {name} to be a number of at least 0, got {value!r}")


_default = ZipLimits()


def default_limits() -> ZipLimits:
    """The limits where a call gives none."""
    return _default


def set_default_limits(limits: ZipLimits) -> ZipLimits:
    """Sets the limits for all calls of this process that give none, and returns those before.

    SQL keeps its own, which are those of `ZipLimits()`.
    """
    global _default
    if not isinstance(limits, ZipLimits):
        raise TypeError(f"set_default_limits: expected ZipLimits, got {type(limits).__name__}")
    before, _default = _default, limits
    return before


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


class _Entry(NamedTuple):
    """A member, as the directory has it."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int  # of its header
    date: int  # when the file was written, as DOS has it


def _broken(reason: str) -> ZipValidationError:
    return ZipValidationError(f"expected a ZIP archive, got a broken one: {reason}")


def _decode_name(raw: bytes, flags: int) -> str:
    """Phones write UTF-8 and some forget to say so."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        if flags & _UTF8:
            raise _broken(f"the name {raw!r} is not the UTF-8 that it says it is") from None
        return raw.decode("cp437")


def _check_name(name: str) -> None:
    path = name.replace("\\", "/")
    # Windows drops spaces at the end of a folder's name.
    if path.startswith("/") or re.match("[A-Za-z]:", path) or ".." in (part.rstrip(" ") for part in path.split("/")):
        raise ZipPathTraversalError(name)
    if not name or _CONTROL.search(name):
        raise ZipMemberError(name, "got a name with control characters" if name else "got no name")


class SafeZip:
    """An archive whose directory has been checked: number and names of members, and that none overlap.

        with SafeZip(path) as archive:
            text = archive.read(archive.names[0])

    An archive is the whole file: bytes before it or after it are an error, for programs do not agree on which archive
    such a file holds.

    Errors : ZipValidationError, one of its kinds where a limit is broken; OSError where the file cannot be read.
    """

    def __init__(self, source: str | Path | bytes, limits: ZipLimits | None = None) -> None:
        self.limits = limits or default_limits()
        self._read_bytes = 0
        self._file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: SIM115
        try:
            directory, count = self._find_directory()
            self._entries = self._read_directory(directory, count)
            self._check_limits()
            self._data = self._check_layout()
        except BaseException:
            self._file.close()
            raise
        self._names = tuple(entry.name for entry in self._entries if not entry.name.endswith("/"))
        self._by_name = {entry.name: entry for entry in self._entries}
        self._twins = Counter(entry.name.casefold() for entry in self._entries)

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
        return self._names

    def size(self, name: str) -> int:
        """Bytes that the member says it has."""
        return self._find(name).size

    def written(self, name: str) -> datetime.date | None:
        """The day on which the member was written, by the clock of who packed it; None where the directory has none."""
        date = self._find(name).date
        try:
            return datetime.date(1980 + (date >> 9), date >> 5 & 15, date & 31) if date >> 9 else None
        except ValueError:
            return None

    def read(self, name: str) -> bytes:
        """The whole member, its length and CRC-32 checked."""
        entry = self._find(name)
        self._check_member(entry)
        content = b"".join(self._inflate(entry))
        if len(content) != entry.size:
            raise ZipMemberError(name, f"got {len(content):,} bytes where the directory says {entry.size:,}")
        if zlib.crc32(content) != entry.crc:
            raise ZipMemberError(name, "got a wrong CRC-32 checksum")
        self._read_bytes += len(content)
        return content

    def peek(self, name: str, length: int) -> bytes:
        """At most the first `length` bytes of the member, which are all that is inflated."""
        entry = self._find(name)
        self._check_member(entry)
        content = b""
        for piece in self._inflate(entry):
            content += piece
            if len(content) >= length:
                break
        return content[:length]

    def open(self, name: str) -> BinaryIO:
        """A reader over the member, all of it checked first."""
        return io.BytesIO(self.read(name))

    def _take(self, place: int, length: int) -> bytes:
        """Bytes of the file, all of them or an error."""
        self._file.seek(place)
        found = self._file.read(length)
        if len(found) != length:
            raise _broken("it is cut off")
        return found

    def _find_end(self) -> int:
        """Where the record stands that ends at the end of the file."""
        size = self._file.seek(0, io.SEEK_END)
        start = max(size - _END.size - _ONES_16, 0)
        tail = self._take(start, size - start)
        if tail and self._take(0, min(4, size)) not in _STARTS:
            raise _broken("it begins with something else")
        last = found = tail.rfind(b"PK\x05\x06")
        while found >= 0:
            if found + _END.size <= len(tail):
                stop = found + _END.size + int.from_bytes(tail[found + 20 : found + 22], "little")
                if stop == len(tail):
                    return start + found
                if found == last and stop < len(tail):
                    raise _broken(f"{len(tail) - stop:,} bytes follow its end")
            found = tail.rfind(b"PK\x05\x06", 0, found + 3)
        raise _broken("it has no end; was it cut off?")

    def _find_directory(self) -> tuple[int, int]:
        """Place of the directory, and the number of its entries."""
        end = self._find_end()
        _, disk, first_disk, here, count, size, offset, _ = _END.unpack(self._take(end, _END.size))
        if end >= _ZIP64_PLACE.size:
            signature, place_disk, place, _ = _ZIP64_PLACE.unpack(
                self._take(end - _ZIP64_PLACE.size, _ZIP64_PLACE.size)
            )
            if signature == b"PK\x06\x07":
                end -= _ZIP64_PLACE.size
                if place_disk or place > end - _ZIP64_END.size:
                    raise _broken("its ZIP64 record is not where it says")
                signature, length, *large = _ZIP64_END.unpack(self._take(place, _ZIP64_END.size))
                if signature != b"PK\x06\x06" or place + 12 + length != end:
                    raise _broken("its ZIP64 record is not where it says")
                end = place
                fields = zip(
                    (disk, first_disk, here, count, size, offset),
                    (_ONES_16, _ONES_16, _ONES_16, _ONES_16, _ONES_32, _ONES_32),
                    large,
                    strict=True,
                )
                if any(small not in (ones, wide) for small, ones, wide in fields):
                    raise _broken("its two ends say different things")
                disk, first_disk, here, count, size, offset = large
        if disk or first_disk or here != count:
            raise _broken("it is one part of several")
        if offset + size != end:
            raise _broken("its directory is not where it says")
        # More than JSON files can excuse, or than a directory of that size can hold.
        most = min(self.limits.members + self.limits.documents, max(self.limits.members, size // _ENTRY.size))
        if count > most:
            raise ZipMemberCountError(count, self.limits.members)
        self._start, self._stop = offset, end
        return offset, count

    def _read_directory(self, place: int, count: int) -> list[_Entry]:
        """Exactly as many entries as there should be. Nothing is read past the directory."""
        entries: list[_Entry] = []
        for _ in range(count):
            header = self._take(place, _ENTRY.size) if place + _ENTRY.size <= self._stop else b""
            if header[:4] != b"PK\x01\x02":
                raise _broken(f"its directory ends after {len(entries):,} of {count:,} members")
            (
                _,
                flags,
                method,
                date,
                crc,
                packed,
                size,
                name_length,
                extra_length,
                comment_length,
                disk,
                attributes,
                offset,
            ) = _ENTRY.unpack(header)
            place += _ENTRY.size
            stop = place + name_length + extra_length + comment_length
            if stop > self._stop:
                raise _broken(f"its directory ends within member {len(entries) + 1:,}")
            raw_name = self._take(place, name_length)
            extra = self._take(place + name_length, extra_length)
            place = stop
            name = _decode_name(raw_name, flags)
            _check_name(name)
            size, packed, offset = _widen(name, extra, size, packed, offset)
            if disk not in (0, _ONES_16):
                raise _broken("it is one part of several")
            entries.append(_Entry(name, raw_name, flags, method, crc, packed, size, attributes >> 16, offset, date))
        if place != self._stop:
            raise _broken(f"its directory goes on after {count:,} members")
        return entries

    def _check_limits(self) -> None:
        documents = sum(entry.name.lower().endswith((".json", "/")) for entry in self._entries)
        for count, limit in (
            (len(self._entries) - documents, self.limits.members),
            (documents, self.limits.documents),
        ):
            if count > limit:
                raise ZipMemberCountError(count, limit)
        if not self.limits.strict:
            return
        total = 0
        for entry in self._entries:
            if entry.size > self.limits.member_bytes:
                raise ZipMemberSizeError(entry.name, entry.size, self.limits.member_bytes)
            self._check_ratio(entry)
            total += entry.size
        if total > self.limits.total_bytes:
            raise ZipTotalSizeError(total, self.limits.total_bytes)

    def _check_layout(self) -> dict[int, int]:
        """Where the data of the member with each header begin. Members that share bytes are how bombs are packed."""
        places: dict[int, int] = {}
        ranges = []
        for entry in self._entries:
            header = self._take(entry.offset, _LOCAL.size) if entry.offset + _LOCAL.size <= self._start else b"\0" * 30
            signature, name_length, extra_length = _LOCAL.unpack(header)
            start = entry.offset + _LOCAL.size + name_length + extra_length
            if signature != b"PK\x03\x04" or start > self._start:
                raise ZipMemberError(entry.name, "got none at its place in the archive")
            if self._take(entry.offset + _LOCAL.size, name_length) != entry.raw_name:
                raise ZipMemberError(entry.name, "got another name at its place in the archive")
            if start + entry.packed > self._start:
                raise ZipMemberError(entry.name, "got one that overlaps another")
            places[entry.offset] = start
            ranges.append((entry.offset, start + entry.packed, entry.name))
        ranges.sort()
        for (_, stop, name), (following, _, _) in itertools.pairwise(ranges):
            if stop > following:
                raise ZipMemberError(name, "got one that overlaps another")
        return places

    def _find(self, name: str) -> _Entry:
        if name not in self._by_name:
            raise ZipMemberError(name, "got no member of that name")
        if self._twins[name.casefold()] > 1:
            raise ZipMemberError(name, "got several members of that name")
        return self._by_name[name]

    def _check_ratio(self, entry: _Entry) -> None:
        if entry.size and entry.packed and entry.size > self.limits.ratio * entry.packed:
            raise ZipCompressionBombError(entry.name, entry.size / entry.packed, self.limits.ratio)

    def _check_member(self, entry: _Entry) -> None:
        if entry.flags & _ENCRYPTED:
            raise ZipMemberError(entry.name, "got an encrypted one; export the chat without a password")
        if entry.flags & _PATCH:
            raise ZipMemberError(entry.name, "got a patch for another file")
        if entry.method not in (_STORED, _DEFLATED):
            raise ZipMemberError(entry.name, f"got compression method {entry.method}, neither stored nor deflate")
        if stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG) or entry.name.endswith("/"):
            raise ZipMemberError(entry.name, "got a link, a folder or a device")
        if entry.method == _STORED and entry.packed != entry.size:
            raise ZipMemberError(entry.name, "got two sizes for a member that is not packed")
        if entry.size > self.limits.member_bytes:
            raise ZipMemberSizeError(entry.name, entry.size, self.limits.member_bytes)
        if self._read_bytes + entry.size > self.limits.total_bytes:
            raise ZipTotalSizeError(self._read_bytes + entry.size, self.limits.total_bytes)
        self._check_ratio(entry)

    def _inflate(self, entry: _Entry) -> Iterator[bytes]:
        """The content in pieces. Never more than a byte above what the directory says, whatever the data say."""
        if not entry.size and not entry.packed:
            return
        self._file.seek(self._data[entry.offset])
        stored = entry.method == _STORED
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        packed, made, pending = entry.packed, 0, b""
        while not engine.eof:
            if not pending and packed:
                pending = self._file.read(min(_CHUNK, packed))
                packed -= len(pending)
                if not pending:
                    raise ZipMemberError(entry.name, "got one that ends before its end")
            try:
                piece = pending if stored else engine.decompress(pending, min(_CHUNK, entry.size + 1 - made))
            except zlib.error as error:
                raise ZipMemberError(entry.name, f"got data that cannot be unpacked ({error})") from error
            pending = b"" if stored else engine.unconsumed_tail
            made += len(piece)
            if made > entry.size:
                raise ZipMemberError(entry.name, f"got more bytes than the {entry.size:,} that the directory says")
            if piece:
                yield piece
            elif stored:
                return
            elif not pending and not packed and not engine.eof:
                raise ZipMemberError(entry.name, "got packed data without an end")


def _widen(name: str, extra: bytes, *fields: int) -> tuple[int, int, int]:
    """Size, packed size and place of a member, from its ZIP64 field where they do not fit 32 bits."""
    wide, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64_EXTRA:
            wide = extra[at + 4 : at + 4 + length]
            break
        at += 4 + length
    found = []
    for field in fields:
        if field == _ONES_32:
            if len(wide) < 8:
                raise ZipMemberError(name, "got no size or place for it")
            field, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        found.append(field)
    size, packed, offset = found
    return size, packed, offset
