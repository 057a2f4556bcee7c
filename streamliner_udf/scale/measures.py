"""What the operating system says of this process and of the machine; None where it says nothing."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

__all__ = ["Meter", "machine_seconds"]

_SECONDS_BETWEEN = 0.01
_BLOCK = 512


def _peak_memory() -> int | None:
    """Bytes that the process held at most since the peak was started anew."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _start_peak() -> None:
    """Linux starts the peak anew; elsewhere it is that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _written() -> int | None:
    """Bytes that the process has caused to be written to disks."""
    try:
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
    except OSError:
        pass
    return None


def machine_seconds() -> tuple[float, float] | None:
    """Seconds of processor time that the whole machine has worked, and that its host kept from it."""
    try:
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        user, nice, system, _idle, _wait, interrupts, soft, steal = (int(field) for field in fields[:8])
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft) / tick, steal / tick


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
        self._folder = folder

    def __enter__(self) -> Meter:
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        _start_peak()
        self._before = _written()
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu
        self.peak = _peak_memory()
        after = _written()
        self.written = None if self._before is None or after is None else after - self._before
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN):
            total = 0
            # The folder is made when something spills, and files go while they are looked at.
            with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
                for entry in entries:
                    there = entry.stat()
                    total += getattr(there, "st_blocks", there.st_size // _BLOCK) * _BLOCK
            self.spilled = max(self.spilled, total)
