"""Builds and loads the floors: native functions that do nothing (floors/floors.c), against which ours are measured.

    sl_floor_noop(t)      BIGINT   length in bytes; reads no text: what a native call costs
    sl_floor_touch(t)     BIGINT   length of an ASCII text, else 0; reads every byte: the floor of text -> list
    sl_floor_identity(t)  VARCHAR  the text, copied: the floor of text -> text

No function of ours can be faster than the floor of its shape.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from pathlib import Path

import duckdb

import streamliner_udf
from streamliner_udf.sql import quoted

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
SOURCES = [ROOT / "bench/floors/floors.c", ROOT / "csrc/duckdb/abi.c"]
INCLUDED = [
    ROOT / "csrc" / name
    for name in ("duckdb/abi.h", "duckdb/heap.h", "kernels/simd.h", "streamliner.h", "functions.def")
]
# The optimisation of setup.py.
FLAGS = ["-O3", "-std=c11", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden", "-fexceptions"]


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or "cc")


def footer(platform: str) -> bytes:
    """What makes a shared library a DuckDB extension of the stable C API."""
    fields = ["", "", "", "C_STRUCT", "bench", "v1.2.0", platform, "4"]
    header = bytes([0x00, 0x93, 0x04, 0x10]) + b"duckdb_signature" + bytes([0x80, 0x04])
    return header + b"".join(field.encode().ljust(32, b"\0") for field in fields) + bytes(256)


def build(platform: str) -> Path:
    """The extension file, compiled anew only if a source changed."""
    command = [*compiler(), *FLAGS]
    key = hashlib.sha256("\0".join([*command, platform]).encode())
    for path in [*SOURCES, *INCLUDED]:
        key.update(path.read_bytes())
    # DuckDB takes the name of the entry point from the name of the file.
    target = BUILD / key.hexdigest()[:16] / "streamliner_floors.duckdb_extension"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        library = target.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, *map(str, SOURCES), "-o", str(library)], check=True)
        with library.open("ab") as file:
            file.write(footer(platform))
        library.replace(target)
    return target


def load(connection: duckdb.DuckDBPyConnection) -> None:
    """Puts the floors on a connection that was opened with `allow_unsigned_extensions`."""
    row = connection.execute("PRAGMA platform").fetchone()
    assert row is not None
    connection.execute(f"LOAD {quoted(build(row[0]))}")


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """An empty database in memory with our functions and the floors."""
    connection = streamliner_udf.connect(config={"allow_unsigned_extensions": "true"})
    load(connection)
    connection.execute(f"SET threads = {threads}")
    return connection
