"""Names of attached files, and links to them: what Markdown makes of the links, and what chats say."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf.reference import chat

MEDIA: Callable[..., Any] = streamliner_udf.extract_media
LINKS: Callable[..., Any] = streamliner_udf.media_to_markdown
PARSE: Callable[..., Any] = streamliner_udf.parse_whatsapp

NAMES = [
    "IMG-20240305-WA0001.jpg",
    "my plan (2).docx",
    "Zoë.vcf",
    "AUD-20210304-WA0002.",
    "00000012-PHOTO.jpg",
    "a&b.pdf",
]
PIECES = random_text.listed(
    "<|>|attached: |Anhang|a.jpg|IMG-20240305-WA0001|.jpg|.pdf| (|(|)|file attached| (file attached)| (arquivo anexado)"
    "|\n|\r\n|: | |\u200e|\u202a|é|words|PTT-20210101-WA12.opus|-WA|-|/|\x01|.|&|`|](<|\\"
)


def texts(rng: random.Random) -> list[str]:
    made = ["".join(rng.choices(PIECES, k=rng.choice((2, 4, 8, 16, 40)))) for _ in range(5000 * SCALE)]
    return made + random_text.texts(rng, 1000 * SCALE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", sorted(chat.ATTACHED))
def test_finds_what_a_chat_calls_media(name: str, words: str) -> None:
    text = f"{name} ({words})"
    [message] = PARSE(f"05/03/2024, 09:15 - Ana: {text}")
    assert message["media"] == name
    for around in (text, f"{text}\ncaption", f"\u200e{text}\r\nmore", f"05/03/2024, 09:15 - Ana: {text}"):
        assert MEDIA(around) == [name]
        assert name.replace("&", "\\&") in LINKS(around)
        assert words not in LINKS(around)


@pytest.mark.parametrize("words", ["attached", "Anhang", "liite", "anexado", "pièce jointe", "添付"])
def test_finds_what_ios_attaches(words: str) -> None:
    for name in ("00000012-PHOTO-2024-03-05-09-15-20.jpg", "00000004-Zoë (1).vcf"):
        text = f"<{words}: {name}>"
        [message] = PARSE(f"\u200e[05/03/2024, 09:15:20] Ana: \u200e{text}")
        assert (message["media"], MEDIA(message["text"]), MEDIA(f"hi \u200e{text} yes")) == (name, [name], [name])


def test_links_are_written_once(rng: random.Random) -> None:
    rows = texts(rng)
    once = LINKS(rows)
    assert sum(a != b for a, b in zip(rows, once, strict=True)) > len(rows) // 50
    for text, a, b in zip(rows, once, LINKS(once), strict=True):
        assert a == b, ascii(text)


def test_text_around_the_markers_stays(rng: random.Random) -> None:
    link = re.compile(r"!?\[(?:Image|Video|Audio|Contact|Document)\]\((?:<(?:\\.|[^\\>])*>|[^ ()]*)\)")
    rows = texts(rng)
    for text, linked in zip(rows, LINKS(rows), strict=True):
        at = 0
        for piece in link.split(linked):
            at = text.index(piece, at) + len(piece)


def test_markdown_reads_the_very_name(rng: random.Random) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    reader = markdown_it.MarkdownIt("commonmark")
    reader.normalizeLink = lambda url: url  # the name as it was read, not as HTML needs it
    reader.validateLink = lambda url: True
    characters = "abcXYZ019 -_.,;!'()[]{}&*`~^\\\"#$%+=@|éß語😀"
    for _ in range(2000 * SCALE):
        stem = "".join(rng.choices(characters, k=rng.randint(1, 12))).strip()
        name = f"x{stem}.{rng.choice(('jpg', 'mp4', 'opus', 'pdf', 'vcf'))}"
        text = f"{name} (file attached)"
        if MEDIA(text) != [name]:
            assert re.search(r": |\]\(", name), name
            continue
        [inline] = [token for token in reader.parse(LINKS(text)) if token.type == "inline"]
        found = [token.attrs.get("src") or token.attrs.get("href") for token in inline.children if token.attrs]
        assert found == [name], LINKS(text)


def test_long_runs_are_linear() -> None:
    """A megabyte of what almost is a marker."""
    for piece in (
        "<",
        "<a: ",
        " (",
        " (file attached)",
        "a (x)\n",
        "-WA1",
        "-WA1.a",
        "IMG-20240305-WA0001.",
        "a.b (file attached",
    ):
        text = piece * (1_000_000 // len(piece.encode()))
        assert len(MEDIA(text)) <= len(text)
        assert LINKS(text)
