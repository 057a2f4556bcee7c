"""Fields of JSON objects as columns: equal to Python's json on random objects, whole and broken."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from conftest import SCALE
from paths import connection

from streamliner_udf import JsonItems

FIELDS = {"id": "id", "name": "from.name", "text": "text*", "files": "files.name", "chat": "^chat"}


def oracle(document: Any, fields: dict[str, str], owner: Any = None) -> list[str | None]:
    """What the fields of an object are, the slow way."""
    found: list[str | None] = []
    for way in fields.values():
        root = owner if way.startswith("^") else document
        steps = way.removeprefix("^").removesuffix("*").split(".")
        values, several = [root], False
        for step in steps:
            onward: list[Any] = []
            for value in values:
                several |= isinstance(value, list)
                each = value if isinstance(value, list) else [value]
                onward += [one[step] for one in each if isinstance(one, dict) and step in one]
            values = onward
        texts = [shown(value, way.endswith("*")) for value in values if value is not None]
        found.append("\n".join(texts) if texts else None)
    return found


def shown(value: Any, joined: bool) -> str:
    if isinstance(value, str):
        return value
    if joined and isinstance(value, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in value]
        return "".join(part for part in parts if isinstance(part, str))
    return json.dumps(value, ensure_ascii=False)


def read(content: bytes, path: list[Any], **options: Any) -> tuple[list[tuple[Any, ...]], JsonItems]:
    items = JsonItems(content, path, **options)
    con = connection()
    con.register("items", items)
    return con.execute("FROM items").fetchall(), items


def value(rng: random.Random, depth: int = 0) -> Any:
    roll = rng.random()
    if roll < 0.5 or depth > 2:
        return rng.choice([1, -2, True, False, None, "a", 'é"\\\n]{\t', "\u2028😀", "", "x" * 40, "Ã©", "\x0b"])
    if roll < 0.75:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    keys = ("id", "from", "name", "text", "files", "other", "a_name_of_more_than_thirty_one_bytes")
    return {rng.choice(keys): value(rng, depth + 1) for _ in range(rng.randint(0, 5))}


def test_equals_json(rng: random.Random) -> None:
    for turn in range(300 * SCALE):
        wanted = [value(rng) for _ in range(rng.randint(0, 8))]
        document = {"chat": value(rng), "messages": wanted}
        text = json.dumps(document, ensure_ascii=turn % 2 == 0, indent=rng.choice([None, 1]), separators=(", ", ": "))
        rows, items = read(text.encode(), ["messages"], fields=FIELDS)
        for place, (one, row) in enumerate(zip(wanted, rows, strict=True)):
            broken = None if isinstance(one, dict) else "no object"
            fields = [None] * 5 if broken else oracle(one, FIELDS, document)
            # JSON inside of a column is as the document has it: compared as what it says.
            assert [same(a) for a in row[:5]] == [same(a) for a in fields], text
            assert row[5:] == (broken, place)
        assert items.repaired == 0


def same(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return text


def test_what_json_refuses_is_broken(rng: random.Random) -> None:
    """An element that has an end but is no JSON; control characters and \\xHH are taken, and NaN is not."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    for _ in range(600 * SCALE):
        whole = json.dumps(
            {"id": 1, "text": value(rng), "files": value(rng), "other": [value(rng)]}, ensure_ascii=False
        )
        junk = list(whole)
        for _ in range(rng.randint(1, 2)):
            junk[rng.randrange(1, len(junk) - 1)] = rng.choice('"\\{}[],:ux0n1e.-+ \n')
        text = "".join(junk)
        rows, items = read(f"[{text}]".encode(), [], fields={"id": "id"})
        if "\\x" in text or len(rows) != 1 or items.truncated:
            continue
        try:
            good = json.loads(text, strict=False, parse_constant=refuse)
        except ValueError:
            good = None
        reason = None if isinstance(good, dict) else "broken JSON"
        assert rows[0][1] == reason, text


def test_strings_say_what_they_say() -> None:
    cases = {
        r'"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"': 'é😀"\\/\b\f\n\r\t',
        r'"a\x0Bb\x1f"': "a\x0bb\x1f",
        '"a\x0b\x01\n"': "a\x0b\x01\n",
        r'"\ud800x\udc00\ud83d\u0041"': "\ufffdx\ufffd\ufffdA",
        '""': "",
        r'"\u0000"': "\0",
    }
    for text, wanted in cases.items():
        rows, items = read(b'[{"a": ' + text.encode() + b"}]", [], fields={"a": "a"})
        assert rows == [(wanted, None, 0)]
        assert items.repaired == ("\ufffd" in wanted)
    rows, items = read(b'[{"a":"\xff\xe9"},{"a":"\\q"},{"a":01},{"a":"\\x0"}]', [], fields={"a": "a"})
    assert rows == [("\ufffd\ufffd", None, 0), *((None, "broken JSON", place) for place in (1, 2, 3))]
    assert items.repaired == 1


def test_latin1(rng: random.Random) -> None:
    """UTF-8 that was written a character a byte; everything else stays as it is."""

    def repaired(text: str) -> str:
        try:
            return text.encode("latin-1").decode()
        except UnicodeError:
            return text

    fixed = ["café", "Ã©", "cafÃ©", "ð\x9f\x98\x82", "plain", "", "Ã© 😀", "Ã", "\x80", "Â\x80"]
    for _ in range(300 * SCALE):
        fixed.append("".join(rng.choice("aé😀Ã©\x80\xbf\xe2\x82\xac ") for _ in range(rng.randint(0, 20))))
        fixed.append(fixed[-1].encode().decode("latin-1"))
    for ascii_only in (True, False):
        text = json.dumps([{"a": one} for one in fixed], ensure_ascii=ascii_only).encode()
        rows, _ = read(text, [], fields={"a": "a"}, latin1=True)
        assert [row[0] for row in rows] == [repaired(one) for one in fixed]


def test_the_last_of_a_name_and_the_way_through_arrays() -> None:
    text = b'[{"a":1,"a":{"b":2},"c":[{"d":"x"},{"d":null},{"e":1},"y",{"d":[1, 2]}]},{"a":"s","a":null,"c":{"d":"z"}}]'
    rows, _ = read(text, [], fields={"a": "a", "b": "a.b", "d": "c.d"})
    assert rows == [('{"b":2}', "2", "x\n[1, 2]", None, 0), (None, None, "z", None, 1)]


def test_joined_elements() -> None:
    text = b'{"name": "x", "messages": [{"a": 1}, {"b": [2]} , 3], "title": "t"}'
    items = JsonItems(text, ["messages"])
    assert items.joined() == (b'{"a": 1}, {"b": [2]} , 3', '{"name": "x","title": "t"}')
    assert items.joined(backwards=True)[0] == b'3,{"b": [2]},{"a": 1}'
    assert items.count == 3
    assert not items.truncated
    assert JsonItems(text[:45], ["messages"]).joined()[0] == b'{"a": 1}'
    seen = []

    def judge(elements: memoryview) -> bool:
        seen.append(bytes(elements))
        return len(seen) == 2

    assert [items.joined(judge)[0] for _ in range(2)] == [b'{"a": 1}, {"b": [2]} , 3', b'3,{"b": [2]},{"a": 1}']
    assert seen == [b'{"a": 1}, {"b": [2]} , 3'] * 2
    assert JsonItems(b'{"messages": []}', ["messages"]).joined(judge) == (b"", "{}")
    assert len(seen) == 2


def test_wrong_fields() -> None:
    for fields in ({}, {"a": "b.c.d.e.f"}, {"a": 1}, {str(n): "a" for n in range(49)}):
        with pytest.raises(TypeError, match="JsonItems: expected"):
            JsonItems(b"[]", [], fields=fields)  # type: ignore[arg-type]
