"""Exports that were broken in every way: an error that says so, or messages and a report; never a part of a table."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import json_exports as exports
import pytest
from conftest import SCALE

import streamliner_udf
from streamliner_udf.ingest import ExportError, IngestReport

MUTATIONS = 300
_NOISE = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u",
    b"\\x0",
    b"null",
    b"1e999",
    b"-",
    b"\xff",
    b"\xc3",
    b"\0",
    b"9" * 40,
]


def documents(tmp_path: Path) -> dict[str, bytes]:
    found = {}
    for name, path in exports.write_all(tmp_path).items():
        if path.suffix == ".json":
            found[name] = path.read_bytes()
    found["slack space.zip"] = (tmp_path / "slack space.zip").read_bytes()
    return found


def broken(content: bytes, rng: random.Random) -> bytes:
    """A document cut, with bits flipped, lines swapped, noise in it, values exchanged, or in another encoding."""
    kind = rng.randrange(7)
    at = rng.randrange(len(content))
    if kind == 0:
        return content[:at]
    if kind == 1:
        changed = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 2:
        pieces = content.split(b",")
        rng.shuffle(pieces)
        return b",".join(pieces)
    if kind == 3:
        return content[:at] + rng.choice(_NOISE) + content[at + rng.randrange(3) :]
    if kind == 4:
        return content.decode("utf-8", "replace").encode(
            rng.choice(["utf-16", "utf-16-be", "cp1252", "utf-7"]), "replace"
        )
    if kind == 5:
        return rng.randbytes(rng.randrange(200)) if rng.random() < 0.3 else content[at:]
    return json.dumps(exchanged(json.loads(content, strict=False), rng), ensure_ascii=rng.random() < 0.5).encode()


def exchanged(value: Any, rng: random.Random) -> Any:
    """The same document with a value of another kind here and there."""
    if rng.random() < 0.05:
        return rng.choice(
            [None, True, 0, -1, 1e300, 10**30, "", "x", [], {}, [[]], {"text": {}}, "9" * 30, "2024-02-30", "\0"]
        )
    if isinstance(value, dict):
        return {key: exchanged(one, rng) for key, one in value.items()}
    return [exchanged(one, rng) for one in value] if isinstance(value, list) else value


def broken_archive(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.2:
        return broken_bytes(content, rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            text = old.read(name)
            if name == chosen:
                try:
                    text = broken(text, rng)
                except ValueError:  # one that is cut already
                    text = text[: len(text) // 2]
            new.writestr(name, text)
    return made.getvalue()


def broken_bytes(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


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


def test_an_error_in_the_second_file_undoes_the_first(tmp_path: Path) -> None:
    good = exports.encoded(exports.telegram([exports.telegram_text(1, "hi")]))
    with streamliner_udf.connect() as con:
        for bad in (b"", b'{"name": "x", "type": "private_group", "messages": [5]}', b"PK\3\4broken"):
            with pytest.raises(ExportError):
                vars(streamliner_udf)["ingest"](con, [good, bad])
            assert con.execute("SHOW TABLES").fetchall() == []
