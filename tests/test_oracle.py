"""Every path against the plain-Python specification on seeded random text, and laws that hold for any text."""

from __future__ import annotations

import functools
import html
import importlib.util
import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import random_text
from conftest import SCALE, SEED
from paths import (
    FUNCTIONS,
    PATHS,
    VECTOR,
    Function,
    Options,
    arguments,
    canonical,
    connection,
    differences,
    is_pair,
    load,
    names,
    of_texts,
    option_variants,
    oracle,
    random_rows,
    row_of,
    run,
    size,
)

import streamliner_udf

COUNT = 250
# Queries of one row, or more rows than given: a sample is enough, since each text also goes by the path "sql".
SAMPLED = {"sql_constant": 60}


@functools.cache
def specified(function: Function, variant: int, count: int) -> list[tuple[Any, Any]]:
    """Random rows, and what the specification makes of them with the options of that number."""
    options = option_variants(function)[variant]
    rows = random_rows(function, random.Random(f"{SEED} {function.name}"), count * SCALE)
    return [(row, oracle(function, row, options)) for row in rows]


def batch(known: list[tuple[Any, Any]], rng: random.Random) -> list[tuple[Any, Any]]:
    """Shuffled, with NULLs in between."""
    mixed = [*known, *[(None, None)] * (len(known) // 4)]
    rng.shuffle(mixed)
    return mixed


def check(path: str, function: Function, known: list[tuple[Any, Any]], options: Options) -> None:
    rows, want = [row for row, _ in known], [value for _, value in known]
    got = run(path, function, rows, options)
    assert not (report := differences(function, rows, options, got, want)), report


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_equals_the_oracle(path: str, function: Function, rng: random.Random) -> None:
    for number, options in enumerate(option_variants(function)):
        known = specified(function, number, COUNT if number == 0 else COUNT // 10)
        check(path, function, batch(known[: SAMPLED.get(path)], rng), options)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in SAMPLED])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
@pytest.mark.parametrize("length", [VECTOR - 1, VECTOR, VECTOR + 1])
def test_around_a_vector(path: str, function: Function, length: int, rng: random.Random) -> None:
    """Batches that end right before, at and behind the end of a vector."""
    options = option_variants(function)[0]
    known = [(row, want) for row, want in specified(function, 0, COUNT) if size(row) < 200][:40]
    check(path, function, [rng.choice([*known, (None, None)]) for _ in range(length)], options)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if is_pair(f)], ids=lambda f: f.name)
@pytest.mark.parametrize("side", [0, 1])
def test_pairs_with_a_null(function: Function, side: int) -> None:
    """A NULL on either side alone."""
    options = option_variants(function)[0]
    rows = [row for row, _ in specified(function, 0, COUNT)[:20]]
    halves = [tuple(None if at == side else value for at, value in enumerate(row)) for row in rows]
    for path in PATHS:
        assert run(path, function, [*halves, *rows], options)[: len(rows)] == [None] * len(rows), path


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if f.option_indexes], ids=lambda f: f.name)
def test_options_from_columns(function: Function, rng: random.Random) -> None:
    """Options that change from row to row, in runs of any length, some of them NULL."""
    variants: list[Options] = [o for o in option_variants(function) if len(o) == len(function.option_indexes)]
    variants.append((None,) * len(function.option_indexes))
    pool = random_rows(function, rng, 40)[:40]
    rows: list[tuple[Any, Options]] = []
    while len(rows) < VECTOR + 100:
        options = rng.choice(variants)
        rows += [(rng.choice(pool), options) for _ in range(rng.choice((1, 1, 2, 5, 300)))]
    con = connection()
    load(con, function, [row for row, _ in rows])
    columns = [f"o{i}" for i in range(len(variants[0]))]
    values = [
        f"unnest(?::{function.params[at].sql_type}[]) AS {name}"
        for at, name in zip(function.option_indexes, columns, strict=True)
    ]
    con.execute(
        f"CREATE OR REPLACE TABLE o AS SELECT unnest(range({len(rows)})) AS i, {', '.join(values)}",
        [[options[at] for _, options in rows] for at in range(len(columns))],
    )
    given = ", ".join(arguments(function, names(function), columns))
    got = con.execute(f"SELECT {function.sql_name}({given}) FROM t JOIN o USING (i) ORDER BY i").fetchall()
    known: dict[str, Any] = {}
    for (row, options), (value,) in zip(rows, got, strict=True):
        if (key := repr((row, options))) not in known:
            known[key] = oracle(function, row, options)
        assert canonical(value) == known[key], (ascii(row), options)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if of_texts(f)], ids=lambda f: f.name)
def test_every_code_point(function: Function) -> None:
    """All of Unicode, 64 code points to a text: compiled tables have no hole."""
    options = option_variants(function)[0]
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    step = max(64, 64 * 40 // SCALE)  # one text of forty, another each seed; all of them when scaled
    first = SEED % (step // 64) * 64
    rows = [row_of(function, "".join(points[at : at + 64])) for at in range(first, len(points), step)]
    check("python_list", function, [(row, oracle(function, row, options)) for row in rows], options)


# ---- laws ----------------------------------------------------------------------------------------------------------


def compiled(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(streamliner_udf, name)
    return function


def idempotent(name: str) -> Callable[[list[str]], None]:
    def law(texts: list[str]) -> None:
        once = compiled(name)(texts)
        for text, a, b in zip(texts, once, compiled(name)(once), strict=True):
            assert a == b, ascii(text)

    return law


def normal_forms(texts: list[str]) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        once = compiled("normalize")(texts, form)
        for text, a, b in zip(texts, once, compiled("normalize")(once, form), strict=True):
            assert a == unicodedata.normalize(form, text)
            assert a == b


def escaping_is_undone(texts: list[str]) -> None:
    for text, escaped in zip(texts, compiled("html_escape")(texts), strict=True):
        assert html.unescape(escaped) == text
        assert not set("<>\"'") & set(escaped)


def visible_text_is_tidy(texts: list[str]) -> None:
    white = " \t\n\f\r"
    for text, visible in zip(texts, compiled("html_to_text")(texts), strict=True):
        assert visible == visible.strip(white)
        assert len(visible.encode()) <= len(text.encode()) * 6 / 5
        if "<pre" not in text.lower():
            assert not re.search(r"\n{3}|[\r\f]|[ \t][ \t\n]|\n[ \t]", visible), ascii(text)


def scrubbed_is_clean(texts: list[str]) -> None:
    """Nothing is found in a scrubbed text, except next to a mark.

    Of two findings that overlapped the longer was masked, and what the other leaves over can be a finding of its own:
    `+351 912 345` of a number that ran into an address.
    """
    scrubbed = compiled("scrub_pii")(texts)
    for text, found in zip(scrubbed, compiled("find_pii")(scrubbed), strict=True):
        for finding in found:
            before, after = text[: finding["start"]], text[finding["stop"] :]
            glued = re.findall(r"\S*\s?$", before)[0] + finding["value"] + re.findall(r"^\s?\S*", after)[0]
            assert "_REDACTED>" in glued, ascii(text)


def findings_are_slices(texts: list[str]) -> None:
    for text, scrubbed, found in zip(texts, compiled("scrub_pii")(texts), compiled("find_pii")(texts), strict=True):
        rebuilt, at = "", 0
        for finding in found:
            assert at <= finding["start"] < finding["stop"] <= len(text)
            assert text[finding["start"] : finding["stop"]] == finding["value"]
            rebuilt += text[at : finding["start"]] + f"<{finding['kind'].upper()}_REDACTED>"
            at = finding["stop"]
        assert scrubbed == rebuilt + text[at:]


def are_substrings(name: str) -> Callable[[list[str]], None]:
    def law(texts: list[str]) -> None:
        for text, found in zip(texts, compiled(name)(texts), strict=True):
            at = 0
            for value in found:
                at = text.index(value, at) + len(value)

    return law


def slugs_are_slugs(texts: list[str]) -> None:
    for slug in compiled("slugify")(texts, 20):
        assert len(slug) <= 20
        assert slug.strip("-") == slug
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def message_order(texts: list[str]) -> None:
    for messages in compiled("parse_whatsapp")(texts):
        assert [m["seq"] for m in messages] == sorted({m["seq"] for m in messages})
        assert [m["line"] for m in messages] == sorted(m["line"] for m in messages)


LAWS: dict[str, list[Callable[[list[str]], None]]] = {
    "normalize": [normal_forms],
    "strip_invisible": [idempotent("strip_invisible")],
    "squash_spaces": [idempotent("squash_spaces")],
    "clean_text": [idempotent("clean_text")],
    "fold": [idempotent("fold")],
    "straighten_quotes": [idempotent("straighten_quotes")],
    "html_escape": [escaping_is_undone],
    "html_to_text": [visible_text_is_tidy],
    "scrub_pii": [scrubbed_is_clean],
    "find_pii": [findings_are_slices],
    **{
        f"extract_{kind}": [are_substrings(f"extract_{kind}")]
        for kind in ("urls", "emails", "mentions", "hashtags", "emoji", "media")
    },
    "media_to_markdown": [idempotent("media_to_markdown")],
    "slugify": [idempotent("slugify"), slugs_are_slugs],
    "parse_whatsapp": [message_order],
}


def test_the_differential_run_sees_what_only_lists_have() -> None:
    """An answer, and an error, that a row has for what stands beside it."""
    path = Path(__file__).parent / "fuzz/differential.py"
    spec = importlib.util.spec_from_file_location("differential", path)
    assert spec
    assert spec.loader
    differential: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(differential)
    true_run = differential.run

    def refusing(way: str, function: Function, rows: list[Any], options: Options) -> list[Any]:
        if len(rows) > 1:
            raise ValueError("two are too many")
        return list(true_run(way, function, rows, options))

    def leaking(way: str, function: Function, rows: list[Any], options: Options) -> list[Any]:
        found = list(true_run(way, function, rows, options))
        return [found[0], *found[:-1]]

    def find(run: Callable[..., list[Any]]) -> Any:
        differential.run = run
        texts = ["one two", "two  three"]
        return differential.compare(FUNCTIONS["slugify"], texts, lambda done: done < 3, random.Random(1))[1]

    assert find(true_run) is None
    assert find(refusing)[2] == "error: two are too many"
    assert find(leaking) is not None


@pytest.mark.parametrize(
    ("name", "law"), [pytest.param(name, law, id=f"{name}-{i}") for name in LAWS for i, law in enumerate(LAWS[name])]
)
def test_law(name: str, law: Callable[[list[str]], None], rng: random.Random) -> None:
    assert name in FUNCTIONS
    law(random_text.texts(rng, 1000 * SCALE))
