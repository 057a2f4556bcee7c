"""How a time grows with a volume: `c + a n^b`, with what the measurements leave open of b."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Fit", "Threads", "fit_power", "fit_threads"]

_STEP, _FINER = 0.01, 50
_EXPONENTS = np.arange(0.0, 3.0 + _STEP / 2, _STEP)
_SIZES_MIN = 3


@dataclass(frozen=True)
class Fit:
    """y = constant + factor * n ** exponent; `low` and `high` hold the exponent in 95 of 100 cases.

    `samples` : the (constant, factor, exponent) of the bootstrap, for intervals of predictions.
    """

    constant: float
    factor: float
    exponent: float
    low: float
    high: float
    samples: tuple[tuple[float, float, float], ...] = ()

    def at(self, n: float) -> float:
        return float(self.constant + self.factor * n**self.exponent)

    def between(self, n: float) -> tuple[float, float]:
        """95 of 100 predictions for a volume."""
        found = [constant + factor * n**exponent for constant, factor, exponent in self.samples] or [self.at(n)]
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it, without the samples."""
        names = ("constant", "factor", "exponent", "low", "high")
        return {name: getattr(self, name) for name in names}


def _solve(n: Any, y: Any, exponents: Any) -> tuple[Any, Any, Any]:
    """Least squares of relative errors, with neither constant nor factor below 0: constants, factors and the sums of
    squares, for every row of `y` and every exponent."""
    w = 1.0 / (y * y)
    x = n[None, :] ** exponents[:, None]
    sw, sy = w.sum(1)[:, None], (w * y).sum(1)[:, None]
    sx, sxx, sxy = w @ x.T, w @ (x * x).T, (w * y) @ x.T
    determinant = sw * sxx - sx * sx
    solvable = determinant > 1e-12 * sw * sxx
    safe = np.where(solvable, determinant, 1.0)
    constant, factor = (sxx * sy - sx * sxy) / safe, (sw * sxy - sx * sy) / safe
    through_zero, flat = (constant < 0) | ~solvable, (factor < 0) & solvable
    constant = np.where(through_zero, 0.0, np.where(flat, sy / sw, constant))
    factor = np.where(through_zero, sxy / sxx, np.where(flat, 0.0, factor))
    sums = (
        constant * constant * sw
        + factor * factor * sxx
        + len(n)
        + 2 * (constant * factor * sx - constant * sy - factor * sxy)
    )
    return constant, factor, sums


def _best(n: Any, y: Any) -> Any:
    """For every row of `y` the constant, factor and exponent with the least sum of squared relative errors."""
    rows = np.arange(len(y))
    constants, factors, sums = _solve(n, y, _EXPONENTS)
    place = np.clip(np.argmin(sums, axis=1), 1, len(_EXPONENTS) - 2)
    # Between the exponents of the grid, where a parabola through three of them has its lowest point.
    left, middle, right = (sums[rows, place + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    step = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), np.sign(left - right))
    exponents = _EXPONENTS[place] + np.clip(step, -1, 1) * _STEP
    # Each row with its own exponent, by the nearest of the grid: what is left of the rounding is far below the noise.
    near = np.clip(np.rint(exponents / _STEP).astype(int), 0, len(_EXPONENTS) - 1)
    return np.stack([constants[rows, near], factors[rows, near], _EXPONENTS[near]], axis=1)


def fit_power(
    sizes: Sequence[float], values: Sequence[float], least: float = 0.0, seed: int = 1, rounds: int = 400
) -> Fit | None:
    """The power law with an offset through repeated measurements.

    Parameters
    ----------
    sizes, values : sequences of equal length
        A volume and what was measured there; volumes come as often as they were measured.
    least : float
        Values of no more are noise: volumes whose median is not above it are left out.
    seed, rounds : int
        Of the bootstrap: equal input, equal interval. No rounds, no interval.

    Returns
    -------
    Fit or None
        None where fewer than three volumes are left, or all values are 0.

    Relative errors are minimised, because noise grows with a time. The interval is that of refits to the curve with
    resampled relative errors of all measurements, widened for the three numbers that were fitted: it holds both what
    repeats differ by and what the curve misses.

    Nulls : none. Errors : none. Cost : some 30 ms.
    Source : residual bootstrap, Efron and Tibshirani 1993, section 9.4.

    Examples
    --------
    >>> found = fit_power([1, 3, 10, 30], [3.0, 7.0, 21.0, 61.0])
    >>> round(found.constant, 3), round(found.factor, 3), round(found.exponent, 3)
    (1.0, 2.0, 1.0)
    """
    n, y = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    kept = [size for size in np.unique(n) if np.median(y[n == size]) > least]
    if len(kept) < _SIZES_MIN:
        return None
    inside = np.isin(n, kept) & (y > 0)
    unit = float(n[inside].min())
    n, y = n[inside] / unit, y[inside]
    constant, factor, exponent = _best(n, y[None, :])[0]
    # On a finer grid: where the constant is held at 0 the errors are no parabola.
    finer = np.clip(exponent + np.arange(-_FINER, _FINER + 1) * (_STEP / _FINER), 0.0, None)
    constants, factors, sums = (one[0] for one in _solve(n, y[None, :], finer))
    place = int(np.argmin(sums))
    constant, factor, exponent = float(constants[place]), float(factors[place]), float(finer[place])
    if factor == 0.0:  # nothing grows
        return Fit(float(constant), 0.0, 0.0, 0.0, 0.0)
    curve = constant + factor * n**exponent
    residuals = y / curve - 1
    residuals = (residuals - residuals.mean()) * math.sqrt(len(y) / max(1, len(y) - 3))
    if not rounds:
        return Fit(constant, factor / unit**exponent, exponent, exponent, exponent)
    drawn = np.random.default_rng(seed).choice(residuals, size=(rounds, len(y)))
    samples = _best(n, curve * np.maximum(0.05, 1 + drawn))
    low, high = (float(edge) for edge in np.percentile(samples[:, 2], [2.5, 97.5]))

    def scaled(one: Any) -> tuple[float, float, float]:
        return float(one[0]), float(one[1] / unit ** one[2]), float(one[2])

    return Fit(*scaled((constant, factor, exponent)), low, high, tuple(map(scaled, samples)))


@dataclass(frozen=True)
class Threads:
    """Throughput by threads, X(N) = X(1) N / (1 + contention (N - 1) + coherence N (N - 1)). With more than `best`
    threads it is slower, if there is such a number."""

    contention: float
    coherence: float
    best: float | None


def fit_threads(threads: Sequence[float], speedups: Sequence[float]) -> Threads | None:
    """Amdahl's law through three numbers of threads, the Universal Scalability Law through four or more; else None.

    Nulls : none. Errors : none. Cost : microseconds.
    Source : Gunther, Guerrilla Capacity Planning, 2007, chapter 4: N / X - 1 is linear in both numbers.

    Examples
    --------
    >>> found = fit_threads([1, 2, 4], [1, 2 / 1.1, 4 / 1.3])
    >>> round(found.contention, 3), found.coherence
    (0.1, 0.0)
    """
    n, x = np.asarray(threads, dtype=float), np.asarray(speedups, dtype=float)
    kinds = len(np.unique(n))
    if kinds < _SIZES_MIN:
        return None
    lost, first, second = n / x - 1, n - 1, n * (n - 1)
    contention, coherence = float(first @ lost / (first @ first)), 0.0
    if kinds > _SIZES_MIN:
        (a, b), *_ = np.linalg.lstsq(np.stack([first, second], axis=1), lost, rcond=None)
        if b > 0:
            contention, coherence = (float(a), float(b)) if a > 0 else (0.0, float(second @ lost / (second @ second)))
    contention, coherence = max(0.0, contention), max(0.0, coherence)
    best = math.sqrt(max(0.0, 1 - contention) / coherence) if coherence > 0 else None
    return Threads(contention, coherence, best)
