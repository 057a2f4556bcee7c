"""Which adapter takes which source."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass

from . import registry
from .adapter import Adapter, Skipped, Source
from .errors import ExportError
from .safezip import ZipValidationError

__all__ = ["Piece", "left_out", "pieces", "refusal"]


@dataclass(frozen=True)
class Piece:
    """A source, the adapter that takes it, and how sure that is of it, from 0 to 1."""

    source: Source
    adapter: Adapter
    sure: float


def _choose(source: Source, named: Adapter | None) -> Piece | None:
    """The source with the named adapter, or with the surest."""
    if named is not None:
        sure = named.sniff(source)
        return Piece(source, named, sure) if sure > 0 else None
    chosen = registry.choose(source)
    return None if chosen is None else Piece(source, *chosen)


def pieces(source: Source, named: Adapter | None) -> list[Piece]:
    """The source with its adapter, or the files of a container with theirs."""
    whole = _choose(source, named)
    if whole is not None:
        return [whole]
    if not source.is_container:
        return [Piece(source, named, 0.0)] if named is not None else []
    found = []
    for member in source.members():
        try:
            piece = _choose(member, named)
        except ZipValidationError:
            continue  # a photo larger than any text: nobody asked for it
        if piece is not None:
            found.append(piece)
    return found


def left_out(source: Source, taken: list[Piece]) -> list[Skipped]:
    """Files of a container that no adapter takes; of one that is taken as a whole its adapter says what it left out."""
    if not source.is_container or any(piece.source is source for piece in taken):
        return []
    read = {piece.source.member for piece in taken}
    others = [member.member for member in source.members() if member.member not in read]
    return [Skipped(str(name), "no adapter takes it") for name in others]


def refusal(source: Source) -> ExportError:
    """What to say of a source that no adapter takes."""
    if (reason := _why_unread(source)) is not None:
        return ExportError(f"{source.name}: {reason}")
    known = ", ".join(registered.name for registered in registry.adapters())
    return ExportError(f"ingest: expected {source.name} to be an export of {known}, got {_came(source)}")


def _why_unread(source: Source) -> ZipValidationError | None:
    """Why a file of an archive could not be looked at, unless it is a photo, a sound or a film."""
    for member in source.members():
        kind = mimetypes.guess_type(member.filename)[0] or ""
        if not kind.startswith(("audio/", "image/", "video/")):
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
