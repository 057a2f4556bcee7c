"""What the extract family promises beyond its golden cases."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import random_text
from conftest import SCALE

import streamliner_udf

URLS: Callable[..., Any] = streamliner_udf.extract_urls
EMAILS: Callable[..., Any] = streamliner_udf.extract_emails
MENTIONS: Callable[..., Any] = streamliner_udf.extract_mentions
HASHTAGS: Callable[..., Any] = streamliner_udf.extract_hashtags
FIND_PII: Callable[..., Any] = streamliner_udf.find_pii

PIECES = random_text.listed(
    "@|＠|#|＃|a|é|1|_|.|-|\u200c|\u200d|·|/|&|ana|@x.org|http://a.b/|www.a.b|\u2068|\u2069|\n| | |क|्|+|'|%|"
    "\u2010|12345678|日本|\u0301|\ufe0f|\u20e3|:|http://u:p|x.org|😀|。"
)


def texts(rng: random.Random) -> list[str]:
    made = ["".join(rng.choices(PIECES, k=rng.choice((2, 4, 8, 16, 40)))) for _ in range(5000 * SCALE)]
    return made + random_text.texts(rng, 1000 * SCALE)


def places(text: str, found: list[str]) -> list[tuple[int, int]]:
    """Where the findings stand, each at or behind the end of the one before."""
    spans, at = [], 0
    for value in found:
        start = text.index(value, at)
        at = start + len(value)
        spans.append((start, at))
    return spans


def test_emails_are_those_of_find_pii(rng: random.Random) -> None:
    rows = texts(rng)
    for text, emails, found in zip(rows, EMAILS(rows), FIND_PII(rows, "email"), strict=True):
        assert emails == [finding["value"] for finding in found], ascii(text)


def test_emails_mask_nothing_else(rng: random.Random) -> None:
    """A text without an at sign holds no address, no mention, and a text without a number sign no hashtag."""
    rows = [text.replace("@", "").replace("＠", "").replace("#", "").replace("＃", "") for text in texts(rng)]
    assert not any(EMAILS(rows) + MENTIONS(rows) + HASHTAGS(rows))


@pytest.mark.parametrize(("function", "signs"), [(MENTIONS, "@＠"), (HASHTAGS, "#＃")], ids=["mentions", "hashtags"])
def test_findings_are_substrings_in_order(function: Callable[..., Any], signs: str, rng: random.Random) -> None:
    rows = texts(rng)
    some = 0
    for text, found in zip(rows, function(rows), strict=True):
        places(text, found)
        assert all(value[0] in signs and len(value) > 1 for value in found), ascii(text)
        some += bool(found)
    assert some > len(rows) // 50


def test_no_mention_is_part_of_an_address() -> None:
    for local in ("ana", "a.b", "a+", "a'", "a%", "a-", "_", "a_", "é", "x\u2010"):
        assert MENTIONS(f"{local}@example.org") == [], local
        assert EMAILS(f"{local}@example.org") == [f"{local}@example.org"], local


def test_nothing_is_found_inside_a_url() -> None:
    for url in ("https://x.org/@ana", "https://x.org/a?b=@bo&c=#d", "http://x.org/#/@e", "www.x.org/-@ana-#b"):
        assert URLS(url) == [url]
        assert MENTIONS(f"see {url} @ana") == ["@ana"]
        assert HASHTAGS(f"see {url} #ana") == ["#ana"]
    assert MENTIONS("(https://x.org/a) @ana https://x.org/@b @c") == ["@ana", "@c"]


@pytest.mark.parametrize("function", [MENTIONS, HASHTAGS, EMAILS], ids=["mentions", "hashtags", "emails"])
def test_long_runs_are_linear(function: Callable[..., Any]) -> None:
    """A megabyte of what almost is something."""
    for piece in (
        "@",
        "@a",
        "@\u2068",
        "@\u2068a",
        "#",
        "#1",
        "a@",
        "@1@",
        "+@",
        "@a@",
        "x+@y ",
        "#a#",
        "http://@",
        "www.@",
    ):
        text = piece * (1_000_000 // len(piece.encode()))
        assert len(function(text)) <= len(text)
