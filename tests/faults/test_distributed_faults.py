"""Processes killed, disks full, files broken, two at once: nothing is lost, nothing twice, nothing seen by halves.

Asserted are counts and checksums, never times: a wait ends when what it waits for is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from corpus import PARTS, QUERY, ROWS, WORK, write_source

import streamliner_udf
from streamliner_udf import distributed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found and stopped by way of Linux's /proc"),
]

PATIENCE = 120.0  # seconds until a test that waits for something gives up
KEYED = (
    f"SELECT chat, count(*) AS n, list(id ORDER BY id) AS ids, sum({WORK})::BIGINT AS work FROM source GROUP BY chat"
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


@pytest.fixture
def source(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> Path:
    return write_source(con, tmp_path / "in")


class Driver:
    """A run in another process."""

    def __init__(self, source: Path, target: Path, **options: Any) -> None:
        asked = {"sql": QUERY, "source": str(source), "target": str(target), "workers": 2, **options}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("drive.py")), json.dumps(asked)],
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def result(self) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)

    @property
    def workers(self) -> list[int]:
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(process) for path in threads for process in path.read_text().split()]


Drive = Callable[..., Driver]


@pytest.fixture
def drive() -> Iterator[Drive]:
    """Begins runs, and ends those that a test that failed has left."""
    begun: list[Driver] = []

    def begin(source: Path, target: Path, **options: Any) -> Driver:
        begun.append(Driver(source, target, **options))
        return begun[-1]

    yield begin
    for driver in begun:
        if driver.process.returncode is None:
            driver.kill()


def until(found: Callable[[], Any], driver: Driver | None = None) -> Any:
    """Waits for something that must come while the driver is at work."""
    stop = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < stop, "it did not come"
        assert driver is None or driver.process.poll() is None, "the driver ended before it came"
        time.sleep(0.002)
    return value


def at_work(target: Path, key: str = "") -> list[tuple[str, int, Path]]:
    """Results that are being written: key, process, file."""
    found = []
    for path in (target / "_tmp").glob(f"{key}*.parquet"):
        name, process, *_ = path.name.split(".")
        found.append((name, int(process), path))
    return found


def caught(target: Path, driver: Driver, key: str = "", but: Collection[int] = ()) -> tuple[str, int]:
    """Key and worker of a task, and the worker stands still in the middle of it. Those in `but` have been killed."""

    def stopped() -> tuple[str, int] | None:
        for name, process, path in at_work(target, key):
            if process in but:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                if path.exists():
                    return name, process
                os.kill(process, signal.SIGCONT)
        return None

    found: tuple[str, int] = until(stopped, driver)
    return found


def done(target: Path) -> int:
    return len(list((target / "_done").glob("*.json")))


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def whole(
    con: duckdb.DuckDBPyConnection, target: Path, report: dict[str, Any], query: str = QUERY, key: str = "id"
) -> None:
    """Everything is there once, it is what one machine gives, and nothing is left behind."""
    rows, checksum = distributed.checksum(con, query)
    assert (report["rows_out"], report["checksum"]) == (rows, checksum)
    read = distributed.read(con, target)
    read.create_view("found", replace=True)
    assert distributed.checksum(con, "FROM found") == (rows, checksum)
    assert con.execute(f"SELECT count(*) - count(DISTINCT {key}) FROM found").fetchall() == [(0,)]
    assert list((target / "_tmp").iterdir()) == []
    named = {part["file"] for part in distributed.read_manifest(target)["parts"]}
    assert {path.name for path in target.glob("*.parquet")} == named


def nothing_visible(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected .* to hold a finished run"):
        distributed.read(con, target)


# ---- processes -----------------------------------------------------------------------------------------------------


def test_a_worker_is_killed_in_a_task(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive
) -> None:
    target = tmp_path / "out"
    driver = drive(source, target)
    os.kill(caught(target, driver)[1], signal.SIGKILL)
    report = driver.result()
    assert (report["computed"], report["attempts"], report["failed"]) == (PARTS, PARTS + 1, [])
    assert report["swept"] >= 1, "what the dead one had written"
    whole(con, target, report)


def test_a_partition_that_takes_its_worker_along(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive
) -> None:
    target = tmp_path / "out"
    driver = drive(source, target)
    key = ""
    killed: list[int] = []
    for _ in range(3):
        key, process = caught(target, driver, key, killed)
        os.kill(process, signal.SIGKILL)
        killed.append(process)
    report = driver.result()
    assert report["error"] == "RunFailed"
    assert [(one["tries"], one["reason"]) for one in report["failed"]] == [(3, "the worker was ended by signal 9")]
    assert (report["computed"], report["attempts"], report["committed"]) == (PARTS - 1, PARTS + 2, False)
    nothing_visible(con, target)
    again = drive(source, target).result()
    assert (again["computed"], again["resumed"]) == (1, PARTS - 1)
    whole(con, target, again)


@pytest.mark.parametrize("after", [0, 1, 3, PARTS - 1])
def test_the_driver_is_killed_and_the_next_one_goes_on(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive, after: int
) -> None:
    target = tmp_path / "out"
    driver = drive(source, target)
    caught(target, driver)  # so that the run does not come to its end
    until(lambda: done(target) >= after, driver)
    workers = driver.workers
    assert workers
    driver.kill()
    until(lambda: all(map(is_gone, workers)))
    nothing_visible(con, target)
    kept = done(target)
    assert after <= kept < PARTS
    report = drive(source, target).result()
    assert (report["computed"], report["resumed"]) == (PARTS - kept, kept)
    whole(con, target, report)


def test_all_are_killed_at_once(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive) -> None:
    """In two steps, while buckets are computed, and with a result before that readers go on to see."""
    target, buckets = tmp_path / "out", 8
    before = distributed.run("SELECT id FROM source", source, target, workers=2)
    driver = drive(source, target, sql=KEYED, by="chat", buckets=buckets)
    until(lambda: done(target) >= 2 * PARTS, driver)
    caught(target, driver)
    until(lambda: done(target) >= 2 * PARTS + 1, driver)
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.communicate(timeout=PATIENCE)
    seen = distributed.read(con, target)
    assert seen.aggregate("count(*), count(DISTINCT id)").fetchall() == [(PARTS * ROWS, PARTS * ROWS)]
    assert distributed.read_manifest(target)["checksum"] == before.checksum
    report = drive(source, target, sql=KEYED, by="chat", buckets=buckets).result()
    assert report["resumed"] >= PARTS + 1
    assert report["computed"] + report["resumed"] == PARTS + buckets
    rows, checksum = distributed.checksum(con, KEYED)
    assert (report["rows_in"], report["rows_out"], report["checksum"]) == (PARTS * ROWS, rows, checksum)
    assert list((target / "_tmp").iterdir()) == []
    assert list((target / "_shuffle").iterdir()) == []
    distributed.read(con, target).create_view("found")
    assert distributed.checksum(con, "FROM found") == (rows, checksum)


def test_two_drivers_at_once(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive) -> None:
    target = tmp_path / "out"
    first = drive(source, target)
    _, process = caught(target, first)
    second = drive(source, target).result()
    assert second["error"] == "TargetBusy"
    assert f"process {first.process.pid} on" in second["message"]
    os.kill(process, signal.SIGCONT)
    report = first.result()
    assert (report["computed"], report["attempts"]) == (PARTS, PARTS)
    whole(con, target, report)
    third = drive(source, target).result()
    assert (third["computed"], third["resumed"]) == (0, PARTS)


# ---- disks and files -----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tenth of a megabyte, where one may mount it."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(path)], capture_output=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_the_disk_is_full(con: duckdb.DuckDBPyConnection, source: Path, small_disk: Path, drive: Drive) -> None:
    target = small_disk / "out"
    report = drive(source, target).result()
    assert report["error"] == "RunFailed", report
    assert 0 < len(report["failed"]) < PARTS
    assert all("No space left" in one["reason"] for one in report["failed"]), report["failed"]
    nothing_visible(con, target)
    kept = {json.loads(path.read_text())["file"] for path in (target / "_done").glob("*.json")}
    assert len(kept) == report["computed"]
    assert {path.name for path in target.glob("*.parquet")} >= kept
    assert list((target / "_tmp").iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = drive(source, target).result()
    assert (again["computed"], again["resumed"]) == (PARTS - len(kept), len(kept))
    whole(con, target, again)


def test_a_file_must_not_get_so_large(
    con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive
) -> None:
    """The same where nothing can be mounted: a write fails in the middle of a file."""
    target = tmp_path / "out"
    report = drive(source, target, file_size=12_000).result()
    assert report["error"] == "RunFailed", report
    assert (report["computed"], len(report["failed"])) == (0, PARTS)
    assert all("File too large" in one["reason"] for one in report["failed"]), report["failed"]
    nothing_visible(con, target)
    assert list(target.glob("*.parquet")) == list((target / "_tmp").iterdir()) == []
    again = drive(source, target).result()
    assert (again["computed"], again["resumed"]) == (PARTS, 0)
    whole(con, target, again)


def test_files_that_are_broken(con: duckdb.DuckDBPyConnection, source: Path, tmp_path: Path, drive: Drive) -> None:
    target = tmp_path / "out"
    pages, cut = source / "p1.parquet", source / "p4.parquet"
    right = {path: path.read_bytes() for path in (pages, cut)}
    pages.write_bytes(right[pages][:200] + b"\xff" * 2_000 + right[pages][2_200:])  # its end is whole
    cut.write_bytes(right[cut][:-100])
    report = drive(source, target).result()
    assert report["error"] == "RunFailed"
    assert [one["partition"] for one in sorted(report["failed"], key=lambda one: str(one["partition"]))] == [
        str(pages),
        str(cut),
    ]
    assert {one["tries"] for one in report["failed"]} == {3}
    assert all(one["reason"] for one in report["failed"])
    assert (report["computed"], report["attempts"]) == (PARTS - 2, PARTS - 2 + 6)
    nothing_visible(con, target)

    partial = drive(source, target, failed="commit").result()
    assert (partial["committed"], partial["resumed"], len(partial["failed"])) == (True, PARTS - 2, 2)
    with pytest.raises(ValueError, match=r"to hold all partitions, got a run without .*p1\.parquet"):
        distributed.read(con, target)
    others = distributed.read(con, target, partial=True).aggregate("count(*), count(DISTINCT id)").fetchall()
    assert others == [((PARTS - 2) * ROWS, (PARTS - 2) * ROWS)]

    for path, content in right.items():
        path.write_bytes(content)
    again = drive(source, target).result()
    assert (again["computed"], again["resumed"]) == (2, PARTS - 2)
    whole(con, target, again)
