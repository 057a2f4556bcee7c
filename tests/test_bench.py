"""The benchmarks measure what they say: the corpus is what it claims, the floors are right, answers are compared."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

pytest.importorskip("pyarrow")

import cases  # noqa: E402
import corpora  # noqa: E402
import floors  # noqa: E402
import overhead  # noqa: E402
import plain_python  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import settings  # noqa: E402
import timing  # noqa: E402

needs_compiler = pytest.mark.skipif(not shutil.which(floors.compiler()[0]), reason="no C compiler")


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(corpora, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        yield con


# ---- corpora -------------------------------------------------------------------------------------------------------


def test_corpus_is_made_of_what_it_says() -> None:
    found = corpora.statistics(corpora.chat_messages(60_000))
    wanted = {  # value, relative tolerance
        "mean_bytes": (100, 0.03),
        "median_bytes": (69, 0.05),
        "p99_bytes": (520, 0.08),
        "max_bytes": (4_096, 0.5),
        "non_ascii": (21, 0.05),
        "at_sign": (2.9, 0.1),
        "phone": (1.9, 0.15),
        "url": (7.9, 0.06),
        "media": (2.0, 0.12),
        "multi_line": (3.6, 0.1),
        "markup": (4.8, 0.1),
    }
    assert {name: found[name] for name in wanted} == {
        name: pytest.approx(value, rel=tolerance) for name, (value, tolerance) in wanted.items()
    }


def test_corpus_holds_every_script() -> None:
    text = "\n".join(corpora.chat_messages(5_000))
    for character in "ãé\u0301今😂\u200dсم\u200e…":
        assert character in text, ascii(character)


def test_corpus_is_the_same_every_time_and_begins_with_the_shorter_one() -> None:
    assert corpora.chat_messages(200, seed=3) == corpora.chat_messages(300, seed=3)[:200]
    assert corpora.chat_messages(200, seed=3) != corpora.chat_messages(200, seed=4)


def test_authors_are_few_and_unequal() -> None:
    names = corpora.authors(50_000)
    assert 550 <= len(set(names)) <= 600
    assert names.count(max(set(names), key=names.count)) > 10 * 50_000 / 600
    assert all(0 < len(name) < 40 for name in names)


def test_load_keeps_the_messages_and_their_order(own_files: Path, connection: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):  # the second time from the file
        corpora.load(connection, 3_000)
        corpora.load_authors(connection, 3_000)
        for table, wanted in (("m", corpora.chat_messages(3_000)), ("a", corpora.authors(3_000))):
            assert connection.execute(f"SELECT id, t FROM {table} ORDER BY id").fetchall() == list(enumerate(wanted))
    assert len(list(corpora.CACHE.iterdir())) == 2


# ---- floors and opponents ------------------------------------------------------------------------------------------


@needs_compiler
def test_floors_answer_right(own_files: Path, connection: duckdb.DuckDBPyConnection) -> None:
    floors.load(connection)
    corpora.load(connection, 5_000)
    connection.execute("INSERT INTO m SELECT -1 - i, repeat('xé', i::INT) FROM range(40) r(i)")
    connection.execute("INSERT INTO m VALUES (-50, NULL), (-51, repeat('x', 3000000))")
    differing = connection.execute(
        """
        SELECT count(*) FILTER (sl_floor_noop(t) IS DISTINCT FROM strlen(t)),
               count(*) FILTER (sl_floor_touch(t) IS DISTINCT FROM
                                CASE WHEN strlen(t) = length(t) THEN strlen(t) WHEN t IS NOT NULL THEN 0 END),
               count(*) FILTER (sl_floor_identity(t) IS DISTINCT FROM t)
        FROM m
        """
    ).fetchone()
    assert differing == (0, 0, 0)


def test_plain_python_is_what_pipelines_write(connection: duckdb.DuckDBPyConnection) -> None:
    cases: dict[str, tuple[Any, Any]] = {
        "scrub_pii": ("ana@example.org, +1 555-123-4567", "<EMAIL_REDACTED>, <PHONE_REDACTED>"),
        "normalize": ("ﬁne ①", "fine 1"),
        "strip_invisible": ("a\u200b\u200eb\ufeff", "ab"),
        "clean_text": ("  ﬁne \n\u2060 day ", "fine day"),
        "squash_spaces": (" a \t b\n", "a b"),
        "fold": ("São ①", "sao 1"),
        "straighten_quotes": ("“it’s”", '"it\'s"'),
        "unquote": ("'a'", "a"),
        "html_escape": ("<a & 'b'>", "&lt;a &amp; &#x27;b&#x27;&gt;"),
        "html_unescape": ("&lt;a &amp; b&gt; &eacute;", "<a & b> é"),
        "html_to_text": ("<p>Fish &amp; <b>chips</b></p> <script>x()</script>", "Fish & chips"),
        "slugify": ("Olá, Mundo!", "ola-mundo"),
        "extract_urls": ("see https://x.org/a?b. or <http://y.org>", ["https://x.org/a?b.", "http://y.org"]),
        "extract_emails": ("ana@example.org, bo@x.org.", ["ana@example.org", "bo@x.org"]),
        "extract_mentions": ("@ana, c@d.org", ["@ana"]),
        "extract_hashtags": ("#tag1 a#b", ["#tag1"]),
        "extract_emoji": ("ok 👍🏽 🇧🇷", ["👍🏽", "🇧🇷"]),
        "extract_media": ("IMG-20240305-WA0001.jpg (file attached)", ["IMG-20240305-WA0001.jpg"]),
        "media_to_markdown": ("<attached: 1-PHOTO.jpg> a.mp4 (file attached)", "![Image](1-PHOTO.jpg) [Video](a.mp4)"),
        "chunk_text": ("word " * 200, ["word " * 159 + "word", "word " * 79 + "word"]),
        "count_words": ("don't, 3.14", 4),
        "estimate_tokens": ("twelve chars", 3),
        "pack_windows": (
            [4000, 300, 3800],
            [dict(zip(("first", "last", "total"), w, strict=True)) for w in ((1, 1, 4000), (2, 2, 300), (3, 3, 3800))],
        ),
        "has_pii": ("ana@example.org", True),
        "pseudonym": ("Ana", "1bc1fa0d5d14963e181befc2f94e2e1a"),
        "edit_distance": (("kitten", "sitting"), 3),
        "ratio": (("abcd", "bcde"), 75.0),
        "token_sort_ratio": (("b a", "a b"), 100.0),
        "contains_any": ("more coffee", True),
        "find_many": ("more coffee", [{"pattern": "coffee", "start": 5, "stop": 11}]),
        "replace_many": ("more coffee", "more *"),
        "uuid5": ("Ana", "6603dc0d-c484-5407-baa9-7ef26c6241ee"),
    }
    sketches = {"minhash", "simhash"}  # their numbers say nothing to a reader
    assert set(cases) == set(plain_python.FUNCTIONS) - sketches
    plain_python.register(connection)
    for name, (given, wanted) in cases.items():
        texts = given if isinstance(given, tuple) else (given,)
        call = f"py_{name}({', '.join('?' * len(texts))})"
        assert connection.execute(f"SELECT {call}", list(texts)).fetchone() == (wanted,), name


# ---- timing --------------------------------------------------------------------------------------------------------


def test_ways_take_turns_and_each_begins_a_round() -> None:
    ran: list[str] = []
    ways = {name: timing.Way(lambda name=name: ran.append(name), lambda: ran.append("before")) for name in "abc"}  # type: ignore[misc]
    took = timing.interleave(ways, rounds=3, warm_up=1)
    assert "".join(ran[1::2]) == "cab" + "abc" + "bca" + "cab"
    assert set(ran[::2]) == {"before"}
    assert all(len(series.wall) == len(series.cpu) == 3 for series in took.values())


def test_ratio_pairs_the_rounds() -> None:
    slow, fast = timing.Series(wall=[2.0, 4.0, 30.0]), timing.Series(wall=[1.0, 2.0, 3.0])
    assert timing.ratio(slow, fast) == {"paired": 2.0, "minima": 2.0, "medians": 2.0}
    assert timing.ratio(slow, fast, per=10)["paired"] == 20.0
    assert fast.summary()["wall_median"] == 2000.0 if fast.cpu else True


def test_machine_says_where() -> None:
    where = timing.machine(2)
    assert where["duckdb"] == duckdb.__version__
    assert where["threads"] == 2
    assert "DuckDB" in timing.describe(where)


# ---- the benchmarks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "goal", "got", "kept"),
    [("floor", 1.5, 1.6, True), ("floor", 1.5, 1.7, False), ("python", 150, 140, True), ("python", 150, 130, False)],
)
def test_a_goal_is_missed_beyond_the_slack(name: str, goal: float, got: float, kept: bool) -> None:
    record = {"function": "f", "goals": {name: goal}, "ratios": {name: {"paired": got}}}
    assert (run.missed(record, run.SLACK) == []) is kept


@needs_compiler
def test_run(own_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run.main(["--rows", "3000", "--quick", "--label", "test"])
    assert stop.value.code == 0
    record = json.loads((own_files / "run-test.json").read_text(encoding="utf-8"))
    assert [f["function"] for f in record["functions"]] == [case.name for case in cases.all_cases()]
    assert "slugify" in capsys.readouterr().out
    # The built-in SQL is an opponent only if it does the same work.
    shares = {f["function"]: f["differing"] for f in record["functions"]}
    assert shares["html_escape"] == shares["uuid5, authors"] == {"python": 0, "builtin": 0}
    # Elsewhere what people write may have other rules; how often is said, and is a share.
    assert all(0 <= share <= 1 for found in shares.values() for share in found.values())


@needs_compiler
def test_overhead_runs(own_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overhead.main(["--rows", "20480", "--quick", "--label", "test"])
    record = json.loads((own_files / "overhead-test.json").read_text(encoding="utf-8"))
    assert [way["way"] for way in record["ways"]] == list(overhead.ENTRIES)
    assert "Python UDF" in capsys.readouterr().out


@needs_compiler
def test_overhead_times_no_wrong_answer(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(overhead.ENTRIES, "wrong", overhead.Entry("built-in", "upper(t)", str.lower))
    with pytest.raises(SystemExit, match=r"^wrong: expected"):
        overhead.main(["--rows", "20480", "--quick", "--label", "test"])


# ---- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busiest", "cpu", "wanted"),
    [
        ((1.9, 1.8, 2.0), (1.0, 0.9, 1.1), "less time"),
        ((1.2, 0.9, 1.4), (1.04, 1.01, 1.08), "nothing"),
        ((0.7, 0.6, 0.8), (0.6, 0.5, 0.7), "more time, more work"),
    ],
)
def test_an_effect_is_more_than_noise(
    busiest: tuple[float, float, float], cpu: tuple[float, float, float], wanted: str
) -> None:
    names = ("ratio", "low", "high")
    found = {
        "busiest": dict(zip(names, busiest, strict=True)),
        "cpu": dict(zip(names, cpu, strict=True)),
    }
    assert settings.verdict(found) == wanted


def test_a_setting_that_changes_answers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(tmp_path / "given.duckdb")
    with duckdb.connect(source) as con:
        con.execute("CREATE TABLE messages AS SELECT i AS seq, 'message ' || i AS text FROM range(3000) t(i)")
    small = settings.Setting("small groups", attach="(ROW_GROUP_SIZE 2048)", rows=3_000)
    found = settings.measure(small, source, 2)
    assert found["answers_equal"]
    assert found["cpu"]["ratio"] > 0
    real = settings.pipeline

    def wrong(*arguments: Any) -> list[Any]:
        return [*real(*arguments), object()]

    monkeypatch.setattr(settings, "pipeline", wrong)
    with pytest.raises(SystemExit, match="small groups: the answers differ"):
        settings.measure(small, source, 1)
