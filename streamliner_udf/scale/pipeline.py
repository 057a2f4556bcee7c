"""The whole job, step by step: chat exports, clean messages, duplicates, windows, chunks, a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import parse_rows
from ..ingest import ingest
from ..near_duplicates import near_duplicates
from ..sql import quoted

__all__ = ["FUNCTIONS", "STEPS", "Job", "Step"]

_BLOCK = 1 << 20
# A message by itself says little: what people wrote without a pause of this length is one document.
_PAUSE = "INTERVAL 5 MINUTE"
_BUDGET, _OVERLAP = 1_000, 100
_CHUNK, _CHUNK_OVERLAP = 800, 200
_BATCH = 200_000


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
    near_duplicates(job.connection, "clean", pairs="near", clusters="near_clusters")
    job.run("CHECKPOINT")


def _batches(job: Job) -> Iterator[str]:
    """Chats, so many that they have about _BATCH messages, as a list for IN. What is collected per chat (`list`,
    `string_agg`) stays in memory whatever its limit, so that it must not be collected for all of them at once."""
    chats: list[str] = []
    total = 0
    for chat, rows in job.connection.execute("SELECT chat, count(*) FROM clean GROUP BY chat ORDER BY chat").fetchall():
        chats.append(quoted(chat))
        total += rows
        if total >= _BATCH:
            yield ", ".join(chats)
            chats, total = [], 0
    if chats:
        yield ", ".join(chats)


def _windows(job: Job) -> None:
    job.run("CREATE TABLE sessions (msg_key UUID, chat VARCHAR, seq BIGINT, tokens BIGINT, session BIGINT)")
    job.run("CREATE TABLE windows (chat VARCHAR, session BIGINT, span STRUCT(first BIGINT, last BIGINT, total BIGINT))")
    for chats in _batches(job):
        job.run(f"""
            INSERT INTO sessions
            SELECT msg_key, chat, seq, sl_estimate_tokens(text),
                   coalesce(sum(starts) OVER (PARTITION BY chat ORDER BY seq), 0)
            FROM (SELECT *, (ts - lag(ts) OVER (PARTITION BY chat ORDER BY seq) > {_PAUSE})::INTEGER AS starts
                  FROM clean WHERE chat IN ({chats}))
        """)
        job.run(f"""
            INSERT INTO windows
            SELECT chat, session, unnest(sl_pack_windows(list(tokens ORDER BY seq), {_BUDGET}, {_OVERLAP}))
            FROM sessions WHERE chat IN ({chats}) GROUP BY chat, session
        """)
    job.run("CHECKPOINT")


def _chunks(job: Job) -> None:
    job.run("""
        CREATE TABLE chunks (chat VARCHAR, session BIGINT, idx BIGINT, start BIGINT, stop BIGINT, text VARCHAR)
    """)
    for chats in _batches(job):
        job.run(f"""
            INSERT INTO chunks
            SELECT chat, session, unnest(sl_chunk_text(document, {_CHUNK}, {_CHUNK_OVERLAP}), recursive := true)
            FROM (SELECT chat, session, string_agg(text, chr(10) ORDER BY seq) AS document
                  FROM (SELECT chat, seq, text FROM clean WHERE chat IN ({chats}))
                  JOIN (SELECT chat, seq, session FROM sessions WHERE chat IN ({chats})) USING (chat, seq)
                  GROUP BY chat, session)
        """)
    job.run("CHECKPOINT")


def _export(job: Job) -> None:
    job.run(f"""
        COPY (SELECT clean.*, nullif(cluster, msg_key) AS duplicate_of
              FROM clean LEFT JOIN near_clusters USING (msg_key) ORDER BY chat, seq)
        TO {quoted(job.output)} (FORMAT parquet, COMPRESSION zstd)
    """)


STEPS = (
    Step("read", "the bytes of the exports, once", _read, True),
    Step("ingest", "parse, stable keys, into a table", _ingest, True),
    Step("clean", "clean, scrub, extract, pseudonymous ids", _clean, True),
    Step("near-duplicates", "MinHash, bands, comparison", _near_duplicates, False),
    Step("windows", "sessions per chat, packed to a budget of tokens", _windows, True),
    Step("chunks", "sessions as documents, cut for retrieval", _chunks, True),
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
