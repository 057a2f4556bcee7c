"""Which adapter takes which source."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import registry
from .adapter import ARCHIVE, Adapter, Finder, Folder, Skipped, Source
from .errors import ExportError
from .safezip import ZipLimits, ZipValidationError

__all__ = ["Piece", "left_out", "pieces", "refusal"]

# What Python takes for no photo, sound or film on every system.
_MEDIA = (".amr", ".flac", ".m4a", ".m4v", ".mkv", ".oga", ".ogg", ".tgs", ".webp", ".wma", ".wmv")
# A file beside an export of several files, which may well be attached to it, is read where an adapter is surer.
_SURE = 0.6
_NOBODY = "no adapter takes it"


@dataclass(frozen=True)
class Piece:
    """A source, the adapter that takes it, and how sure that is of it, from 0 to 1.

    archive : the one of a folder that the source is, or is in.
    """

    source: Source
    adapter: Adapter
    sure: float
    archive: Source | None = None


def _choose(source: Source, named: Adapter | None, among_others: bool = False) -> Piece | None:
    """The source with the named adapter, or with the surest."""
    if named is not None:
        sure = 0.0 if among_others and isinstance(named, Finder) else named.sniff(source)
        return Piece(source, named, sure) if sure > 0 else None
    chosen = registry.choose(source, among_others)
    return None if chosen is None else Piece(source, *chosen)


def _find_exports(source: Source, named: Adapter | None) -> tuple[list[Piece], bool]:
    """Exports of several files among those of a container, and whether all that looks like one is one."""
    if named is not None:
        exports = list(named.find_exports(source)) if isinstance(named, Finder) else []
    else:
        exports = registry.find_exports(source)
    free, found, all_are = dict.fromkeys(source.names), [], True
    for names in exports:
        names = [name for name in names if name in free]
        if not names:
            continue  # two kinds of export with the same files
        piece = _choose(source.part(names), named)
        all_are = all_are and piece is not None
        if piece is not None:
            found.append(piece)
            for name in names:
                del free[name]
    return found, all_are


def pieces(source: Source, named: Adapter | None, limits: ZipLimits | None) -> list[Piece]:
    """The source with its adapter, or the exports in a container with theirs; archives in a folder are looked into."""
    if not source.is_container:
        one = _choose(source, named)
        return [one] if one is not None else [] if named is None else [Piece(source, named, 0.0)]
    exports, all_are = _find_exports(source, named)
    whole = _choose(source, named, among_others=True)
    if whole is not None and whole.sure > max((piece.sure for piece in exports), default=0.0):
        return [whole]
    others = _others(source, exports, named, limits)
    if len(exports) == 1 and not others and all_are and not isinstance(source.container, Folder):
        return [replace(exports[0], source=source)]  # its adapter knows best why it leaves out the rest
    return exports + others


def _others(source: Source, exports: list[Piece], named: Adapter | None, limits: ZipLimits | None) -> list[Piece]:
    """The files of a container that belong to none of the exports in it."""
    read = _names(exports)
    free = [member for member in source.members() if member.member not in read]
    if exports and free:
        rest = _choose(source.part([str(member.member) for member in free]), named, among_others=True)
        if rest is not None:
            return [rest]
    found = []
    for member in free:
        if _is_media(member):
            continue
        try:
            piece = _choose(member, named)
        except ZipValidationError:
            continue  # a photo larger than any text: nobody asked for it
        if piece is not None and (not exports or piece.sure > _SURE):
            found.append(piece)
        elif piece is None and (archive := _archive(source, member, limits)) is not None:
            found += [replace(inner, archive=archive) for inner in pieces(archive, named, limits)]
    return found


def _names(taken: list[Piece]) -> set[str | None]:
    """Files of a container that are read, or left out by the adapter of the export that they belong to."""
    return {name for piece in taken for name in piece.source.names or (piece.source.member,)}


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
    read = _names([piece for piece in taken if piece.archive is None])
    beside_exports = any(piece.source.is_container for piece in taken if piece.archive is None)
    archives = {piece.archive.name: piece.archive for piece in taken if piece.archive is not None}
    skipped = [
        Skipped(str(member.member), _why_left_out(source, member, limits, beside_exports))
        for member in source.members()
        if member.member not in read and _inside(source, member) not in archives
    ]
    for archive in archives.values():
        skipped += left_out(
            archive, [replace(piece, archive=None) for piece in taken if piece.archive is archive], limits
        )
    return skipped


def _why_left_out(source: Source, member: Source, limits: ZipLimits | None, beside_exports: bool) -> str:
    if _is_media(member):
        return _NOBODY
    try:
        if isinstance(source.container, Folder) and member.member is not None and member.head(4) in ARCHIVE:
            source.container.archive(member.member, limits)
            return _NOBODY
        # Beside an export of several files an adapter may not be sure enough.
        chosen = registry.choose(member) if beside_exports else None
        member.head(1)
    except ZipValidationError as error:
        return str(error)
    return f"{chosen[0].name} is not sure of it ({chosen[1]:.0%}), and it is not alone" if chosen else _NOBODY


def refusal(source: Source, mapping: Mapping[str, str] | None = None) -> ExportError:
    """What to say of a source that no adapter takes. `mapping`: of columns, which the caller gave."""
    if (reason := _why_unread(source)) is not None:
        return ExportError(f"{source.name}: {reason}")
    known = ", ".join(registered.name for registered in registry.adapters())
    hint = (
        '; a mapping of columns needs source="csv", "jsonl" or "parquet" where names are not known' if mapping else ""
    )
    return ExportError(f"ingest: expected {source.name} to be an export of {known}, got {_came(source)}{hint}")


def _is_media(source: Source) -> bool:
    """Whether it is a photo, a sound or a film, by its name: exports have thousands of them."""
    if source.filename.lower().endswith(_MEDIA):
        return True
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
