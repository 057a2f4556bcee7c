"""Elements out of large JSON documents: equal to Python's json, also where a document is cut or broken."""

from __future__ import annotations

import gc
import json
import mmap
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import SCALE
from paths import connection

from streamliner_udf import JsonItems

FULL = {
    "about": "x",
    "chats": {
        "about": "",
        "list": [
            {"name": "A", "type": "t", "id": 1, "messages": [{"id": 1}, {"id": 2}]},
            {"name": "B", "id": 2, "messages": [{"id": 3}]},
            {"name": "C", "id": 4},
        ],
    },
    "left_chats": {"list": [{"name": "D", "messages": [{"id": 9}]}]},
}


def read(content: bytes, path: list[Any], owners: bool = False) -> tuple[list[tuple[str, ...]], JsonItems]:
    items = JsonItems(content, path, owners)
    con = connection()
    con.register("items", items)
    return con.execute("FROM items").fetchall(), items


def value(rng: random.Random, depth: int = 0) -> Any:
    roll = rng.random()
    if roll < 0.3 or depth > 3:
        return rng.choice([1, -2.5e3, True, None, "a", 'é"\\x\n]{', "\u2028", "", "x" * 40])
    if roll < 0.6:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {rng.choice('abc{]"') + str(i): value(rng, depth + 1) for i in range(rng.randint(0, 4))}


def test_equals_json_whole_and_cut(rng: random.Random) -> None:
    for turn in range(400 * SCALE):
        wanted = [value(rng) for _ in range(rng.randint(0, 6))]
        bare = turn % 3 == 0
        document = wanted if bare else {"before": value(rng), "messages": wanted, "after": value(rng)}
        text = json.dumps(document, ensure_ascii=turn % 2 == 0, indent=rng.choice([None, 1])).encode()
        rows, items = read(text, [] if bare else ["messages"])
        assert [json.loads(item) for (item,) in rows] == wanted
        assert not items.truncated
        assert items.count == len(wanted)
        cut = rng.randrange(len(text))
        rows, items = read(text[:cut], [] if bare else ["messages"])
        assert [json.loads(item) for (item,) in rows] == wanted[: len(rows)]
        assert items.truncated
        junk = bytearray(text)
        for _ in range(3):
            junk[rng.randrange(len(junk))] = rng.randrange(256)
        read(bytes(junk), [] if bare else ["messages"])


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \n"])
@pytest.mark.parametrize("document", [b"[1, 2]", b'{"messages": [1, 2], "z": {}}', b'{"messages": [1, 2]}'])
def test_what_stands_behind_a_document(before: bytes, document: bytes) -> None:
    path = [] if document.startswith(b"[") else ["messages"]
    for space in (b"", b" \r\n\t"):
        for behind in (b"", b"[3]", b"x", b"]", b",", b"\0"):
            text = before + document + space + behind
            rows, items = read(text, path)
            assert (rows, items.truncated) == ([("1",), ("2",)], False)
            assert (items.followed, items.end) == (bool(behind), len(text) - len(behind))
            items = JsonItems(text, path)
            assert items.joined()[0] == b"1, 2"
            assert (items.followed, items.end) == (bool(behind), len(text) - len(behind))
        for cut in range(len(document)):
            _, items = read((before + document)[: len(before) + cut], path)
            assert (items.truncated, items.followed) == (True, False)
    # Broken in the middle: where.
    _, items = read(before + b'[1, 2, "', [])
    assert (items.count, items.truncated, items.end) == (2, True, len(before) + 7)


def test_chats_within_chats_know_their_owner() -> None:
    rows, _ = read(json.dumps(FULL).encode(), [("chats", "left_chats"), "list", None, "messages"], owners=True)
    found = [(json.loads(item)["id"], json.loads(owner)["name"]) for item, owner in rows]
    assert found == [(1, "A"), (2, "A"), (3, "B"), (9, "D")]


def test_what_is_no_json_in_a_string_is_mended() -> None:
    rows, items = read(b'{"messages":[{"a":"\\x0b\x01"},{"b":"\xff"}]}', ["messages"])
    assert [json.loads(item) for (item,) in rows] == [{"a": "\x0b\x01"}, {"b": "\ufffd"}]
    assert items.repaired == 2
    assert not items.truncated


def test_readings_begin_anew_and_the_header_is_there() -> None:
    items = JsonItems(b'{"name": "Ana", "id": 7, "messages": [1, 2], "more": 1}', ["messages"])
    assert json.loads(items.header) == {"name": "Ana", "id": 7}
    with duckdb.connect() as con:
        con.register("items", items)
        for _ in range(2):
            if duckdb.__version__ < "1.5":  # which asks for the stream when it is registered
                con.register("items", items)
            assert con.execute("SELECT count(*) FROM items").fetchall() == [(2,)]


def test_nothing_and_other_things() -> None:
    for content in (b"", b"5", b"[]", b"{}", b'{"messages": {}}', b'{"messages": 5}', b"null", b"\xff\xfe"):
        assert read(content, ["messages"])[0] == []
    with pytest.raises(TypeError, match="JsonItems: expected content to be bytes or another buffer, got str"):
        JsonItems("[]", [])
    with pytest.raises(TypeError, match="expected path to be at most 8 steps"):
        JsonItems(b"", "messages")
    with pytest.raises(TypeError, match="expected a step to be None or up to four names"):
        JsonItems(b"", [("a", "b", "c", "d", "e")])


def test_batches(tmp_path: Path) -> None:
    """Their memory is used again, unless somebody holds them; and a file is read again whose pages have left."""
    pyarrow = pytest.importorskip("pyarrow")
    texts = ["a" * (i % 90) + str(i) if i % 3 else None for i in range(5000)]
    path = tmp_path / "items.json"
    path.write_text(json.dumps([{"text": text} for text in texts]), encoding="utf-8")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for content in (path.read_bytes(), mapped):
        items = JsonItems(content, [], fields={"text": "text"}, batch_rows=300)
        for _ in range(2):
            reader = pyarrow.RecordBatchReader.from_stream(items)
            kept, copied = [], []
            for number, batch in enumerate(reader):
                assert len(batch) == min(512, 5000 - 512 * number)
                copied += batch["text"].to_pylist()
                if number % 3 == 0:
                    kept.append((number, batch))
            assert copied == texts
            for number, batch in kept:
                assert batch["text"].to_pylist() == texts[512 * number : 512 * number + 512]
                assert batch["place"].to_pylist() == list(range(512 * number, 512 * number + len(batch)))
    for wrong in (0, 1 << 20, "many"):
        with pytest.raises(ValueError, match="JsonItems: expected batch_rows from 1 to 131072, got"):
            JsonItems(b"[]", [], batch_rows=wrong)  # type: ignore[arg-type]


def test_batches_end_by_their_bytes() -> None:
    """They are not DuckDB's memory: of large elements a batch has few, whatever was asked for."""
    pyarrow = pytest.importorskip("pyarrow")
    for size, count in ((20_000, 4_000), (3_000_000, 30)):
        content = json.dumps([{"text": "a" * size}] * count).encode()
        sizes = [len(batch) for batch in pyarrow.RecordBatchReader.from_stream(
            JsonItems(content, [], fields={"text": "text"}, batch_rows=100_000)
        )]  # fmt: skip
        assert sum(sizes) == count
        assert max(sizes) * size < 2 * (32 << 20)
        assert len(sizes) > 1


def test_the_buffer_is_given_back_in_a_cycle() -> None:
    content = bytearray(b'[{"a": 1}]')

    class Holder:
        pass

    holder = Holder()
    holder.own, holder.items = holder, JsonItems(content, [])  # type: ignore[attr-defined]
    with pytest.raises(BufferError):
        content += b"x"
    del holder
    gc.collect()
    content += b"x"
