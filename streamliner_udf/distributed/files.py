"""Files that are there whole or not at all, also after the power went, and the lock of a target."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import TargetBusy

__all__ = [
    "DONE",
    "MANIFEST",
    "SHUFFLE",
    "TEMPORARY",
    "Lock",
    "publish",
    "read_json",
    "sweep",
    "temporary_name",
    "write_json",
]

MANIFEST = "manifest.json"
TEMPORARY = "_tmp"
DONE = "_done"
SHUFFLE = "_shuffle"
_LOCK = "_lock"


def temporary_name(target: Path, stem: str, suffix: str) -> Path:
    """A name that no other attempt has; the number of the process is in it."""
    return target / TEMPORARY / f"{stem}.{os.getpid()}.{secrets.token_hex(4)}{suffix}"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(temporary: Path, final: Path) -> None:
    """Gives a written file its name: from then on it is there, whatever happens."""
    _sync(temporary)
    os.replace(temporary, final)
    if os.name == "posix":  # elsewhere a folder can't be opened
        _sync(final.parent)


def write_json(target: Path, path: Path, record: dict[str, Any]) -> None:
    """The record in place of what was there, in one step."""
    temporary = temporary_name(target, path.stem, ".json")
    try:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The record, or None if there is none that is whole."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def sweep(folder: Path, keep: frozenset[str] = frozenset()) -> int:
    """Takes everything out of a folder that is not to be kept; how many entries that were."""
    swept = 0
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name in keep:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        swept += 1
    return swept


class Lock:
    """One run at a time in a target. The system takes the lock away from a process that ends, however it ends."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.handle = -1

    def __enter__(self) -> Lock:
        path = self.target / _LOCK
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(self.handle)
        except OSError:
            holder = read_json(path) or {}
            os.close(self.handle)
            raise TargetBusy(
                f"distributed.run: expected {self.target} to be free, got a run at work in it: process "
                f"{holder.get('process', 'unknown')} on {holder.get('host', 'unknown')}, "
                f"since {holder.get('since', 'unknown')}"
            ) from None
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since})
        os.ftruncate(self.handle, 0)
        os.write(self.handle, record.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: taking it away would let two later runs lock two different files.
        os.close(self.handle)


def _take(handle: int) -> None:
    """An OSError if another process has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        # Far behind the end of the file, so that others can read who holds it.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
