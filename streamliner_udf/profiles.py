"""Settings that a connection for text pipelines is opened with: `streamliner_udf.connect(profile="pipeline")`."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from .resources import detect, in_memory, recommend, rows_per_group
from .sql import identifier, quoted

__all__ = ["PROFILES", "apply", "check", "disk_free", "scratch"]

PROFILES = ("pipeline",)
# Row groups are made for a table of so many rows, or for the largest that is in the file already.
TYPICAL_ROWS = 100_000
_ALIASES = {"max_memory": "memory_limit", "worker_threads": "threads"}
# What may be left on the disk for others.
_DISK_SHARE = 0.5
_number = itertools.count()


def check(profile: str) -> None:
    """An error for a name that no profile has."""
    if profile not in PROFILES:
        raise ValueError(f"connect: expected profile to be None or one of {', '.join(PROFILES)}, got {profile!r}")


def apply(connection: duckdb.DuckDBPyConnection, given: Collection[str]) -> bool:
    """Sets what the caller's own `given` settings leave open. False, and nothing is set, if others have the database
    open: then its settings are theirs as well."""
    with connection.cursor() as other:
        # This cursor is one of them.
        if other.execute("SELECT count FROM duckdb_connection_count()").fetchall()[0][0] > 2:
            return False
        ((name, path, read_only),) = other.execute(
            "SELECT database_name, path, readonly FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()
        writes = bool(path) and not read_only
        for setting, value in _settings(other, {_ALIASES.get(one, one) for one in given}, writes):
            other.execute(f"SET GLOBAL {setting} = {quoted(value)}")
        if writes:
            _attach_again(other, name, path)
    return True


def _settings(
    connection: duckdb.DuckDBPyConnection, given: Collection[str], writes: bool
) -> Iterator[tuple[str, object]]:
    wanted = recommend(detect())
    if "threads" not in given:
        yield "threads", wanted.threads
    if "memory_limit" not in given and wanted.memory_limit is not None:
        yield "memory_limit", f"{wanted.memory_limit >> 20}MiB"
    if "temp_directory" not in given and not writes:
        # DuckDB's own would be `.tmp` in whatever folder the program was started in, or beside a file that several
        # programs may have open for reading, each of which would take the others' temporary files for its own.
        yield "temp_directory", scratch()
    folder = connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]
    free = disk_free(Path(folder)) if folder else None
    if "max_temp_directory_size" not in given and free is not None:
        yield "max_temp_directory_size", f"{int(free * _DISK_SHARE) >> 20}MiB"


def _attach_again(connection: duckdb.DuckDBPyConnection, name: str, path: str) -> None:
    """The size of row groups can only be told to ATTACH. So the file is detached and attached under the same name, and
    stays the default of the connection and of every cursor to come."""
    ((threads, largest),) = connection.execute(
        "SELECT current_setting('threads'), coalesce(max(estimated_size), 0) FROM duckdb_tables()"
    ).fetchall()
    size = rows_per_group(max(largest, TYPICAL_ROWS), threads)
    meanwhile = identifier(f"{name}_meanwhile")
    # What a crash has left in the log would be written when the file is detached, in groups of the wrong size.
    kept = os.path.exists(f"{path}.wal")
    if kept:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.execute(f"ATTACH ':memory:' AS {meanwhile}; USE {meanwhile}; DETACH {identifier(name)}")
    connection.execute(f"ATTACH {quoted(path)} AS {identifier(name)} (ROW_GROUP_SIZE {size})")
    connection.execute(f"USE {identifier(name)}; DETACH {meanwhile}")
    if kept:
        connection.execute("PRAGMA enable_checkpoint_on_shutdown")


def scratch() -> str:
    """A folder that is not there yet, on a disk where there is one, in a folder of this process that only its user can
    open and that goes with the process. DuckDB makes it when a query spills, and takes it away with the database."""
    return os.path.join(_own_folder(os.getpid()), f"{next(_number)}.tmp")


@functools.lru_cache(maxsize=1)
def _own_folder(process: int) -> str:
    folder = tempfile.mkdtemp(prefix="streamliner-", dir=_disk())

    def remove() -> None:
        if os.getpid() == process:  # to a forked child it is the parent's
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _disk() -> str:
    usual = tempfile.gettempdir()
    # What spills to a file system in memory does not leave memory.
    for folder in (usual, "/var/tmp", os.path.expanduser("~/.cache"), os.getcwd()):
        if os.access(folder, os.W_OK) and not in_memory(folder):
            return folder
    return usual


def disk_free(folder: Path) -> int | None:
    """Bytes that are free where the folder is or would be made; None where that cannot be known."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
