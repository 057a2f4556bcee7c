"""Which adapter takes which source."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, replace

from . import registry
from .adapter import ARCHIVE, Adapter, Folder, Skipped, Source
from .errors import ExportError
from .safezip import ZipLimits, ZipValidationError

__all__ = ["Piece", "left_out", "pieces", "refusal"]


@dataclass(frozen=True)
class Piece:
    """A source, the adapter that takes it, and how sure that is of it, from 0 to 1.

    archive : the one of a folder that the source is, or is in.
    """

    source: Source
    adapter: Adapter
    sure: float
    archive: Source | None = None


def _choose(source: Source, named: Adapter | None) -> Piece | None:
    """The source with the named adapter, or with the surest."""
    if named is not None:
        sure = named.sniff(source)
        return Piece(source, named, sure) if sure > 0 else None
    chosen = registry.choose(source)
    return None if chosen is None else Piece(source, *chosen)


def pieces(source: Source, named: Adapter | None, limits: ZipLimits | None) -> list[Piece]:
    """The source with its adapter, or the files of a container with theirs; archives in a folder are looked into."""
    whole = _choose(source, named)
    if whole is not None:
        return [whole]
    if not source.is_container:
        return [Piece(source, named, 0.0)] if named is not None else []
    found = []
    for member in source.members():
        if _is_media(member):
            continue
        try:
            piece = _choose(member, named)
        except ZipValidationError:
            continue  # a photo larger than any text: nobody asked for it
        if piece is not None:
            found.append(piece)
        elif (archive := _archive(source, member, limits)) is not None:
            found += [replace(inner, archive=archive) for inner in pieces(archive, named, limits)]
    return found


def _archive(folder: Source, member: Source, limits: ZipLimits | None) -> Source | None:
    """The archive that a file of a folder is; of one that breaks a limit, or is none, it is said what is left out."""
    if not isinstance(folder.container, Folder) or member.member is None or member.head(4) not in ARCHIVE:
        return None
    try:
        opened = folder.container.archive(member.member, limits)
    except ZipValidationError:
        return None
    return Source(_inside(folder, member), member.on_disk, None, opened)


def _inside(folder: Source, member: Source) -> str:
    return f"{folder.name}/{member.member}"


def left_out(source: Source, taken: list[Piece], limits: ZipLimits | None) -> list[Skipped]:
    """Files of a container that no adapter takes; of one that is taken as a whole its adapter says what it left out."""
    if not source.is_container or any(piece.source is source for piece in taken):
        return []
    read = {piece.source.member for piece in taken if piece.archive is None}
    archives = {piece.archive.name: piece.archive for piece in taken if piece.archive is not None}
    skipped = [
        Skipped(str(member.member), _why_left_out(source, member, limits))
        for member in source.members()
        if member.member not in read and _inside(source, member) not in archives
    ]
    for archive in archives.values():
        skipped += left_out(
            archive, [replace(piece, archive=None) for piece in taken if piece.archive is archive], limits
        )
    return skipped


def _why_left_out(source: Source, member: Source, limits: ZipLimits | None) -> str:
    if isinstance(source.container, Folder) and member.member is not None and member.head(4) in ARCHIVE:
        try:
            source.container.archive(member.member, limits)
        except ZipValidationError as error:
            return str(error)
    return "no adapter takes it"


def refusal(source: Source) -> ExportError:
    """What to say of a source that no adapter takes."""
    if (reason := _why_unread(source)) is not None:
        return ExportError(f"{source.name}: {reason}")
    known = ", ".join(registered.name for registered in registry.adapters())
    return ExportError(f"ingest: expected {source.name} to be an export of {known}, got {_came(source)}")


def _is_media(source: Source) -> bool:
    """Whether it is a photo, a sound or a film, by its name: exports have thousands of them."""
    return (mimetypes.guess_type(source.filename)[0] or "").startswith(("audio/", "image/", "video/"))


def _why_unread(source: Source) -> ZipValidationError | None:
    """Why a file of an archive could not be looked at, unless it is a photo, a sound or a film."""
    for member in source.members():
        if not _is_media(member):
            try:
                member.head()
            except ZipValidationError as error:
                return error
    return None


def _came(source: Source) -> str:
    if source.is_container:
        names = [member.filename for member in source.members()]
        return f"{len(names)} files: {', '.join(names[:3])}" if names else "nothing in it"
    start = source.head(240).decode("utf-8", "replace")[:60]
    return repr(start) if start else "an empty file"
