"""near_duplicates: the pairs of a brute-force search over sets of words, and what happens where there are too many."""

from __future__ import annotations

import importlib
import itertools
import random
import uuid
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pytest

import streamliner_udf
from streamliner_udf import reference

near = importlib.import_module("streamliner_udf.near_duplicates")

SENTENCE = "we meet at the old station in front of every green door when rain falls on our heads"
WORDS = SENTENCE.split()


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        connection.execute("CREATE TABLE said (id INTEGER, text VARCHAR)")
        yield connection


def fill(con: duckdb.DuckDBPyConnection, texts: Iterable[str | None]) -> list[str | None]:
    kept = list(texts)
    con.executemany("INSERT INTO said VALUES (?, ?)", [[place, text] for place, text in enumerate(kept)])
    return kept


def ngrams(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + size]) for at in range(max(1, len(words) - size + 1))}


def jaccard(a: str, b: str, size: int = 3) -> Fraction:
    left, right = ngrams(a, size), ngrams(b, size)
    return Fraction(len(left & right), len(left | right))


def expected_pairs(texts: list[str | None], threshold: Fraction, size: int = 3) -> dict[tuple[int, int], float]:
    """As documented: the first key of each text stands for it, and its other keys are paired with that."""
    first: dict[str, int] = {}
    found = {}
    for place, text in enumerate(texts):
        if text is None or not text.split():
            continue
        if text in first:
            found[first[text], place] = 1.0
        else:
            first[text] = place
    for (a, x), (b, y) in itertools.combinations(first.items(), 2):
        if (similarity := jaccard(a, b, size)) >= threshold:
            found[x, y] = float(similarity)
    return found


def expected_clusters(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Key to the least key that it is connected with, by looking until nothing changes."""
    least: dict[int, int] = {}
    edges = list(pairs)
    for edge in edges:
        least |= {key: key for key in edge}
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            low = min(least[a], least[b])
            changed |= (least[a], least[b]) != (low, low)
            least[a] = least[b] = low
    return least


def pairs_of(con: duckdb.DuckDBPyConnection, table: str = "near_duplicate_pairs") -> dict[tuple[int, int], float]:
    rows = con.execute(f"SELECT a, b, similarity FROM {table}").fetchall()
    found = {(a, b): similarity for a, b, similarity in rows}
    assert len(found) == len(rows), "a pair comes twice"
    return found


def reworded(rng: random.Random, count: int) -> list[str | None]:
    """Texts, some of them with a few words of another changed, some copied, some empty."""
    texts: list[str | None] = []
    for _ in range(count):
        words = rng.choices(WORDS, k=rng.randrange(1, 25))
        if texts and rng.random() < 0.6 and (other := (rng.choice(texts) or "").split()):
            words = other
            for _ in range(rng.randrange(3)):
                words[rng.randrange(len(words))] = rng.choice(WORDS)
        texts.append(rng.choice((" ", "  ", "\n")).join(words))
        if rng.random() < 0.1:
            texts.append(rng.choice((None, "", " \u3000\n", texts[0])))
    return texts


# ---- what is found -------------------------------------------------------------------------------------------------


def test_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    fill(
        con,
        [
            "a b c d e f",  # abc bcd cde def
            "a b c d e g",  # abc bcd cde deg: 3 of 5
            "x a b c d e",  # xab abc bcd cde: 3 of 5 with the first, 3 of 5 with the second
            "a b",  # fewer than three words: one n-gram
            "a  b",  # the same words
            "A b c d e f",  # Abc bcd cde def: 3 of 5 with the first
            "q r s t u v",
        ],
    )
    report = streamliner_udf.near_duplicates(con, "said", key="id", threshold=0.6, num_hashes=512)
    assert pairs_of(con) == {(0, 1): 0.6, (0, 2): 0.6, (1, 2): 0.6, (3, 4): 1.0, (0, 5): 0.6}
    clusters = con.execute("FROM near_duplicate_clusters ORDER BY id").fetchall()
    assert clusters == [(0, 0, 4), (1, 0, 4), (2, 0, 4), (3, 3, 2), (4, 3, 2), (5, 0, 4)]
    assert (report.rows, report.texts, report.copies, report.near_pairs, report.pairs) == (7, 7, 0, 5, 5)
    assert (report.clusters, report.clustered, report.not_compared) == (2, 6, 0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_all_pairs_of_a_brute_force_search(con: duckdb.DuckDBPyConnection, size: int) -> None:
    # The numbers are the same in every run: with others one pair in a million would be missed.
    texts = fill(con, reworded(random.Random(size), 250))
    threshold = Fraction(1, 2)
    report = streamliner_udf.near_duplicates(
        con, "said", key="id", threshold=0.5, ngram_size=size, num_hashes=128, bands=128, max_bucket=1000
    )
    wanted = expected_pairs(texts, threshold, size)
    found = pairs_of(con)
    assert len(wanted) > 100
    assert found == pytest.approx(wanted, rel=1e-12)
    assert found.keys() == wanted.keys()
    least = expected_clusters(wanted)
    sizes = {key: sum(other == low for other in least.values()) for key, low in least.items()}
    rows = con.execute("SELECT id, cluster, size FROM near_duplicate_clusters ORDER BY id").fetchall()
    assert rows == [(key, least[key], sizes[key]) for key in sorted(least)]
    assert (report.clusters, report.clustered) == (len(set(least.values())), len(least))
    assert report.nulls == sum(text is None for text in texts)
    assert report.wordless == sum(text is not None and not text.split() for text in texts)
    worded = [text for text in texts if text and text.split()]
    assert (report.texts, report.copies) == (len(set(worded)), len(worded) - len(set(worded)))
    assert report.rows == report.nulls + report.wordless + report.copies + report.texts == len(texts)
    assert report.pairs == report.near_pairs + report.copies == len(wanted)


def test_default_bands_find_what_they_promise(con: duckdb.DuckDBPyConnection) -> None:
    texts = fill(con, reworded(random.Random(4), 600))
    report = streamliner_udf.near_duplicates(con, "said", key="id", threshold=0.8)
    wanted, found = expected_pairs(texts, Fraction(4, 5)), pairs_of(con)
    assert len(wanted) > 100
    assert found.items() <= wanted.items()
    assert len(found) >= 0.97 * len(wanted)
    assert report.found_at_threshold >= 0.99
    assert report.candidates < len(texts) ** 2 / 20


def test_estimates_are_those_of_the_signatures(con: duckdb.DuckDBPyConnection) -> None:
    texts = fill(con, reworded(random.Random(6), 80))
    options: dict[str, Any] = {"num_hashes": 64, "ngram_size": 2, "seed": 9}
    streamliner_udf.near_duplicates(con, "said", key="id", threshold=0.3, bands=64, exact=False, **options)
    different = {text: place for place, text in reversed(list(enumerate(texts))) if text and text.split()}
    signatures = {place: reference.minhash(text, **options) for text, place in different.items()}
    wanted = {}
    for a, b in itertools.combinations(sorted(signatures), 2):
        similarity = reference.minhash_similarity(signatures[a], signatures[b])
        if similarity >= 0.3:
            wanted[a, b] = similarity
    found = {pair: similarity for pair, similarity in pairs_of(con).items() if set(pair) <= signatures.keys()}
    assert len(wanted) > 30
    assert found == wanted


def test_keys_of_any_type_and_any_table(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, ["Olá, como vai você hoje", "ola, como vai voce hoje", "nothing like it at all"])
    con.execute('CREATE TABLE "odd name" AS SELECT uuid() AS "the key", text AS "first" FROM said')
    table = '(SELECT "the key", sl_fold("first") AS "first", 1 AS id, 2 AS copies FROM "odd name")'
    report = streamliner_udf.near_duplicates(
        con, table, key="the key", text="first", pairs='"my pairs"', clusters="temp.mine"
    )
    assert (report.copies, report.near_pairs, report.pairs) == (1, 0, 1)
    a, b, similarity = con.execute('FROM "my pairs"').fetchall()[0]
    assert isinstance(a, uuid.UUID)
    assert a < b
    assert similarity == 1.0
    assert [row[0] for row in con.execute("DESCRIBE temp.mine").fetchall()] == ["the key", "cluster", "size"]


def test_nothing_to_find(con: duckdb.DuckDBPyConnection) -> None:
    report = streamliner_udf.near_duplicates(con, "said", key="id", clusters=None)
    assert (report.rows, report.pairs, report.candidates, report.clusters) == (0, 0, 0, 0)
    fill(con, [None, "", "alone"])
    report = streamliner_udf.near_duplicates(con, "said", key="id")
    assert (report.rows, report.nulls, report.wordless, report.texts, report.clustered) == (3, 1, 1, 1, 0)
    assert pairs_of(con) == {}
    assert "2 without words" in str(report)
    assert report.to_dict()["texts"] == 1


# ---- templates -----------------------------------------------------------------------------------------------------


def test_many_texts_of_one_template_stay_linear_and_together(con: duckdb.DuckDBPyConnection) -> None:
    count = 400
    texts = fill(con, (f"{' '.join(WORDS)} {number}" for number in range(count)))
    wanted = expected_pairs(texts, Fraction(4, 5))
    assert len(wanted) == count * (count - 1) // 2, "all are near each other"
    report = streamliner_udf.near_duplicates(con, "said", key="id", max_bucket=20, neighbours=3)
    found = pairs_of(con)
    assert found.items() <= wanted.items()
    assert report.large_buckets >= 1
    assert report.candidates <= 4 * count * report.bands
    assert report.candidates < len(wanted) / 4
    assert len(wanted) - report.candidates <= report.not_compared, "what was left out is said"
    assert con.execute("SELECT count(*), min(size), max(cluster) FROM near_duplicate_clusters").fetchall() == [
        (count, count, 0)
    ]
    again = streamliner_udf.near_duplicates(con, "said", key="id", max_bucket=count)
    assert (again.large_buckets, again.not_compared, again.near_pairs) == (0, 0, len(wanted))
    assert "large buckets" in str(report)
    assert "large buckets" not in str(again)


def test_copies_cost_no_comparison(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO said SELECT i, 'good morning ' || i % 3 FROM range(30000) t(i)")
    report = streamliner_udf.near_duplicates(con, "said", key="id")
    assert (report.texts, report.copies, report.candidates, report.pairs) == (3, 29997, 0, 29997)
    assert (report.clusters, report.clustered) == (3, 30000)


# ---- bands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("hashes", [64, 100, 128])
def test_chosen_bands_are_the_widest_that_do(threshold: float, hashes: int) -> None:
    exact = Fraction(threshold)
    wide = [rows for rows in range(1, hashes + 1) if 1 - (1 - exact**rows) ** (hashes // rows) >= Fraction(99, 100)]
    assert near.choose_bands(threshold, hashes) == (hashes // max(wide), max(wide))


def test_share_that_is_found() -> None:
    assert near.found_share(0.5, 1, 1) == 0.5
    assert near.found_share(0.5, 2, 2) == 1 - 0.75**2
    assert near.found_share(1.0, 3, 40) == 1.0
    assert near.found_share(0.0, 3, 4) == 0.0


def test_components_are_those_of_a_search(rng: random.Random) -> None:
    for _ in range(50):
        size = rng.randrange(1, 60)
        edges = [(rng.randrange(size), rng.randrange(size)) for _ in range(rng.randrange(80))]
        a, b = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
        least = expected_clusters(edges)
        assert near._components(size, a, b).tolist() == [least.get(place, place) for place in range(size)]


# ---- what is refused, and what stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold to be above 0 and at most 1, got 0.0"),
        ({"threshold": 1.5}, "threshold to be above 0 and at most 1, got 1.5"),
        ({"threshold": 1.5, "bands": 4}, "threshold to be above 0 and at most 1, got 1.5"),
        ({"threshold": 0.01}, "num_hashes to be enough to find 0.99 of the pairs at threshold 0.01, got 128"),
        ({"num_hashes": 0}, "num_hashes to be from 1 to 4096, got 0"),
        ({"num_hashes": 5000, "bands": 2}, "num_hashes"),
        ({"bands": 129}, "bands to be from 1 to num_hashes, 128, got 129"),
        ({"ngram_size": 65}, "ngram_size to be from 1 to 64, got 65"),
        ({"recall": 1.0}, "recall to be above 0 and below 1, got 1.0"),
        ({"max_bucket": 1}, "max_bucket to be 2 or more, got 1"),
        ({"neighbours": -1}, "neighbours to be 0 or more, got -1"),
        ({"pairs": "said"}, "two tables other than said"),
        ({"pairs": "x", "clusters": "X"}, "two tables other than said"),
        ({"text": "body"}, "said to have a column body, got id, text"),
        ({"text": "id"}, "id to be VARCHAR, got INTEGER"),
    ],
)
def test_wrong_options(con: duckdb.DuckDBPyConnection, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"near_duplicates: expected ") as raised:
        streamliner_udf.near_duplicates(con, "said", **{"key": "id", **options})
    assert message in str(raised.value)


def test_keys_have_to_tell_rows_apart(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO said VALUES (1, 'a'), (1, 'b')")
    with pytest.raises(ValueError, match="different value of id in every row of said, got 1 that come again"):
        streamliner_udf.near_duplicates(con, "said", key="id")
    con.execute("INSERT INTO said VALUES (NULL, 'a')")
    with pytest.raises(ValueError, match="got 1 NULL"):
        streamliner_udf.near_duplicates(con, "said", key="id")


def test_an_error_leaves_everything_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, ["one and the same text", "one and the same text"])
    streamliner_udf.near_duplicates(con, "said", key="id")
    con.execute("INSERT INTO said VALUES (7, 'one and the same text')")
    with pytest.raises(duckdb.Error):
        streamliner_udf.near_duplicates(con, "said", key="id", clusters="nowhere.at.all.it")
    assert pairs_of(con) == {(0, 1): 1.0}, "the pairs of the first call"
    assert con.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'streamliner%'").fetchall() == []
    streamliner_udf.near_duplicates(con, "said", key="id")
    assert pairs_of(con) == {(0, 1): 1.0, (0, 7): 1.0}


def test_the_callers_transaction_is_the_callers(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, ["one and the same text", "one and the same text"])
    con.execute("BEGIN")
    streamliner_udf.near_duplicates(con, "said", key="id")
    con.execute("ROLLBACK")
    with pytest.raises(duckdb.CatalogException):
        con.execute("FROM near_duplicate_pairs")


def test_progress_is_told(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, ["one text", "another text"])
    heard: list[tuple[str, int, int]] = []
    report = streamliner_udf.near_duplicates(
        con, "said", key="id", progress=lambda label, done, total: heard.append((label, done, total))
    )
    assert [done for _, done, _ in heard] == list(range(report.bands + 4))
    assert {total for *_, total in heard} == {report.bands + 3}
