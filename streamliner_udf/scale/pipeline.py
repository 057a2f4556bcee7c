"""The whole job, step by step: chat exports, clean messages, duplicates, windows, chunks, a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import parse_rows
from ..ingest import ingest
from ..sql import quoted

__all__ = ["FUNCTIONS", "STEPS", "Job", "Step"]

_BLOCK = 1 << 20
_BANDS, _THRESHOLD, _BUCKET_MAX = 16, 0.8, 100
# A message by itself says little: what people wrote without a pause of this length is one document.
_PAUSE = "INTERVAL 5 MINUTE"
_BUDGET, _OVERLAP = 1_000, 100
_CHUNK, _CHUNK_OVERLAP = 800, 200
_NEAR_WORDS = 5


@dataclass
class Job:
    """One run of the pipeline: the connection to its database, the exports, and where the result goes."""

    connection: duckdb.DuckDBPyConnection
    files: Sequence[Path]
    output: Path

    def run(self, query: str) -> None:
        """To the end: a result that is not read may still be at work."""
        self.connection.execute(query).fetchall()


@dataclass(frozen=True)
class Step:
    """`does` says it in a few words; `run` is what is measured. `streams` : needs no more memory for more rows."""

    name: str
    does: str
    run: Callable[[Job], None]
    streams: bool


# ---- steps -----------------------------------------------------------------------------------------------------------


def _read(job: Job) -> None:
    for path in job.files:
        with path.open("rb", buffering=0) as file:
            while file.read(_BLOCK):
                pass


def _ingest(job: Job) -> None:
    ingest(job.connection, list(job.files), "messages")
    job.run("CHECKPOINT")


def _clean(job: Job) -> None:
    job.run("""
        CREATE TABLE clean AS
        SELECT msg_key, chat, seq, ts, sl_uuid5('oid', 'whatsapp:' || author) AS author_id, text,
               sl_extract_urls(text) AS urls, sl_extract_emails(raw) AS emails, sl_extract_mentions(text) AS mentions,
               sl_extract_hashtags(text) AS hashtags, sl_extract_emoji(text) AS emoji
        FROM (SELECT *, sl_scrub_pii(raw) AS text
              FROM (SELECT msg_key, chat, seq, ts, author, sl_clean_text(text) AS raw FROM messages))
    """)
    job.run("CHECKPOINT")


def _near_duplicates(job: Job) -> None:
    """Each different text once; texts that share a band are compared; the pairs are kept."""
    job.run(f"""
        CREATE TEMP TABLE near_texts AS
        SELECT row_number() OVER (ORDER BY text) AS id, text, min(msg_key) AS first, count(*) AS copies
        FROM clean WHERE sl_count_words(text) >= {_NEAR_WORDS} GROUP BY text
    """)
    bands = ", ".join(f"bands[{band}] AS band_{band}" for band in range(1, _BANDS + 1))
    job.run(f"""
        CREATE TEMP TABLE near_bands AS
        SELECT id, {bands} FROM (SELECT id, sl_minhash_bands(sl_minhash(text), {_BANDS}) AS bands FROM near_texts)
    """)
    job.run("CREATE TEMP TABLE near_candidates (a BIGINT, b BIGINT)")
    for band in range(1, _BANDS + 1):
        members = f"""
            SELECT id, band_{band} AS bucket FROM near_bands SEMI JOIN (
                SELECT band_{band} FROM near_bands GROUP BY ALL HAVING count(*) BETWEEN 2 AND {_BUCKET_MAX}
            ) USING (band_{band})
        """
        job.run(f"""
            INSERT INTO near_candidates
            SELECT x.id, y.id FROM ({members}) x JOIN ({members}) y ON x.bucket = y.bucket AND x.id < y.id
            ANTI JOIN near_candidates c ON c.a = x.id AND c.b = y.id
        """)
    job.run(f"""
        CREATE TABLE near AS
        WITH signatures AS (
            SELECT id, first, sl_minhash(text) AS signature FROM near_texts
            SEMI JOIN (SELECT a AS id FROM near_candidates UNION SELECT b FROM near_candidates) USING (id)
        )
        SELECT least(x.first, y.first) AS a, greatest(x.first, y.first) AS b,
               sl_minhash_similarity(x.signature, y.signature) AS similarity
        FROM near_candidates c JOIN signatures x ON c.a = x.id JOIN signatures y ON c.b = y.id
        WHERE sl_minhash_similarity(x.signature, y.signature) >= {_THRESHOLD}
    """)
    job.run("DROP TABLE near_texts; DROP TABLE near_bands; DROP TABLE near_candidates")
    job.run("CHECKPOINT")


def _windows(job: Job) -> None:
    job.run(f"""
        CREATE TABLE sessions AS
        SELECT msg_key, chat, seq, sl_estimate_tokens(text) AS tokens,
               sum(starts) OVER (PARTITION BY chat ORDER BY seq) AS session
        FROM (SELECT *, (ts - lag(ts) OVER (PARTITION BY chat ORDER BY seq) > {_PAUSE})::INTEGER AS starts FROM clean)
    """)
    job.run(f"""
        CREATE TABLE windows AS
        SELECT chat, session, unnest(sl_pack_windows(list(tokens ORDER BY seq), {_BUDGET}, {_OVERLAP})) AS span
        FROM sessions GROUP BY chat, session
    """)
    job.run("CHECKPOINT")


def _chunks(job: Job) -> None:
    job.run(f"""
        CREATE TABLE chunks AS
        SELECT chat, session, unnest(sl_chunk_text(document, {_CHUNK}, {_CHUNK_OVERLAP}), recursive := true)
        FROM (SELECT chat, session, string_agg(text, chr(10) ORDER BY clean.seq) AS document
              FROM clean JOIN sessions USING (msg_key, chat) GROUP BY ALL)
    """)
    job.run("CHECKPOINT")


def _export(job: Job) -> None:
    job.run(f"""
        COPY (SELECT * FROM clean LEFT JOIN (SELECT b AS msg_key, min(a) AS duplicate_of FROM near GROUP BY b)
              USING (msg_key) ORDER BY chat, seq)
        TO {quoted(job.output)} (FORMAT parquet, COMPRESSION zstd)
    """)


STEPS = (
    Step("read", "the bytes of the exports, once", _read, True),
    Step("ingest", "parse, stable keys, into a table", _ingest, True),
    Step("clean", "clean, scrub, extract, pseudonymous ids", _clean, True),
    Step("near-duplicates", "MinHash, bands, comparison", _near_duplicates, False),
    Step("windows", "sessions per chat, packed to a budget of tokens", _windows, False),
    Step("chunks", "sessions as documents, cut for retrieval", _chunks, False),
    Step("export", "sorted, to Parquet", _export, False),
)


# ---- functions alone -------------------------------------------------------------------------------------------------


def _parse_alone(job: Job) -> None:
    for path in job.files:
        job.connection.register("parsed", parse_rows("parse_whatsapp", path.read_bytes()))
        try:
            job.run("SELECT sum(strlen(text)) FROM parsed")
        finally:
            job.connection.unregister("parsed")


def _alone(expression: str, source: str) -> Callable[[Job], None]:
    return lambda job: job.run(f"SELECT {expression} FROM {source}")


_EXTRACTED = " + ".join(
    f"sum(len(sl_extract_{what}(text)))" for what in ("urls", "emails", "mentions", "hashtags", "emoji")
)
FUNCTIONS = (
    Step("parse_whatsapp", "bytes of exports to rows", _parse_alone, True),
    Step("clean_text", "of each message", _alone("sum(strlen(sl_clean_text(text)))", "messages"), True),
    Step("scrub_pii", "of each message", _alone("sum(strlen(sl_scrub_pii(text)))", "messages"), True),
    Step("extract", "URLs, addresses, mentions, hashtags, emoji", _alone(_EXTRACTED, "messages"), True),
    Step("uuid5", "of each author", _alone("count(sl_uuid5('oid', 'whatsapp:' || author))", "messages"), True),
    Step("minhash", "128 hashes of each text", _alone("sum(len(sl_minhash(text)))", "clean"), True),
    Step("chunk_text", "of each message", _alone(f"sum(len(sl_chunk_text(text, {_CHUNK})))", "clean"), True),
)
