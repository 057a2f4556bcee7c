"""Every sequence of Unicode's emoji-test.txt comes out whole, whatever stands around it."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import streamliner_udf
from streamliner_udf.reference import emoji as specification

ROOT = Path(__file__).parents[1]
LIST = ROOT / "streamliner_udf/reference/emoji.txt"
SEQUENCES = sorted(specification.expand(LIST.read_text(encoding="utf-8")))
EMOJI: Callable[..., Any] = streamliner_udf.extract_emoji
# The file as Debian ships it, of whatever version.
ORIGINAL = Path("/usr/share/unicode/emoji/emoji-test.txt")


def statuses(text: str) -> dict[str, str]:
    found = {}
    for line in text.split("\n"):
        points, semicolon, status = line.partition("#")[0].partition(";")
        if semicolon:
            found["".join(chr(int(point, 16)) for point in points.split())] = status.strip()
    return found


def check(texts: list[str], want: list[list[str]]) -> None:
    for text, got, wanted in zip(texts, EMOJI(texts), want, strict=True):
        assert got == wanted, ascii(text)


def test_list_holds_what_version_18_counts() -> None:
    """The counts at the end of emoji-test.txt: 3963 + 1029 + 243, and 9 components."""
    assert len(SEQUENCES) == len(set(SEQUENCES)) == 5244
    assert max(map(len, SEQUENCES)) == specification._LONGEST


@pytest.mark.skipif(not ORIGINAL.exists(), reason="needs the package unicode-data of Debian")
def test_list_holds_all_of_an_older_version() -> None:
    found = statuses(ORIGINAL.read_text(encoding="utf-8"))
    assert len(found) > 4000
    assert set(found) <= set(SEQUENCES)


def test_condensing_is_undone_by_expanding() -> None:
    """What makes the list from Unicode's file loses nothing."""
    spec = importlib.util.spec_from_file_location("emoji_generator", ROOT / "csrc/unicode/emoji.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    lines = LIST.read_text(encoding="utf-8").split("\n")
    body = "\n".join(line for line in lines if line and not line.startswith("#")) + "\n"
    some = [sequence for sequence in SEQUENCES if len(sequence) == 2 and "\ufe0f" not in sequence]
    original = "\n".join(f"{' '.join(f'{ord(c):X}' for c in sequence)} ; fully-qualified # x" for sequence in some)
    assert sorted(specification.expand(generator.condensed(original))) == some
    assert set(specification.expand(body)) == set(SEQUENCES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("a", "b"),
        (" ", " "),
        ("1", "2"),
        ("é", "語"),
        ("x" * 61, "y"),
        ("語" * 20, "。"),
        ("…", "’"),
        ("«", "»"),
    ],
)
def test_every_sequence_comes_out_whole(before: str, after: str) -> None:
    check([before + sequence + after for sequence in SEQUENCES], [[sequence] for sequence in SEQUENCES])


@pytest.mark.parametrize("between", [" ", "a", "1", "é", "語", "\n", "\u200b", "\ufe0e "])
def test_every_sequence_beside_every_other_kind(between: str) -> None:
    order = SEQUENCES[:]
    random.Random(7).shuffle(order)
    pairs = list(zip(order, order[1:] + order[:1], strict=True))
    if between == "\ufe0e ":  # asks for text: the first is none, unless a shorter one stands in it
        for pair, got in zip(pairs, EMOJI([between.join(pair) for pair in pairs]), strict=True):
            assert got[-1] == pair[1]
            assert pair[0] not in got[:-1]
    else:
        check([between.join(pair) for pair in pairs], [list(pair) for pair in pairs])
        check([between.join(order)], [order])


def test_neighbours_keep_apart() -> None:
    """Fully-qualified sequences without anything between, unless the second could belong to the first."""
    order = [
        s for s in SEQUENCES if not "\U0001f3fb" <= s[0] <= "\U0001f3ff" and not "\U0001f9b0" <= s[0] <= "\U0001f9b3"
    ]
    random.Random(8).shuffle(order)
    check(["".join(order)], [order])


def test_no_other_character_is_an_emoji() -> None:
    singles = {sequence for sequence in SEQUENCES if len(sequence) == 1}
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    for point, got in zip(points, EMOJI([f"a{point}b" for point in points]), strict=True):
        assert got == ([point] if point in singles else []), ascii(point)


def test_long_runs_are_linear() -> None:
    """A megabyte of what almost is an emoji."""
    for piece in ("👩\u200d", "🇽", "1\ufe0f", "\u20e3", "🏴\U000e0067", "☺\ufe0e", "耀", "…"):
        text = piece * (1_000_000 // len(piece.encode()))
        assert len(EMOJI(text)) <= len(text)
