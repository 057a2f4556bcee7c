"""What the runs say: a line for each step and volume, how each grows, a forecast, and a verdict."""

from __future__ import annotations

import functools
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .fit import Fit, Threads, fit_power, fit_threads
from .pipeline import FUNCTIONS, STEPS
from .trials import Trial, thread_scale

__all__ = [
    "TOTAL",
    "Analysis",
    "Finding",
    "Forecast",
    "Line",
    "Series",
    "analyse",
    "differing",
    "duration",
    "size_bytes",
]

TOTAL = "whole pipeline"
# A step that streams is linear; what must see all rows bends a little, and more when it goes to disk.
LINEAR, BENT, DROP = 1.05, 1.15, 0.25
SECONDS_MAX = 600.0
_FORECAST = 100
# A time below this says more of clocks and starts than of rows.
_NOISE = 0.01
_BUSY = 0.25
_MATTERS = 0.1
_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
# DuckDB fills what it may have; beyond that, memory that is this much more for three times the messages is not bounded.
_GROWTH = 1.25


@dataclass(frozen=True)
class Line:
    """A step, or all of them, at one volume: medians of the repeats. Seconds and bytes."""

    scale: int
    messages: int
    export_bytes: int
    wall: float
    cpu: float
    peak_memory: int | None
    spilled: int
    written: int | None
    share: float  # of the processor time of all steps

    @property
    def rows_per_second(self) -> float:
        return self.messages / self.wall if self.wall else 0.0

    @property
    def megabytes_per_second(self) -> float:
        return self.export_bytes / 1e6 / self.wall if self.wall else 0.0

    @property
    def busy(self) -> float:
        """Processors at work, on average."""
        return self.cpu / self.wall if self.wall else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rates = {"rows_per_second": self.rows_per_second, "megabytes_per_second": self.megabytes_per_second}
        return {**asdict(self), **rates, "cpu_over_wall": self.busy}


@dataclass(frozen=True)
class Series:
    """One step at all volumes with one memory limit. `cpu_fit`, `wall_fit` : None where it is too short to tell."""

    name: str
    does: str
    streams: bool
    lines: tuple[Line, ...]
    cpu_fit: Fit | None
    wall_fit: Fit | None
    memory_fit: Fit | None

    @property
    def last(self) -> Line:
        return self.lines[-1]

    @property
    def bends(self) -> bool:
        """Whether it is surely steeper than it should be."""
        return self.cpu_fit is not None and self.cpu_fit.low > (LINEAR if self.streams else BENT)

    @property
    def drop(self) -> float:
        """By how much its rate at the largest volume, by processor time, is below its best."""
        rates = [line.messages / line.cpu for line in self.lines if line.cpu > _NOISE]
        return 1 - rates[-1] / max(rates) if len(rates) > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        fits = {"cpu_fit": self.cpu_fit, "wall_fit": self.wall_fit, "memory_fit": self.memory_fit}
        return {
            "name": self.name,
            "does": self.does,
            "streams": self.streams,
            "volumes": [line.to_dict() for line in self.lines],
            **{name: fit.to_dict() if fit else None for name, fit in fits.items()},
            "drop": self.drop,
        }


@dataclass(frozen=True)
class Finding:
    """A sentence; `good` is None where it only informs."""

    good: bool | None
    text: str


@dataclass(frozen=True)
class Forecast:
    """Beyond what was measured: an extrapolation, with the 95 % intervals that the fits leave open."""

    scale: int
    messages: int
    wall: float
    wall_low: float
    wall_high: float
    peak_memory: float
    tight_memory: float | None
    spilled: float
    disk: float
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Analysis:
    """All that the report shows.

    steps, functions, total : with DuckDB's own memory limit. tight_steps, tight_total : with the tight one.
    speedups : of each step, and of all, by threads; the first is 1 for one thread.
    verdict : "fits", "tune" or "distribute", and why.
    """

    steps: tuple[Series, ...]
    functions: tuple[Series, ...]
    total: Series
    tight_steps: tuple[Series, ...]
    tight_total: Series | None
    tight_functions: tuple[Series, ...]
    speedups: Mapping[str, Mapping[int, float]]
    threads_fit: Threads | None
    forecast: Forecast | None
    findings: tuple[Finding, ...]
    verdict: str
    because: str
    failed: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "verdict": self.verdict,
            "because": self.because,
            "findings": [asdict(finding) for finding in self.findings],
            "forecast": asdict(self.forecast) if self.forecast else None,
            "total": self.total.to_dict(),
            "steps": [series.to_dict() for series in self.steps],
            "functions": [series.to_dict() for series in self.functions],
            "tight_total": self.tight_total.to_dict() if self.tight_total else None,
            "tight_steps": [series.to_dict() for series in self.tight_steps],
            "tight_functions": [series.to_dict() for series in self.tight_functions],
            "speedups": {name: dict(found) for name, found in self.speedups.items()},
            "threads_fit": asdict(self.threads_fit) if self.threads_fit else None,
            "failed": list(self.failed),
        }


def size_bytes(limit: str) -> float | None:
    """Of a size as DuckDB writes it; None if it is not one."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*", limit)
    unit = _UNITS.get(match[2].upper()) if match else None
    return float(match[1]) * unit if match and unit else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _whole(trial: Trial) -> dict[str, Any]:
    """All steps of a run as one."""
    found: dict[str, Any] = {"name": TOTAL}
    for name, together in (("wall", sum), ("cpu", sum), ("written", sum), ("peak_memory", max), ("spilled", max)):
        values = [step[name] for step in trial.steps]
        found[name] = None if None in values else together(values)
    return found


def _series(
    name: str, does: str, streams: bool, trials: Sequence[Trial], pick: Callable[[Trial], Mapping[str, Any]]
) -> Series:
    scales = sorted({trial.scale for trial in trials})
    lines = []
    for scale in scales:
        there = [trial for trial in trials if trial.scale == scale]
        picked = [pick(trial) for trial in there]
        whole = statistics.median(_whole(trial)["cpu"] for trial in there)
        cpu = statistics.median(one["cpu"] for one in picked)
        memory, written = (_median(one[what] for one in picked) for what in ("peak_memory", "written"))
        lines.append(
            Line(
                scale,
                there[0].contents["rows"],
                there[0].export_bytes,
                statistics.median(one["wall"] for one in picked),
                cpu,
                None if memory is None else int(memory),
                int(statistics.median(one["spilled"] for one in picked)),
                None if written is None else int(written),
                cpu / whole if whole else 0.0,
            )
        )
    rows = [trial.contents["rows"] for trial in trials]
    cpu_fit, wall_fit = (fit_power(rows, [pick(trial)[what] for trial in trials], _NOISE) for what in ("cpu", "wall"))
    peaks = [pick(trial)["peak_memory"] for trial in trials]
    memory_fit = None if None in peaks else fit_power(rows, peaks, rounds=0)
    return Series(name, does, streams, tuple(lines), cpu_fit, wall_fit, memory_fit)


def _named(trial: Trial, kind: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(one for one in getattr(trial, kind) if one["name"] == name)
    return found


def _all_series(trials: Sequence[Trial]) -> tuple[tuple[Series, ...], tuple[Series, ...], Series]:
    def of(kind: str, steps: Sequence[Any]) -> tuple[Series, ...]:
        return tuple(
            _series(step.name, step.does, step.streams, trials, functools.partial(_named, kind=kind, name=step.name))
            for step in steps
        )

    return of("steps", STEPS), of("functions", FUNCTIONS), _series(TOTAL, "all steps", False, trials, _whole)


def _speedups(trials: Sequence[Trial]) -> dict[str, dict[int, float]]:
    """By the medians of wall times, of runs of one volume."""
    counts = sorted({trial.threads for trial in trials})
    if len(counts) < 2 or counts[0] != 1:
        return {}
    found = {}
    picks: dict[str, Callable[[Trial], Any]] = {TOTAL: _whole}
    for step in STEPS:
        picks[step.name] = functools.partial(_named, kind="steps", name=step.name)
    for name, pick in picks.items():
        walls = {n: statistics.median(pick(trial)["wall"] for trial in trials if trial.threads == n) for n in counts}
        if walls[1] > 2 * _NOISE:
            found[name] = {n: walls[1] / wall if wall else 0.0 for n, wall in walls.items()}
    return found


def _forecast(
    steps: Sequence[Series], total: Series, tight: Series | None, trials: Sequence[Trial], base: int
) -> Forecast | None:
    if total.wall_fit is None:
        return None
    messages = _FORECAST * base
    # The sum of the steps, each with its own curve: where one bends it will be most of the whole.
    wall = low = high = 0.0
    cpu = {}
    for series in steps:
        share = messages / series.last.messages
        if series.wall_fit is None or series.cpu_fit is None:  # too short to tell: as long a row as in the largest run
            each = series.last.wall * share
            wall, low, high = wall + each, low + each, high + each
            cpu[series.name] = series.last.cpu * share
            continue
        wall += series.wall_fit.at(messages)
        cpu[series.name] = series.cpu_fit.at(messages)
        edges = series.wall_fit.between(messages)
        low, high = low + edges[0], high + edges[1]
    largest = [trial for trial in trials if trial.scale == total.last.scale]
    growth = messages / total.last.messages
    disk = growth * max(trial.database_bytes + trial.output_bytes + trial.export_bytes for trial in largest)
    limited = tight or total
    whole = sum(cpu.values()) or 1.0
    return Forecast(
        _FORECAST,
        messages,
        wall,
        low,
        high,
        total.memory_fit.at(messages) if total.memory_fit else 0.0,
        tight.memory_fit.at(messages) if tight and tight.memory_fit else None,
        growth * limited.last.spilled,
        disk,
        {name: value / whole for name, value in cpu.items()},
    )


def analyse(trials: Sequence[Trial], options: Mapping[str, Any], machine: Mapping[str, Any]) -> Analysis:
    """Everything that follows from the runs; the same runs always give the same."""
    most, base = options["threads"], options["base"]
    failed = tuple(
        f"{trial.scale}x with {trial.threads} threads and {trial.memory_limit or 'its own memory limit'}: {trial.error}"
        for trial in trials
        if trial.error is not None
    )
    whole = [trial for trial in trials if trial.error is None]
    own = [trial for trial in whole if trial.memory_limit is None and trial.threads == most]
    if not own:
        raise ValueError(f"scale: expected runs that ended, got none; the first of {len(failed)} failures: {failed[0]}")
    limited = [trial for trial in whole if trial.memory_limit is not None]
    steps, functions, total = _all_series(own)
    tight_steps, tight_functions, tight_total = _all_series(limited) if limited else ((), (), None)
    compared = thread_scale(sorted({trial.scale for trial in own}))
    speedups = _speedups([trial for trial in whole if trial.memory_limit is None and trial.scale == compared])
    points = speedups.get(TOTAL, {})
    threads_fit = fit_threads(list(points), list(points.values())) if points else None
    forecast = _forecast(steps, total, tight_total, own, base)
    found = [
        *_equal(whole),
        *(Finding(False, f"A run did not end: {text}") for text in failed),
        *_bottleneck(steps, compared, forecast),
        *_growth(steps, functions),
        *_memory(total, tight_total, tight_steps, tight_functions, str(options["memory_limit"])),
        *_threads(speedups, threads_fit, most, compared),
    ]
    disturbed = _disturbed(own)
    verdict, because = _verdict(forecast, steps, failed, machine)
    if any(finding.good is False for finding in disturbed):
        because += " The machine was not quiet meanwhile: measure again before you act on it."
    return Analysis(
        steps,
        functions,
        total,
        tight_steps,
        tight_total,
        tight_functions,
        speedups,
        threads_fit,
        forecast,
        (*found, *disturbed),
        verdict,
        because,
        failed,
    )


# ---- findings --------------------------------------------------------------------------------------------------------


def differing(trials: Sequence[Trial]) -> list[str]:
    """Tables that were not the same in all runs of a volume."""
    found = []
    for scale in sorted({trial.scale for trial in trials}):
        there = [trial for trial in trials if trial.scale == scale and trial.error is None]
        for name in there[0].checks if there else ():
            if len({trial.checks[name] for trial in there}) > 1:
                found.append(f"{name} at {scale}x")
    return found


def _equal(trials: Sequence[Trial]) -> list[Finding]:
    if wrong := differing(trials):
        return [Finding(False, f"Results differ between runs of one volume: {', '.join(wrong)}.")]
    tables = f"{len(trials[0].checks)} tables, compared by hash"
    text = f"All {len(trials)} runs gave equal results at equal volume, whatever threads and memory: {tables}."
    return [Finding(True, text)]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _bottleneck(steps: Sequence[Series], compared: int, forecast: Forecast | None) -> list[Finding]:
    shares = {series.name: {line.scale: line.share for line in series.lines} for series in steps}
    first = min(shares[steps[0].name])
    largest = max(shares, key=lambda name: shares[name][compared])
    grown = max(shares, key=lambda name: shares[name][compared] - shares[name][first])
    before = max(shares, key=lambda name: shares[name][first])
    text = f"At {compared}x the largest share of processor time is {largest}: {_percent(shares[largest][compared])}"
    text += (
        f", {_percent(shares[largest][first])} at {first}x" if largest == before else f"; at {first}x it was {before}"
    )
    change = shares[grown][compared] - shares[grown][first]
    if change >= 0.02:
        text += f". What grows most is {grown}, from {_percent(shares[grown][first])}"
        text += f" to {_percent(shares[grown][compared])}"
    else:
        text += ". No step grows by two points or more: there is no new bottleneck"
    if forecast is not None:
        coming = max(forecast.shares, key=lambda name: forecast.shares[name])
        text += f". Extrapolated to {forecast.scale}x it is {coming}, {_percent(forecast.shares[coming])}"
    return [Finding(None, text + ".")]


def _growth(steps: Sequence[Series], functions: Sequence[Series]) -> list[Finding]:
    found = []
    for kind, several, bound in (
        ("steps that stream", [series for series in steps if series.streams], LINEAR),
        ("functions alone", list(functions), LINEAR),
        ("steps that must see all rows", [series for series in steps if not series.streams], BENT),
    ):
        known = [series for series in several if series.cpu_fit is not None]
        steep = [series for series in known if series.bends]
        for series in steep:
            assert series.cpu_fit is not None
            found.append(
                Finding(
                    False,
                    f"{series.name} grows with exponent {series.cpu_fit.exponent:.2f} "
                    f"({series.cpu_fit.low:.2f} to {series.cpu_fit.high:.2f}), above {bound:.2f}.",
                )
            )
        if known and not steep:
            exponents = [series.cpu_fit.exponent for series in known if series.cpu_fit]
            found.append(
                Finding(
                    True,
                    f"None of the {kind} is surely steeper than n^{bound:.2f}: exponents {min(exponents):.2f} "
                    f"to {max(exponents):.2f}.",
                )
            )
        found += [
            Finding(False, f"{series.name} does {_percent(series.drop)} fewer rows a second of processor time at the "
                    "largest volume than at its best.")
            for series in known
            if series.drop > DROP and not series.bends
        ]  # fmt: skip
    return found


def _memory(
    total: Series, tight: Series | None, tight_steps: Sequence[Series], functions: Sequence[Series], limit: str
) -> list[Finding]:
    if tight is None or tight.last.peak_memory is None or total.last.peak_memory is None:
        return []
    found = []
    if tight.last.scale == total.last.scale:
        cost = tight.last.cpu / total.last.cpu - 1
        change = f"{abs(100 * cost):.0f} % {'more' if cost >= 0 else 'less'} processor time"
        spilled = f"; {tight.last.spilled / 1e6:,.0f} MB" if tight.last.spilled else "; nothing"
        found.append(
            Finding(
                None,
                f"With memory_limit = {limit} the {tight.last.scale}x run takes {change} than with DuckDB's own limit"
                f"{spilled} went to disk. The process held {tight.last.peak_memory / 1e6:,.0f} MB at most, against "
                f"{total.last.peak_memory / 1e6:,.0f} MB: memory_limit bounds DuckDB's buffers, not the process.",
            )
        )
    for series in (*(one for one in tight_steps if one.streams), *functions):
        earlier = [line for line in series.lines if line.scale * 3 <= series.last.scale]
        if not earlier or earlier[-1].peak_memory is None or series.last.peak_memory is None:
            continue
        growth = series.last.peak_memory / earlier[-1].peak_memory
        if growth > _GROWTH and series.last.peak_memory > _GROWTH * (size_bytes(limit) or 0):
            found.append(
                Finding(
                    False,
                    f"{series.name} streams, yet its memory grows {growth:.2f} times from {earlier[-1].scale}x to "
                    f"{series.last.scale}x, to {series.last.peak_memory / 1e6:,.0f} MB with memory_limit = {limit}.",
                )
            )
    if len(found) == 1:
        found.append(Finding(True, f"Whatever streams stays near the limit with memory_limit = {limit}, or below it."))
    return found


def _threads(
    speedups: Mapping[str, Mapping[int, float]], fit: Threads | None, most: int, compared: int
) -> list[Finding]:
    if TOTAL not in speedups:
        return [Finding(None, "One thread only: nothing to say of more.")]
    whole = speedups[TOTAL]
    steps = {name: found[most] for name, found in speedups.items() if name != TOTAL}
    worst, best = min(steps, key=lambda name: steps[name]), max(steps, key=lambda name: steps[name])
    text = (
        f"{most} threads do the {compared}x volume {whole[most]:.2f} times as fast as one; best {best}, "
        f"{steps[best]:.2f}, least {worst}, {steps[worst]:.2f}"
    )
    if fit is None:
        text += f". {len(whole)} numbers of threads are too few to fit Amdahl's law or the Universal Scalability Law"
    else:
        text += f". Contention {fit.contention:.3f}, coherence {fit.coherence:.5f}"
        if fit.best is not None:
            text += f": more than {fit.best:.0f} threads would be slower"
    return [Finding(None, text + ".")]


def _disturbed(trials: Sequence[Trial]) -> list[Finding]:
    others = [trial.others for trial in trials if trial.others is not None]
    stolen = [trial.stolen for trial in trials if trial.stolen is not None]
    if not others:
        return []
    middle, taken = statistics.median(others), statistics.median(stolen) if stolen else 0.0
    if max(middle, taken) < _BUSY:  # of a processor
        return [Finding(True, f"The machine was quiet: others kept {middle:.2f} processors busy.")]
    return [
        Finding(
            False,
            f"The machine was not quiet: other processes kept {middle:.2f} processors busy, the host {taken:.2f}. Wall "
            "times and rows a second are worse than they would be, and so is the forecast; processor times and "
            "exponents suffer less, but threads that wait for each other use some of it too.",
        )
    ]


def _verdict(
    forecast: Forecast | None,
    steps: Sequence[Series],
    failed: Sequence[str],
    machine: Mapping[str, Any],
) -> tuple[str, str]:
    """Distribution costs more than it brings below minutes of work; it is the way where a machine is too small."""
    if forecast is None:
        return "fits", "All volumes ran; they are too short for a forecast."
    where = f"{forecast.messages:,} messages"
    memory = forecast.tight_memory if forecast.tight_memory is not None else forecast.peak_memory
    disk = forecast.disk + forecast.spilled
    if forecast.wall > SECONDS_MAX:
        return "distribute", f"{where} would take {forecast.wall / 60:.0f} minutes on this machine, more than ten."
    if machine["memory"] is not None and memory > machine["memory"]:
        return "distribute", f"{where} would need {memory / 1e9:.1f} GB of memory, more than this machine has."
    if disk > machine["disk_free"]:
        return "distribute", f"{where} would need {disk / 1e9:.0f} GB of disk, more than is free here."
    fits = f"{where} would take about {duration(forecast.wall)} and {memory / 1e9:.1f} GB of memory"
    watched = [series.name for series in steps if series.bends and forecast.shares.get(series.name, 0) >= _MATTERS]
    reasons = []
    if failed:
        reasons.append(f"{len(failed)} run{'s' * (len(failed) > 1)} did not end")
    if watched:
        reasons.append(f"{', '.join(watched)} grow{'s' * (len(watched) == 1)} faster than it should")
    if machine["memory"] is not None and forecast.peak_memory > machine["memory"]:
        reasons.append("without a memory limit it would not fit")
    if reasons:
        return "tune", f"{fits}, but {' and '.join(reasons)}."
    return "fits", f"{fits} on this machine: below ten minutes and within it, so that distribution would not pay."


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
