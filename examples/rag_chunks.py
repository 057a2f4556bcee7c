# %% [markdown]
# # Pages as chunks for retrieval
#
# HTML pages become text, chunks with offsets back into it, stable ids, and batches that fit what an embedding service
# takes at once. Embedding itself is for the model of your choice; what comes before it is what this package does.

# %%
import random

import streamliner_udf

rng = random.Random(7)
TOPICS = ("refunds", "delivery", "accounts", "privacy", "warranty", "payments")
SENTENCES = (
    "You can ask for {0} in the shop or by mail.",
    "Most questions about {0} are answered within two days.",
    "We keep what you tell us about {0} for as long as the law asks &ndash; no longer.",
    "If {0} took too long, write to us &amp; we look into it.",
    "The rules for {0} differ from country to country.",
)


def page(number: int) -> str:
    """A page as sites have them: a menu, a script, the same footer everywhere, and something to say in between."""
    topic = TOPICS[number % len(TOPICS)]
    paragraphs = (" ".join(rng.choices(SENTENCES, k=rng.randint(3, 9))) for _ in range(rng.randint(3, 8)))
    body = "".join(f"<p>{text.format(f'<b>{topic}</b>')}</p>" for text in paragraphs)
    return (
        f"<html><head><title>{topic}</title><script>track('{number}')</script></head><body><ul><li>Home<li>Help</ul>"
        f"<h1>About {topic}, part {number}</h1>{body}<footer>Example Ltd &copy; 2026</footer></body></html>"
    )


con = streamliner_udf.connect()
con.execute("CREATE TABLE pages (url VARCHAR, html VARCHAR)")
con.executemany("INSERT INTO pages VALUES (?, ?)", [(f"https://example.org/{n}", page(n)) for n in range(300)])

# %% [markdown]
# ## Text, then chunks
#
# `sl_chunk_text` breaks at the end of a paragraph, of a sentence, of a word, in this order, and no chunk is longer
# than it may be. `start` and `stop` are places in the text, so that an answer can show where it is from.

# %%
con.execute("""
    CREATE TABLE documents AS SELECT url, sl_html_to_text(html) AS text FROM pages;
    CREATE TABLE chunks AS
    SELECT sl_uuid5('url', url || '#' || chunk.idx) AS id, url, chunk.idx, chunk.start, chunk.stop, chunk.text,
           sl_estimate_tokens(chunk.text) AS tokens
    FROM (SELECT url, unnest(sl_chunk_text(text, 400, 80)) AS chunk FROM documents)
""")
print(con.sql("SELECT url, idx, start, stop, tokens, left(text, 40) AS begins FROM chunks ORDER BY url, idx LIMIT 5"))

# %% [markdown]
# Every chunk is exactly that part of its text, and nothing but white space is in no chunk.

# %%
wrong = con.execute("""
    SELECT count(*) FROM chunks JOIN documents USING (url)
    WHERE chunks.text <> documents.text[start + 1 : stop]
""").fetchall()[0][0]
longest = con.execute("SELECT max(length(text)) FROM chunks").fetchall()[0][0]
print(f"chunks that are not what their offsets say: {wrong}; the longest has {longest} characters")

# %% [markdown]
# ## The same text twice is embedded once
#
# Sites repeat themselves. Chunks that are nearly the same find each other by their MinHash bands.

# %%
report = streamliner_udf.near_duplicates(con, "chunks", key="id", threshold=0.9)
con.execute("""
    CREATE TABLE to_embed AS
    SELECT * FROM chunks
    WHERE id NOT IN (SELECT id FROM near_duplicate_clusters WHERE id <> cluster)
""")
kept, all_chunks = con.execute("SELECT (SELECT count(*) FROM to_embed), (SELECT count(*) FROM chunks)").fetchall()[0]
print(f"{kept:,} of {all_chunks:,} chunks to embed; {report}")

# %% [markdown]
# ## Batches for the service
#
# `sl_pack_windows` fills each request up to a budget, in order: here 2,000 tokens. `first` and `last` count from 1.

# %%
con.execute("""
    CREATE TABLE batches AS
    SELECT row_number() OVER () AS batch, unnest(windows, recursive := true)
    FROM (SELECT unnest(sl_pack_windows(list(tokens ORDER BY url, idx), 2000)) AS windows FROM to_embed)
""")
print(con.sql("FROM batches ORDER BY batch LIMIT 3"))

# %%
con.execute("""
    CREATE TABLE requests AS
    SELECT batch, list(text ORDER BY place) AS texts
    FROM (SELECT *, row_number() OVER (ORDER BY url, idx) AS place FROM to_embed)
    JOIN batches ON place BETWEEN first AND last
    GROUP BY batch
""")
requests = con.execute("SELECT count(*), min(len(texts)), max(len(texts)) FROM requests").fetchall()[0]
print(f"{requests[0]} requests of {requests[1]} to {requests[2]} chunks")
