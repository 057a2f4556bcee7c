"""Every hand-written case of golden/*.jsonl, by every path: alone, and among NULL rows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb
import pytest
from paths import FUNCTIONS, PATHS, Function, Options, differences, golden, run, split

import streamliner_udf

EACH = pytest.mark.parametrize(
    ("path", "function"), [pytest.param(p, f, id=f"{p}-{f.name}") for p in PATHS for f in FUNCTIONS.values()]
)


def by_options(function: Function) -> list[tuple[Options, list[str | None], list[Any]]]:
    """Cases with equal options make one batch: options, texts, wanted results."""
    groups: dict[str, tuple[Options, list[str | None], list[Any]]] = {}
    for case in golden(function):
        if "want" in case:
            text, options = split(function, case["args"])
            group = groups.setdefault(repr(options), (options, [], []))
            group[1].append(text)
            group[2].append(case["want"])
    return list(groups.values())


@EACH
def test_alone(path: str, function: Function) -> None:
    """One row at a time: the vector holds nothing else."""
    for options, texts, want in by_options(function):
        for text, expected in zip(texts, want, strict=True):
            got = run(path, function, [text], options)
            assert not (report := differences(function, [text], options, got, [expected])), report


@EACH
def test_among_nulls(path: str, function: Function) -> None:
    """All rows in one batch, each with a NULL before and behind it."""
    for options, texts, want in by_options(function):
        mixed: list[str | None] = [None]
        expected: list[Any] = [None]
        for text, value in zip(texts, want, strict=True):
            mixed += [text, None]
            expected += [value, None]
        got = run(path, function, mixed, options)
        assert not (report := differences(function, mixed, options, got, expected)), report


@EACH
def test_all_null(path: str, function: Function) -> None:
    for options, _, _ in by_options(function)[:1]:
        assert run(path, function, [None] * 3, options) == [None] * 3


def error_cases() -> list[Any]:
    numbers: dict[str, int] = defaultdict(int)
    cases = []
    for function in FUNCTIONS.values():
        for case in golden(function):
            if "error" in case:
                numbers[function.name] += 1
                cases.append(pytest.param(function, case, id=f"{function.name}-{numbers[function.name]}"))
    return cases


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("function", "case"), error_cases())
def test_wrong_options(path: str, function: Function, case: dict[str, Any]) -> None:
    """The same sentence by every path, after the function's name as that path knows it."""
    text, options = split(function, case["args"])
    in_sql = path.startswith("sql")
    expected = duckdb.Error if in_sql else streamliner_udf.StreamlinerError
    with pytest.raises(expected) as caught:
        # A row before it, unless the row itself is what is wrong.
        run(path, function, [text, text], options)
    message = str(caught.value)
    assert f"{function.sql_name if in_sql else function.name}: expected " in message
    assert case["error"] in message
    if not in_sql:
        assert isinstance(caught.value, ValueError)
        assert message.startswith(oracle_message(function, case))


def oracle_message(function: Function, case: dict[str, Any]) -> str:
    with pytest.raises(ValueError, match="expected") as caught:
        getattr(streamliner_udf.reference, function.name)(*case["args"])
    return str(caught.value)
