"""Which runs are made, and who makes them: fresh processes, one after the other, the repeats furthest apart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..fresh_process import ask

__all__ = ["Plan", "ScaleError", "Trial", "plan_trials", "run_trial"]

_ROW_GROUP = 24_576
_SECONDS_MAX = 3_600.0


class ScaleError(ValueError):
    """A report cannot be made of what was given."""


@dataclass(frozen=True)
class Plan:
    """One run of the pipeline. `memory_limit` : as DuckDB writes it; None for DuckDB's own."""

    scale: int
    threads: int
    memory_limit: str | None
    repeat: int


@dataclass(frozen=True)
class Trial:
    """What a run gave. Seconds and bytes.

    steps, functions : name, wall, cpu, peak_memory, spilled and written of each.
    contents : what the tables hold. checks : counts and hashes of them, equal in all runs of a volume.
    others, stolen : processors that other processes, and other guests of the host, kept busy meanwhile.
    error : why there is nothing; `memory` says that it was for want of memory.
    """

    scale: int
    threads: int
    memory_limit: str | None
    repeat: int
    export_bytes: int
    steps: Sequence[Mapping[str, Any]] = ()
    functions: Sequence[Mapping[str, Any]] = ()
    contents: Mapping[str, int] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    database_bytes: int = 0
    output_bytes: int = 0
    others: float | None = None
    stolen: float | None = None
    error: str | None = None
    memory: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def thread_counts(most: int) -> list[int]:
    """1 to 4, then doublings, and the last."""
    counts = [count for count in (1, 2, 3, 4, 8, 16, 32, 64, 128) if count < most]
    return [*counts, most]


def thread_scale(scales: Sequence[int]) -> int:
    """The volume at which threads are compared: the largest up to ten times the least."""
    return max(scale for scale in scales if scale <= 10 * min(scales))


def plan_trials(scales: Sequence[int], repeats: int, tight: str, threads: int) -> Iterator[Plan]:
    """Every volume with both memory limits, and one volume with every number of threads, `repeats` times over."""
    for repeat in range(repeats):
        for scale in scales:
            yield Plan(scale, threads, None, repeat)
            yield Plan(scale, threads, tight, repeat)
        for count in thread_counts(threads)[:-1]:
            yield Plan(thread_scale(scales), count, None, repeat)


def run_trial(plan: Plan, files: Sequence[tuple[Path, int, int]], folder: Path) -> Trial:
    """One run over the files (path, messages, bytes) in a process of its own; `folder` is made and goes again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    spec = {
        "folder": str(folder),
        "files": [str(path) for path, _, _ in files],
        "threads": plan.threads,
        "memory_limit": plan.memory_limit,
        "row_group_size": _ROW_GROUP,
        "functions": True,
    }
    given = {**asdict(plan), "export_bytes": sum(size for _, _, size in files)}
    try:
        found = ask(f"{__package__}.trial", spec, _SECONDS_MAX)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if "error" in found:
        return Trial(**given, error=found["error"].split("\n")[0], memory=found["memory"])
    return Trial(**given, **found["answer"])
