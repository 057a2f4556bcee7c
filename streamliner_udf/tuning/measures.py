"""What the operating system says of a process and of the machine; None where it says nothing."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

__all__ = ["Meter", "SpillWatch", "machine_ticks", "peak_memory", "reset_peak_memory", "written_bytes"]

_SECONDS_BETWEEN = 0.01
_BLOCK = 512


def _status(name: str) -> int | None:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def peak_memory() -> int | None:
    """Bytes that the process held at most since `reset_peak_memory()`."""
    found = _status("VmHWM")
    if found is not None:
        return found
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reset_peak_memory() -> None:
    """Starts the peak anew where Linux can do that; elsewhere the peak is that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def written_bytes() -> int | None:
    """Bytes that the process has caused to be written to disks."""
    try:
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
    except OSError:
        pass
    return None


def machine_ticks() -> tuple[float, float] | None:
    """Seconds of processor time that the whole machine has worked, and that its host kept from it."""
    try:
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        user, nice, system, _idle, _wait, interrupts, soft, steal = (int(field) for field in fields[:8])
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft) / tick, steal / tick


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


class SpillWatch:
    """The most bytes that a folder held while it was watched."""

    def __init__(self, folder: Path) -> None:
        self.most = 0
        self._folder = folder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> SpillWatch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN):
            total = 0
            try:
                with os.scandir(self._folder) as entries:
                    for entry in entries:
                        there = entry.stat()
                        total += getattr(there, "st_blocks", there.st_size // _BLOCK) * _BLOCK
            except FileNotFoundError:  # not made yet, or a file went meanwhile
                pass
            self.most = max(self.most, total)
