"""Which settings to keep: a search that asks a runner and decides by nothing but its answers.

The order: the noise of equal runs; one knob at a time, on a sample where the data is large; the memory limit at full
size; what helped, together; the winner against the default, taking turns. Equal trials and an equal seed give an equal
search, because time is what the trials say they cost.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..doctor import SHARE_MAX, size_of
from ..resources import recommend
from .errors import TuningError
from .knobs import Knob, folklore, knobs
from .statistics import band, interval, ratio_interval
from .trials import Configuration, Facts, Input, Runner, Trial
from .workload import Workload

__all__ = ["METRICS", "OBJECTIVES", "Choice", "Confirmation", "Knee", "Outcome", "Point", "Search", "differs", "value"]

# What is measured for each objective where the machine is quiet, and the words for it.
OBJECTIVES = {"latency": "wall", "throughput": "cpu", "memory": "memory", "disk": "disk"}
METRICS = {
    "wall": "time on the clock",
    "cpu": "processor time",
    "span": "processor time of the busiest thread",
    "memory": "peak memory",
    "disk": "bytes on disk",
}
_BASELINES = 5
_GAIN_MIN = 0.05
# Less memory or disk may cost this much time.
_SLACK = 1.25
# Equal runs this far apart, or other processes this busy, say that the clock measures others as well.
_SPREAD_MAX, _OTHERS_MAX = 0.25, 0.25
_PAIRS, _PAIRS_MIN, _PAIRS_MAX = 5, 3, 9
_QUIET_KNOBS_MAX = 3
_KNEE_STEPS = 4
_KNEE_FLOOR = 32 << 20
_TIMEOUT_TIMES, _TIMEOUT_MIN = 8, 20.0
# Shares of the budget: for what comes before the confirmation, and for one trial if there are to be enough of them.
_SCREENING_SHARE, _TRIAL_SHARE = 0.55, 1 / 45
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Choice:
    """What came of one value of one knob. The ratio is that of the metric to the default's: 0.5 is half.

    verdict : "keep" helped; "default" the default is as good or better; "rejected" must not be; "advice" helps, but not
        without the caller's word; "set" not measured but known; "none" nothing to try.
    """

    knob: str
    default: Any
    value: Any
    verdict: str
    reason: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    runs: int = 0


@dataclass(frozen=True)
class Point:
    """One memory limit, None for DuckDB's own; `free` says that it neither spilled nor cost time."""

    limit: int | None
    seconds: float | None
    spilled: int
    peak_memory: int | None
    free: bool


@dataclass(frozen=True)
class Knee:
    """The least memory limit that was free, within the step of the search; `exact` is False if none below was tried."""

    limit: int
    exact: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Confirmation:
    """The winner against the default, taking turns: the median of the paired ratios with its 95 % interval.

    wall, wall_low, wall_high : the same on the clock, whatever the metric is.
    """

    configuration: Mapping[str, Any]
    ratio: float
    low: float
    high: float
    wall: float
    wall_low: float
    wall_high: float
    pairs: int
    every: int
    accepted: bool
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What the search found."""

    metric: str
    metric_reason: str
    noise: float
    quiet: bool
    baseline: float
    chosen: Mapping[str, Any]
    choices: tuple[Choice, ...]
    knee: Knee | None
    confirmation: Confirmation | None
    trials: tuple[Trial, ...]
    complete: bool
    interrupted: bool
    notes: tuple[str, ...]


def differs(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> str | None:
    """How the answers of two trials differ, in words; None where they are equal."""
    if len(found) != len(expected):
        return f"{len(found)} results instead of {len(expected)}"
    for number, (new, old) in enumerate(zip(found, expected, strict=True), 1):
        if new["rows"] != old["rows"]:
            return f"result {number} has {new['rows']:,} rows instead of {old['rows']:,}"
        if new["hash"] != old["hash"]:
            return f"the rows of result {number} are others"
        if new.get("order") != old.get("order"):
            return f"the rows of result {number} come in another order"
        for start in range(0, len(old["floats"]), 3):
            (count, size, weighed), (count_old, size_old, weighed_old) = (
                one["floats"][start : start + 3] for one in (new, old)
            )
            allowed = _TOLERANCE * (1 + abs(size_old)) * 1000
            if count != count_old or abs(size - size_old) > allowed or abs(weighed - weighed_old) > allowed:
                return f"numbers of result {number} are others"
    return None


def value(trial: Trial, metric: str) -> float:
    """The figure of a trial that a metric asks for."""
    if metric == "memory":
        return float(trial.peak_memory or 0)
    if metric == "disk":
        return float(trial.database_bytes + trial.output_bytes + trial.spilled)
    if metric == "span" and trial.span is not None:
        return trial.span
    return trial.cpu if metric == "cpu" else trial.wall


class _Stop(Exception):
    """The budget is used up."""


class _Remedied(Exception):
    """The default does not work at all, and something else does: there is nothing to compare with."""


@dataclass
class Search:
    """One search; `run()` gives its outcome.

    budget : seconds that the trials may cost; most : how many there may be.
    disposable : what the workload writes may be lost, so that it may stand in memory or uncompressed.
    everything : try the folklore as well.
    progress : told after each trial what has been done, of how much, and what comes.
    """

    runner: Runner
    facts: Facts
    workload: Workload
    objective: str = "latency"
    budget: float = 180.0
    most: int = 100
    seed: int = 0
    inputs: tuple[Input, ...] = ()
    disposable: bool = False
    everything: bool = False
    progress: Callable[[int, int, str], None] | None = None

    _trials: list[Trial] = field(default_factory=list)
    _choices: list[Choice] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _expected: dict[int, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    _baseline: list[Trial] = field(default_factory=list)
    _unstable: bool = False
    _remedy: dict[str, Any] = field(default_factory=dict)
    _metric: str = ""
    _reason: str = ""
    _quiet: bool = True
    _noise: float = 0.0
    _every: int = 1
    _planned: int = 30
    _knee: Knee | None = None
    _confirmation: Confirmation | None = None

    def run(self) -> Outcome:
        """Everything, or as much of it as the budget and the user allow. TuningError if the default itself fails."""
        complete, interrupted = True, False
        chosen: dict[str, Any] = {}
        try:
            self._measure_noise()
            kept = self._screen(self._knobs())
            self._find_knee(kept)
            winner = self._combine(kept)
            if winner:
                chosen = self._confirm(winner)
        except _Remedied:
            chosen = self._remedy
        except _Stop:
            complete = False
            self._notes.append(f"the budget of {self.budget:.0f} s or {self.most} trials ended the search early")
        except KeyboardInterrupt:
            if not self._baseline:
                raise
            complete, interrupted = False, True
            self._notes.append("interrupted: what was measured until then is here, nothing was confirmed after it")
        if not self._baseline and not self._remedy:
            raise TuningError(
                f"tune: expected a budget for {_BASELINES} runs, got {self.budget:.0f} s, and one takes longer"
            )
        if not self._metric:
            self._choose_metric()
        self._set_limits(chosen)
        return Outcome(
            metric=self._metric,
            metric_reason=self._reason,
            noise=self._noise,
            quiet=self._quiet,
            baseline=statistics.median(map(self._value, self._baseline)) if self._baseline else math.nan,
            chosen=chosen,
            choices=tuple(self._choices),
            knee=self._knee,
            confirmation=self._confirmation,
            trials=tuple(self._trials),
            complete=complete,
            interrupted=interrupted,
            notes=tuple(self._notes),
        )

    # ---- trials ----------------------------------------------------------------------------------------------------

    def _spent(self) -> float:
        return sum(trial.seconds for trial in self._trials)

    def _left(self) -> float:
        return self.budget - self._spent()

    def _run(self, configuration: Configuration, purpose: str, every: int | None = None) -> Trial:
        every = self._every if every is None else every
        # The next trial costs about what those of its size did; the first has all there is.
        cost = self._cost(every)
        if len(self._trials) >= self.most or self._left() <= cost:
            raise _Stop
        timeout = max(_TIMEOUT_MIN, _TIMEOUT_TIMES * cost) if cost else self.budget
        if self.progress:
            shown = ", ".join(f"{name} {_brief(value)}" for name, value in configuration.items()) or "default"
            self.progress(len(self._trials), max(self._planned, len(self._trials) + 1), f"{purpose}: {shown}")
        trial = self.runner.run(dict(configuration), purpose, every, min(timeout, self._left()))
        self._trials.append(trial)
        if trial.error is not None and self._left() <= 0:  # stopped by the end of the budget: no fault of its own
            raise _Stop
        return trial

    def _cost(self, every: int) -> float:
        """Seconds that a trial of a size takes, or 0 if none is known."""
        known = [trial.seconds for trial in self._trials if trial.every == every and not trial.error]
        return statistics.median(known) if known else 0.0

    def _value(self, trial: Trial, metric: str | None = None) -> float:
        return value(trial, metric or self._metric)

    def _wrong(self, trial: Trial) -> str | None:
        """Why a trial's figures do not count."""
        if trial.error is not None:
            return f"it fails: {_first_line(trial.error)}"
        if self._unstable:
            return None
        found = differs(trial.checksums, self._expected[trial.every])
        return f"it changes results: {found}" if found else None

    # ---- noise -----------------------------------------------------------------------------------------------------

    def _measure_noise(self) -> None:
        first = self._run({}, "noise", 1)
        if first.error is not None:
            self._remedy = self._find_remedy(first)
            raise _Remedied
        self._expected[1] = first.checksums
        self._baseline = [first]
        spent, allowed = sum(first.passes) or first.wall, self.budget * _TRIAL_SHARE
        largest = max((table.rows for table in self.facts.tables), default=0)
        if spent > allowed and largest >= 100_000 and not self.inputs:
            every = min(math.ceil(spent / allowed), max(2, largest // 50_000), 50)
            sampled = self._run({}, "noise", every)
            if sampled.error is None and sampled.seconds < 0.7 * first.seconds:
                self._every, self._expected[every] = every, sampled.checksums
                self._baseline = [sampled]
                self._notes.append(f"knobs were tried on one of {every} blocks of rows, the winner on all")
            else:
                self._notes.append("a sample of the rows would not be faster: all were taken")
        for _ in range(_BASELINES - 1):
            self._baseline.append(self._run({}, "noise"))
        self._baseline = [trial for trial in self._baseline if trial.error is None]
        expected = self._expected[self._every]
        unlike = [found for trial in self._baseline if (found := differs(trial.checksums, expected))]
        if unlike:
            self._unstable = True
            self._notes.append(
                f"the default itself gives other results each time ({unlike[0]}), so that results were not compared"
            )
        self._choose_metric()

    def _find_remedy(self, first: Trial) -> dict[str, Any]:
        """What a workload that does not fit into memory needs: the order of rows given up, then fewer threads."""
        if first.memory:
            for remedy in ({"preserve_insertion_order": False}, {"preserve_insertion_order": False, "threads": 1}):
                if "preserve_insertion_order" in self.facts.settings and self._run(remedy, "remedy", 1).error is None:
                    reason = f"the default fails for want of memory: {_first_line(first.error)}"
                    self._choices += [
                        Choice(name, self.facts.settings.get(name), value, "keep", reason, runs=1)
                        for name, value in remedy.items()
                    ]
                    self._notes.append("rows come in any order with it: give tables a column to order by")
                    self._metric, self._reason = (
                        OBJECTIVES[self.objective],
                        "the default does not end, so nothing compares",
                    )
                    return dict(remedy)
        raise TuningError(
            f"tune: expected a workload that runs with the default settings, got: {_first_line(first.error)}"
        )

    def _choose_metric(self) -> None:
        walls = [trial.wall for trial in self._baseline]
        spread = 2 * band(walls)
        others = statistics.median(trial.others or 0.0 for trial in self._baseline)
        stolen = statistics.median(trial.stolen or 0.0 for trial in self._baseline)
        load = self._baseline[0].load or 0.0
        cpus = self.facts.resources.cpus
        busy = []
        if len(walls) > 1 and spread > _SPREAD_MAX:
            busy.append(f"equal runs differ by {spread:.0%}")
        if load > cpus:
            busy.append(f"the load is {load:.1f} on {cpus} processors")
        if others > _OTHERS_MAX:
            busy.append(f"other processes keep {others:.1f} processors busy")
        if stolen > _OTHERS_MAX:
            busy.append(f"the host keeps {stolen:.1f} processors from this machine")
        self._quiet = not busy
        metric = OBJECTIVES[self.objective]
        if metric == "wall" and busy:
            # Processor time of all threads would not show what more threads gain; that of the busiest one does.
            known = all(trial.span is not None for trial in self._baseline)
            metric = "span" if known else "wall"
            how = (
                "each run counts as the processor time of its busiest thread, which others do not change"
                if known
                else "each run counts as the fastest of its passes, and intervals are wider"
            )
            self._reason = f"the machine is busy ({'; '.join(busy)}): {how}"
        elif metric == "wall":
            self._reason = f"the machine is quiet: equal runs differ by {spread:.0%}"
        else:
            self._reason = f"asked for: {self.objective}"
        self._metric = metric
        self._noise = band([self._value(trial) for trial in self._baseline])

    # ---- one knob at a time ----------------------------------------------------------------------------------------

    def _knobs(self) -> list[Knob]:
        found = knobs(self.facts, self.workload, self.inputs)
        found += folklore(self.facts) if self.everything else []
        tries = sum(len(knob.values) for knob in found)
        self._planned = len(self._trials) + 2 * tries + _KNEE_STEPS + 2 * _PAIRS
        return found

    def _screen(self, found: list[Knob]) -> dict[str, Choice]:
        """The best value of each knob that helps."""
        kept: dict[str, Choice] = {}
        idle = 0
        for knob in found:
            if not knob.values:
                self._choices.append(Choice(knob.name, knob.default, None, "none", knob.reason))
                continue
            if idle >= _QUIET_KNOBS_MAX and not self.everything:
                reason = f"not tried: {_QUIET_KNOBS_MAX} knobs before it changed nothing"
                self._choices.append(Choice(knob.name, knob.default, None, "none", reason))
                continue
            if self._left() < self._reserve():
                reason = "not tried: the rest of the budget is for the confirmation"
                self._choices.append(Choice(knob.name, knob.default, None, "none", reason))
                continue
            best = self._try(knob)
            idle = 0 if best else idle + 1
            if best and best.verdict == "keep":
                kept[knob.name] = best
        return kept

    def _reserve(self) -> float:
        """Seconds that the confirmation needs."""
        return min(2 * _PAIRS * self._cost(1) * 1.3, self.budget * (1 - _SCREENING_SHARE))

    def _try(self, knob: Knob) -> Choice | None:
        """The best value of a knob, if one helps. Row groups are tried on all rows: in a sample there are others."""
        every = 1 if knob.name in _ALTERNATIVES else self._every
        base = self._baseline_of(every)
        tried: list[Choice] = []
        for value in knob.values:
            configuration = {knob.name: value}
            first = self._run(configuration, "screen", every)
            choice = self._judge(knob, value, [first], base)
            known = min((one.ratio or 1.0 for one in tried if one.verdict in ("keep", "advice")), default=1.0)
            if choice.ratio is not None and choice.ratio < known - self._noise / 2:
                # One run may be luck: two more decide, with the default between them.
                again = []
                for _ in range(2):
                    base = [*base, self._run({}, "screen", every)]
                    again.append(self._run(configuration, "screen", every))
                choice = self._judge(knob, value, [first, *again], [one for one in base if self._wrong(one) is None])
            tried.append(choice)
            if self._left() < self._reserve():
                break
        self._choices += tried
        helping = [choice for choice in tried if choice.verdict in ("keep", "advice")]
        # A single run has to be better by more than chance.
        surer = {choice: (choice.ratio or 1.0) + (self._noise / 2 if choice.runs == 1 else 0.0) for choice in helping}
        return min(helping, key=lambda choice: surer[choice]) if helping else None

    def _baseline_of(self, every: int) -> list[Trial]:
        found = [
            trial for trial in self._trials if not trial.configuration and trial.every == every and not trial.error
        ]
        return [trial for trial in found if self._wrong(trial) is None]

    def _judge(self, knob: Knob, value: Any, runs: list[Trial], base: list[Trial]) -> Choice:
        wrong = next((why for why in map(self._wrong, runs) if why), None)
        if wrong:
            return Choice(knob.name, knob.default, value, "rejected", wrong, runs=len(runs))
        new, old = [self._value(trial) for trial in runs], [self._value(trial) for trial in base]
        ratio = statistics.median(new) / statistics.median(old) if statistics.median(old) else 1.0
        low, high = ratio_interval(new, old, self.seed, self._noise)
        slower = self._slower(runs, base)
        price = knob.disposable and not self.disposable
        if ratio >= 1 - self._noise or (price and high >= 1):  # nothing will confirm what is only shown
            verdict, reason = "default", f"within the noise of {self._noise:.0%}"
            if ratio > 1 + self._noise:
                reason = "worse than the default"
        elif slower is not None:
            verdict, reason = "rejected", slower
        elif price:
            verdict, reason = "advice", _DISPOSABLE[value]
        else:
            verdict, reason = "keep", f"beyond the noise of {self._noise:.0%}"
        return Choice(knob.name, knob.default, value, verdict, reason, ratio, low, high, len(runs))

    def _slower(self, runs: Sequence[Trial], base: Sequence[Trial]) -> str | None:
        """Why less memory or disk costs too much time; the clock is asked only where it says something."""
        if self._metric not in ("memory", "disk"):
            return None
        metric = "wall" if self._quiet else "span"
        times = [statistics.median(self._value(trial, metric) for trial in group) for group in (runs, base)]
        if times[0] > times[1] * _SLACK:
            return f"it takes {times[0] / times[1]:.1f} times as long"
        return None

    # ---- memory ----------------------------------------------------------------------------------------------------

    def _find_knee(self, kept: dict[str, Choice]) -> None:
        """The least memory limit at which nothing spills and nothing is slower, by bisection on all rows."""
        if self._left() < self._reserve() + (1 + _KNEE_STEPS) * self._cost(1) * 1.3:
            self._notes.append("the memory limit was not searched: the rest of the budget is for the confirmation")
            return
        base = self._baseline_of(1)
        metric = "wall" if self._quiet else "cpu"
        usual = statistics.median(self._value(trial, metric) for trial in base)
        noise = max(band([self._value(trial, metric) for trial in base]) if len(base) > 1 else 0.0, _GAIN_MIN)
        peak = max(trial.peak_memory or 0 for trial in base)
        if not peak:
            self._notes.append("the memory limit was not searched: this system does not tell how much a process holds")
            return
        ceiling = max(2 * _KNEE_FLOOR, 1 << math.ceil(math.log2(peak)))
        points = [Point(None, usual, max(trial.spilled for trial in base), peak, True)]
        runs: dict[int, Trial] = {}

        def free(limit: int) -> bool:
            trial = self._run({"memory_limit": f"{limit >> 20}MiB"}, "memory", 1)
            runs[limit] = trial
            wrong, seconds = self._wrong(trial), self._value(trial, metric)
            good = wrong is None and not trial.spilled and seconds <= usual * (1 + 2 * noise)
            failed = trial.error is not None
            points.append(
                Point(limit, None if failed else seconds, trial.spilled, None if failed else trial.peak_memory, good)
            )
            return good

        low, high = _KNEE_FLOOR, ceiling
        try:
            if free(low):
                high, exact = low, False
            else:
                exact = True
                for _ in range(_KNEE_STEPS):
                    middle = _mebibytes(math.sqrt(low * high))
                    if free(middle):
                        high = middle
                    else:
                        low = middle
        finally:
            points.sort(key=lambda point: point.limit or math.inf)
            self._knee = Knee(high, len(points) > 2, tuple(points))
        self._knee = Knee(high, exact, tuple(points))
        if self.objective == "memory":
            self._keep_limit(kept, runs, base)
        else:
            now = self.facts.settings.get("memory_limit")
            below = "below it the workload spills or slows down" if exact else "nothing smaller was tried"
            reason = f"free down to {_brief_bytes(high)}; {below}"
            self._choices.append(Choice("memory_limit", now, None, "none", reason, runs=len(runs)))

    def _keep_limit(self, kept: dict[str, Choice], runs: dict[int, Trial], base: list[Trial]) -> None:
        """The limit that saves most memory for the time that it may cost."""
        knob = Knob("memory_limit", self.facts.settings.get("memory_limit"))
        tried = [self._judge(knob, f"{limit >> 20}MiB", [trial], base) for limit, trial in sorted(runs.items())]
        self._choices += tried
        helping = [choice for choice in tried if choice.verdict == "keep"]
        if helping:
            kept["memory_limit"] = min(helping, key=lambda choice: choice.ratio or 1.0)

    # ---- together --------------------------------------------------------------------------------------------------

    def _combine(self, kept: dict[str, Choice]) -> dict[str, Any]:
        """What helped alone, as long as it helps together: the best first, twice through the rest at most."""
        # What needs no rewrite comes first where both are equal.
        extra = {"row_group_size": self._noise / 2}
        order = sorted(kept.values(), key=lambda choice: (choice.ratio or 1.0) + extra.get(choice.knob, 0.0))
        if not order:
            return {}
        winner: dict[str, Any] = {order[0].knob: order[0].value}
        if len(order) == 1:
            return winner
        every = 1 if {*_ALTERNATIVES, "memory_limit"} & set(kept) else self._every
        best: Trial | None = None
        for _ in range(2):
            changed = False
            for choice in order:
                if choice.knob in winner or self._left() < self._reserve():
                    continue
                if len(_ALTERNATIVES & {choice.knob, *winner}) > 1:
                    continue
                if best is None:
                    best = self._run(winner, "combine", every)
                trial = self._run({**winner, choice.knob: choice.value}, "combine", every)
                if self._wrong(trial) is None and self._value(trial) < self._value(best) * (1 - self._noise / 2):
                    winner, best, changed = {**winner, choice.knob: choice.value}, trial, True
            if not changed:
                break
        left = [choice.knob for choice in order if choice.knob not in winner]
        left = [knob for knob in left if len(_ALTERNATIVES & {knob, *winner}) < 2]
        if left:
            self._notes.append(f"helps alone, but not together with {', '.join(winner)}: {', '.join(left)}")
        return winner

    def _confirm(self, winner: dict[str, Any]) -> dict[str, Any]:
        """Winner and default take turns on all rows; the winner only if it is better beyond doubt."""
        every = 1
        if self._left() < 2 * _PAIRS_MIN * self._cost(1) and self._every > 1:
            every = self._every
            self._notes.append("confirmed on a sample only: the budget is too small for all rows")
        pairs: list[tuple[Trial, Trial]] = []
        wrong: str | None = None
        wanted = _PAIRS if self._quiet else _PAIRS + 2
        self._planned = len(self._trials) + 2 * wanted
        wider = 0.0 if self._quiet or self._metric == "span" else self._noise
        try:
            while len(pairs) < wanted and wrong is None:
                old, new = self._run({}, "confirm", every), self._run(winner, "confirm", every)
                wrong = self._wrong(new)
                if self._wrong(old) is None and wrong is None:
                    pairs.append((old, new))
                elif wrong is None:
                    raise TuningError("tune: expected the default to give its own results again, but it does not")
                if len(pairs) == wanted < _PAIRS_MAX:
                    ratio, low, high = self._paired(pairs, self._metric, wider)
                    if ratio < 1 - _GAIN_MIN and high >= 1.0:  # undecided
                        wanted = _PAIRS_MAX
        except _Stop:
            if len(pairs) < _PAIRS_MIN:
                raise
            self._notes.append(f"the budget allowed {len(pairs)} pairs in the confirmation")
        if wrong is not None:
            self._reject(winner, wrong)
            return {}
        ratio, low, high = self._paired(pairs, self._metric, wider)
        wall, wall_low, wall_high = self._paired(pairs, "wall", 0.0 if self._quiet else band_of_pairs(pairs))
        slower = self._slower([new for _, new in pairs], [old for old, _ in pairs])
        if ratio > 1 - _GAIN_MIN:
            reason = f"the gain of {1 - ratio:.1%} is below {_GAIN_MIN:.0%}"
        elif high >= 1.0:
            reason = f"the interval reaches {high:.2f}: it may be chance"
        elif slower:
            reason = slower
        elif self._metric in ("wall", "span", "cpu") and wall_low > 1.0 and self.objective == "latency":
            reason = f"on the clock it is slower, {wall:.2f} times"
        else:
            reason = ""
        self._confirmation = Confirmation(
            winner, ratio, low, high, wall, wall_low, wall_high, len(pairs), every, not reason, reason or "confirmed"
        )
        return winner if not reason else {}

    def _paired(self, pairs: list[tuple[Trial, Trial]], metric: str, wider: float) -> tuple[float, float, float]:
        ratios = [self._value(new, metric) / (self._value(old, metric) or 1.0) for old, new in pairs]
        low, high = interval(ratios, self.seed, wider / len(ratios) ** 0.5)
        return statistics.median(ratios), low, high

    def _reject(self, winner: dict[str, Any], why: str) -> None:
        for number, choice in enumerate(self._choices):
            if choice.verdict == "keep" and winner.get(choice.knob) == choice.value:
                self._choices[number] = Choice(
                    choice.knob, choice.default, choice.value, "rejected", why, choice.ratio, choice.low, choice.high
                )

    # ---- what is set and not searched ------------------------------------------------------------------------------

    def _set_limits(self, chosen: dict[str, Any]) -> None:
        """Where DuckDB believes in more than this process may use, it is told."""
        found = self.facts.resources
        better = recommend(found)
        if "memory_limit" not in chosen and found.memory and better.memory_limit:
            now = self.facts.settings.get("memory_limit") or ""
            if now and size_of(now) > found.memory * SHARE_MAX:
                reason = f"DuckDB would take up to {now} of {_brief_bytes(found.memory)}"
                value = f"{better.memory_limit >> 20}MiB"
                self._choices.append(Choice("memory_limit", now, value, "set", reason))
        if "threads" not in chosen and self.facts.threads > found.cpus:
            reason = f"{found.cpus} processors may be used"
            self._choices.append(Choice("threads", self.facts.threads, found.cpus, "set", reason))


# Two ways to one thing.
_ALTERNATIVES = {"row_group_size", "attach_row_group_size"}
_DISPOSABLE = {
    "memory": "only if what it writes may be lost with the process (disposable)",
    "uncompressed": "only if the file may be several times larger (disposable)",
}


def band_of_pairs(pairs: Sequence[tuple[Trial, Trial]]) -> float:
    """The noise of the default on the clock, while it took turns with the winner."""
    return band([old.wall for old, _ in pairs])


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


def _mebibytes(size: float) -> int:
    return max(1, round(size / (1 << 20))) << 20


def _brief(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _brief_bytes(size: float) -> str:
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MiB"
