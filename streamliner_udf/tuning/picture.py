"""The picture of a recommendation, as plain SVG: nothing to install, and nothing that is fetched when it is shown."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .search import METRICS, Knee

if TYPE_CHECKING:
    from .recommendation import Recommendation

__all__ = ["draw"]

_WIDTH, _MARGIN = 920, 24
_LEFT, _RIGHT = 270, 690  # of both plots
_ROW = 26
_FONT = 13
# Wider than the letters of common fonts are on average, so that what is cut by it fits.
_LETTER = 0.6
_TICK = 34
_HEIGHT_MEMORY = 190
_COLOURS = {"keep": "#1a7f37", "advice": "#9a6700", "rejected": "#cf222e", "default": "#57606a"}
_INK, _PALE, _LINE, _BLUE = "#1f2328", "#eaeef2", "#afb8c1", "#0969da"
_WORDS = {"keep": "helps", "advice": "at a price", "rejected": "rejected", "default": "no gain"}
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)


def _text(
    x: float, y: float, text: str, anchor: str = "start", colour: str = _INK, size: int = _FONT, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{weight}>'
        f"{escape(text)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dash}/>'


def _fitting(text: str, width: float, size: int = _FONT) -> str:
    """A text that is no wider, as far as one knows without the font."""
    letters = int(width / (size * _LETTER))
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _apart(ticks: Sequence[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """Ticks that are far enough from the last one before them for their labels."""
    kept: list[tuple[float, str]] = []
    for x, label in ticks:
        if not kept or x - kept[-1][0] >= least:
            kept.append((x, label))
    return kept


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _bytes(size: float) -> str:
    return f"{size / (1 << 30):.4g} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.4g} MiB"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _effects(found: Recommendation, top: float) -> tuple[list[str], float]:
    """One line for each value that was tried, with its interval, and one for the winner that was confirmed."""
    outcome = found.outcome
    tried = [choice for choice in outcome.choices if choice.ratio is not None]
    confirmed = outcome.confirmation
    parts = [_text(_MARGIN, top, f"Effect on {METRICS[outcome.metric]}, as a share of the default's", bold=True)]
    if not tried:
        return [*parts, _text(_MARGIN, top + _ROW, "nothing was tried")], top + 2 * _ROW
    ends = [end for choice in tried for end in (choice.low or 1.0, choice.high or 1.0)] + [1.0]
    if confirmed:
        ends += [confirmed.low, confirmed.high]
    low, high = math.log(max(min(ends), 0.01) / 1.08), math.log(max(ends) * 1.08)

    def x(ratio: float) -> float:
        share = (math.log(max(ratio, 0.01)) - low) / (high - low)
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)

    start = top + 14
    rows = len(tried) + (1 if confirmed else 0)
    bottom = start + rows * _ROW + 4
    left, right = x(1 - outcome.noise), x(1 + outcome.noise)
    parts.append(
        f'<rect x="{left:.1f}" y="{start:.1f}" width="{right - left:.1f}" height="{bottom - start:.1f}" '
        f'fill="{_PALE}"/>'
    )
    ticks = [(x(ratio), f"{ratio:g}") for ratio in _RATIOS if low <= math.log(ratio) <= high]
    # The default has its label first; the others where there is room beside it.
    one = x(1.0)
    below, above = ([tick for tick in ticks if side * (tick[0] - one) >= _TICK] for side in (-1, 1))
    ticks = [*_apart(below, _TICK), (one, "1"), *_apart(above, _TICK)]
    for place, label in ticks:
        parts.append(_line(place, start, place, bottom, _LINE if label == "1" else _PALE))
        parts.append(_text(place, bottom + 16, label, "middle", size=12))

    def row(y: float, name: str, ratio: float, ends: tuple[float, float], colour: str, note: str, strong: bool) -> None:
        parts.append(_text(_LEFT - 12, y + 4, _fitting(name, _LEFT - 12 - _MARGIN), "end", bold=strong))
        parts.append(_line(x(ends[0]), y, x(ends[1]), y, colour, 2))
        for end in ends:
            parts.append(_line(x(end), y - 4, x(end), y + 4, colour, 2))
        parts.append(f'<circle cx="{x(ratio):.1f}" cy="{y:.1f}" r="{6 if strong else 4.5}" fill="{colour}"/>')
        label = f"{ratio:.2f}  {note}"
        parts.append(
            _text(_RIGHT + 14, y + 4, _fitting(label, _WIDTH - _MARGIN - _RIGHT - 14), colour=colour, bold=strong)
        )

    y = start + _ROW / 2 + 2
    for choice in tried:
        low_end, high_end = choice.low or 1.0, choice.high or 1.0
        name = f"{choice.knob} {_value(choice.value)}"
        row(y, name, choice.ratio or 1.0, (low_end, high_end), _COLOURS[choice.verdict], _WORDS[choice.verdict], False)
        y += _ROW
    if confirmed:
        colour = _COLOURS["keep" if confirmed.accepted else "default"]
        note = "confirmed" if confirmed.accepted else "not confirmed"
        row(
            y,
            f"together, {confirmed.pairs} pairs",
            confirmed.ratio,
            (confirmed.low, confirmed.high),
            colour,
            note,
            True,
        )
    shade = f"shaded: noise of equal runs, {outcome.noise:.0%}; lines: 95 % intervals"
    parts.append(_text(_LEFT, bottom + 36, shade, colour=_COLOURS["default"], size=12))
    return parts, bottom + 36


def _memory(knee: Knee, top: float) -> tuple[list[str], float]:
    """Time at each memory limit, and the knee below which it rises."""
    parts = [_text(_MARGIN, top, "Time at each memory limit", bold=True)]
    limits = [(point.limit, point) for point in knee.points if point.limit is not None]
    usual = next((point.seconds for point in knee.points if point.limit is None), None) or 0.0
    times = [point.seconds for point in knee.points if point.seconds is not None]
    most = max(times, default=1.0) * 1.15 or 1.0
    start, bottom = top + 18, top + _HEIGHT_MEMORY
    sizes = [limit for limit, _ in limits]
    low, high = math.log2(min(sizes)) - 0.3, math.log2(max(sizes)) + 0.3

    def x(size: float) -> float:
        return _LEFT + (math.log2(size) - low) / (high - low) * (_RIGHT - _LEFT)

    def y(seconds: float) -> float:
        return bottom - seconds / most * (bottom - start)

    for share in (0.0, 0.5, 1.0):
        seconds = most * share / 1.15
        parts.append(_line(_LEFT, y(seconds), _RIGHT, y(seconds), _PALE))
        parts.append(_text(_LEFT - 12, y(seconds) + 4, _seconds(seconds) if share else "0", "end", size=12))
    for place, label in _apart(sorted((x(size), _bytes(size)) for size in sizes), 66):
        parts.append(_line(place, bottom, place, bottom + 4, _LINE))
        parts.append(_text(place, bottom + 18, label, "middle", size=12))
    parts.append(_line(_LEFT, y(usual), _RIGHT, y(usual), _LINE, 1.5, dashed=True))
    parts.append(_text(_RIGHT + 14, y(usual) + 4, "DuckDB's own limit", colour=_COLOURS["default"], size=12))
    parts.append(_line(x(knee.limit), start - 4, x(knee.limit), bottom, _BLUE, 1.5, dashed=True))
    drawn = [(x(limit), y(point.seconds)) for limit, point in limits if point.seconds is not None]
    if len(drawn) > 1:
        places = " ".join(f"{a:.1f},{b:.1f}" for a, b in sorted(drawn))
        parts.append(f'<polyline points="{places}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>')
    for limit, point in limits:
        if point.seconds is None:
            parts.append(_text(x(limit), start + 6, "✕", "middle", _COLOURS["rejected"]))
            continue
        colour = _COLOURS["keep"] if point.free else _COLOURS["advice"]
        parts.append(f'<circle cx="{x(limit):.1f}" cy="{y(point.seconds):.1f}" r="4.5" fill="{colour}"/>')
    said = "the knee" if knee.exact else "nothing smaller was tried"
    # Where the label of the dashed line is not.
    free = bottom - 30 if y(usual) < (start + bottom) / 2 else start + 10
    parts.append(_text(_RIGHT + 14, free, _bytes(knee.limit), colour=_BLUE, bold=True))
    parts.append(_text(_RIGHT + 14, free + 18, said, colour=_BLUE, size=12))
    legend = "green: free; brown: spills or slower; ✕: fails; dashed blue: least limit that was free"
    parts.append(_text(_LEFT, bottom + 38, legend, colour=_COLOURS["default"], size=12))
    return parts, bottom + 38


def draw(found: Recommendation) -> str:
    """The whole picture."""
    y: float = 34
    state = "" if found.complete else " (incomplete)"
    parts = [_text(_MARGIN, y, f"streamliner tune: {found.objective}{state}", size=17, bold=True)]
    letters = int((_WIDTH - 2 * _MARGIN) / (_FONT * _LETTER))
    about = f"DuckDB {found.facts['duckdb']}, {found.facts['machine']['processor']}; {found.outcome.metric_reason}"
    y += 24
    for text, colour in ((found.verdict, _INK), (about, _COLOURS["default"])):
        for line in textwrap.wrap(text, letters):
            parts.append(_text(_MARGIN, y, line, colour=colour))
            y += 19
    more, y = _effects(found, y + 18)
    parts += more
    if found.outcome.knee is not None and any(point.limit is not None for point in found.outcome.knee.points):
        more, y = _memory(found.outcome.knee, y + 44)
        parts += more
    height = y + _MARGIN
    title = escape(f"Effect of DuckDB's settings: {found.verdict}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" font-family="system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif" role="img">\n'
        f'<title>{title}</title>\n<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
