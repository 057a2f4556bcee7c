"""What a path stands for: files, folders, patterns, archives, bytes, and lists of these."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .adapter import ARCHIVE, Folder, Source, shown
from .errors import ExportError
from .safezip import SafeZip, ZipLimits, ZipValidationError

__all__ = ["PathLike", "expand"]

PathLike = str | os.PathLike[str] | bytes | bytearray | memoryview | Iterable["PathLike"]


def expand(path: PathLike, limits: ZipLimits | None) -> Iterator[Source]:
    """The sources that a path stands for, each opened as it is asked for.

    A folder and an archive are one source each, because many exports are several files that belong together.
    """
    if isinstance(path, (bytes, bytearray, memoryview)):
        yield _open("bytes", None, bytes(path), limits)
        return
    if isinstance(path, (str, os.PathLike)):
        yield from _files(os.fsdecode(path), limits)
        return
    if hasattr(path, "read"):  # an open file is an iterable too, of its lines
        advice = "; its name, or what its read() gives in binary mode, is one"
    elif isinstance(path, Iterable) and not isinstance(path, Mapping):
        for item in path:
            yield from expand(item, limits)
        return
    else:
        advice = ""
    raise TypeError(
        f"ingest: expected path to be a path, bytes or an iterable of these, got {type(path).__name__}{advice}"
    )


def _files(path: str, limits: ZipLimits | None) -> Iterator[Source]:
    if not path:
        raise ExportError("ingest: expected a path, got an empty one")
    found = Path(path)
    if found.exists() or not glob.has_magic(path):
        if not found.exists():
            raise ExportError(f"ingest: expected a file or a folder at {shown(path)}, got none")
        yield (
            Source(found.absolute().name or str(found), found, container=Folder(found))
            if found.is_dir()
            else _open(found.name, found, None, limits)
        )
        return
    names = sorted(name for name in glob.glob(path, recursive=True) if not Path(name).is_dir())
    if not names:
        raise ExportError(f"ingest: expected files that match {shown(path)}, got none")
    for name in names:
        yield _open(Path(name).name, Path(name), None, limits)


def _open(name: str, path: Path | None, content: bytes | None, limits: ZipLimits | None) -> Source:
    source = Source(name, path, content)
    try:
        head = source.head(4)
    except OSError as error:
        raise ExportError(f"ingest: expected to read {shown(str(path))}, got {error.strerror or error}") from error
    if head not in ARCHIVE:
        return source
    try:
        return Source(name, path, content, SafeZip(content if content is not None else path, limits))  # type: ignore[arg-type]
    except ZipValidationError as error:
        raise ExportError(f"{name}: {error}") from error
