"""Builds the two native parts from one set of C kernels: the Python doors and the DuckDB extension."""

from __future__ import annotations

import gzip
import io
import os
import platform
import re
import sys
import sysconfig
import tarfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
GENERATED = ROOT / "build" / "generated"
VERSION = re.search(r'#define SL_VERSION "(.+)"', (ROOT / "csrc/streamliner.h").read_text())[1]
DUCKDB_EXTENSION = "streamliner_udf.streamliner_udf"
WINDOWS = sys.platform == "win32"


def sources(*folders: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / "csrc" / folder).glob("*.c"))


def duckdb_platform() -> str:
    """The platform as DuckDB's `PRAGMA platform` names it; DuckDB refuses a file of another one."""
    system = {"linux": "linux", "darwin": "osx", "win32": "windows"}.get(sys.platform)
    # Of what is built, and not of what builds: they differ where a compiler for another processor is used.
    target = sysconfig.get_platform().rpartition("-")[2].lower()
    if target == "universal2":
        # The library has both processors, and the footer one: that of the DuckDB that is here.
        target = platform.machine().lower()
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(target)
    if not system or not machine:
        raise SystemExit(
            "setup.py: expected a platform with DuckDB extensions (Linux, macOS or Windows on x86-64 or arm64), "
            f"got {sysconfig.get_platform()}"
        )
    musl = "_musl" if system == "linux" and "musl" in (sysconfig.get_config_var("SOABI") or "") else ""
    return f"{system}_{machine}{musl}"


def duckdb_footer(name: str) -> bytes:
    """The 534 bytes that make a shared library a DuckDB extension of the stable C API v1.2.0.

    A WebAssembly custom-section header, eight 32-byte fields in reverse order, and room for a signature.
    """
    fields = ["", "", "", "C_STRUCT", VERSION, "v1.2.0", name, "4"]
    header = bytes([0x00, 0x93, 0x04, 0x10]) + b"duckdb_signature" + bytes([0x80, 0x04])
    return header + b"".join(field.encode().ljust(32, b"\0") for field in fields) + bytes(256)


class BuildExt(build_ext):
    """Generates the Unicode tables first, and gives the DuckDB extension its name and its footer."""

    def run(self) -> None:
        sys.path.insert(0, str(ROOT / "csrc" / "unicode"))
        import generate

        GENERATED.mkdir(parents=True, exist_ok=True)
        generate.main(GENERATED)
        import numpy

        for extension in self.extensions:
            if extension.name != DUCKDB_EXTENSION:
                extension.include_dirs.append(numpy.get_include())
        super().run()

    def get_ext_filename(self, fullname: str) -> str:
        # setuptools asks with the whole name and with its last part.
        if fullname.rpartition(".")[2] == DUCKDB_EXTENSION.rpartition(".")[2]:
            return os.path.join(*fullname.split(".")) + ".duckdb_extension"
        return super().get_ext_filename(fullname)

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return [] if ext.name == DUCKDB_EXTENSION else super().get_export_symbols(ext)

    def build_extension(self, ext: Extension) -> None:
        if sys.platform == "linux" and not (self.inplace or self.editable_mode):
            # A wheel carries no debugging symbols, which are four fifths of the libraries.
            ext.extra_link_args = [*ext.extra_link_args, "-Wl,--strip-all"]
        super().build_extension(ext)
        if ext.name == DUCKDB_EXTENSION:
            # Last of all: tools that rewrite libraries (strip, patchelf) would drop what follows the image.
            with open(self.get_ext_fullpath(ext.name), "ab") as file:
                file.write(duckdb_footer(duckdb_platform()))


class ReproducibleSdist(sdist):
    """With SOURCE_DATE_EPOCH set, equal sources give an equal archive, whoever packs them and when."""

    def make_archive(self, base_name: str, *args: object, **kwargs: object) -> str:
        path: str = super().make_archive(base_name, *args, **kwargs)
        if (epoch := os.environ.get("SOURCE_DATE_EPOCH")) and path.endswith(".tar.gz"):
            packed = io.BytesIO()
            with (
                tarfile.open(path) as old,
                gzip.GzipFile("", "wb", fileobj=packed, mtime=int(epoch)) as file,
                tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as new,
            ):
                for member in sorted(old.getmembers(), key=lambda member: member.name):
                    member.uid = member.gid = 0
                    member.uname = member.gname = ""
                    member.mtime, member.pax_headers = int(epoch), {}
                    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                    new.addfile(member, old.extractfile(member) if member.isfile() else None)
            Path(path).write_bytes(packed.getvalue())
        return path


# On Windows no instruction may want the stack aligned to more than 16 bytes, and no library of GCC's is beside ours.
COMPILE = ["-Wa,-muse-unaligned-vector-move"] if WINDOWS else ["-pthread"]
LINK = ["-static-libgcc"] if WINDOWS else ["-pthread"]


def extension(name: str, files: list[str], flags: list[str]) -> Extension:
    return Extension(
        name,
        files,
        include_dirs=["csrc", str(GENERATED.relative_to(ROOT))],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION")],
        extra_compile_args=["-O3", "-std=c11", "-fvisibility=hidden", "-Wall", *COMPILE, *flags],
        extra_link_args=list(LINK),
        depends=[str(p.relative_to(ROOT)) for p in (ROOT / "csrc").rglob("*") if p.suffix in {".h", ".def", ".py"}]
        + ["streamliner_udf/reference/emoji.txt"],
    )


KERNELS = sources(".", "kernels")
core = extension("streamliner_udf._core", ["streamliner_udf/_core.pyx", *KERNELS, *sources("python")], [])
# C++ exceptions of DuckDB may fly through our frames: they must unwind and run the cleanup handlers.
duckdb = extension(DUCKDB_EXTENSION, [*KERNELS, *sources("duckdb")], ["-fexceptions"])
if sys.platform == "linux":
    # A row without a kernel must fail here, and not when the library is loaded.
    # dlopen is in a library of its own before glibc 2.34.
    duckdb.extra_link_args += ["-Wl,-z,defs", "-ldl"]

if __name__ == "__main__":
    setup(
        version=VERSION,
        ext_modules=[*cythonize([core], build_dir="build/cython", language_level=3), duckdb],
        cmdclass={"build_ext": BuildExt, "sdist": ReproducibleSdist},
        # Microsoft's compiler has no `cleanup`, by which the DuckDB door gives back what it holds.
        options={"build_ext": {"compiler": "mingw32"}} if WINDOWS else {},
    )
