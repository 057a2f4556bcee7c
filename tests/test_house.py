"""The rules of the house that only reading the files can prove."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "streamliner_udf"
KERNEL_LINES = 600
# What stands in the root, and nothing else: design first, then a place here.
ROOT_ENTRIES = {
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml", "setup.py", "MANIFEST.in",
    ".ci", ".gitignore", ".github", "csrc", "streamliner_udf", "tests", "bench", "docs", "examples",
}  # fmt: skip
# Private parts of the package; the public API stands before them.
PRIVATE = {"_core", "_functions", "_table", "_arrow_udf"}
USES_PUBLIC_API_ONLY = ("ingest", "tuning", "scale", "distributed", "incremental.py", "near_duplicates.py")


def git(*arguments: str) -> list[str]:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name]


def tracked() -> list[str]:
    """Files of the project: known to git, or new and not ignored."""
    return git("ls-files", "-z", "--cached", "--others", "--exclude-standard")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Absolute names of all imported modules, wherever in the file they are."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            start = ".".join(part for part in (base, node.module) if part)
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def test_root_holds_what_the_design_lists() -> None:
    assert {name.split("/")[0] for name in tracked()} <= ROOT_ENTRIES


def test_kernels_know_no_door() -> None:
    allowed = re.compile(
        r'<(?:stddef|stdint|stdlib|string|limits|math|(?:\w+)intrin|arm_\w+|cpuid)\.h>|"(?:\.\./streamliner|\w+)\.h"'
    )
    for path in [*(ROOT / "csrc/kernels").glob("*.[ch]"), ROOT / "csrc/streamliner.h"]:
        for name in re.findall(r"^\s*#\s*include\s+(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert allowed.fullmatch(name) or (path.name, name) == ("streamliner.h", '"functions.def"'), (
                f"{path.name} includes {name}"
            )


def test_doors_do_not_know_each_other() -> None:
    for folder, foreign in (("duckdb", r"Python\.h|numpy|\.\./python"), ("python", r"\.\./duckdb|duckdb\.h")):
        for path in (ROOT / "csrc" / folder).glob("*.[ch]"):
            includes = re.findall(r"^\s*#\s*include.*", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert not re.search(foreign, "\n".join(includes)), f"csrc/{folder}/{path.name} includes another door"


def test_kernels_keep_no_state_and_never_abort() -> None:
    bad = re.compile(
        r"^(?!.*\bconst\b)static [\w ]+\**\w+(?:\[[^\]]*\])?(?: =.*)?;|\b(?:assert|abort|exit|printf|setlocale)\s*\(",
        re.MULTILINE,
    )
    for path in (ROOT / "csrc/kernels").glob("*.[ch]"):
        code = re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found = bad.search(code)
        assert not found, f"{path.name}: {found[0]}"


def test_kernel_files_are_short_and_say_what_they_are() -> None:
    for path in (ROOT / "csrc").rglob("*.[ch]"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"/* {path.name} - "), f"{path.name}: expected a header that starts with the file's name"
        assert text.count("\n") < KERNEL_LINES, f"{path.name}: expected fewer than {KERNEL_LINES} lines"


def test_specification_needs_only_the_standard_library() -> None:
    for path in (PACKAGE / "reference").glob("*.py"):
        for line, name in imports(path):
            own = name.startswith("streamliner_udf.reference")
            assert own or name.split(".")[0] in sys.stdlib_module_names, f"{path.name}:{line} imports {name}"


def test_what_is_built_on_the_api_uses_nothing_else() -> None:
    for entry in USES_PUBLIC_API_ONLY:
        path = PACKAGE / entry
        assert path.exists(), entry
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for line, name in imports(file):
                parts = name.split(".")
                if parts[0] == "streamliner_udf" and len(parts) > 1 and parts[1] in PRIVATE:
                    pytest.fail(f"{file.relative_to(ROOT)}:{line} imports {name}, which is not public")


def test_functions_know_nothing_of_what_is_built_on_them() -> None:
    above = {entry.removesuffix(".py") for entry in USES_PUBLIC_API_ONLY}
    for file in ("__init__.py", "duckdb.py", "errors.py", "_table.py", "_functions.py", "_arrow_udf.py"):
        if (PACKAGE / file).exists():
            for line, name in imports(PACKAGE / file):
                assert not set(name.split(".")[1:2]) & above, f"{file}:{line} imports {name}"


def test_no_file_names_a_machine() -> None:
    """Paths of somebody's computer mean nothing to anybody else."""
    machine = re.compile(r"(?<![\w/.:])/(?:home|root|Users|work|mnt)/\w|(?<![\w/.:])/tmp/\w|[A-Z]:\\\\Users")
    for name in tracked():
        path = ROOT / name
        if (
            path.suffix
            in {
                ".py",
                ".c",
                ".h",
                ".def",
                ".md",
                ".toml",
                ".pyx",
                ".pxd",
                ".pxi",
                ".pyi",
                ".json",
                ".jsonl",
                ".html",
                ".css",
                ".test",
                ".yml",
                "",
            }
            and path.is_file()
        ):
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                assert path.name == "test_house.py" or not machine.search(line), (
                    f"{name}:{number} names a machine path: {line.strip()}"
                )


def test_same_stem_in_every_room() -> None:
    kernels = {path.stem for path in (ROOT / "csrc/kernels").glob("*.c")}
    for path in (PACKAGE / "reference").glob("[!_]*.py"):
        assert path.stem in kernels, f"streamliner_udf/reference/{path.name} has no csrc/kernels/{path.stem}.c"


def test_generated_tables_are_the_same_every_time(tmp_path: Path) -> None:
    """Whatever order sets have in the process that makes them: equal sources give an equal wheel."""
    begin = "import pathlib, sys; sys.path.insert(0, sys.argv[1])"
    code = f"{begin}; import generate; generate.main(pathlib.Path(sys.argv[2]))"
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        command = [sys.executable, "-P", "-c", code, str(ROOT / "csrc/unicode"), str(tmp_path / seed)]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
    made = {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()}
    assert made
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "2").iterdir()}
