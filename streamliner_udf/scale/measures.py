"""What a step of the pipeline takes."""

from __future__ import annotations

import time
from pathlib import Path

from ..measures import SpillWatch, peak_memory, reset_peak_memory, written_bytes

__all__ = ["Meter"]


class Meter:
    """What a piece of work takes; `with Meter(folder) as meter: ...`, then its fields.

    wall, cpu : seconds on the clock, and of processor time in all threads.
    peak : most bytes in memory. written : bytes for disks.
    spilled : most bytes that `folder`, where DuckDB puts what does not fit into its memory, held.
    """

    def __init__(self, folder: Path) -> None:
        self.wall = self.cpu = 0.0
        self.peak: int | None = None
        self.written: int | None = None
        self.spilled = 0
        self._spill = SpillWatch(folder)

    def __enter__(self) -> Meter:
        self._spill.__enter__()
        reset_peak_memory()
        self._before = written_bytes()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu
        self.peak = peak_memory()
        after = written_bytes()
        self.written = None if self._before is None or after is None else after - self._before
        self._spill.__exit__(*exception)
        self.spilled = self._spill.most
