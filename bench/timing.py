"""Interleaved timing of several ways to do one thing, in one process.

Figures of a shared machine drift by tens of percent; the ratio of two ways that take turns drifts far less. So all ways
run once a round, each round starts with another one, and ratios are formed within a round. The caller has checked that
the ways agree before it times them.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import floors

from streamliner_udf.measures import processor


@dataclass(frozen=True)
class Way:
    """`run` is timed; `before` is not, and puts things as `run` needs them."""

    run: Callable[[], object]
    before: Callable[[], object] | None = None


@dataclass
class Series:
    """Seconds of each round: on the clock, and of processor time in all threads of the process."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def summary(self, scale: float = 1e3) -> dict[str, float]:
        """Minimum and median; milliseconds unless `scale` says otherwise."""
        return {
            "wall_min": min(self.wall) * scale,
            "wall_median": statistics.median(self.wall) * scale,
            "cpu_min": min(self.cpu) * scale,
            "cpu_median": statistics.median(self.cpu) * scale,
        }


def interleave(
    ways: Mapping[str, Way], rounds: int, warm_up: int = 1, step: Callable[[str], object] | None = None
) -> dict[str, Series]:
    """Runs every way once a round; the first `warm_up` rounds are not counted. `step` hears what comes next."""
    series = {name: Series() for name in ways}
    names = list(ways)
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for turn in range(-warm_up, rounds):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                if step:
                    step(name)
                way = ways[name]
                if way.before:
                    way.before()
                cpu, wall = time.process_time(), time.perf_counter()
                way.run()
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                if turn >= 0:
                    series[name].wall.append(wall)
                    series[name].cpu.append(cpu)
    finally:
        if collecting:
            gc.enable()
    return series


def ratio(slower: Series, faster: Series, per: float = 1.0) -> dict[str, float]:
    """How many times `faster` is faster on the clock; `per` corrects for unequal amounts of work.

    paired : median of the ratios within each round, which drift does not touch.
    minima, medians : ratio of the two minima, of the two medians.
    """
    return {
        "paired": per * statistics.median(a / b for a, b in zip(slower.wall, faster.wall, strict=True)),
        "minima": per * min(slower.wall) / min(faster.wall),
        "medians": per * statistics.median(slower.wall) / statistics.median(faster.wall),
    }


def _compiler() -> str:
    try:
        done = subprocess.run([*floors.compiler(), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.partition("\n")[0].strip()


def machine(threads: int | list[int]) -> dict[str, Any]:
    """Where a measurement was made."""
    import duckdb
    import numpy as np

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": processor(),
        "cores": usable,
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "numpy": np.__version__,
        "compiler": _compiler(),
        "threads": threads,
    }


def describe(where: Mapping[str, Any]) -> str:
    """One line of `machine()`."""
    load = where["load_average"]
    return (
        f"{where['cpu']}, {where['cores']} cores, load {load[0] if load else 0:.2f}; DuckDB {where['duckdb']}, "
        f"NumPy {where['numpy']}, Python {where['python']}; {where['compiler']}"
    )
