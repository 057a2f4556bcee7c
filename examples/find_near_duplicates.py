# %% [markdown]
# # Messages that were sent before
#
# Forwards, reposts and templates fill a chat. `near_duplicates` finds those that are the same but for a word, without
# comparing everything with everything, and leaves two tables: pairs and clusters.

# %%
import streamliner_udf
from streamliner_udf.scale.corpus import chat_messages

con = streamliner_udf.connect()
# A chat in which one message in twenty-five was sent before, and as many were sent before with a word changed.
export = "".join(chat_messages(0, 15_000, seed=7))
streamliner_udf.ingest(con, export.encode(), chat="friends")
con.execute("""
    CREATE TABLE said AS
    SELECT msg_key, seq, author, sl_fold(sl_clean_text(text)) AS text FROM messages
    WHERE kind = 'text' AND sl_count_words(text) >= 5
""")

# %% [markdown]
# ## Search
#
# Similarity is that of Jaccard over runs of three words; 0.7 leaves room for one changed word in a message of a dozen
# or more. The text was folded first, because case and accents should not count here.

# %%
report = streamliner_udf.near_duplicates(con, "said", threshold=0.7)
print(report)

# %% [markdown]
# ## Pairs

# %%
pairs = con.sql("""
    SELECT round(similarity, 2) AS similarity, left(x.text, 50) AS one, left(y.text, 50) AS other
    FROM near_duplicate_pairs JOIN said x ON x.msg_key = a JOIN said y ON y.msg_key = b
    WHERE similarity < 1 ORDER BY similarity DESC, x.text, y.text LIMIT 5
""")
print(pairs)

# %% [markdown]
# ## Clusters, and one message of each

# %%
largest = con.sql("""
    SELECT size, any_value(left(text, 60)) AS text
    FROM near_duplicate_clusters JOIN said USING (msg_key)
    GROUP BY cluster, size ORDER BY size DESC, text LIMIT 3
""")
print(largest)

# %%
con.execute("""
    CREATE TABLE kept AS
    SELECT * FROM said
    WHERE msg_key NOT IN (SELECT msg_key FROM near_duplicate_clusters WHERE msg_key <> cluster)
""")
before, after = con.execute("SELECT (SELECT count(*) FROM said), (SELECT count(*) FROM kept)").fetchall()[0]
print(f"{before:,} messages, {after:,} without what nearly repeats another")

# %% [markdown]
# ## How sure is that
#
# Pick a text and compare it with all others, with eight times as many hashes: an estimate, within about 0.015.
# Whatever is clearly above the threshold there is in the table of pairs too.

# %%
probe = con.execute("""
    SELECT a FROM near_duplicate_pairs WHERE similarity < 1 GROUP BY a ORDER BY count(*) DESC, a LIMIT 1
""").fetchall()[0][0]
alike = con.execute(
    """
    SELECT y.msg_key, sl_minhash_similarity(sl_minhash(x.text, 1024), sl_minhash(y.text, 1024)) AS estimate
    FROM said x JOIN said y ON x.msg_key = $probe AND y.msg_key <> $probe
    WHERE estimate >= 0.5 ORDER BY estimate DESC
    """,
    {"probe": probe},
).fetchall()
print(f"one text against all: {len(alike)} are like it, by {[round(estimate, 2) for _, estimate in alike]}")
