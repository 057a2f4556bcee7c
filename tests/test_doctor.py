"""doctor: what it says is so, and every finding comes with a remedy that works."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.doctor import _bytes, diagnose
from streamliner_udf.resources import Limit, Resources

GIB = 1 << 30


def small(cpus: int = 1, memory: int = GIB) -> Resources:
    return Resources(cpus, memory, memory, (Limit(cpus, "a quota"),), (Limit(memory, "a group above"),))


def test_this_machine() -> None:
    seen = diagnose()
    with streamliner_udf.connect() as con:
        assert seen.duckdb_threads == con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    assert seen.versions["DuckDB"] == duckdb.__version__
    assert seen.to_dict()["resources"]["cpus"] == seen.resources.cpus
    assert f"DuckDB uses {seen.duckdb_threads} threads" in str(seen)


def test_findings_are_mended_by_their_remedies(tmp_path: Path) -> None:
    with streamliner_udf.connect() as con:
        con.execute("SET threads = 4; SET memory_limit = '8GiB'; SET temp_directory = ''")
        seen = diagnose(con, small())
        assert len(seen.findings) == 3
        assert "a quota" in seen.findings[0].problem
        assert "a group above" in seen.findings[1].problem
        for finding in seen.findings:
            con.execute(finding.remedy)
        mended = diagnose(con, small())
        assert mended.findings == ()
        assert str(mended).endswith("nothing to mend")
        assert mended.duckdb_threads == 1
        assert mended.duckdb_memory < 0.7 * GIB


def test_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamliner_udf.doctor.disk_free", lambda folder: 5 << 20)
    with streamliner_udf.connect() as con:
        con.execute("SET threads = 1; SET memory_limit = '500MiB'; SET temp_directory = '/somewhere'")
        (finding,) = diagnose(con, small()).findings
    assert "/somewhere" in finding.problem


def test_what_the_profile_sets_is_said_until_it_is_set() -> None:
    with streamliner_udf.connect() as con:
        con.execute("SET threads = 7; SET memory_limit = '8GiB'")
        seen = diagnose(con)
        assert [one.setting for one in seen.differences] == ["threads", "memory_limit", "temp_directory"]
        assert "threads: " in str(seen)
        assert "in place of 7" in str(seen)
        assert seen.to_dict()["differences"][0]["now"] == "7"
    with streamliner_udf.connect(profile="pipeline") as con:
        # What is free changes from moment to moment, and with it the recommended limit.
        left = {one.setting for one in diagnose(con).differences}
        assert left <= {"memory_limit"}


def test_a_table_that_one_thread_reads_is_found_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "chat.duckdb"
    with streamliner_udf.connect(path) as con:
        con.execute("CREATE TABLE notes AS SELECT i FROM range(100_000) t(i); CREATE TABLE few AS SELECT 1 AS one")
        con.execute("SET threads = 2; SET memory_limit = '500MiB'")
        (finding,) = diagnose(con, small(2)).findings
        assert "100,000 rows in one row group" in finding.problem
    with streamliner_udf.connect(path, profile="pipeline", config={"threads": 2, "memory_limit": "500MiB"}) as con:
        con.execute(finding.remedy.partition("; then ")[2])
        assert diagnose(con, small(2)).findings == ()


@pytest.mark.parametrize(
    ("text", "size"),
    [("18.8 GiB", int(18.8 * GIB)), ("500.0 MiB", 500 << 20), ("0 bytes", 0), ("953.6MiB", int(953.6 * (1 << 20)))],
)
def test_sizes_as_duckdb_writes_them(text: str, size: int) -> None:
    assert _bytes(text) == size
