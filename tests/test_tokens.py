"""The estimate of tokens is a sum anybody can make, and its errors are those that were measured."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf.reference import tokens

RESULTS = Path(__file__).parents[1] / "bench/results/tokens-reference.json"


def test_the_documented_errors_are_the_measured_ones() -> None:
    measured: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["kinds"]
    text = " ".join((tokens.estimate_tokens.__doc__ or "").split())
    found = {name: (int(a), int(b)) for name, a, b in re.findall(r"([A-Za-z ]+) ([+-]\d+) \((\d+)\)", text)}
    wanted = {
        name: (round(kind["mean_signed_percent"]), round(kind["mean_absolute_percent"]))
        for name, kind in measured.items()
    }
    assert {name.strip(): pair for name, pair in found.items()} == wanted
    scripts = {"English", "Portuguese", "German", "Russian", "Arabic", "Hindi", "Chinese", "Japanese", "Korean"}
    assert {*scripts, "emoji", "code", "digits", "web addresses"} <= set(wanted)


def test_ranges_cover_all_of_unicode_in_steps_of_64() -> None:
    """The kernel looks at all but the last byte of a character."""
    lasts = [last for last, _ in tokens._RANGES]
    assert lasts == sorted(set(lasts))
    assert lasts[-1] == 0x10FFFF
    assert all((last + 1) % 64 == 0 for last in lasts)


def test_every_step_of_64(rng: random.Random) -> None:
    points = [*range(0x80, 0xD800, 64), *range(0xE000, 0x110000, 64)]
    texts = [chr(point + rng.randrange(64)) * 10 for point in points]
    assert streamliner_udf.estimate_tokens(texts) == [tokens.estimate_tokens(text) for text in texts]


def test_blocks_meet_anywhere(rng: random.Random) -> None:
    for _ in range(1000 * SCALE):
        text = "".join(rng.choices("aaaaaaaaaaaaB1. ,é\n語", k=rng.randint(0, 300)))
        assert streamliner_udf.estimate_tokens(text) == tokens.estimate_tokens(text), ascii(text)


def test_estimates_of_parts_add_up(rng: random.Random) -> None:
    """A space costs nothing and ends what it stands behind, so only rounding differs."""
    parts = random_text.texts(rng, 200)
    whole = streamliner_udf.estimate_tokens(" ".join(parts))
    assert abs(whole - sum(streamliner_udf.estimate_tokens(parts))) <= 0.5 * len(parts) + 1
