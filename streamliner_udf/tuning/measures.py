"""How long a piece of work takes, on the clock and for the thread that has most of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["Meter"]


def _threads() -> dict[str, int] | None:
    """Nanoseconds of processor time of every thread."""
    found = {}
    try:
        for name in os.listdir("/proc/self/task"):
            try:
                found[name] = int(Path(f"/proc/self/task/{name}/schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
                continue
    except (OSError, ValueError, IndexError):
        return None
    return found or None


class Meter:
    """Sums over pieces of work; `with meter:` around each.

    wall, cpu : seconds on the clock, and of processor time in all threads.
    span : seconds of processor time of the thread that worked most, summed over the pieces: what the clock would show
        on a machine that nobody else uses and whose disk answers at once.
    """

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0
        self.span: float | None = 0.0

    def __enter__(self) -> Meter:
        self._threads = _threads()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wall += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu
        before, after = self._threads, _threads()
        if before is None or after is None or self.span is None:
            self.span = None
        else:
            self.span += max(spent - before.get(name, 0) for name, spent in after.items()) / 1e9
