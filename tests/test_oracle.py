"""Every path against the plain-Python specification on seeded random text, and laws that hold for any text."""

from __future__ import annotations

import functools
import html
import random
import re
import unicodedata
from collections.abc import Callable
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
    Rows,
    arguments,
    canonical,
    connection,
    differences,
    load,
    option_indexes,
    option_variants,
    oracle,
    run,
)

import streamliner_udf

COUNT = 250
# Queries of one row, or more rows than given: a sample is enough, since each text also goes by the path "sql".
SAMPLED = {"sql_constant": 60}


@functools.cache
def specified(function: Function, options: Options, count: int) -> dict[str | None, Any]:
    """Random texts, and what the specification makes of them."""
    texts = random_text.texts(random.Random(f"{SEED} {function.name}"), count * SCALE)
    return {text: oracle(function, text, options) for text in texts}


def batch(texts: Rows, rng: random.Random) -> list[str | None]:
    """Shuffled, with NULLs in between."""
    rows = [*texts, *[None] * (len(texts) // 4)]
    rng.shuffle(rows)
    return rows


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_equals_the_oracle(path: str, function: Function, rng: random.Random) -> None:
    for number, options in enumerate(option_variants(function)):
        known = specified(function, options, COUNT if number == 0 else COUNT // 10)
        rows = batch(list(known)[: SAMPLED.get(path)], rng)
        want = [None if text is None else known[text] for text in rows]
        got = run(path, function, rows, options)
        assert not (report := differences(function, rows, options, got, want)), report


@pytest.mark.parametrize("path", [path for path in PATHS if path not in SAMPLED])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
@pytest.mark.parametrize("size", [VECTOR - 1, VECTOR, VECTOR + 1])
def test_around_a_vector(path: str, function: Function, size: int, rng: random.Random) -> None:
    """Batches that end right before, at and behind the end of a vector."""
    options = option_variants(function)[0]
    known = specified(function, options, COUNT)
    texts = [text for text in known if text is not None and len(text) < 100][:40]
    rows = [rng.choice([*texts, None]) for _ in range(size)]
    want = [None if text is None else known[text] for text in rows]
    got = run(path, function, rows, options)
    assert not (report := differences(function, rows, options, got, want)), report


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if len(f.params) > 1], ids=lambda f: f.name)
def test_options_from_columns(function: Function, rng: random.Random) -> None:
    """Options that change from row to row, in runs of any length, some of them NULL."""
    variants: list[Options] = [o for o in option_variants(function) if len(o) == len(function.params) - 1]
    variants.append((None,) * (len(function.params) - 1))
    rows: list[tuple[str, Options]] = []
    while len(rows) < VECTOR + 100:
        options = rng.choice(variants)
        rows += [(random_text.text(rng, 20), options) for _ in range(rng.choice((1, 1, 2, 5, 300)))]
    con = connection()
    load(con, [text for text, _ in rows])
    names = [f"o{i}" for i in range(len(variants[0]))]
    values = [
        f"unnest(?::{function.params[at].sql_type}[]) AS {name}"
        for at, name in zip(option_indexes(function), names, strict=True)
    ]
    con.execute(
        f"CREATE OR REPLACE TABLE o AS SELECT unnest(range({len(rows)})) AS i, {', '.join(values)}",
        [[options[at] for _, options in rows] for at in range(len(names))],
    )
    query = (
        f"SELECT {function.sql_name}({', '.join(arguments(function, 's', names))}) FROM t JOIN o USING (i) ORDER BY i"
    )
    got = [canonical(value) for (value,) in con.execute(query).fetchall()]
    for (text, options), value in zip(rows, got, strict=True):
        assert value == oracle(function, text, options), (ascii(text), options)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_every_code_point(function: Function) -> None:
    """All of Unicode, 64 code points to a text: compiled tables have no hole."""
    options = option_variants(function)[0]
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    step = max(64, 64 * 40 // SCALE)  # one text of forty, another each seed; all of them when scaled
    first = SEED % (step // 64) * 64
    rows = ["".join(points[at : at + 64]) for at in range(first, len(points), step)]
    want = [oracle(function, text, options) for text in rows]
    got = run("python_list", function, rows, options)
    assert not (report := differences(function, rows, options, got, want)), report


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


def urls_are_substrings(texts: list[str]) -> None:
    for text, urls in zip(texts, compiled("extract_urls")(texts), strict=True):
        at = 0
        for url in urls:
            at = text.index(url, at) + len(url)


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
    "clean_text": [idempotent("clean_text")],
    "html_escape": [escaping_is_undone],
    "html_to_text": [visible_text_is_tidy],
    "scrub_pii": [scrubbed_is_clean],
    "find_pii": [findings_are_slices],
    "extract_urls": [urls_are_substrings],
    "slugify": [idempotent("slugify"), slugs_are_slugs],
    "parse_whatsapp": [message_order],
}


@pytest.mark.parametrize(
    ("name", "law"), [pytest.param(name, law, id=f"{name}-{i}") for name in LAWS for i, law in enumerate(LAWS[name])]
)
def test_law(name: str, law: Callable[[list[str]], None], rng: random.Random) -> None:
    assert name in FUNCTIONS
    law(random_text.texts(rng, 1000 * SCALE))
