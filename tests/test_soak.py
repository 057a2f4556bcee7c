"""The soak test in small, and what it would see: memory that grows, and answers that change."""

from __future__ import annotations

import pytest
import soak
from paths import FUNCTIONS
from soak import Sample, growth

import streamliner_udf


def test_a_small_soak_is_clean() -> None:
    found = soak.run(2_000_000, threads=2, rounds=8, many=100_000)
    assert found.problem == ""
    assert found.samples[-1].rows >= 2_000_000
    assert found.queries >= 8 * len(FUNCTIONS)


def test_growth_is_seen_and_noise_is_not() -> None:
    megabyte = 1 << 20
    noise = [Sample(i, i, i, (150 + (7 * i) % 20) * megabyte) for i in range(40)]
    assert growth(noise) <= soak.SPARE
    leak = [Sample(i, i, i, (150 + 2 * i) * megabyte) for i in range(40)]
    assert growth(leak) > soak.SPARE
    warming = [Sample(i, i, i, (150 + 40 * min(i, 5)) * megabyte) for i in range(40)]
    assert growth(warming) <= soak.SPARE


def test_a_leak_and_a_wrong_answer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytearray] = []
    life = soak.Work.life

    def leaking(work: soak.Work) -> None:
        life(work)
        kept.append(bytearray(b"x" * (10 << 20)))

    monkeypatch.setattr(soak.Work, "life", leaking)
    assert soak.run(0, threads=1, rounds=12, many=5_000).problem.startswith("memory grew by ")
    monkeypatch.undo()

    answers = iter(range(100))
    monkeypatch.setattr(streamliner_udf, "slugify", lambda column, *options: [next(answers)])
    assert (
        soak.run(0, threads=1, rounds=3, many=5_000).problem
        == "slugify of a list: another answer than in the first round"
    )
