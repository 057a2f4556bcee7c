"""What a path stands for: files, folders, patterns, archives, bytes, and lists of these."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from .adapter import ARCHIVE, Folder, Source
from .errors import ExportError
from .safezip import SafeZip, ZipLimits, ZipValidationError

__all__ = ["PathLike", "expand"]

PathLike = str | Path | bytes | Iterable["PathLike"]


def expand(path: PathLike, limits: ZipLimits | None) -> Iterator[Source]:
    """The sources that a path stands for, each opened as it is asked for.

    A folder and an archive are one source each, because many exports are several files that belong together.
    """
    if isinstance(path, bytes):
        yield _open("bytes", None, path, limits)
        return
    if isinstance(path, (str, Path)):
        yield from _files(path, limits)
        return
    for item in path:
        yield from expand(item, limits)


def _files(path: str | Path, limits: ZipLimits | None) -> Iterator[Source]:
    found = Path(path)
    if found.exists() or not glob.has_magic(str(path)):
        if not found.exists():
            raise ExportError(f"ingest: expected a file or a folder at {path}, got none")
        yield (
            Source(found.absolute().name or str(found), found, container=Folder(found))
            if found.is_dir()
            else _open(found.name, found, None, limits)
        )
        return
    names = sorted(name for name in glob.glob(str(path), recursive=True) if not Path(name).is_dir())
    if not names:
        raise ExportError(f"ingest: expected files that match {path}, got none")
    for name in names:
        yield _open(Path(name).name, Path(name), None, limits)


def _open(name: str, path: Path | None, content: bytes | None, limits: ZipLimits | None) -> Source:
    source = Source(name, path, content)
    try:
        head = source.head(4)
    except OSError as error:
        raise ExportError(f"ingest: expected to read {path}, got {error.strerror or error}") from error
    if head not in ARCHIVE:
        return source
    try:
        return Source(name, path, content, SafeZip(content if content is not None else path, limits))  # type: ignore[arg-type]
    except ZipValidationError as error:
        raise ExportError(f"{name}: {error}") from error
