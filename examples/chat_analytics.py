# %% [markdown]
# # What goes on in a chat
#
# An export becomes a table, and questions become SQL. What is special about text (emoji, links, words, the same name
# written in two ways) the `sl_` functions do; the rest is DuckDB.

# %%
import streamliner_udf
from streamliner_udf.ingest.synthetic import generate_whatsapp

con = streamliner_udf.connect()
report = streamliner_udf.ingest(con, generate_whatsapp(15_000).encode(), chat="friends")
print(report.to_text())

# %% [markdown]
# ## Who writes how much
#
# Words by Unicode's rules, so that they are words in Chinese and Hindi too. `kind` tells what people wrote from what
# the app did.

# %%
people = con.sql("""
    SELECT author, count(*) AS messages, sum(sl_count_words(text)) AS words,
           round(avg(sl_count_words(text)), 1) AS words_a_message
    FROM messages WHERE kind = 'text'
    GROUP BY author ORDER BY messages DESC, author LIMIT 5
""")
print(people)

# %% [markdown]
# ## When

# %%
hours = con.sql("""
    SELECT hour(ts) AS hour, count(*) AS messages, bar(count(*), 0, 1200, 30) AS how_many
    FROM messages GROUP BY hour ORDER BY hour
""")
print(hours)

# %% [markdown]
# ## Emoji
#
# Whole ones: a family is one emoji and not four people, and a thumb keeps its colour.

# %%
emoji = con.sql("""
    SELECT emoji, count(*) AS times
    FROM (SELECT unnest(sl_extract_emoji(text)) AS emoji FROM messages)
    GROUP BY emoji ORDER BY times DESC, emoji LIMIT 5
""")
print(emoji)

# %% [markdown]
# ## Links

# %%
links = con.sql("""
    SELECT regexp_extract(url, '^(?:https?://)?([^/?#]+)', 1) AS host, count(*) AS links,
           count(DISTINCT author) AS people
    FROM (SELECT author, unnest(sl_extract_urls(text)) AS url FROM messages)
    GROUP BY host ORDER BY links DESC, host LIMIT 5
""")
print(links)

# %% [markdown]
# ## Search that forgives
#
# Folded, `Amanhã`, `amanha` and `AMANHÃ` are one word, so it does not matter how somebody typed it.

# %%
said = con.sql("""
    SELECT count(*) FILTER (text LIKE '%amanha%') AS as_typed,
           count(*) FILTER (sl_fold(text) LIKE '%' || sl_fold('amanha') || '%') AS folded
    FROM messages
""")
print(said)

# %% [markdown]
# ## Conversations
#
# What was written without a pause of five minutes is one. How long are they, and who begins them?

# %%
con.execute("""
    CREATE TABLE conversations AS
    SELECT number, count(*) AS messages, count(DISTINCT author) AS people, arg_min(author, seq) AS begun_by,
           max(ts) - min(ts) AS lasted
    FROM (SELECT *, sum(coalesce(starts, 1)) OVER (ORDER BY seq) AS number
          FROM (SELECT *, (ts - lag(ts) OVER (ORDER BY seq) > INTERVAL 5 MINUTE)::INTEGER AS starts FROM messages))
    GROUP BY number
""")
conversations = con.sql("""
    SELECT count(*) AS conversations, median(messages) AS messages, max(messages) AS most, max(lasted) AS longest
    FROM conversations
""")
print(conversations)
