"""The documentation runs, is current, and names nothing that does not exist."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from paths import FUNCTIONS

import streamliner_udf
from streamliner_udf import _core, cli, reference

ROOT = Path(__file__).parents[1]
# Each of its sections is about a library of its own, and runs where that is installed.
INTEGRATIONS = ROOT / "docs/integrations.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("[!.]*/README.md")])
PACKAGE = Path(streamliner_udf.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
# What is compiled, beside the functions of the table.
COMPILED = sorted(
    name
    for name, found in vars(_core).items()
    if getattr(found, "__module__", None) == _core.__name__ and ">>> " in (found.__doc__ or "")
)
COMMANDS = next(action.choices for action in cli._parser()._actions if isinstance(action.choices, dict))


def blocks(path: Path, language: str) -> list[tuple[int, str]]:
    """Code of the fenced blocks in a language, with the line each starts on."""
    return blocks_of(path.read_text(encoding="utf-8"), language)


def blocks_of(text: str, language: str) -> list[tuple[int, str]]:
    found = re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in found]


def failures(test: doctest.DocTest) -> str:
    report: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test, out=report.append, clear_globs=False)
    return "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        assert not (report := failures(test)), report


@pytest.mark.parametrize("name", COMPILED)
def test_docstrings_of_compiled_doors_run(name: str) -> None:
    found = getattr(_core, name)
    test = doctest.DocTestParser().get_doctest(found.__doc__, vars(_core).copy(), name, None, None)
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
def test_python_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, in order, but those after a comment that says why not."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"streamliner_udf": streamliner_udf}  # what a block defines, those after it use
    for line, code in blocks(path, "python"):
        if ">>> " in code:
            test = doctest.DocTestParser().get_doctest(code, names, path.name, str(path), line)
            assert not (report := failures(test)), report
            names = test.globs
            continue
        compiled = compile(ast.parse(code, f"{path.name}:{line}"), f"{path.name}:{line}", "exec")
        before = path.read_text(encoding="utf-8").split("\n")[: line - 2]
        if not (before[-1] or before[-2]).startswith("<!-- not run: "):
            exec(compiled, names)


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


def test_everything_generated_is_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def generator() -> ModuleType:
    if str(ROOT / "docs") not in sys.path:  # where it finds stubs.py
        sys.path.append(str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


def test_stale_reference_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate = generator()
    page, front = tmp_path / "functions.md", tmp_path / "README.md"
    blocks_of = "<!-- {0} -->\nold\n<!-- /{0} -->\n"
    front.write_text("".join(map(blocks_of.format, ("functions", "demo", "goals"))), encoding="utf-8")
    assert generate.main(["--check"], page, [front], dict) == 1
    assert "make docs" in capsys.readouterr().err
    assert generate.main([], page, [front], dict) == 0
    assert generate.main(["--check"], page, [front], dict) == 0
    assert "\nold\n" not in front.read_text(encoding="utf-8")
    for path, old, new in ((page, "sl_slugify", "sl_sluggify"), (front, "| scrub_pii |", "| scrub_pii | 1")):
        right = path.read_text(encoding="utf-8")
        assert old in right
        path.write_text(right.replace(old, new, 1), encoding="utf-8")
        assert generate.main(["--check"], page, [front], dict) == 1
        path.write_text(right, encoding="utf-8")


# ---- commands ------------------------------------------------------------------------------------------------------


def commands(path: Path) -> list[tuple[int, str]]:
    """Lines of shell blocks, and code in prose that is a command with arguments."""
    text = path.read_text(encoding="utf-8")
    found = []
    for language in ("", "sh", "bash", "console"):
        for line, code in blocks(path, language):
            joined = code.replace("\\\n", " ")
            found += [(line + at, one.removeprefix("$ ").strip()) for at, one in enumerate(joined.split("\n"))]
    prose = re.sub(r"```.*?```", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    found += [(prose.count("\n", 0, m.start()) + 1, " ".join(m[1].split())) for m in re.finditer(r"`([^`]+)`", prose)]
    return [(line, one) for line, one in found if re.match(r"(streamliner|python3?|\S+/python|make|pip) [a-z.-]", one)]


def wrong(command: str) -> str | None:
    """What there is not, of a command of the documentation."""
    words = shlex.split(re.split(r"[|>]|\s#", command)[0])
    program, *rest = words
    if program == "streamliner":
        return wrong_call_of_streamliner(rest)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = [word for word in rest if "=" not in word]
        known = [re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE) for word in targets]
        known += [re.search(rf"\b{name.partition('=')[0]}\b", makefile) for name in rest if "=" in name]
        return None if all(known) else "no such target or variable"
    if program == "pip":
        extras = re.findall(r"streamliner_udf\[([\w,]+)\]|\.\[([\w,]+)\]", command)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        unknown = {extra for pair in extras for extra in "".join(pair).split(",")} - {*project["optional-dependencies"]}
        return f"no extra {unknown}" if unknown else None
    if rest[:2] == ["-m", "streamliner_udf"]:
        return wrong_call_of_streamliner(rest[2:])
    if rest[0].endswith(".py"):
        if not (ROOT / rest[0]).exists():
            return "no such file"
        code = (ROOT / rest[0]).read_text(encoding="utf-8")
        return next((f"no {word}" for word in rest[1:] if word[:2] == "--" and f'"{word}"' not in code), None)
    return None


def wrong_call_of_streamliner(arguments: list[str]) -> str | None:
    if len(arguments) == 1 and arguments[0] in COMMANDS:  # its name, in a sentence
        return None
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
            cli._parser().parse_args(arguments)
    except SystemExit as stop:
        return None if stop.code == 0 else output.getvalue().strip().rpartition("\n")[2]
    return None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_are_such(path: Path) -> None:
    for line, command in commands(path):
        assert not (reason := wrong(command)), f"{path.name}:{line}: {command}: {reason}"


def test_wrong_commands_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for right, bad in (
        (
            "streamliner ingest a.zip --database x.duckdb --mode merge",
            "streamliner ingest a.zip --database x --mode m",
        ),
        ("streamliner tune --verify r.json chat.duckdb 'SELECT 1'", "streamliner tune --verified r.json a b"),
        ("make test", "make tests"),
        ("make fuzz FUZZ_SECONDS=9", "make fuzz FUZZ_TIME=9"),
        (".venv/bin/python bench/run.py --label x  # why", "python bench/run.py --lable x"),
        ("python -m streamliner_udf doctor --json", "python -m streamliner_udf doctr --json"),
        ("pip install 'streamliner_udf[ray]'", "pip install 'streamliner_udf[rays]'"),
    ):
        for text in ("```\n{}\n```\n", "```sh\n$ {}\n```\n", "So `{}` does it.\n"):
            page.write_text(text.format(right) + text.format(bad), encoding="utf-8")
            [first, second] = commands(page)
            assert wrong(first[1]) is None, right
            assert wrong(second[1]), bad


# ---- figures -------------------------------------------------------------------------------------------------------


def test_every_block_of_figures_names_its_command() -> None:
    generate = generator()
    measured = generate.MEASURED
    marked: dict[str, str] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        marked |= {name: text.partition(f"<!-- {name} -->")[2] for name in re.findall(r"<!-- ([\w-]+) -->", text)}
    assert marked.keys() == {name for name, one in measured.items() if one.table} | {"commands", *generate.EXAMPLE}
    for name, one in measured.items():
        assert wrong(one.command) is None, one.command
        assert f"`{one.command}`" in marked["commands"]
        assert name not in marked or f"Measured by `{one.command}`." in marked[name].partition("<!--")[0]
        for place in filter(lambda place: "/" in place, one.where.split(", ")):
            assert (ROOT / place).exists(), place
    records = {path.name for path in (ROOT / "bench/results").glob("*-reference.json")}
    assert records == {f"{one.record}-reference.json" for one in measured.values()}


def test_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w./-]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        assert name in linked | {"README.md", "CHANGELOG.md", "tests/README.md"}, f"README.md does not lead to {name}"
