"""What windows promise, of random sizes."""

from __future__ import annotations

import random
import time

import pytest
from conftest import SCALE

import streamliner_udf
from streamliner_udf.types import Window

LARGEST = 2**63 - 1


def pack(sizes: list[int], budget: int, overlap: int = 0) -> list[Window]:
    return streamliner_udf.pack_windows(sizes, budget, overlap)


def check(sizes: list[int], budget: int, overlap: int) -> None:
    windows = pack(sizes, budget, overlap)
    if not sizes:
        assert windows == []
        return
    before: Window = {"first": 0, "last": 0, "total": 0}
    for window in windows:
        first, last = window["first"], window["last"]
        assert before["first"] < first <= before["last"] + 1
        assert before["last"] < last <= len(sizes)
        assert window["total"] == sum(sizes[first - 1 : last])
        assert window["total"] <= budget or first == last, "above the budget only alone"
        taken = sum(sizes[first - 1 : before["last"]])
        assert taken <= overlap
        if overlap == 0:
            assert first == before["last"] + 1
        # Greedy: what follows would not fit, and neither would more of what came before.
        assert (
            last == len(sizes)
            or window["total"] + sizes[last] > budget
            or (first == last and sizes[first - 1] > budget)
        )
        if overlap and first > max(before["first"], 1):
            more = taken + sizes[first - 2]
            assert more > overlap or more + sizes[before["last"]] > budget
        before = window
    assert windows[0]["first"] == 1
    assert windows[-1]["last"] == len(sizes)


def test_laws_of_random_sizes(rng: random.Random) -> None:
    for _ in range(2000 * SCALE):
        largest = rng.choice((1, 3, 10, 100, LARGEST))
        sizes = [rng.choice((0, 1, rng.randint(0, largest))) for _ in range(rng.randint(0, 60))]
        budget = rng.choice((1, 2, 10, 50, rng.randint(1, LARGEST), LARGEST))
        check(sizes, budget, rng.choice((0, budget - 1, rng.randrange(budget))))


def test_no_sum_overflows() -> None:
    assert pack([LARGEST] * 3, LARGEST) == [{"first": i, "last": i, "total": LARGEST} for i in (1, 2, 3)]
    assert pack([LARGEST - 1, 1, 1], LARGEST, LARGEST - 1) == [
        {"first": 1, "last": 2, "total": LARGEST},
        {"first": 2, "last": 3, "total": 2},
    ]


def test_numbers_that_are_no_sizes() -> None:
    for sizes in ([-1], [5, -(2**63)], [0] * 5000 + [-7]):
        with pytest.raises(
            ValueError, match=rf"^pack_windows: expected sizes >= 0, got {sizes[-1]} as number {len(sizes)}$"
        ):
            pack(sizes, 10)


def test_a_large_overlap_costs_no_more() -> None:
    """A million items, each in many windows: the hands only move on."""
    sizes = [1] * 1_000_000
    started = time.perf_counter()
    assert len(pack(sizes, 100_000, 99_000)) == 901
    assert len(pack(sizes, 100_000, 99_999)) == 900_001
    assert time.perf_counter() - started < 20
