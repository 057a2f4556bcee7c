"""Which adapter takes which source."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import registry
from .adapter import ARCHIVE, Adapter, Finder, Folder, Skipped, Source
from .errors import ExportError
from .safezip import ZipLimits, ZipValidationError

__all__ = ["Piece", "pieces", "refusal"]

# What Python takes for no photo, sound or film on every system.
_MEDIA = (".amr", ".flac", ".m4a", ".m4v", ".mkv", ".oga", ".ogg", ".tgs", ".webp", ".wma", ".wmv")
# What is beside an export of several files, and may well be attached to it, is read where an adapter is surer.
_SURE = 0.6


@dataclass(frozen=True)
class Piece:
    """A source, the adapter that takes it, and how sure that is of it, from 0 to 1."""

    source: Source
    adapter: Adapter
    sure: float


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


def pieces(source: Source, named: Adapter | None, limits: ZipLimits | None) -> tuple[list[Piece], list[Skipped]]:
    """The source with its adapter, or the exports in a container with theirs; archives in a folder are looked into. And
    what of a container no adapter takes, and why; of an export its adapter says what it leaves out."""
    if not source.is_container:
        one = _choose(source, named)
        return [one] if one is not None else [] if named is None else [Piece(source, named, 0.0)], []
    exports, all_are = _find_exports(source, named)
    whole = _choose(source, named, among_others=True)
    if whole is not None and whole.sure > max((piece.sure for piece in exports), default=0.0):
        return [whole], []
    others, skipped = _others(source, exports, named, limits)
    if len(exports) == 1 and not others and all_are and not isinstance(source.container, Folder):
        return [replace(exports[0], source=source)], []  # its adapter knows best why it leaves out the rest
    sure = [piece for piece in exports if piece.sure > _SURE]
    if sure or others:
        skipped += [
            Skipped(name, _unsure(piece)) for piece in exports if piece not in sure for name in piece.source.names
        ]
        exports = sure
    return exports + others, skipped


def _unsure(piece: Piece) -> str:
    return f"{piece.adapter.name} is not sure of it ({piece.sure:.0%}), and it is not alone"


def _others(
    source: Source, exports: list[Piece], named: Adapter | None, limits: ZipLimits | None
) -> tuple[list[Piece], list[Skipped]]:
    """The files of a container that belong to none of the exports in it."""
    taken = {name for piece in exports for name in piece.source.names}
    free = [name for name in source.names if name not in taken]
    if exports and free:
        rest = _choose(source.part(free), named, among_others=True)
        if rest is not None:
            return [rest], []
    found, skipped, inside = [], [], []
    for name in free:
        member = source.member_named(name)
        reason = "no adapter takes it"
        try:
            piece = None if _is_media(member) else _choose(member, named)
            if piece is not None and exports and piece.sure <= _SURE:
                reason = _unsure(piece)
            elif piece is not None:
                found.append(piece)
                continue
            elif (archive := _archive(source, name, limits)) is not None:
                within, left_out = pieces(archive, named, limits)
                if within:
                    found += within
                    inside += left_out
                    continue
        except ZipValidationError as error:  # a document larger than any text, which nobody asked for
            reason = str(error)
        skipped.append(Skipped(name, reason))
    return found, skipped + inside


def _archive(folder: Source, name: str, limits: ZipLimits | None) -> Source | None:
    """The archive that a file of a folder is. ZipValidationError where it breaks a limit."""
    member = folder.member_named(name)
    if not isinstance(folder.container, Folder) or _is_media(member) or member.head(4) not in ARCHIVE:
        return None
    return Source(f"{folder.name}/{name}", member.on_disk, None, folder.container.archive(name, limits))


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
