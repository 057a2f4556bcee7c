"""What this process may really use: processors and memory, over everything that can limit them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Limit", "Recommended", "Resources", "detect", "in_memory", "recommend", "rows_per_group"]

_MEBIBYTE = 1 << 20
# Version 1 of cgroups says "no limit" with the largest multiple of a page.
_UNLIMITED = 1 << 60
# DuckDB's vectors and its own row groups; smaller groups than four vectors compress badly.
# Rows of a vector, and of a row group: the least that pays, and DuckDB's own.
VECTOR, GROUP_MIN, GROUP_MAX = 2_048, 8_192, 122_880
_GROUPS_PER_THREAD = 4


@dataclass(frozen=True)
class Limit:
    """One limit, and who sets it."""

    value: float
    source: str


@dataclass(frozen=True)
class Resources:
    """What is left after all limits.

    cpus : whole processors, at least 1.
    memory : bytes, or None where nothing says how much there is.
    available : bytes that are free now, or None.
    cpu_limits, memory_limits : everything that was found, the tightest first.
    """

    cpus: int
    memory: int | None
    available: int | None
    cpu_limits: tuple[Limit, ...] = field(default=())
    memory_limits: tuple[Limit, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class Recommended:
    """Settings for DuckDB; `memory_limit` in bytes, or None where DuckDB's own is as good."""

    threads: int
    memory_limit: int | None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


@dataclass(frozen=True)
class _Mount:
    """Where a hierarchy of control groups can be seen, and which part of it that is."""

    point: str
    root: str
    version: int
    controllers: frozenset[str]


def _unescaped(text: str) -> str:
    """A path of /proc/self/mountinfo, which writes spaces and the like in octal."""
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, character)
    return text


def _mount_lines(root: Path) -> Iterator[tuple[list[str], list[str]]]:
    """What /proc/self/mountinfo says before and behind its separator."""
    for line in (_read(root / "proc/self/mountinfo") or "").splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if separator and len(fields) >= 5 and kind:
            yield fields, kind


def in_memory(folder: str | Path, root: str | Path = "/") -> bool:
    """Whether the folder is on a file system that is kept in memory; False where that cannot be known."""
    place, best, kind = os.path.realpath(folder), "", ""
    for fields, after in _mount_lines(Path(root)):
        point = _unescaped(fields[4])
        # Of several mounts on one point the last is seen.
        if os.path.commonpath([place, point]) == point and len(point) >= len(best):
            best, kind = point, after[0]
    return kind in ("tmpfs", "ramfs", "devtmpfs")


def _mounts(root: Path) -> Iterator[_Mount]:
    for fields, kind in _mount_lines(root):
        if kind[0] in ("cgroup", "cgroup2"):
            controllers = frozenset(kind[-1].split(",")) if kind[0] == "cgroup" else frozenset()
            version = 2 if kind[0] == "cgroup2" else 1
            yield _Mount(_unescaped(fields[4]), _unescaped(fields[3]), version, controllers)


def _groups(root: Path) -> tuple[str | None, dict[str, str]]:
    """The process's group in version 2, and in version 1 by controller."""
    unified: str | None = None
    by_controller: dict[str, str] = {}
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        if parts[0] == "0" and not parts[1]:
            unified = parts[2]
        by_controller |= {controller: parts[2] for controller in parts[1].split(",") if controller}
    return unified, by_controller


def _ancestors(root: Path, mount: _Mount, group: str) -> Iterator[Path]:
    """The folders of a group and of all above it, as far as the mount shows them."""
    names = [name for name in group.split("/") if name]
    shown = [name for name in mount.root.split("/") if name and name != ".."]
    if names[: len(shown)] == shown:
        names = names[len(shown) :]
    while ".." in names:  # a group outside of the process's namespace: what is below it cannot be seen by that name
        names = names[names.index("..") + 1 :]
    point = root / mount.point.lstrip("/")
    for count in range(len(names), -1, -1):
        yield point.joinpath(*names[:count])


def _group_limits(root: Path) -> tuple[list[Limit], list[Limit]]:
    """Limits of processors and of memory by control groups."""
    unified, by_controller = _groups(root)
    cpus, memory = [], []
    for mount in _mounts(root):
        if mount.version == 2 and unified is not None:
            for folder in _ancestors(root, mount, unified):
                for name in ("memory.max", "memory.high"):
                    limit = _number(_read(folder / name))
                    if limit is not None and math.isfinite(limit):
                        memory.append(Limit(limit, _shown(folder / name, root)))
                quota, _, period = (_read(folder / "cpu.max") or "").partition(" ")
                cpus += _quota(_number(quota), _number(period), _shown(folder / "cpu.max", root))
        if mount.version == 1 and "memory" in mount.controllers and "memory" in by_controller:
            for folder in _ancestors(root, mount, by_controller["memory"]):
                limit = _number(_read(folder / "memory.limit_in_bytes"))
                if limit is not None and 0 < limit < _UNLIMITED:
                    memory.append(Limit(limit, _shown(folder / "memory.limit_in_bytes", root)))
        if mount.version == 1 and "cpu" in mount.controllers and "cpu" in by_controller:
            for folder in _ancestors(root, mount, by_controller["cpu"]):
                given, period_us = (_number(_read(folder / f"cpu.cfs_{what}_us")) for what in ("quota", "period"))
                cpus += _quota(given, period_us, _shown(folder / "cpu.cfs_quota_us", root))
    return cpus, memory


def _shown(path: Path, root: Path) -> str:
    return f"/{path.relative_to(root)}"


def _quota(quota: float | None, period: float | None, source: str) -> list[Limit]:
    if quota is None or period is None or quota <= 0 or period <= 0 or not math.isfinite(quota):
        return []
    return [Limit(quota / period, source)]


def _meminfo(root: Path) -> dict[str, int]:
    found = {}
    for line in (_read(root / "proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        amount = _number(value.split()[0]) if value.split() else None
        if amount is not None:
            found[name] = int(amount) * 1024
    return found


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _address_space() -> float:
    """The limit of virtual memory; infinite where there is none."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def _installed() -> int | None:
    """Memory of the machine where there is no /proc/meminfo."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def detect(
    root: str | Path = "/",
    environment: Mapping[str, str] | None = None,
    affinity: int | None = None,
    address_space: float | None = None,
) -> Resources:
    """What this process may use.

    Parameters
    ----------
    root : path
        Where /proc and the control groups are looked for; another one than "/" is for tests.
    environment : mapping, optional
        In place of os.environ, for the variables of SLURM.
    affinity : int, optional
        In place of the number of processors that this process may run on.
    address_space : float, optional
        In place of RLIMIT_AS, in bytes.

    Returns
    -------
    Resources
        The least of everything that limits: for processors affinity, the quotas of the control group and of every one
        above it, SLURM; for memory what is installed, memory.max and memory.high of the same groups, version 1's
        memory.limit_in_bytes, RLIMIT_AS, SLURM.

    Nulls : memory and available are None where nothing is known, as on Windows.
    Errors : none; what cannot be read does not limit.
    Cost : a few dozen small files, below a millisecond.
    Source : Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/; proc(5).

    Examples
    --------
    >>> from streamliner_udf import resources
    >>> found = resources.detect()
    >>> found.cpus >= 1
    True
    """
    root = Path(root)
    variables = os.environ if environment is None else environment
    cpus, memory = _group_limits(root)
    cpus.append(Limit(_affinity() if affinity is None else affinity, "processors that this process may run on"))
    info = _meminfo(root)
    installed = info.get("MemTotal") or (_installed() if root == Path("/") else None)
    if installed:
        memory.append(Limit(installed, "memory of the machine"))
    space = _address_space() if address_space is None else address_space
    if math.isfinite(space):
        memory.append(Limit(space, "RLIMIT_AS"))
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        if count := _number(variables.get(name)):
            cpus.append(Limit(count, name))
            break
    if size := _number(variables.get("SLURM_MEM_PER_NODE")):
        memory.append(Limit(size * _MEBIBYTE, "SLURM_MEM_PER_NODE"))
    elif (size := _number(variables.get("SLURM_MEM_PER_CPU"))) and (
        count := _number(variables.get("SLURM_CPUS_ON_NODE"))
    ):
        memory.append(Limit(size * count * _MEBIBYTE, "SLURM_MEM_PER_CPU"))
    cpus.sort(key=lambda limit: limit.value)
    memory.sort(key=lambda limit: limit.value)
    return Resources(
        max(1, math.ceil(cpus[0].value)),
        int(memory[0].value) if memory else None,
        info.get("MemAvailable"),
        tuple(cpus),
        tuple(memory),
    )


def recommend(found: Resources, headroom: int = 512 * _MEBIBYTE, per_thread: int = 250 * _MEBIBYTE) -> Recommended:
    """Threads and memory limit for DuckDB.

    Parameters
    ----------
    found : Resources
        Of `detect()`.
    headroom : int
        Bytes for what is not DuckDB's: Python, results, our own work. `memory_limit` bounds only DuckDB's buffers.
    per_thread : int
        The least that a thread needs, in bytes; where that does not fit there are fewer threads.

    Returns
    -------
    Recommended
        threads = cpus; memory_limit = 60 % of what there is and free now, or what the headroom leaves, if that is less.

    Nulls : memory_limit is None where the memory is not known.
    Errors : none.
    Cost : none.
    Source : DuckDB's guides for tuning and for running out of memory.

    Examples
    --------
    >>> from streamliner_udf import resources
    >>> resources.recommend(resources.Resources(cpus=8, memory=2 << 30, available=None))
    Recommended(threads=4, memory_limit=1288490188)
    """
    known = [amount for amount in (found.memory, found.available) if amount is not None]
    if not known:
        return Recommended(found.cpus, None)
    limit = max(min(int(min(known) * 0.6), min(known) - headroom), per_thread // 2)
    return Recommended(max(1, min(found.cpus, limit // per_thread)), limit)


def rows_per_group(rows: int, threads: int) -> int:
    """Rows of a row group such that all threads have work on a table of so many rows.

    Parameters
    ----------
    rows : int
        Of the table.
    threads : int
        That are to work on it.

    Returns
    -------
    int
        For `ATTACH ... (ROW_GROUP_SIZE n)`: four groups a thread, in whole vectors of 2,048 rows, at least 8,192 and at
        most DuckDB's own 122,880.

    Nulls : no argument may be None.
    Errors : none.
    Cost : none.
    Source : docs/tuning.md, measured.

    Examples
    --------
    >>> from streamliner_udf import resources
    >>> resources.rows_per_group(100_000, threads=2), resources.rows_per_group(10_000_000, threads=2)
    (14336, 122880)
    """
    wanted = math.ceil(rows / (_GROUPS_PER_THREAD * max(1, threads)) / VECTOR) * VECTOR
    return min(max(wanted, GROUP_MIN), GROUP_MAX)
