"""What figures of a shared machine say, and how sure that is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

__all__ = ["band", "interval", "ratio_interval"]

_ROUNDS = 2000
_BAND_MIN = 0.02


def band(values: Sequence[float]) -> float:
    """How far equal runs lie apart: half their range, as a share of their median; at least 2 %."""
    middle = statistics.median(values)
    return max(_BAND_MIN, (max(values) - min(values)) / 2 / middle) if middle > 0 else _BAND_MIN


def interval(ratios: Sequence[float], seed: int, wider: float = 0.0) -> tuple[float, float]:
    """95 % of the medians of samples of the ratios, drawn with replacement; `wider` moves both ends out by a share.

    Source : the percentile bootstrap, Efron and Tibshirani 1993, chapter 13.
    """
    drawn = np.random.default_rng(seed).choice(np.asarray(ratios, dtype=float), size=(_ROUNDS, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low) / (1 + wider), float(high) * (1 + wider)


def ratio_interval(new: Sequence[float], old: Sequence[float], seed: int, noise: float) -> tuple[float, float]:
    """The same for the ratio of two medians whose runs were not paired. A single run is as unsure as the noise."""
    random = np.random.default_rng(seed)
    over = np.median(random.choice(np.asarray(new, dtype=float), size=(_ROUNDS, len(new))), axis=1)
    under = np.median(random.choice(np.asarray(old, dtype=float), size=(_ROUNDS, len(old))), axis=1)
    low, high = np.percentile(over / under, [2.5, 97.5])
    wider = noise / len(new) ** 0.5
    return float(low) / (1 + wider), float(high) * (1 + wider)
