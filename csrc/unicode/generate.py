"""Writes the headers that the kernels need from the Unicode data of the Python that builds."""

from __future__ import annotations

from pathlib import Path

from digits import write_digits
from emoji import write_emoji
from fold import write_fold
from folding import write_folding
from markup import write_markup
from normalize import write_normalize
from slug import write_slug
from word_break import write_word_break
from words import write_letters, write_words


def main(folder: Path) -> None:
    """Writes all headers into `folder`."""
    write_digits(folder / "digit_tables.h")
    write_emoji(folder / "emoji_tables.h")
    write_fold(folder / "fold_tables.h")
    write_folding(folder / "folding_tables.h")
    write_letters(folder / "letter_tables.h")
    write_markup(folder)
    write_normalize(folder / "normalize_tables.h")
    write_slug(folder / "slug_tables.h")
    write_words(folder / "word_tables.h")
    write_word_break(folder / "word_break_tables.h")
