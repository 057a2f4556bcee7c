"""Limits of processors and memory, on trees of files as kernels show them: limits that DuckDB misses among them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamliner_udf import resources
from streamliner_udf.resources import Recommended, Resources, detect, recommend

GIB = 1 << 30
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "31 23 0:27 {root} /sys/fs/cgroup/{name} rw,nosuid shared:5 - cgroup cgroup rw,{name}"


def tree(root: Path, mounts: list[str], groups: list[str], files: dict[str, str]) -> Path:
    """A root with 24 GiB, and what control groups it has."""
    everything = {
        "proc/self/mountinfo": "\n".join(["23 1 8:1 / / rw - ext4 /dev/sda rw", *mounts]) + "\n",
        "proc/self/cgroup": "\n".join(groups) + "\n",
        "proc/meminfo": f"MemTotal: {24 * GIB >> 10} kB\nMemFree: 1 kB\nMemAvailable: {20 * GIB >> 10} kB\n",
        **{f"sys/fs/cgroup/{name}": text + "\n" for name, text in files.items()},
    }
    for name, text in everything.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found(root: Path, cpus: int = 2, environment: dict[str, str] | None = None) -> tuple[int, int | None]:
    seen = detect(root, environment or {}, cpus, math.inf)
    return seen.cpus, seen.memory


LIMITED = {"memory.max": str(2 * GIB), "cpu.max": "100000 100000"}
OPEN = {"memory.max": "max", "memory.high": "max", "cpu.max": "max 100000"}


def at(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


CASES = {
    "v2, on the leaf": ([V2.format(root="/")], ["0::/app"], {**OPEN, **at("app", LIMITED)}),
    "v2, namespaced root": ([V2.format(root="/")], ["0::/"], LIMITED),
    "v2, on a parent": ([V2.format(root="/")], ["0::/pod/app"], {**at("pod", LIMITED), **at("pod/app", OPEN)}),
    "v2, memory.high alone": (
        [V2.format(root="/")],
        ["0::/app"],
        at("app", {"memory.max": "max", "memory.high": str(2 * GIB), "cpu.max": "50000 100000"}),
    ),
    "v2, a path with /../": ([V2.format(root="/")], ["0::/../../app"], at("app", LIMITED)),
    "v2, mounted from below": ([V2.format(root="/docker/1")], ["0::/docker/1/app"], {**LIMITED, **at("app", OPEN)}),
    "v1, path not mapped": (
        [V1.format(root="/", name="memory"), V1.format(root="/", name="cpu")],
        ["4:memory:/docker/1", "3:cpu:/docker/1"],
        {
            "memory/memory.limit_in_bytes": str(2 * GIB),
            "cpu/cpu.cfs_quota_us": "100000",
            "cpu/cpu.cfs_period_us": "100000",
        },
    ),
    "v1, joint mount": (
        [V1.format(root="/", name="memory"), V1.format(root="/", name="cpu,cpuacct")],
        ["4:memory:/app", "3:cpu,cpuacct:/app"],
        {
            "memory/app/memory.limit_in_bytes": str(2 * GIB),
            "cpu,cpuacct/app/cpu.cfs_quota_us": "90000",
            "cpu,cpuacct/app/cpu.cfs_period_us": "100000",
        },
    ),
    "v1, on a parent": (
        [V1.format(root="/", name="memory"), V1.format(root="/", name="cpu")],
        ["4:memory:/pod/app", "3:cpu:/pod/app"],
        {
            "memory/pod/app/memory.limit_in_bytes": "9223372036854771712",
            "memory/pod/memory.limit_in_bytes": str(2 * GIB),
            "cpu/pod/app/cpu.cfs_quota_us": "-1",
            "cpu/pod/app/cpu.cfs_period_us": "100000",
            "cpu/pod/cpu.cfs_quota_us": "100000",
            "cpu/pod/cpu.cfs_period_us": "100000",
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_control_groups(name: str, tmp_path: Path) -> None:
    mounts, groups, files = CASES[name]
    assert found(tree(tmp_path, mounts, groups, files)) == (1, 2 * GIB)


def test_no_limit_but_the_machine(tmp_path: Path) -> None:
    root = tree(tmp_path, [V2.format(root="/")], ["0::/app"], at("app", OPEN))
    assert found(root) == (2, 24 * GIB)
    assert detect(root, {}, 2, math.inf).available == 20 * GIB


def test_quota_of_one_and_a_half_processors_lets_two_run(tmp_path: Path) -> None:
    root = tree(tmp_path, [V2.format(root="/")], ["0::/app"], at("app", {"cpu.max": "150000 100000"}))
    assert found(root, cpus=8)[0] == 2
    assert detect(root, {}, 8, math.inf).cpu_limits[0].source == "/sys/fs/cgroup/app/cpu.max"


@pytest.mark.parametrize("text", ["", "max", "nonsense", "-1 100000", "0 100000", "100000 0", "inf 100000", "nan 1"])
def test_quota_that_is_none(text: str, tmp_path: Path) -> None:
    root = tree(tmp_path, [V2.format(root="/")], ["0::/"], {"cpu.max": text, "memory.max": "nan", "memory.high": ""})
    assert found(root) == (2, 24 * GIB)


def test_affinity() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")
    one = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{one}])\nfrom streamliner_udf.resources import detect\n"
    code += "print(detect().cpus)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "1\n"


def test_slurm_and_address_space(tmp_path: Path) -> None:
    root = tree(tmp_path, [], [], {})
    environment = {"SLURM_CPUS_ON_NODE": "7", "SLURM_MEM_PER_NODE": "4096"}
    assert found(root, 16, environment) == (7, 4 * GIB)
    assert found(root, 2, environment) == (2, 4 * GIB), "SLURM cannot give more than there is"
    environment = {"SLURM_CPUS_ON_NODE": "4", "SLURM_CPUS_PER_TASK": "2", "SLURM_MEM_PER_CPU": "1024"}
    assert found(root, 16, environment) == (2, 4 * GIB)
    assert detect(root, {}, 2, GIB).memory == GIB


def test_nothing_can_be_read(tmp_path: Path) -> None:
    assert detect(tmp_path, {}, 3, math.inf) == Resources(
        3, None, None, (resources.Limit(3, "processors that this process may run on"),), ()
    )
    assert recommend(detect(tmp_path, {}, 3, math.inf)) == Recommended(3, None)


def test_this_machine() -> None:
    seen = detect()
    assert 1 <= seen.cpus <= (os.cpu_count() or 1)
    assert seen.to_dict()["cpus"] == seen.cpus
    assert seen.memory is None or seen.memory > 64 << 20


def test_recommendation_lowers_threads_before_memory() -> None:
    mebibyte = 1 << 20
    assert recommend(Resources(8, 32 * GIB, 32 * GIB)) == Recommended(8, int(32 * GIB * 0.6))
    assert recommend(Resources(8, 32 * GIB, 2 * GIB)).memory_limit == int(2 * GIB * 0.6), "somebody else uses the rest"
    assert recommend(Resources(8, 1 * GIB, None)) == Recommended(2, 512 * mebibyte)
    assert recommend(Resources(8, 512 * mebibyte, None)) == Recommended(1, 125 * mebibyte)


@pytest.mark.parametrize(
    ("rows", "threads", "wanted"),
    [
        (100_000, 2, 14_336),
        (100_000, 8, 8_192),
        (1_000_000, 2, 122_880),
        (1_000_000, 4, 63_488),
        (0, 4, 8_192),
        (10**9, 64, 122_880),
        (5, 0, 8_192),
    ],
)
def test_row_groups_keep_threads_busy(rows: int, threads: int, wanted: int) -> None:
    assert resources.rows_per_group(rows, threads) == wanted
    assert wanted % 2_048 == 0


def test_file_systems_in_memory(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        "2 1 0:5 / /quick rw shared:1 - tmpfs tmpfs rw\n"
        "3 2 8:2 / /quick/slow\\040disk rw - xfs /dev/sdb rw\n"
        "4 1 0:6 / /over rw - tmpfs tmpfs rw\n"
        "5 1 8:3 / /over rw - ext4 /dev/sdc rw\n"
    )
    found = {
        folder: resources.in_memory(folder, tmp_path)
        for folder in ("/", "/quick", "/quick/a/b", "/quicker", "/quick/slow disk/a", "/over/a")
    }
    assert [folder for folder, memory in found.items() if memory] == ["/quick", "/quick/a/b"]
    assert not resources.in_memory("/quick", tmp_path / "nothing")
