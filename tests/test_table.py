"""The function table: its gate, and what only the built package can tell of each row."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from gate import REQUIRED, Row, missing, read_table
from paths import FUNCTIONS, Function, canonical, connection, of_texts, oracle, split

ROOT = Path(__file__).parents[1]


def test_every_row_is_whole() -> None:
    assert not (found := missing(ROOT)), "\n".join(found)


def test_the_gate_reads_the_table_that_is_compiled() -> None:
    rows = read_table(ROOT)
    assert list(rows) == list(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        params = [(param.name, REQUIRED if param.required else param.default) for param in function.params]
        takes_text = of_texts(function)
        assert rows[name] == Row(name, function.family, function.summary, params, function.row_indexes, takes_text)


# ---- the gate itself -----------------------------------------------------------------------------------------------

NEW_ROW = """
SL_FUNCTION(reverse, reversal, TEXT, text, none, none, "0.1.0",
            "Text, \\"backwards\\".",
            "'a, (b'",
            ROW(text), INTEGER_OPTION(step, 1))
"""
NEW_KERNEL = "sl_status sl_reverse(sl_str text, const sl_options *options, sl_buf *out) {\n}\n"
NEW_ORACLE = '''
__all__ = ["reverse"]


def reverse(text: str, step: int = 1) -> str:
    """Text, "backwards".

    Parameters
    ----------
    Returns
    -------
    Nulls : .
    Errors : .
    Cost : .
    Source : .

    Examples
    --------
    >>> 1
    >>> 2
    """
'''
NEW_CASES = "".join(f'{{"args": ["{text}"], "want": "", "source": "x"}}\n' for text in ["", "é", "a", "b", "c", "d"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the house that the gate reads."""
    for part in ("csrc/kernels", "streamliner_udf/reference", "tests/golden"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "csrc/functions.def", tmp_path / "csrc/functions.def")
    return tmp_path


def test_a_new_function_is_told_what_it_lacks_until_it_has_all_four(copy: Path) -> None:
    places = {
        "reverse: csrc/kernels/reversal.c has no kernel sl_reverse": ("csrc/kernels/reversal.c", NEW_KERNEL),
        "reverse: streamliner_udf/reference/reversal.py has no oracle reverse in its __all__": (
            "streamliner_udf/reference/reversal.py",
            NEW_ORACLE,
        ),
        "reverse: tests/golden/reverse.jsonl is missing": ("tests/golden/reverse.jsonl", NEW_CASES),
    }
    with (copy / "csrc/functions.def").open("a", encoding="utf-8") as file:
        file.write(NEW_ROW)
    lacking = list(places)
    while lacking:
        assert missing(copy) == lacking
        path, content = places[lacking.pop(0)]
        (copy / path).write_text(content, encoding="utf-8")
    assert missing(copy) == []


def test_what_a_row_lacks_is_named(copy: Path) -> None:
    for path in ("csrc/kernels/slug.c", "streamliner_udf/reference/slug.py", "tests/golden/slugify.jsonl"):
        content = (copy / path).read_text(encoding="utf-8")
        (copy / path).unlink()
        assert re.fullmatch(rf"slugify: {re.escape(path)} (has no .*|is missing)", "\n".join(missing(copy)))
        (copy / path).write_text(content, encoding="utf-8")
    assert not missing(copy)

    source = copy / "streamliner_udf/reference/slug.py"
    source.write_text(
        source.read_text(encoding="utf-8").replace("max_length: int = 60", "max_length: int = 61"), encoding="utf-8"
    )
    assert "('max_length', 61)" in "\n".join(missing(copy))
    golden = copy / "tests/golden/slugify.jsonl"
    golden.write_text('{"args": ["a"], "want": "a", "source": "x"}\n' * 9, encoding="utf-8")
    for lack in ("six cases", "empty text", "outside ASCII"):
        assert lack in "\n".join(missing(copy))


def test_what_has_no_row_is_named(copy: Path) -> None:
    path = copy / "csrc/functions.def"
    path.write_text(path.read_text(encoding="utf-8").replace("SL_FUNCTION(slugify,", "SL_FUNCTION_(slugify,"))
    orphans = missing(copy)
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
    [args] = connection().execute(f"SELECT {function.example}").fetchall()
    [row] = connection().execute(f"SELECT {function.sql_name}({function.example})").fetchall()
    assert canonical(row[0]) == oracle(function, *split(function, args))
    assert row[0] or row[0] == 0, "an example shows something"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_catalog_says_what_the_table_says(function: Function) -> None:
    """Types and overloads as registered: one for each optional parameter more."""
    required = sum(param.required for param in function.params)
    query = "SELECT parameter_types, return_type FROM duckdb_functions() WHERE function_name = ?"
    rows = sorted(connection().execute(query, [function.sql_name]).fetchall(), key=lambda row: len(row[0]))
    texts = [row for row in rows if not {"UUID", "BLOB"} & {*row[0]}]
    assert [len(types) for types, _ in texts] == list(range(required, len(function.params) + 1))
    # A text that can be given as something else doubles the overloads.
    either = any(param.or_uuid or param.or_file for param in function.params)
    assert len(rows) == len(texts) * (2 if either else 1)
    for types, returned in rows:
        for kind, param in zip(types, function.params, strict=False):
            assert kind == param.sql_type or (kind == "UUID" and param.or_uuid) or (kind == "BLOB" and param.or_file)
        assert returned.replace('"', "") == function.result.sql_type
    with pytest.raises(duckdb.BinderException):
        connection().execute(f"SELECT {function.sql_name}()")


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_sql_defaults_are_the_tables(function: Function) -> None:
    """Leaving an option out equals writing its default."""
    optional = [param.default for param in function.params if not param.required]
    [example] = connection().execute(f"SELECT {function.example}").fetchall()
    required = list(example[: len(function.params) - len(optional)])

    def call(args: list[Any]) -> Any:
        given = ", ".join(f"?::{param.sql_type}" for param, _ in zip(function.params, args, strict=False))
        return connection().execute(f"SELECT {function.sql_name}({given})", args).fetchall()

    for count in range(len(optional) + 1):
        assert call([*required, *optional[:count]]) == call(required)
