"""Tables for people and JSON for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 2) -> None:
    """Prints columns; the first `words` of them to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, ["-" * width for width in widths], *rows]:
        cells = [c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(cells).rstrip())


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


def write(benchmark: str, label: str, record: dict[str, Any]) -> Path:
    """`results/<benchmark>-<label>.json`, four digits a figure; the path as one would type it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}-{label}.json"
    path.write_text(json.dumps(_rounded(record), indent=1) + "\n", encoding="utf-8")
    return Path(os.path.relpath(path))


def read(benchmark: str, label: str) -> dict[str, Any]:
    """What `write` has written."""
    record: dict[str, Any] = json.loads((RESULTS / f"{benchmark}-{label}.json").read_text(encoding="utf-8"))
    return record
