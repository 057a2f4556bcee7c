"""Writes the table of the decimal digits of all scripts."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path


def write_digits(path: Path) -> None:
    """Code points of the zeros: the other nine digits of a script follow its zero."""
    zeros = [point for point in range(sys.maxunicode + 1) if unicodedata.decimal(chr(point), None) == 0]
    for zero in zeros:
        assert [unicodedata.decimal(chr(zero + value), None) for value in range(10)] == list(range(10)), hex(zero)
    listed = ", ".join(f"0x{zero:04X}" for zero in zeros)
    path.write_text(
        f"/* digit_tables.h - the zeros of all scripts. Unicode {unicodedata.unidata_version}. */\n"
        f"static const uint32_t digit_zeros[] = {{{listed}}};\n",
        encoding="ascii",
    )
