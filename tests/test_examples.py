"""The examples run, and what they come to is what plain Python makes of the same data."""

from __future__ import annotations

import hmac
import itertools
import json
import re
import runpy
import uuid
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from streamliner_udf import plain, reference
from streamliner_udf.ingest.synthetic import generate_whatsapp

EXAMPLES = Path(__file__).parents[1] / "examples"
if not EXAMPLES.is_dir():
    pytest.skip("no examples beside the tests", allow_module_level=True)

Run = Any


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The names that an example has at its end."""
    monkeypatch.chdir(tmp_path)
    yield lambda name: SimpleNamespace(**runpy.run_path(str(EXAMPLES / f"{name}.py")))
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


def rows(con: Any, query: str) -> list[Any]:
    found: list[Any] = con.sql(query).fetchall()
    return found


def test_each_example_is_tested_and_is_a_notebook() -> None:
    tested = {name.removeprefix("test_") for name in globals()}
    for path in EXAMPLES.glob("*.py"):
        assert path.stem in tested, f"{path.name} has no test here"
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# %% [markdown]\n# # "), path.name
        assert text.count("\n# %%\n") >= 3, path.name


def test_pii_safe_export(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    done = run("pii_safe_export")
    assert "messages with personal data left: 0, with a known name left: 0" in capsys.readouterr().out
    authors = [author for (author,) in rows(done.con, "SELECT DISTINCT author FROM messages WHERE author IS NOT NULL")]
    for author, person in rows(done.con, "SELECT author, person FROM people"):
        assert person == "person " + hmac.new(done.key.encode(), author.encode(), "sha256").hexdigest()[:8]
    assert len(authors) > 200
    # Addresses of the generator, counted before and after by expressions of our own.
    email = re.compile(r"[\w.-]+@[\w.-]+\.\w+")
    before = [text for (text,) in rows(done.con, "SELECT text FROM messages WHERE text <> '' ORDER BY seq")]
    after = [text for (text,) in rows(done.con, "SELECT text FROM safe ORDER BY seq")]
    assert len(before) == len(after)
    marks = sum(text.count("<EMAIL_REDACTED>") for text in after)
    assert marks == sum(len(email.findall(text)) for text in before) > 100
    people = "|".join(re.escape(author) for author in authors if author[0].isalpha())
    named = re.compile(rf"(?<!\w)(?:{people})(?!\w)")
    assert any(named.search(text) for text in before)
    lines = list(map(json.loads, done.lines))
    assert [text for _, _, text in done.in_file] == [line["text"] for line in lines]
    for text in [*after, *(line["text"] for line in lines)]:
        assert not email.search(text)
        assert not named.search(text)
        assert not re.search(r"\d{4}[- ]\d{4}|\+\d\d", text)
    # As many of the last ones as fit.
    tokens = [reference.estimate_tokens(text) for text in after[-len(lines) - 1 :]]
    assert [line["text"] for line in lines] == after[-len(lines) :]
    assert sum(tokens[1:]) <= done.budget < sum(tokens)


def test_rag_chunks(run: Run) -> None:
    done = run("rag_chunks")
    assert done.wrong == 0
    texts = dict(rows(done.con, "FROM documents"))
    assert len(texts) == 300
    assert not any(re.search(r"<\w+>|track\(|&\w+;", text) for text in texts.values())
    covered: dict[str, set[int]] = defaultdict(set)
    for key, url, idx, start, stop, text, tokens in rows(done.con, "FROM chunks"):
        assert key == uuid.uuid5(uuid.NAMESPACE_URL, f"{url}#{idx}")
        assert text == texts[url][start:stop]
        assert 0 < len(text) <= 400
        assert tokens == reference.estimate_tokens(text)
        covered[url].update(range(start, stop))
    for url, text in texts.items():
        assert all(place in covered[url] or character.isspace() for place, character in enumerate(text))
    order = rows(done.con, "SELECT text, tokens FROM to_embed ORDER BY url, idx")
    sent = [text for (texts,) in rows(done.con, "SELECT texts FROM requests ORDER BY batch") for text in texts]
    assert sent == [text for text, _ in order]
    assert 0 < len(sent) < len(rows(done.con, "FROM chunks"))
    at = 0
    for _, first, last, total in rows(done.con, "SELECT batch, first, last, total FROM batches ORDER BY batch"):
        assert first == at + 1
        assert total == sum(tokens for _, tokens in order[at:last]) <= 2000
        assert last == len(order) or total + order[last][1] > 2000
        at = last
    assert at == len(order)


def test_chat_analytics(run: Run) -> None:
    done = run("chat_analytics")
    messages = plain.parse_whatsapp(generate_whatsapp(15_000))
    assert len(messages) == 15_000
    hours = Counter(when.hour for when, _, _ in messages)
    assert [(hour, number) for hour, number, _ in done.hours.fetchall()] == sorted(hours.items())
    texts = [text for _, _, text in messages]
    emoji = Counter(itertools.chain.from_iterable(map(reference.extract_emoji, texts)))
    assert done.emoji.fetchall() == sorted(emoji.items(), key=lambda item: (-item[1], item[0]))[:5]
    hosts: dict[str, list[str | None]] = defaultdict(list)
    for _, author, text in messages:
        for url in re.findall(r"https://\S+", text):
            hosts[urlsplit(url).netloc].append(author)
    ranked = sorted(hosts.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    assert done.links.fetchall() == [(host, len(by), len(set(by))) for host, by in ranked]
    assert done.said.fetchall() == [(0, sum("amanhã" in text for text in texts))]
    written = Counter(author for _, author, _ in messages)
    for author, number, words, mean in done.people.fetchall():
        assert 0.8 * written[author] < number <= written[author]  # those of kind text
        assert mean == round(words / number, 1)
    pauses = sum((b - a).total_seconds() > 300 for (a, _, _), (b, _, _) in itertools.pairwise(messages))
    assert done.conversations.fetchall()[0][0] == 1 + pauses


def test_find_near_duplicates(run: Run) -> None:
    done = run("find_near_duplicates")
    said = rows(done.con, "SELECT msg_key, text FROM said ORDER BY msg_key")
    first: dict[str, Any] = {}
    for key, text in said:
        first.setdefault(text, key)
    grams = {}
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in first:
        words = text.split()
        grams[text] = {tuple(words[at : at + 3]) for at in range(max(len(words) - 2, 1))}
        for gram in grams[text]:
            holders[gram].append(text)
    right = set()
    for one, found in grams.items():
        for other, shared in Counter(text for gram in found for text in holders[gram]).items():
            if first[other] > first[one] and shared / (len(found) + len(grams[other]) - shared) >= 0.7:
                right.add((first[one], first[other]))
    pairs = {(a, b) for a, b in rows(done.con, "SELECT a, b FROM near_duplicate_pairs WHERE similarity < 1")}
    copies = rows(done.con, "SELECT a, b FROM near_duplicate_pairs WHERE similarity = 1")
    texts = dict(said)
    assert {(a, b) for a, b in copies if texts[a] == texts[b]} == {
        (first[text], key) for key, text in said if first[text] != key
    }
    pairs |= {(a, b) for a, b in copies if texts[a] != texts[b]}
    assert pairs <= right
    assert len(pairs) >= 0.99 * len(right) > 200
    assert dict(done.alike).keys() >= {b for a, b in pairs if a == done.probe}
    clusters = rows(done.con, "SELECT msg_key, cluster FROM near_duplicate_clusters")
    assert done.before - done.after == sum(key != cluster for key, cluster in clusters) > 500


def test_replace_python_udf(run: Run) -> None:
    done = run("replace_python_udf")
    texts = rows(done.con, "SELECT text, tidy(text) FROM messages")  # by the macro, which has taken the UDF's name
    assert len(texts) == 50_000
    assert all(done.tidy(text) == ours for text, ours in texts)
    assert any(text != ours for text, ours in texts)
    assert done.different == 0
    differing = [text for text, _ in texts if done.mask(text) != reference.scrub_pii(text, "email,phone")]
    assert len(differing) == done.masked_differently > 0
    assert done.python_time > done.macro_time
