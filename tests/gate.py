"""The gate: the four places of each row of the function table, and what stands in one of them without a row.

Reads files only, so it can speak before anything is built: `make test` runs it first.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    r"^sl_status sl_(\w+)\((?:sl_(?:str|numbers) \w+,\s*){1,2}const sl_options \*\w+,\s*sl_(?:buf|rows|uuid|cell) \*\w+"
    r"(?:,\s*sl_error \*\w+)?\) \{",
    re.MULTILINE,
)
ROW = re.compile(r"^SL_FUNCTION\(", re.MULTILINE)
REQUIRED = "required"
TEXT_ROWS = {"ROW", "ROW_OR_FILE"}
ROWS = {*TEXT_ROWS, "ROW_INTEGERS", "ROW_NATURALS"}


@dataclass(frozen=True)
class Row:
    """What the gate needs of a row: `params` are names with their defaults, `rows_at` are those that change."""

    name: str
    family: str
    summary: str
    params: list[tuple[str, Any]]
    rows_at: tuple[int, ...]
    takes_text: bool


def arguments(text: str, at: int) -> list[str]:
    """The arguments of a macro whose opening bracket is right before `at`."""
    found, depth, quoted, start = [], 0, False, at
    while True:
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([":
            depth += 1
        elif depth == 0 and c in ",)":
            found.append(text[start:at].strip())
            start = at + 1
            if c == ")":
                return found
        elif c in ")]":
            depth -= 1
        at += 1


def parameter(text: str) -> tuple[str, Any]:
    kind, _, _ = text.partition("(")
    name, *default = arguments(text, len(kind) + 1)
    if not kind.endswith("_OPTION"):
        return name, REQUIRED
    value = ast.literal_eval(default[0])
    return name, bool(value) if kind == "BOOLEAN_OPTION" else value


def read_table(root: Path) -> dict[str, Row]:
    """The rows of csrc/functions.def by name."""
    text = (root / "csrc/functions.def").read_text(encoding="utf-8")
    rows = {}
    for match in ROW.finditer(text):
        name, family, _, _, _, _, _, summary, _, *params = arguments(text, match.end())
        kinds = [param.partition("(")[0] for param in params]
        rows_at = tuple(i for i, kind in enumerate(kinds) if kind in ROWS)
        rows[name] = Row(
            name,
            family,
            ast.literal_eval(summary),
            [parameter(p) for p in params],
            rows_at,
            not TEXT_ROWS.isdisjoint(kinds),
        )
    return rows


def missing(root: Path) -> list[str]:
    """What a person has to create or mend under `root` so that every row is whole, one sentence each."""
    table = read_table(root)
    return [*missing_kernels(table, root), *missing_oracles(table, root), *missing_golden(table, root)]


def missing_kernels(table: dict[str, Row], root: Path) -> Iterator[str]:
    found: dict[str, str] = {}
    for path in sorted((root / "csrc/kernels").glob("*.c")):
        found |= dict.fromkeys(KERNEL.findall(path.read_text(encoding="utf-8")), path.stem)
    for name, row in table.items():
        if found.get(name) != row.family:
            yield f"{name}: csrc/kernels/{row.family}.c has no kernel sl_{name}"
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


def missing_oracles(table: dict[str, Row], root: Path) -> Iterator[str]:
    folder = root / "streamliner_udf/reference"
    for name, row in table.items():
        where = f"{name}: streamliner_udf/reference/{row.family}.py"
        node = oracles(folder / f"{row.family}.py").get(name)
        if node is None:
            yield f"{where} has no oracle {name} in its __all__"
            continue
        if signature(node) != row.params:
            yield f"{where}: expected the parameters of the table, {row.params}, got {signature(node)}"
        docstring = ast.get_docstring(node) or ""
        if docstring.split("\n")[0] != row.summary:
            yield f"{where}: expected the docstring to begin with the table's summary, {row.summary!r}"
        for section in SECTIONS:
            if f"\n{section}" not in docstring:
                yield f"{where}: the docstring has no section {section.split(chr(10))[0].strip(' :')!r}"
        if docstring.count("\n>>> ") < 2:
            yield f"{where}: expected two examples or more in the docstring, one of them an edge"
    for path in sorted(folder.glob("[!_]*.py")):
        for name in oracles(path):
            if name not in table:
                yield f"{name}: streamliner_udf/reference/{path.name} has an oracle, csrc/functions.def no row for it"


def missing_golden(table: dict[str, Row], root: Path) -> Iterator[str]:
    folder = root / "tests/golden"
    for name, row in table.items():
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
        values = [case["args"][at] for case in cases for at in row.rows_at]
        if not row.takes_text:
            if [] not in values:
                yield f"{where} has no case with an empty list"
            continue
        if "" not in values:
            yield f"{where} has no case with an empty text"
        if all((text or "").isascii() for text in values):
            yield f"{where} has no case with a text outside ASCII"
    for path in sorted(folder.glob("*")):
        if path.suffix != ".jsonl" or path.stem not in table:
            yield f"{path.stem}: tests/golden/{path.name} belongs to no row of csrc/functions.def"


if __name__ == "__main__":
    if found := missing(ROOT):
        sys.exit("\n".join(found))
