"""Messages that are nearly the same: MinHash, bands, a check. `streamliner_udf.near_duplicates(con, table)` is this."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import duckdb

from .sql import count, identifier
from .transaction import transaction

__all__ = ["NearDuplicatesReport", "choose_bands", "found_share", "near_duplicates"]

Progress = Callable[[str, int, int], object]

_TEXTS = "streamliner_near_texts"
_BANDS = "streamliner_near_bands"
_MEMBERS = "streamliner_near_members"
_CANDIDATES = "streamliner_near_candidates"
_SKETCHES = "streamliner_near_sketches"
_PAIRS = "streamliner_near_pairs"
_LABELS = "streamliner_near_labels"
_CLOSE = "streamliner_near_close"
_TEMPORARY = (_TEXTS, _BANDS, _MEMBERS, _CANDIDATES, _CLOSE, _SKETCHES, _PAIRS, _LABELS)

# Candidates whose estimate is further below the threshold than so many standard errors are not compared exactly.
_ERRORS = 4.0

_MOST_HASHES = 4096
_LONGEST_NGRAM = 64


@dataclass(frozen=True)
class NearDuplicatesReport:
    """What was found. `rows` = `nulls` + `wordless` + `copies` + `texts`.

    nulls, wordless : rows without a text, and with a text of white space only; they are nobody's duplicates.
    copies : rows whose text, character by character, is that of an earlier key.
    texts : different texts that were compared.
    candidates : pairs of texts that share a band, each once.
    near_pairs : those of them that reach the threshold.
    pairs : rows of the table of pairs: `near_pairs` and one for each copy.
    clusters, clustered : groups of two rows or more, and the rows in them.
    bands, rows_per_band : how the signatures were cut.
    found_at_threshold : chance that two texts just at the threshold share a band; more similar ones are found rather.
    large_buckets : buckets of a band that hold more than max_bucket texts, where not all pairs are compared.
    not_compared : an upper bound of the pairs of texts that were left out there; 0: nothing was.
    """

    table: str
    rows: int
    nulls: int
    wordless: int
    copies: int
    texts: int
    candidates: int
    near_pairs: int
    pairs: int
    clusters: int
    clustered: int
    bands: int
    rows_per_band: int
    threshold: float
    found_at_threshold: float
    large_buckets: int
    not_compared: int
    exact: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        left = f"{self.nulls + self.wordless:,} without words; " if self.nulls + self.wordless else ""
        large = ""
        if self.large_buckets:
            large = f"; {self.large_buckets:,} large buckets, at most {self.not_compared:,} pairs not compared"
        return (
            f"{self.table}: {self.rows:,} rows, {self.copies:,} copies, {left}{self.near_pairs:,} near pairs "
            f"of {self.candidates:,} candidates, {self.clustered:,} rows in {self.clusters:,} clusters; "
            f"{self.bands} bands of {self.rows_per_band}, {100 * self.found_at_threshold:.1f} % found at "
            f"{self.threshold:g}{large}; {self.seconds:.2f} s"
        )


def found_share(similarity: float, bands: int, rows: int) -> float:
    """Chance that two texts share a band of their signatures, 1 - (1 - similarity**rows)**bands.

    Examples
    --------
    >>> round(found_share(0.5, bands=2, rows=1), 3)
    0.75
    """
    return 1.0 - (1.0 - similarity**rows) ** bands


def choose_bands(threshold: float, num_hashes: int = 128, recall: float = 0.99) -> tuple[int, int]:
    """How to cut signatures into bands: as few candidates as possible, while pairs at the threshold are found.

    Parameters
    ----------
    threshold : float
        Similarity from which on pairs matter, above 0 and at most 1.
    num_hashes : int
        Length of the signatures.
    recall : float
        The least chance, 0 to 1, to find a pair that is just at the threshold.

    Returns
    -------
    (bands, rows)
        The most rows a band, and with them the most bands, that give this chance. bands * rows may be a little less
        than num_hashes: a signature of fewer hashes is the beginning of one with more.

    Errors : ValueError where so few hashes can't do it even with one row a band.

    Examples
    --------
    >>> choose_bands(0.8)
    (21, 6)
    >>> round(found_share(0.8, 21, 6), 3), round(found_share(0.5, 21, 6), 3)
    (0.998, 0.282)
    """
    _expect("threshold", "above 0 and at most 1", threshold, 0 < threshold <= 1)
    _expect("num_hashes", f"from 1 to {_MOST_HASHES}", num_hashes, 1 <= num_hashes <= _MOST_HASHES)
    _expect("recall", "above 0 and below 1", recall, 0 < recall < 1)
    for rows in range(num_hashes, 0, -1):
        bands = num_hashes // rows
        if found_share(threshold, bands, rows) >= recall:
            return bands, rows
    raise ValueError(
        f"near_duplicates: expected num_hashes to be enough to find {recall:g} of the pairs at threshold "
        f"{threshold:g}, got {num_hashes}, which finds {found_share(threshold, num_hashes, 1):.3f}"
    )


def _expect(name: str, what: str, value: object, right: bool) -> None:
    if not right:
        raise ValueError(f"near_duplicates: expected {name} to be {what}, got {value!r}")


def _create(target: str) -> str:
    kind = "TEMP TABLE" if target.lower().startswith("temp.") else "TABLE"
    return f"CREATE OR REPLACE {kind} {target}"


def _components(size: int, a: Any, b: Any) -> Any:
    """For each of the numbers below `size` the least that it is connected with, by edges a[i] - b[i]."""
    import numpy as np

    parent = np.arange(size)
    while True:
        left, right = parent[a], parent[b]
        apart = left != right
        if not apart.any():
            return parent
        a, b, left, right = a[apart], b[apart], left[apart], right[apart]
        # All are roots here, and a root is only ever hung below a lesser one, so that no circle can come about.
        np.minimum.at(parent, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(above := parent[parent], parent):
            parent = above


@dataclass(frozen=True)
class _Options:
    threshold: float
    num_hashes: int
    bands: int
    rows: int
    ngram_size: int
    seed: int
    max_bucket: int
    neighbours: int
    exact: bool

    def signature(self, text: str, hashes: int) -> str:
        return f"sl_minhash({text}, {hashes}, {self.ngram_size}, {self.seed})"

    def ngrams(self, text: str) -> str:
        """The set of word n-grams of a text, as `sl_minhash` has them."""
        last = self.ngram_size - 1
        return (
            f"list_transform([string_split(sl_squash_spaces({text}), ' ')], lambda words: "
            f"list_distinct(list_transform(range(1, greatest(len(words) - {last}, 1) + 1), "
            f"lambda place: hash(words[place : place + {last}]))))[1]"
        )


class _Search:
    """The steps, each of them one or two statements over temporary tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, table: str, text: str, key: str, options: _Options) -> None:
        self.con = con
        self.table = table
        self.text = identifier(text)
        self.key = identifier(key)
        self.names = (text, key)
        self.rows = f"(SELECT {self.text} AS text, {self.key} AS key FROM {table})"
        self.options = options
        self.large = self.not_compared = 0

    def run(self, statement: str) -> list[Any]:
        return self.con.execute(statement).fetchall()

    def create(self, name: str, query: str) -> None:
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def check(self) -> tuple[int, int, int]:
        """Rows, those without a text, and those without a word. An error for what can't be a table of texts."""
        there = {row[0]: row[1] for row in self.run(f"DESCRIBE FROM {self.table}")}
        for name in self.names:
            if name not in there:
                raise ValueError(
                    f"near_duplicates: expected {self.table} to have a column {name}, got {', '.join(there)}"
                )
        if there[self.names[0]] != "VARCHAR":
            raise ValueError(f"near_duplicates: expected {self.names[0]} to be VARCHAR, got {there[self.names[0]]}")
        rows, keys, known, texts, wordless = self.run(
            f"SELECT count(*), count(DISTINCT {self.key}), count({self.key}), count({self.text}), "
            f"count(*) FILTER (sl_squash_spaces({self.text}) = '') FROM {self.table}"
        )[0]
        if known < rows or keys < known:
            came = f"{rows - known:,} NULL" if known < rows else f"{known - keys:,} that come again"
            raise ValueError(
                f"near_duplicates: expected a different value of {self.names[1]} in every row of {self.table}, "
                f"got {came}"
            )
        return rows, rows - texts, wordless

    def group_copies(self) -> None:
        """Every different text once, numbered in the order of the texts."""
        self.create(
            _TEXTS,
            f"SELECT row_number() OVER (ORDER BY text)::INTEGER AS id, text, first, copies FROM ("
            f"SELECT {self.text} AS text, min({self.key}) AS first, count(*) AS copies FROM {self.table} "
            f"WHERE sl_squash_spaces({self.text}) <> '' GROUP BY ALL)",
        )

    def cut_bands(self) -> None:
        """A column for each band, so that a pass over one of them reads only that."""
        options = self.options
        columns = ", ".join(f"bands[{band}] AS band_{band}" for band in range(1, options.bands + 1))
        signature = options.signature("text", options.bands * options.rows)
        self.create(
            _BANDS,
            f"SELECT id, {columns} FROM ("
            f"SELECT id, sl_minhash_bands({signature}, {options.bands}) AS bands FROM {_TEXTS})",
        )
        self.create(_CANDIDATES, "SELECT 0::INTEGER AS a, 0::INTEGER AS b LIMIT 0")

    def find_candidates(self, band: int) -> None:
        """Pairs of texts that share this band and none before."""
        options, column = self.options, f"band_{band}"
        self.create(
            _MEMBERS,
            f"SELECT id, bucket, size, first FROM {_BANDS} JOIN ("
            f"SELECT {column} AS bucket, count(*) AS size, min(id) AS first FROM {_BANDS} "
            f"GROUP BY {column} HAVING count(*) > 1) ON {column} = bucket",
        )
        small = f"(FROM {_MEMBERS} WHERE size <= {options.max_bucket})"
        found = [f"SELECT x.id AS a, y.id AS b FROM {small} x JOIN {small} y ON x.bucket = y.bucket AND x.id < y.id"]
        large, possible = self.run(
            f"SELECT count(DISTINCT bucket), coalesce(sum(size - 1) // 2, 0)::BIGINT "
            f"FROM {_MEMBERS} WHERE size > {options.max_bucket}"
        )[0]
        if large:
            # Each with the first of the bucket, which keeps it together, and with those whose texts come next.
            order = "OVER (PARTITION BY bucket ORDER BY id)"
            partners = ["first"] + [f"lag(id, {step}) {order}" for step in range(1, options.neighbours + 1)]
            self.create(
                f"{_SKETCHES}",
                f"SELECT DISTINCT unnest([{', '.join(partners)}]) AS a, id AS b FROM {_MEMBERS} "
                f"WHERE size > {options.max_bucket}",
            )
            found.append(f"SELECT a, b FROM {_SKETCHES} WHERE a < b")
            self.large += large
            self.not_compared += possible - count(self.con, f"SELECT count(*) FROM {_SKETCHES} WHERE a < b")
        self.con.execute(
            f"INSERT INTO {_CANDIDATES} SELECT DISTINCT a, b FROM ({' UNION ALL '.join(found)}) new "
            f"ANTI JOIN {_CANDIDATES} USING (a, b)"
            if large
            else f"INSERT INTO {_CANDIDATES} FROM ({found[0]}) new ANTI JOIN {_CANDIDATES} USING (a, b)"
        )

    def verify(self) -> None:
        """Candidates that reach the threshold, with their similarity."""
        options, similarity = self.options, "sl_minhash_similarity(x.sketch::UBIGINT[], y.sketch::UBIGINT[])"
        error = math.sqrt(options.threshold * (1 - options.threshold) / options.num_hashes)
        least = options.threshold - (_ERRORS * error if options.exact else 0.0)
        # The numbers of a signature are below 2**32, and half as wide they take half the memory.
        self.sketch(f"{options.signature('text', options.num_hashes)}::UINTEGER[]", _CANDIDATES)
        self.compare(similarity, _CANDIDATES, least)
        if options.exact:
            self.create(_CLOSE, f"SELECT a, b FROM {_PAIRS}")
            self.sketch(options.ngrams("text"), _CLOSE)
            similarity = (
                "list_transform([len(list_intersect(x.sketch, y.sketch))], "
                "lambda shared: shared / (len(x.sketch) + len(y.sketch) - shared))[1]"
            )
            self.compare(similarity, _CLOSE, options.threshold)

    def sketch(self, expression: str, pairs: str) -> None:
        """What stands for each text of some pairs when they are compared."""
        self.create(
            _SKETCHES,
            f"SELECT id, {expression} AS sketch FROM {_TEXTS} "
            f"SEMI JOIN (SELECT a AS id FROM {pairs} UNION SELECT b FROM {pairs}) USING (id)",
        )

    def compare(self, similarity: str, pairs: str, least: float) -> None:
        self.create(
            _PAIRS,
            f"SELECT a, b, similarity FROM (SELECT a, b, {similarity} AS similarity FROM {pairs} "
            f"JOIN {_SKETCHES} x ON a = x.id JOIN {_SKETCHES} y ON b = y.id) WHERE similarity >= {least!r}",
        )

    def write_pairs(self, target: str) -> None:
        self.con.execute(
            f"{_create(target)} AS "
            f"SELECT least(x.first, y.first) AS a, greatest(x.first, y.first) AS b, similarity FROM {_PAIRS} "
            f"JOIN {_TEXTS} x ON a = x.id JOIN {_TEXTS} y ON b = y.id UNION ALL "
            f"SELECT first, r.key, 1.0 FROM {self.rows} r JOIN {_TEXTS} t "
            f"ON r.text = t.text WHERE t.copies > 1 AND r.key <> t.first"
        )

    def label(self) -> None:
        """Which texts belong together, in the least number of each cluster."""
        import numpy as np

        found = self.con.execute(f"SELECT a, b FROM {_PAIRS}").fetchnumpy()
        a, b = (np.asarray(found[name], dtype=np.int64) for name in ("a", "b"))
        there = np.unique(np.concatenate([a, b]))
        roots = _components(len(there), np.searchsorted(there, a), np.searchsorted(there, b))
        labels = {"id": there.astype(np.int32), "root": there[roots].astype(np.int32)}
        self.con.register(f"{_LABELS}_view", labels)
        try:
            self.create(_LABELS, f"SELECT id, root FROM {_LABELS}_view")
        finally:
            self.con.unregister(f"{_LABELS}_view")
        self.con.execute(
            f"INSERT INTO {_LABELS} SELECT id, id FROM {_TEXTS} ANTI JOIN {_LABELS} USING (id) WHERE copies > 1"
        )

    def write_clusters(self, target: str) -> None:
        self.con.execute(
            f"{_create(target)} AS WITH clusters AS ("
            f"SELECT root, min(first) AS cluster, sum(copies)::BIGINT AS size FROM {_LABELS} JOIN {_TEXTS} USING (id) "
            f"GROUP BY root) "
            f"SELECT r.key AS {self.key}, cluster, size FROM {self.rows} r JOIN {_TEXTS} t ON r.text = t.text "
            f"JOIN {_LABELS} l ON t.id = l.id JOIN clusters c ON l.root = c.root"
        )


def near_duplicates(
    con: duckdb.DuckDBPyConnection,
    table: str = "messages",
    *,
    text: str = "text",
    key: str = "msg_key",
    threshold: float = 0.8,
    pairs: str = "near_duplicate_pairs",
    clusters: str | None = "near_duplicate_clusters",
    exact: bool = True,
    ngram_size: int = 3,
    num_hashes: int = 128,
    bands: int | None = None,
    recall: float = 0.99,
    seed: int = 1,
    max_bucket: int = 100,
    neighbours: int = 4,
    progress: Progress | None = None,
) -> NearDuplicatesReport:
    """Pairs and clusters of messages whose texts are the same or nearly so, as two tables.

    Parameters
    ----------
    con : DuckDBPyConnection
        With the functions on it (`streamliner_udf.connect`, `register`).
    table : str
        What stands after FROM: a table, a view, or a query in parentheses. A view over `sl_fold(text)` makes case and
        accents not count.
    text, key : str
        Columns: the texts, and what tells the rows apart. It may be of any type that can be ordered.
    threshold : float
        Least similarity of a pair: the Jaccard similarity of the sets of word n-grams, above 0 and at most 1.
    pairs : str
        The table of pairs that is written; one of that name is replaced. Columns: a, b (keys, a < b), similarity.
    clusters : str, optional
        The table of clusters that is written, likewise. Columns: the key, `cluster` (the least key of the cluster) and
        `size` (rows in the cluster). Rows without a duplicate are not in it. None: no clusters.
    exact : bool
        Similarities are those of the texts; else estimates from the signatures, whose standard error is
        sqrt(s (1 - s) / num_hashes): faster for long texts, and some pairs near the threshold fall on the other side.
    ngram_size : int
        Words in an n-gram, 1 to 64. Shorter texts have one n-gram, all their words.
    num_hashes, bands, recall : int, int, float
        Length of the signatures, 1 to 4096, and how many bands they are cut into. Without bands, `choose_bands` takes
        those that find at least `recall` of the pairs at the threshold with the fewest candidates.
    seed : int
        Of the signatures.
    max_bucket, neighbours : int
        Texts that share a band are all compared with each other as long as there are at most max_bucket, 2 or more. In
        larger buckets each is compared with the first, and with `neighbours` before it in the order of the texts: the
        work stays linear, clusters mostly stay whole, and pairs of two others are missing from `pairs`.
    progress : callable, optional
        Hears what is done, and how far it is: (label, done, total).

    Returns
    -------
    NearDuplicatesReport
        Counts, and what was not compared.

    Equal texts are one before anything else is done. In `pairs` the least key stands for all of them, and each other
    key of the same text has one row, with that one and similarity 1.

    Nulls : rows with a NULL text are counted and left out, and so are texts without a word.
    Errors : ValueError for options out of their range, missing columns, and keys that are NULL or come again. After an
    error both tables are as they were: it is one transaction.
    Cost : O(rows * num_hashes) for the signatures, then for each band a grouping of one number a text. Memory: eight
    bytes a text and band; DuckDB puts on disk what is above its limit.
    Source : Broder 1997, doi:10.1109/SEQUEN.1997.666900; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
    section 3.4.

    Examples
    --------
    >>> import streamliner_udf
    >>> con = streamliner_udf.connect()
    >>> _ = con.execute("CREATE TABLE said (id INTEGER, text VARCHAR)")
    >>> _ = con.execute('''INSERT INTO said VALUES
    ...     (1, 'we meet at the station at nine'), (2, 'we meet at the station at nine o''clock'),
    ...     (3, 'we meet at the station at nine'), (4, 'somebody has to feed the cat')''')
    >>> report = near_duplicates(con, "said", key="id", threshold=0.7)
    >>> con.sql("FROM near_duplicate_pairs ORDER BY ALL").fetchall()
    [(1, 2, 0.8333333333333334), (1, 3, 1.0)]
    >>> con.sql("FROM near_duplicate_clusters ORDER BY ALL").fetchall()
    [(1, 1, 3), (2, 1, 3), (3, 1, 3)]
    >>> report.copies, report.near_pairs, report.clusters, report.not_compared
    (1, 1, 1, 0)
    """
    started = time.perf_counter()
    _expect("ngram_size", f"from 1 to {_LONGEST_NGRAM}", ngram_size, 1 <= ngram_size <= _LONGEST_NGRAM)
    _expect("max_bucket", "2 or more", max_bucket, max_bucket >= 2)
    _expect("neighbours", "0 or more", neighbours, neighbours >= 0)
    if bands is None:
        bands, rows_per_band = choose_bands(threshold, num_hashes, recall)
    else:
        choose_bands(threshold, _MOST_HASHES, 0.5)
        _expect("bands", f"from 1 to num_hashes, {num_hashes}", bands, 1 <= bands <= num_hashes <= _MOST_HASHES)
        rows_per_band = num_hashes // bands
    options = _Options(
        float(threshold), num_hashes, bands, rows_per_band, ngram_size, seed, max_bucket, neighbours, exact
    )
    others = [name.strip().lower() for name in (table, pairs, clusters) if name is not None]
    _expect("pairs and clusters", f"two tables other than {table}", (pairs, clusters), len(set(others)) == len(others))
    tell = progress or (lambda label, done, total: None)
    search = _Search(con, table, text, key, options)
    total = bands + 3
    with transaction(con):
        try:
            rows, nulls, wordless = search.check()
            tell("signatures", 0, total)
            search.group_copies()
            search.cut_bands()
            for band in range(1, bands + 1):
                tell(f"band {band} of {bands}", band, total)
                search.find_candidates(band)
            tell("comparing", bands + 1, total)
            search.verify()
            search.write_pairs(pairs)
            tell("clusters", bands + 2, total)
            grouped = clustered = 0
            if clusters is not None:
                search.label()
                search.write_clusters(clusters)
                grouped = count(con, f"SELECT count(DISTINCT root) FROM {_LABELS}")
                clustered = count(con, f"SELECT count(*) FROM {clusters}")
            tell("clusters", total, total)
            texts, copies = search.run(f"SELECT count(*), coalesce(sum(copies - 1), 0)::BIGINT FROM {_TEXTS}")[0]
            candidates, near = (count(con, f"SELECT count(*) FROM {name}") for name in (_CANDIDATES, _PAIRS))
            written = count(con, f"SELECT count(*) FROM {pairs}")
        finally:
            with contextlib.suppress(duckdb.Error):
                for name in _TEMPORARY:
                    con.execute(f"DROP TABLE IF EXISTS temp.{name}")
    return NearDuplicatesReport(
        table,
        rows,
        nulls,
        wordless,
        copies,
        texts,
        candidates,
        near,
        written,
        grouped,
        clustered,
        bands,
        rows_per_band,
        float(threshold),
        found_share(threshold, bands, rows_per_band),
        search.large,
        search.not_compared,
        exact,
        time.perf_counter() - started,
    )


class _Callable(ModuleType):
    """`streamliner_udf.near_duplicates` is this module, and what people call."""

    __call__ = staticmethod(near_duplicates)  # with its signature


sys.modules[__name__].__class__ = _Callable
