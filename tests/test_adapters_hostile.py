"""Exports that were broken in every way: an error that says so, or messages and a report; never a part of a table."""

from __future__ import annotations

import random
from pathlib import Path

import json_exports as exports
import mutations
import pytest
from conftest import SCALE
from mutations import broken, broken_archive

import streamliner_udf
from streamliner_udf.ingest import ExportError, IngestReport

MUTATIONS = 300


def documents(tmp_path: Path) -> dict[str, bytes]:
    found = {}
    for name, path in exports.write_all(tmp_path).items():
        if path.suffix == ".json":
            found[name] = path.read_bytes()
    found["slack space.zip"] = (tmp_path / "slack space.zip").read_bytes()
    return found


@pytest.mark.parametrize(
    "name",
    [
        "telegram one.json",
        "telegram account.json",
        "discord channel.json",
        "slack day.json",
        "messenger message_1.json",
        "slack space.zip",
    ],
)
def test_broken_exports(name: str, tmp_path: Path, rng: random.Random) -> None:
    content = documents(tmp_path)[name]
    kind = name.partition(" ")[0]
    outcomes = {"read": 0, "refused": 0}
    with streamliner_udf.connect() as con:
        con.execute("CREATE TABLE kept AS SELECT 1 AS x")
        for _ in range(MUTATIONS * SCALE):
            made = broken_archive(content, rng) if name.endswith(".zip") else broken(content, rng)
            named = kind if rng.random() < 0.7 else "auto"
            try:
                report: IngestReport = vars(streamliner_udf)["ingest"](con, made, source=named, mode="replace")
            except ExportError:
                outcomes["refused"] += 1
            else:
                assert con.execute("SELECT count(*) FROM messages").fetchall() == [(report.rows,)]
                assert report.rows > 0
                outcomes["read"] += 1
            tables = {row[0] for row in con.execute("SHOW TABLES").fetchall()}
            assert tables <= {"kept", "messages"}
    assert min(outcomes.values()) > 10, outcomes


@pytest.mark.parametrize(
    "format",
    [
        *("whatsapp", "whatsapp zip", "telegram single", "telegram full", "discord", "slack zip", "messenger"),
        *("instagram", "signal", "csv", "jsonl", "parquet", "mbox"),
    ],
)
def test_broken_files_of_each_format(format: str, rng: random.Random) -> None:
    """As `python tests/mutations.py` does it with 10,000 of each."""
    outcomes = mutations.run(format, 60 * SCALE, rng.randrange(1 << 32), through=6)
    read = sum(count for name, count in outcomes.items() if name.endswith("read"))
    assert outcomes.total() == 60 * SCALE
    assert read, outcomes


def test_an_error_in_the_second_file_undoes_the_first(tmp_path: Path) -> None:
    good = exports.encoded(exports.telegram([exports.telegram_text(1, "hi")]))
    with streamliner_udf.connect() as con:
        for bad in (b"", b'{"name": "x", "type": "private_group", "messages": [5]}', b"PK\3\4broken"):
            with pytest.raises(ExportError):
                vars(streamliner_udf)["ingest"](con, [good, bad])
            assert con.execute("SHOW TABLES").fetchall() == []
