"""The same runs on Ray, where it is installed: what it listens on, a worker killed, a node that goes away."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from corpus import PARTS, QUERY, write_source

import streamliner_udf
from streamliner_udf import distributed

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found and stopped by way of Linux's /proc"),
    # Ray leaves sockets and files to the garbage collector.
    pytest.mark.filterwarnings("ignore"),
]

PATIENCE = 180.0


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


@pytest.fixture
def source(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> Path:
    return write_source(con, tmp_path / "in")


def parents(process: int) -> list[int]:
    """The process and all above it."""
    found = []
    while process > 1:
        found.append(process)
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return found
    return found


def listening_beyond_loopback() -> set[str]:
    """Local addresses, as the kernel writes them, on which this process or one below it waits for strangers."""
    inodes: dict[str, str] = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            address = fields[1].rpartition(":")[0]
            # 127.0.0.1, the same inside of IPv6, and ::1, each four bytes turned round
            loopback = address in ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
            if fields[3] == "0A" and not loopback:
                inodes[fields[9]] = fields[1]
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        if os.getpid() not in parents(int(folder.name)):
            continue
        try:
            links = [os.readlink(entry) for entry in (folder / "fd").iterdir()]
        except OSError:
            continue
        found |= {inodes[link[8:-1]] for link in links if link.startswith("socket:[") and link[8:-1] in inodes}
    return found


class Meddler(threading.Thread):
    """Stops one worker in the middle of a task, and does something about it."""

    def __init__(self, target: Path, what: Callable[[int], None]) -> None:
        super().__init__(daemon=True)
        self.target = target
        self.what = what
        self.met = 0

    def run(self) -> None:
        stop = time.monotonic() + PATIENCE
        while not self.met and time.monotonic() < stop:
            for path in (self.target / "_tmp").glob("*.parquet"):
                process = int(path.name.split(".")[1])
                try:
                    os.kill(process, signal.SIGSTOP)
                except ProcessLookupError:
                    continue
                if path.exists():
                    self.met = process
                    self.what(process)
                    return
                os.kill(process, signal.SIGCONT)
            time.sleep(0.002)


def whole(con: duckdb.DuckDBPyConnection, target: Path, report: distributed.RunReport) -> None:
    rows, checksum = distributed.checksum(con, QUERY)
    assert (report.rows_out, report.checksum) == (rows, checksum)
    distributed.read(con, target).create_view("found", replace=True)
    assert distributed.checksum(con, "FROM found") == (rows, checksum)
    assert list((target / "_tmp").iterdir()) == []


def test_a_cluster_of_its_own(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path) -> None:
    """Equal to local processes, on the loopback interface only; and one worker is killed."""
    target = tmp_path / "out"
    listening: list[set[str]] = []

    def kill(process: int) -> None:
        listening.append(listening_beyond_loopback())
        os.kill(process, signal.SIGKILL)

    meddler = Meddler(target, kill)
    meddler.start()
    report = distributed.run(QUERY, source, target, executor="ray", workers=2)
    meddler.join()
    assert meddler.met
    assert listening == [set()]
    assert (report.executor, report.computed, report.attempts, report.failed) == ("ray", PARTS, PARTS + 1, ())
    whole(con, target, report)
    assert not ray.is_initialized()
    local = distributed.run(QUERY, source, target, workers=2)
    assert (local.resumed, local.checksum) == (PARTS, report.checksum)


def test_a_node_goes_away(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import node, services  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from ray.cluster_utils import Cluster  # type: ignore[import-not-found,import-untyped,unused-ignore]

    # Ray puts the address of the machine in place of the loopback's.
    for module in (services, node):
        for name in ("get_node_ip_address", "resolve_ip_for_localhost"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *given, **named: "127.0.0.1")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    settings: dict[str, Any] = {"node_ip_address": "127.0.0.1", "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **settings})
    try:
        nodes = [cluster.add_node(num_cpus=1, **settings) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error", _node_ip_address="127.0.0.1")
        target = tmp_path / "out"
        removed = []

        def remove(process: int) -> None:
            above = parents(process)
            for one in nodes:
                started = one.all_processes["raylet"]
                if any(part.process.pid in above for part in started):
                    removed.append(one)
                    cluster.remove_node(one, allow_graceful=False)

        meddler = Meddler(target, remove)
        meddler.start()
        report = distributed.run(QUERY, source, target, executor="ray", workers=2)
        meddler.join()
        assert len(removed) == 1
        assert ray.is_initialized(), "it was running before, and is not ours to stop"
        assert (report.computed, report.failed) == (PARTS, ())
        assert report.attempts > PARTS
        whole(con, target, report)
    finally:
        ray.shutdown()
        cluster.shutdown()
