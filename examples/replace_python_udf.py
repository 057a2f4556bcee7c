# %% [markdown]
# # A Python UDF replaced, step by step
#
# A pipeline has a Python function that DuckDB calls for every row. It works, on one core, with Python's lock, a row
# at a time. Here it becomes SQL that does the same, and that is proved before anything is switched.

# %%
import html
import re
import time
import unicodedata

import streamliner_udf
from streamliner_udf.ingest.synthetic import generate_whatsapp

con = streamliner_udf.connect()
streamliner_udf.ingest(con, generate_whatsapp(50_000).encode(), chat="friends")

# %% [markdown]
# ## 1. What is there
#
# References resolved, compatibility characters made plain, white space squashed. A typical UDF.


# %%
def tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", html.unescape(text)).split())


con.create_function("tidy", tidy)


def seconds(query: str) -> float:
    """The faster of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        con.sql(query).fetchall()
        times.append(time.perf_counter() - start)
    return min(times)


python_time = seconds("SELECT sum(strlen(tidy(text))) FROM messages")
print(f"the UDF: {python_time * 1000:.0f} ms for 50,000 messages")

# %% [markdown]
# ## 2. The same from functions that are there
#
# `FROM sl_functions()` lists them. Each step of the UDF has one:
#
# | Python | SQL |
# | --- | --- |
# | `html.unescape(text)` | `sl_html_unescape(text)` |
# | `unicodedata.normalize("NFKC", text)` | `sl_normalize(text, 'NFKC')` |
# | `" ".join(text.split())` | `sl_squash_spaces(text)` |

# %%
OURS = "sl_squash_spaces(sl_normalize(sl_html_unescape(text), 'NFKC'))"
our_time = seconds(f"SELECT sum(strlen({OURS})) FROM messages")
print(f"the same in SQL: {our_time * 1000:.1f} ms")

# %% [markdown]
# ## 3. Is it the same?
#
# On your own data, every row, NULL included. This is the step that must not be left out.

# %%
different = con.execute(f"SELECT count(*) FROM messages WHERE tidy(text) IS DISTINCT FROM {OURS}").fetchall()[0][0]
print(f"rows that differ: {different}")

# %% [markdown]
# ## 4. Where it is not the same
#
# Another UDF masks mail and phones with two expressions, as many do. `sl_scrub_pii` is not those expressions, so rows
# will differ. Look at them, and decide which answer you want.

# %%
EMAIL = re.compile(r"[\w.-]+@[\w.-]+\.\w+")
PHONE = re.compile(r"(\+\d{1,2}\s?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}")


def mask(text: str) -> str:
    return PHONE.sub("<PHONE_REDACTED>", EMAIL.sub("<EMAIL_REDACTED>", text))


con.create_function("mask", mask)
con.execute("""
    CREATE TABLE masked AS
    SELECT text, mask(text) AS python, sl_scrub_pii(text, 'email,phone') AS ours FROM messages
""")
masked_differently = con.execute("SELECT count(*) FROM masked WHERE python <> ours").fetchall()[0][0]
print(f"{masked_differently} of 50,000 rows are masked differently, for instance:")
for text, python, ours in con.execute("""
    SELECT DISTINCT text, python, ours FROM masked
    WHERE python <> ours AND length(text) < 60 ORDER BY md5(text) LIMIT 4
""").fetchall():
    print(f"  text    {text}\n  python  {python}\n  ours    {ours}\n")

# %% [markdown]
# ## 5. The switch
#
# Queries, views and dashboards say `tidy(text)`. They can go on doing so: the UDF goes, and a macro takes its name.

# %%
con.remove_function("tidy")
con.execute(f"CREATE MACRO tidy(text) AS {OURS}")
macro_time = seconds("SELECT sum(strlen(tidy(text))) FROM messages")
print(f"tidy(text), now a macro: {macro_time * 1000:.1f} ms, {python_time / macro_time:.0f} times faster than the UDF")
