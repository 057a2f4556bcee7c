# %% [markdown]
# # A chat for a language model, without personal data
#
# A WhatsApp export becomes JSON Lines that may leave the house: addresses, numbers and accounts are masked, people
# have pseudonyms, and a budget of tokens is kept. Everything happens in DuckDB; no row passes through Python.
#
# What this does not do: `sl_scrub_pii` finds what has a form (mail, phones, cards, IBAN, IP, tax numbers). A name in
# a sentence has none. The names of those who wrote are known and replaced below; of others nobody told us.

# %%
import json
import secrets
import tempfile
from pathlib import Path

import streamliner_udf
from streamliner_udf.ingest.synthetic import generate_whatsapp

folder = tempfile.TemporaryDirectory()
export = Path(folder.name) / "WhatsApp Chat with Friends.txt"
export.write_text(generate_whatsapp(15_000), encoding="utf-8")

con = streamliner_udf.connect()
print(streamliner_udf.ingest(con, export).to_text())

# %% [markdown]
# ## What is in there
#
# `sl_find_pii` says what it finds and where. Look at this before anything is masked: it shows whether the kinds are
# those you expect, and `kinds` (the second argument) narrows them.

# %%
found = con.sql("""
    SELECT finding.kind AS kind, count(*) AS findings, any_value(finding.value) AS for_instance
    FROM (SELECT unnest(sl_find_pii(text)) AS finding FROM messages)
    GROUP BY ALL ORDER BY findings DESC
""")
print(found)

# %% [markdown]
# ## People
#
# A pseudonym is keyed: the same person has the same one in every export made with the key, and without the key nobody
# can try names. Keep the key, or throw it away and nobody can ever join two exports.

# %%
key = secrets.token_hex(16)
con.execute(
    """
    CREATE TABLE people AS
    SELECT author, 'person ' || left(sl_pseudonym(author, $key), 8) AS person
    FROM (SELECT DISTINCT author FROM messages WHERE author IS NOT NULL)
    """,
    {"key": key},
)

# %% [markdown]
# ## Clean, replace names, mask
#
# Names first, because an author can be a phone number: replaced it is still that person, masked it is anybody.
# Thousands of names cost as much as one: `sl_replace_many` looks for all of them at once.

# %%
people = con.execute("SELECT author, person FROM people").fetchall()
names, persons = [author for author, _ in people], [person for _, person in people]
con.execute(
    """
    CREATE TABLE safe AS
    SELECT seq, ts, person, sl_scrub_pii(sl_replace_many(sl_clean_text(text), $names, $persons, 'whole_words')) AS text
    FROM messages LEFT JOIN people USING (author)
    WHERE text <> ''
    """,
    {"names": names, "persons": persons},
)
print(con.sql("SELECT person, text FROM safe WHERE text LIKE '%REDACTED%' ORDER BY seq LIMIT 5"))

# %% [markdown]
# ## Check, then export
#
# What is masked must not be found again, and no name of the list may be left. Then as many of the latest messages as
# fit 8,000 tokens.

# %%
left_over = con.execute(
    """
    SELECT count(*) FILTER (sl_has_pii(text)), count(*) FILTER (len(sl_find_many(text, $names, 'whole_words')) > 0)
    FROM safe
    """,
    {"names": names},
).fetchall()[0]
print(f"messages with personal data left: {left_over[0]}, with a known name left: {left_over[1]}")

budget = 8_000
rows = con.execute(
    """
    SELECT strftime(ts, '%Y-%m-%d %H:%M'), person, text
    FROM (SELECT *, sum(sl_estimate_tokens(text)) OVER (ORDER BY seq DESC) AS tokens FROM safe)
    WHERE tokens <= $budget ORDER BY seq
    """,
    {"budget": budget},
).fetchall()
lines = [json.dumps({"at": at, "who": who, "text": text}, ensure_ascii=False) for at, who, text in rows]
target = Path(folder.name) / "for-the-model.jsonl"
target.write_text("\n".join(lines) + "\n", encoding="utf-8")
print(f"{len(lines)} messages for {budget:,} tokens, for instance:")
print("\n".join(lines[:3]))

# %%
in_file = con.execute("FROM read_json($file)", {"file": str(target)}).fetchall()
print(f"{len(in_file)} lines in {target.name}")
folder.cleanup()  # and with it the file: yours goes where you want it
