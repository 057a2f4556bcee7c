"""How far `estimate_tokens` is from the tokenizer cl100k_base, script by script.

    python bench/tokens.py [--guide FOLDER] [--label NAME]

The tokenizer, with its vocabulary, is that of the package bpe-openai, which only this benchmark needs. FOLDER is a
clone of https://github.com/github/opensource.guide (CC BY 4.0), whose translations are the prose; the commit below is
read, and half of its paragraphs are among the texts that the weights were fitted to. Without it there is no prose. An
error is (estimate - tokens) / tokens of one text: a paragraph of 80 characters or more, a chat message of 60 or more,
800 characters of code, a row of emoji, numbers or web addresses.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import corpora
import report

import streamliner_udf

ROOT = Path(__file__).parents[1]
COMMIT = "ebc9678e39b55ff5e5c8801d1960904692188e90"
LANGUAGES = {
    "English": "", "Portuguese": "pt/", "Spanish": "es/", "French": "fr/", "German": "de/", "Polish": "pl/",
    "Turkish": "tr/", "Greek": "el/", "Russian": "ru/", "Arabic": "ar/", "Persian": "fa/", "Hindi": "hi/",
    "Tamil": "ta/", "Chinese": "zh-hans/", "Japanese": "ja/", "Korean": "ko/",
}  # fmt: skip
_MARKUP = (
    (re.compile(r"\A---\n.*?\n---\n", re.DOTALL), ""),
    (re.compile(r"<[^>]+>|\{[%{].*?[%}]\}"), ""),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
)
_FACES = [*map(chr, range(0x1F600, 0x1F645)), *"👍🙏🎉🔥👏💪☕✨💯🌹🎂👌", "❤\ufe0f", "👍🏽", "👩\u200d🚀", "🇧🇷"]


def prose(folder: str, path: str) -> Iterator[str]:
    """The paragraphs of every article in a folder of the guide, without markup."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=True).stdout.decode()

    for name in git("ls-tree", "--name-only", COMMIT, f"_articles/{path}").split():
        if name.endswith(".md"):
            text = git("show", f"{COMMIT}:{name}")
            for pattern, replacement in _MARKUP:
                text = pattern.sub(replacement, text)
            for paragraph in re.split(r"\n\s*\n", text):
                if len(stripped := paragraph.strip().lstrip("#>*- ")) >= 80:
                    yield stripped


def code() -> Iterator[str]:
    for path in sorted([*(ROOT / "csrc").rglob("*.c"), *(ROOT / "streamliner_udf").rglob("*.py")]):
        text = path.read_text(encoding="utf-8")
        if text.isascii():
            yield from (text[at : at + 800] for at in range(0, len(text) - 799, 800))


def emoji(rng: random.Random) -> str:
    return rng.choice(("", " ")).join(rng.choices(_FACES, k=rng.randint(5, 30)))


def digits(rng: random.Random) -> str:
    kinds: tuple[Callable[[], str], ...] = (
        lambda: str(rng.randrange(10 ** rng.randint(1, 10))),
        lambda: f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/20{rng.randrange(30):02}",
        lambda: f"{rng.randrange(24):02}:{rng.randrange(60):02}",
        lambda: f"{rng.randrange(10_000)}.{rng.randrange(100):02}",
        lambda: f"+55 11 9{rng.randrange(10_000):04}-{rng.randrange(10_000):04}",
    )
    return " ".join(rng.choice(kinds)() for _ in range(rng.randint(5, 25)))


def address(rng: random.Random) -> str:
    words = [word.lower() for word in corpora._ENGLISH if word.isalpha()]
    parts = [
        rng.choice((rng.choice(words), "-".join(rng.choices(words, k=3)), str(rng.randrange(10 ** rng.randint(1, 8)))))
        for _ in range(rng.randint(1, 4))
    ]
    made = f"https://www.{rng.choice(words)}{rng.choice(('.com', '.org', '.io', '.com.br'))}/{'/'.join(parts)}"
    if rng.random() < 0.5:
        made += f"?{rng.choice(words)}={''.join(rng.choices('0123456789abcdef', k=rng.choice((4, 11))))}"
    return made


def texts(guide: str | None) -> Iterator[tuple[str, list[str]]]:
    """Kinds of texts, and some of each."""
    rng = random.Random("tokens")
    if guide:
        for language, path in LANGUAGES.items():
            yield language, list(prose(guide, path))
    yield "chat", [message for message in corpora.chat_messages(20_000) if len(message) >= 60]
    yield "emoji", [emoji(rng) for _ in range(500)]
    yield "code", list(code())
    yield "digits", [digits(rng) for _ in range(500)]
    yield "web addresses", [address(rng) for _ in range(500)]


def errors(rows: Sequence[str], count: Callable[[str], int]) -> dict[str, Any]:
    wanted = [count(text) for text in rows]
    estimates = streamliner_udf.estimate_tokens(list(rows))
    found = [estimate / tokens - 1 for estimate, tokens in zip(estimates, wanted, strict=True)]
    return {
        "texts": len(rows),
        "tokens": sum(wanted),
        "mean_signed_percent": 100 * sum(found) / len(found),
        "mean_absolute_percent": 100 * sum(map(abs, found)) / len(found),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guide", help="a clone of the guide, for the prose")
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    arguments = parser.parse_args(argv)
    try:
        import bpe_openai  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        sys.exit("expected the package bpe-openai, which has the vocabulary: pip install bpe-openai")
    encoding = bpe_openai.get_encoding("cl100k_base")
    kinds = {
        kind: errors(rows, lambda text: len(encoding.encode_ordinary(text))) for kind, rows in texts(arguments.guide)
    }
    report.table(
        ["texts", "number", "tokens", "mean error", "mean absolute error"],
        [
            [
                kind,
                str(found["texts"]),
                str(found["tokens"]),
                f"{found['mean_signed_percent']:+.1f} %",
                f"{found['mean_absolute_percent']:.1f} %",
            ]
            for kind, found in kinds.items()
        ],
        words=1,
    )
    print(f"\n{report.write('tokens', arguments.label, {'tokenizer': 'cl100k_base', 'guide': COMMIT, 'kinds': kinds})}")


if __name__ == "__main__":
    main()
