"""The documentation runs, is current, and names nothing that does not exist."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from paths import FUNCTIONS

import streamliner_udf
from streamliner_udf import reference

ROOT = Path(__file__).parents[1]
# Each of its sections is about a library of its own, and runs where that is installed.
INTEGRATIONS = ROOT / "docs/integrations.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
MODULES = [f"{reference.__name__}.{module.name}" for module in pkgutil.iter_modules(reference.__path__)] + [
    "streamliner_udf.duckdb",
    "streamliner_udf.ingest.load",
    "streamliner_udf.scale.fit",
    "streamliner_udf.ingest.sniffing",
    "streamliner_udf.near_duplicates",
    "streamliner_udf.tuning.tuner",
]


def blocks(path: Path, language: str) -> list[tuple[int, str]]:
    """Code of the fenced blocks in a language, with the line each starts on."""
    return blocks_of(path.read_text(encoding="utf-8"), language)


def blocks_of(text: str, language: str) -> list[tuple[int, str]]:
    found = re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in found]


def failures(test: doctest.DocTest) -> str:
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append, clear_globs=False)
    return "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        assert not (report := failures(test)), report


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_hold_for_the_compiled_functions(name: str) -> None:
    """The oracle's examples, run with the public function of the same name; its docstring is the oracle's."""
    compiled = getattr(streamliner_udf, name)
    assert compiled.__doc__ == getattr(reference, name).__doc__
    assert compiled.__name__ == name
    others = {other: getattr(streamliner_udf, other) for other in FUNCTIONS}
    test = doctest.DocTestParser().get_doctest(compiled.__doc__, others, name, None, None)
    assert len(test.examples) >= 2
    assert not (report := failures(test)), report


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path != INTEGRATIONS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_python_blocks_run_or_parse(path: Path) -> None:
    names = {"streamliner_udf": streamliner_udf}  # what a block defines, those after it use
    for line, code in blocks(path, "python"):
        if ">>> " in code:
            test = doctest.DocTestParser().get_doctest(code, names, path.name, str(path), line)
            assert not (report := failures(test)), report
            names = test.globs
        else:
            ast.parse(code, f"{path.name}:{line}")


def sections() -> list[tuple[str, str]]:
    """Title and text of each section of that page that has Python in it."""
    parts = re.split(r"^## (.*)\n", INTEGRATIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [(title, text) for title, text in zip(parts[1::2], parts[2::2], strict=True) if blocks_of(text, "python")]


@pytest.mark.parametrize(("title", "text"), sections(), ids=[title for title, _ in sections()])
@pytest.mark.filterwarnings("ignore")  # libraries about each other
def test_integrations_run_where_the_library_is(title: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [
        doctest.DocTestParser().get_doctest(code, {}, title, None, line) for line, code in blocks_of(text, "python")
    ]
    needed = {
        alias.name
        for test in tests
        for example in test.examples
        for node in ast.walk(ast.parse(example.source))
        if isinstance(node, ast.Import)
        for alias in node.names
        if not alias.name.startswith("streamliner_udf")
    }
    assert needed, f"{title}: expected blocks that import what they are about"
    for name in sorted(needed):
        pytest.importorskip(name)
    if "pyspark.sql" in needed and not shutil.which("java"):
        pytest.skip("Spark needs Java, which is not here")
    # Workers are processes of their own.
    monkeypatch.setenv("PYTHONPATH", str(Path(streamliner_udf.__file__).parents[1]))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    names: dict[str, object] = {}
    for test in tests:
        test.globs = names
        assert not (report := failures(test)), report


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_functions_that_exist_are_called(path: Path) -> None:
    known = {function.sql_name for function in FUNCTIONS.values()} | {"sl_functions", "sl_version"}
    for language in ("sql", "python"):
        for line, code in blocks(path, language):
            for name in re.findall(r"\b(sl_\w+)\(", code):
                assert name in known, f"{path.name}:{line}: {name} is no function of this version"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)  # code holds no links
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which does not exist"


def test_function_reference_is_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_stale_reference_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate = generator()
    page, front = tmp_path / "functions.md", tmp_path / "README.md"
    blocks_of = "<!-- {0} -->\nold\n<!-- /{0} -->\n"
    front.write_text("".join(map(blocks_of.format, ("functions", "demo", "goals"))), encoding="utf-8")
    assert generate.main(["--check"], page, [front]) == 1
    assert "make docs" in capsys.readouterr().err
    assert generate.main([], page, [front]) == 0
    assert generate.main(["--check"], page, [front]) == 0
    assert "\nold\n" not in front.read_text(encoding="utf-8")
    for path, old, new in ((page, "sl_slugify", "sl_sluggify"), (front, "| scrub_pii |", "| scrub_pii | 1")):
        right = path.read_text(encoding="utf-8")
        assert old in right
        path.write_text(right.replace(old, new, 1), encoding="utf-8")
        assert generate.main(["--check"], page, [front]) == 1
        path.write_text(right, encoding="utf-8")
