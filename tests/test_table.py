"""The gate: what each row of the function table must have, and what must not be there without a row."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from paths import FUNCTIONS, Function, canonical, connection, oracle, row_index, split

ROOT = Path(__file__).parents[1]
SECTIONS = (
    "Parameters\n----------",
    "Returns\n-------",
    "Nulls : ",
    "Errors : ",
    "Cost : ",
    "Source : ",
    "Examples\n--------",
)
KERNEL = re.compile(
    r"^sl_status sl_(\w+)\(sl_str \w+, const sl_options \*\w+, sl_(?:buf|rows|uuid) \*\w+\) \{", re.MULTILINE
)
ROW = re.compile(r"^SL_FUNCTION\((\w+),", re.MULTILINE)
REQUIRED = "required"


def missing(table: Mapping[str, Function], root: Path) -> list[str]:
    """What a person has to create or mend under `root` so that every row is whole, one sentence each."""
    return [
        *missing_rows(table, root),
        *missing_kernels(table, root),
        *missing_oracles(table, root),
        *missing_golden(table, root),
    ]


def missing_rows(table: Mapping[str, Function], root: Path) -> Iterator[str]:
    rows = ROW.findall((root / "csrc/functions.def").read_text(encoding="utf-8"))
    for name in table:
        if name not in rows:
            yield f"{name}: csrc/functions.def has no row SL_FUNCTION({name}, ...)"


def missing_kernels(table: Mapping[str, Function], root: Path) -> Iterator[str]:
    found: dict[str, str] = {}
    for path in sorted((root / "csrc/kernels").glob("*.c")):
        found |= dict.fromkeys(KERNEL.findall(path.read_text(encoding="utf-8")), path.stem)
    for name, function in table.items():
        if found.get(name) != function.family:
            yield f"{name}: csrc/kernels/{function.family}.c has no kernel sl_{name}"
    for name, stem in found.items():
        if name not in table:
            yield f"{name}: csrc/kernels/{stem}.c has a kernel sl_{name}, csrc/functions.def no row for it"


def oracles(path: Path) -> dict[str, ast.FunctionDef]:
    """The functions that a family's module makes public."""
    if not path.exists():
        return {}
    module = ast.parse(path.read_text(encoding="utf-8"))
    names: list[str] = []
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                names = ast.literal_eval(node.value)
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef) and node.name in names}


def signature(node: ast.FunctionDef) -> list[tuple[str, Any]]:
    names = [argument.arg for argument in node.args.args]
    defaults = [ast.literal_eval(default) for default in node.args.defaults]
    return list(zip(names, [REQUIRED] * (len(names) - len(defaults)) + defaults, strict=True))


def missing_oracles(table: Mapping[str, Function], root: Path) -> Iterator[str]:
    folder = root / "streamliner_udf/reference"
    for name, function in table.items():
        where = f"{name}: streamliner_udf/reference/{function.family}.py"
        node = oracles(folder / f"{function.family}.py").get(name)
        if node is None:
            yield f"{where} has no oracle {name} in its __all__"
            continue
        wanted = [(param.name, REQUIRED if param.required else param.default) for param in function.params]
        if signature(node) != wanted:
            yield f"{where}: expected the parameters of the table, {wanted}, got {signature(node)}"
        docstring = ast.get_docstring(node) or ""
        if docstring.split("\n")[0] != function.summary:
            yield f"{where}: expected the docstring to begin with the table's summary, {function.summary!r}"
        for section in SECTIONS:
            if f"\n{section}" not in docstring:
                yield f"{where}: the docstring has no section {section.split(chr(10))[0].strip(' :')!r}"
        if docstring.count("\n>>> ") < 2:
            yield f"{where}: expected two examples or more in the docstring, one of them an edge"
    for path in sorted(folder.glob("[!_]*.py")):
        for name in oracles(path):
            if name not in table:
                yield f"{name}: streamliner_udf/reference/{path.name} has an oracle, csrc/functions.def no row for it"


def missing_golden(table: Mapping[str, Function], root: Path) -> Iterator[str]:
    folder = root / "tests/golden"
    for name, function in table.items():
        where = f"{name}: tests/golden/{name}.jsonl"
        path = folder / f"{name}.jsonl"
        if not path.exists():
            yield f"{where} is missing"
            continue
        try:
            cases = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        except ValueError as error:
            yield f"{where}: expected one JSON object a line, {error}"
            continue
        if any("args" not in case or "source" not in case or ("want" in case) == ("error" in case) for case in cases):
            yield f'{where}: expected "args", "source" and either "want" or "error" in every case'
            continue
        if len({json.dumps(case["args"]) for case in cases}) < 6:
            yield f"{where}: expected six cases or more, got {len(cases)}"
        texts = [case["args"][row_index(function)] for case in cases]
        if "" not in texts:
            yield f"{where} has no case with an empty text"
        if all((text or "").isascii() for text in texts):
            yield f"{where} has no case with a text outside ASCII"
    for path in sorted(folder.glob("*")):
        if path.suffix != ".jsonl" or path.stem not in table:
            yield f"{path.stem}: tests/golden/{path.name} belongs to no row of csrc/functions.def"


def test_every_row_is_whole() -> None:
    assert not (found := missing(FUNCTIONS, ROOT)), "\n".join(found)


# ---- the gate itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the house that the gate reads."""
    for part in ("csrc/kernels", "streamliner_udf/reference", "tests/golden"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "csrc/functions.def", tmp_path / "csrc/functions.def")
    return tmp_path


def test_a_new_row_is_told_its_four_places(copy: Path) -> None:
    like = FUNCTIONS["slugify"]
    table = {
        **FUNCTIONS,
        "reverse": dataclasses.replace(like, name="reverse", family="reversal", summary="Text backwards."),
    }
    before = missing(FUNCTIONS, copy)
    assert [message for message in missing(table, copy) if message not in before] == [
        "reverse: csrc/functions.def has no row SL_FUNCTION(reverse, ...)",
        "reverse: csrc/kernels/reversal.c has no kernel sl_reverse",
        "reverse: streamliner_udf/reference/reversal.py has no oracle reverse in its __all__",
        "reverse: tests/golden/reverse.jsonl is missing",
    ]


def test_what_a_row_lacks_is_named(copy: Path) -> None:
    before = missing(FUNCTIONS, copy)

    def found() -> str:
        return "\n".join(message for message in missing(FUNCTIONS, copy) if message not in before)

    for path in ("csrc/kernels/slug.c", "streamliner_udf/reference/slug.py", "tests/golden/slugify.jsonl"):
        content = (copy / path).read_text(encoding="utf-8")
        (copy / path).unlink()
        assert re.fullmatch(rf"slugify: {re.escape(path)} (has no .*|is missing)", found())
        (copy / path).write_text(content, encoding="utf-8")
    assert not found()

    source = copy / "streamliner_udf/reference/slug.py"
    source.write_text(
        source.read_text(encoding="utf-8").replace("max_length: int = 60", "max_length: int = 61"), encoding="utf-8"
    )
    assert "('max_length', 61)" in found()
    golden = copy / "tests/golden/slugify.jsonl"
    golden.write_text('{"args": ["a"], "want": "a", "source": "x"}\n' * 9, encoding="utf-8")
    for lack in ("six cases", "empty text", "outside ASCII"):
        assert lack in found()


def test_what_has_no_row_is_named(copy: Path) -> None:
    table = {name: function for name, function in FUNCTIONS.items() if name != "slugify"}
    orphans = [message for message in missing(table, copy) if message.startswith("slugify: ")]
    assert len(orphans) == 3
    for place in ("csrc/kernels/slug.c", "streamliner_udf/reference/slug.py", "tests/golden/slugify.jsonl"):
        assert any(place in message for message in orphans)


# ---- what only a running DuckDB can tell ---------------------------------------------------------------------------


def test_sql_names_were_free() -> None:
    """Registration would silently replace a built-in: none of DuckDB's own names is ours."""
    code = "import duckdb; print(*{n for n, in duckdb.sql('SELECT function_name FROM duckdb_functions()').fetchall()})"
    names = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert len(names) > 300
    assert not {function.sql_name for function in FUNCTIONS.values()} & names
    assert not {name for name in names if name.startswith("sl_")}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_the_example_runs(function: Function) -> None:
    args = connection().execute(f"SELECT {function.example}").fetchone()
    row = connection().execute(f"SELECT {function.sql_name}({function.example})").fetchone()
    assert args is not None
    assert row is not None
    assert canonical(row[0]) == oracle(function, *split(function, args))
    assert row[0], "an example shows something"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_catalog_says_what_the_table_says(function: Function) -> None:
    """Types and overloads as registered: one for each optional parameter more."""
    required = sum(param.required for param in function.params)
    query = "SELECT parameter_types, return_type FROM duckdb_functions() WHERE function_name = ?"
    rows = sorted(connection().execute(query, [function.sql_name]).fetchall(), key=lambda row: len(row[0]))
    texts = [row for row in rows if "UUID" not in row[0]]
    assert [len(types) for types, _ in texts] == list(range(required, len(function.params) + 1))
    # A text that can be given as a UUID doubles the overloads.
    either = any(param.or_uuid for param in function.params)
    assert len(rows) == len(texts) * (2 if either else 1)
    for types, returned in rows:
        for kind, param in zip(types, function.params, strict=False):
            assert kind == param.sql_type or (kind == "UUID" and param.or_uuid)
        assert returned.replace('"', "") == function.result.sql_type
    with pytest.raises(duckdb.BinderException):
        connection().execute(f"SELECT {function.sql_name}()")


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_sql_defaults_are_the_tables(function: Function) -> None:
    """Leaving an option out equals writing its default."""
    optional = [param.default for param in function.params if not param.required]
    example = connection().execute(f"SELECT {function.example}").fetchone()
    assert example is not None
    required = list(example[: len(function.params) - len(optional)])

    def call(args: list[Any]) -> Any:
        return connection().execute(f"SELECT {function.sql_name}({', '.join('?' * len(args))})", args).fetchone()

    for count in range(len(optional) + 1):
        assert call([*required, *optional[:count]]) == call(required)
