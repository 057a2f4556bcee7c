"""DuckDB's library for another platform, from its Python package, and what stands in for Python there.

    python tests/platforms/library.py VERSION TAG FILE SOURCE

FILE becomes the library, of the package that pip finds for CPython 3.11 and the platform TAG. It is a module of
Python's, and what it would have of Python is in SOURCE, in C: names of which client.c uses none.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def module(version: str, tag: str) -> bytes:
    """The one library in the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    with tempfile.TemporaryDirectory(prefix="streamliner-") as folder:
        wanted = ["--dest", folder, "--python-version", "3.11", "--platform", tag, f"duckdb=={version}"]
        subprocess.run([*command, *wanted], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith((".so", ".pyd")))
            return archive.read(name)


def main() -> None:
    version, tag, file, source = sys.argv[1:]
    library = module(version, tag)
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_bytes(library)
    # Both formats keep names of others as bytes that end with NUL. A few too many do no harm.
    names = sorted({found.decode() for found in re.findall(rb"(?<![A-Za-z0-9_])(_?Py[A-Z_a-z0-9]+)\0", library)})
    assert len(names) > 100, f"expected a module of Python, got one that has {names} of it"
    export = "__declspec(dllexport) " if tag.startswith("win") else ""
    Path(source).write_text("".join(f"{export}char {name}[512];\n" for name in names), encoding="utf-8")


if __name__ == "__main__":
    main()
