"""Survival: bytes that are not UTF-8, huge texts, embedded NUL, threads, and input made to be slow."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pytest
import random_text
from paths import (
    PATHS,
    TEXTS,
    Function,
    canonical,
    differences,
    door,
    is_pair,
    load,
    option_variants,
    oracle,
    parts,
    random_rows,
    results,
    row_of,
    run,
)

import streamliner_udf

EACH_FUNCTION = pytest.mark.parametrize("function", TEXTS, ids=lambda f: f.name)
MEGABYTE = 1_000_000
INVALID = {
    "stray continuation": b"a\x80b",
    "cut short": "语".encode()[:2],
    "cut short at the end of many": b"x" * 63 + b"\xf0\x9f\x98",
    "overlong": b"\xc0\xaf",
    "overlong of three": b"\xe0\x80\xaf",
    "surrogate": b"\xed\xa0\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "never a byte": b"plain text and then \xff",
}


def invalid_column(bad: bytes) -> Any:
    """An Arrow column of text whose second row is not UTF-8."""
    pa = pytest.importorskip("pyarrow")
    rows = [b"good", bad, b"good"]
    offsets = [0]
    for row in rows:
        offsets.append(offsets[-1] + len(row))
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(rows))]
    return pa.Array.from_buffers(pa.string(), len(rows), buffers)


def sides(function: Function, value: Any, other: Any) -> list[list[Any]]:
    """The values of a call with this one in each place."""
    return [[value, other], [other, value]] if is_pair(function) else [[value]]


@EACH_FUNCTION
@pytest.mark.parametrize("bad", INVALID.values(), ids=INVALID)
def test_invalid_utf8_is_an_error(function: Function, bad: bytes) -> None:
    column = invalid_column(bad)
    options = option_variants(function)[0]
    good = ["good"] * 3
    for values in sides(function, column, __import__("pyarrow").array(good)):
        with pytest.raises(streamliner_udf.InvalidUTF8, match=f"^{function.name}: expected valid UTF-8"):
            canonical(door(function, values, options))
        with streamliner_udf.connect() as con:
            named = dict(zip(("s", "s2"), values, strict=False))
            con.register("bad", __import__("pyarrow").table({"i": [0, 1, 2], **named}))
            with pytest.raises(duckdb.Error, match=f"{function.sql_name}: expected valid UTF-8|Invalid unicode"):
                results(con, "bad", function, options)
            load(con, function, [row_of(function, "good")])
            assert results(con, "t", function, options) is not None


@EACH_FUNCTION
@pytest.mark.parametrize("path", ["python_scalar", "python_list", "numpy"])
def test_lone_surrogates_are_an_error(path: str, function: Function) -> None:
    with pytest.raises(ValueError, match=r"surrogate|UTF-8"):
        run(
            path,
            function,
            [row_of(function, "good"), row_of(function, "bad \ud800 half")],
            option_variants(function)[0],
        )


@EACH_FUNCTION
@pytest.mark.parametrize("wrong", [b"bytes", 5, 1.5, object()], ids=lambda wrong: type(wrong).__name__)
def test_other_types_are_an_error(function: Function, wrong: object) -> None:
    if isinstance(wrong, bytes) and any(param.or_file for param in function.params):
        pytest.skip("takes the bytes of a file")
    for values in [*sides(function, wrong, "good"), *sides(function, ["good", wrong], ["good", "good"])]:
        with pytest.raises(TypeError, match=f"{function.name}: expected"):
            door(function, values, option_variants(function)[0])


@EACH_FUNCTION
def test_huge_texts(function: Function, rng: random.Random) -> None:
    """About one megabyte each, among short ones: equal by every path, equal to the oracle on a tenth of it."""
    piece = " ".join(random_text.text(rng) for _ in range(20))
    options = option_variants(function)[0]
    texts = [(piece * (MEGABYTE // len(piece.encode()) + 1)), "x" * MEGABYTE, "é" * (MEGABYTE // 2), "short"]
    huge = [row_of(function, text) for text in texts]
    first = run("python_scalar", function, huge, options)
    for path in PATHS:
        assert run(path, function, huge, options) == first, f"{path} differs"
    tenth = [row_of(function, text[: MEGABYTE // 10]) for text in texts]
    got, want = run("sql", function, tenth, options), [oracle(function, row, options) for row in tenth]
    assert got == want, differences(function, tenth, options, got, want)[:2000]


@EACH_FUNCTION
@pytest.mark.parametrize("path", PATHS)
def test_embedded_nul(path: str, function: Function) -> None:
    """NUL ends nothing, wherever it stands."""
    options = option_variants(function)[0]
    texts = [
        "\0",
        "\0\0\0",
        "a\0b",
        "\0ana@example.org\0",
        "x" * 12 + "\0",
        "x" * 11 + "\0y",
        "www.a.org\0b",
        "é\0" * 40,
    ]
    rows = [row_of(function, text) for text in texts]
    got, want = run(path, function, rows, options), [oracle(function, row, options) for row in rows]
    assert not (report := differences(function, rows, options, got, want)), report


@EACH_FUNCTION
def test_python_threads_agree(function: Function, rng: random.Random) -> None:
    """The doors release the lock: the same column from several threads at once."""
    options = option_variants(function)[0]
    rows = random_rows(function, rng, 300) * 3
    want = run("python_list", function, rows, options)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: run("python_list", function, rows, options), range(8)):
            assert got == want


FLOODS = {
    "at": "@",
    "local parts": "a.a.a.a@",
    "credentials": "a:b@",
    "dots": "a.",
    "commas": "a,",
    "digits": "1",
    "dashes": "1-",
    "colons": "1:",
    "cards": "4111 1111 ",
    "plus": "+",
    "angle": "<",
    "entities": "&amp",
    "tags": "<a b='",
    "comments": "<!--",
    "scripts": "<script>",
    "bracket": "[",
    "round": "(",
    "scheme": "http://",
    "www": "www.",
    "url in bracket": "(http://a.b/",
    "spaces": " ",
    "lines": "\n",
    "headers": "05/03/2024, 09:15 - ",
    "header lines": "05/03/2024, 09:15 - A: b\n",
    "marks": "\u0301\u0323",
    "reordered marks": "a\u0345\u0301",
    "hangul": "\u1100",
    "invisible": "\u200b",
}


def seconds(function: Function, text: str, options: Any) -> float:
    started = time.perf_counter()
    door(function, parts(function, row_of(function, text)), options)
    return time.perf_counter() - started


@EACH_FUNCTION
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("tail", ["", "x"], ids=["bare", "closed"])
def test_floods_cost_linear_time(function: Function, flood: str, tail: str) -> None:
    """Twice the text takes about twice the time; what is done within 4 ms has shown no bad growth at this size."""
    options = option_variants(function)[0]
    size = 60_000
    single, double = (flood * (size * times // len(flood)) + tail for times in (1, 2))
    for _ in range(4):  # another try, because other work on the machine can slow one run
        after = min(seconds(function, double, options) for _ in range(3))
        if after < 0.004 or after < 3.5 * min(seconds(function, single, options) for _ in range(3)):
            return
    pytest.fail(
        f"{function.name}: {2 * size} characters of {flood!r} took {after * 1000:.1f} ms, over 3.5 times those of half"
    )
