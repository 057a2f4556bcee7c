"""What the operating system says of a process and of the machine; None where it says nothing."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from pathlib import Path

__all__ = ["SpillWatch", "machine_seconds", "others", "peak_memory", "processor", "reset_peak_memory", "written_bytes"]

_SECONDS_BETWEEN = 0.01
_BLOCK = 512


def peak_memory() -> int | None:
    """Bytes that the process held at most since `reset_peak_memory()`."""
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


def machine_seconds() -> tuple[float, float] | None:
    """Seconds of processor time that the whole machine has worked, and that its host kept from it."""
    try:
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        user, nice, system, _idle, _wait, interrupts, soft, steal = (int(field) for field in fields[:8])
    except (OSError, ValueError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft) / tick, steal / tick


def others(
    before: tuple[float, float] | None, after: tuple[float, float] | None, wall: float, cpu: float
) -> dict[str, float | None]:
    """Processors that other processes, and other guests of the host, kept busy between two looks at
    `machine_seconds()`, in which this process worked for `cpu` seconds."""
    if before is None or after is None or wall <= 0:
        return {"others": None, "stolen": None}
    return {
        "others": max(0.0, (after[0] - before[0] - cpu) / wall),
        "stolen": max(0.0, (after[1] - before[1]) / wall),
    }


def processor() -> str:
    """Its name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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
            # The folder is made when something spills, and files go while they are looked at.
            with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
                for entry in entries:
                    there = entry.stat()
                    total += getattr(there, "st_blocks", there.st_size // _BLOCK) * _BLOCK
            self.most = max(self.most, total)
