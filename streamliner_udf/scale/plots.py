"""Plots as SVG, drawn by hand: no library, no script, colours by the names of the page's style sheet.

Every plot is drawn once for a wide page and once for a narrow one, because letters that shrink with a picture cannot be
read.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .analysis import TOTAL, Analysis, Series

__all__ = ["NARROW", "WIDE", "growth", "legend", "memory", "memory_legend", "shares", "spilled", "threads"]

WIDE, NARROW = 760, 340
_LETTER = 6.7  # the width of one, on average
_LINE = 15


@dataclass
class _Canvas:
    """Pieces of a picture, with where its axes stand."""

    width: int
    height: int
    title: str
    left: int = 56
    right: int = 16
    top: int = 14
    bottom: int = 46
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.parts.append(text)

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        names = f' class="{kind}"' if kind else ""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{names}>{html.escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def path(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add(f'<polyline points="{listed}" class="{kind}"/>')

    def dot(self, x: float, y: float, kind: str, says: str) -> None:
        self.add(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="{kind}"><title>{html.escape(says)}</title></circle>'
        )

    def box(self, x: float, y: float, width: float, height: float, kind: str, says: str) -> None:
        self.add(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" rx="2" class="{kind}">'
            f"<title>{html.escape(says)}</title></rect>"
        )

    def svg(self) -> str:
        kind = "wide" if self.width == WIDE else "narrow"
        return (
            f'<svg class="plot {kind}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{html.escape(self.title)}">{"".join(self.parts)}</svg>'
        )


def _messages(count: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return f"{count:.0f}"


def _seconds(value: float) -> str:
    return f"{value:g} s"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"


def _round_ticks(most: float, wanted: int = 4) -> list[float]:
    """0 and round numbers up to the first above `most`."""
    if most <= 0:
        return [0.0, 1.0]
    step = 10 ** math.floor(math.log10(most / wanted))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if most / (step * factor) <= wanted)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _spread(wanted: Sequence[float], between: float, low: float, high: float) -> list[float]:
    """Places for labels, in the order of `wanted`, none nearer than `between` and all inside, moved no more than it
    takes."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    placed = [wanted[number] for number in order]
    for number in range(1, len(placed)):
        placed[number] = max(placed[number], placed[number - 1] + between)
    if placed and placed[-1] > high:
        placed[-1] = high
        for number in range(len(placed) - 2, -1, -1):
            placed[number] = min(placed[number], placed[number + 1] - between)
    if placed and placed[0] < low:
        placed[0] = low
        for number in range(1, len(placed)):
            placed[number] = max(placed[number], placed[number - 1] + between)
    found = [0.0] * len(wanted)
    for number, place in zip(order, placed, strict=True):
        found[number] = place
    return found


def legend(analysis: Analysis) -> str:
    """What each colour is."""
    items = "".join(
        f'<li><span class="swatch c{number}"></span>{html.escape(one.name)}</li>'
        for number, one in enumerate(analysis.steps, 1)
    )
    return f'<ul class="legend">{items}</ul>'


def growth(analysis: Analysis, width: int) -> str:
    """Processor time against volume, both logarithmic, with the curves and where they lead."""
    shown: list[tuple[Series, int]] = [
        (one, number) for number, one in enumerate(analysis.steps, 1) if one.cpu_fit is not None
    ]
    if analysis.total.cpu_fit is not None:
        shown.append((analysis.total, 0))
    if not shown:
        return ""
    narrow = width == NARROW
    canvas = _Canvas(width, 360 if narrow else 430, "Processor time of each step against the number of messages")
    canvas.left, canvas.right = (46, 122) if narrow else (62, 132)
    lines = [line for one, _ in shown for line in one.lines if line.cpu > 0]
    first, last = lines[0].messages, shown[0][0].last.messages
    least_x, most_x = first * 0.8, (analysis.forecast.messages if analysis.forecast else last) * 1.05
    ends = [one.cpu_fit.at(most_x) for one, _ in shown if one.cpu_fit]
    low = 10 ** math.floor(math.log10(min(line.cpu for line in lines)))
    high = 10 ** math.ceil(math.log10(max([*ends, *(line.cpu for line in lines)])))

    def x(count: float) -> float:
        inside = canvas.width - canvas.left - canvas.right
        return canvas.left + inside * math.log(count / least_x) / math.log(most_x / least_x)

    def y(value: float) -> float:
        inside = canvas.height - canvas.top - canvas.bottom
        return canvas.height - canvas.bottom - inside * math.log(max(value, low) / low) / math.log(high / low)

    base = canvas.height - canvas.bottom
    canvas.box(x(last), canvas.top, x(most_x) - x(last), base - canvas.top, "beyond", "extrapolated")
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        canvas.line(canvas.left, y(10.0**power), x(most_x), y(10.0**power), "grid")
        canvas.text(canvas.left - 6, y(10.0**power) + 4, _seconds(10.0**power), "tick", "end")
    ticks = [line.messages for line in shown[0][0].lines]
    ticks += [analysis.forecast.messages] if analysis.forecast else []
    taken = -math.inf
    for tick in ticks:
        words = _messages(tick)
        half = _LETTER * len(words) / 2 + 2
        canvas.line(x(tick), base, x(tick), base + 4, "axis")
        if x(tick) - half > taken:
            canvas.text(x(tick), base + 18, words, "tick", "middle")
            taken = x(tick) + half
    canvas.line(canvas.left, base, x(most_x), base, "axis")
    canvas.text((canvas.left + x(most_x)) / 2, canvas.height - 8, "messages", "name", "middle")
    canvas.text((x(last) + x(most_x)) / 2, base - 8, "extrapolated", "name", "middle")
    places = _spread([y(one.cpu_fit.at(most_x)) for one, _ in shown if one.cpu_fit], _LINE, canvas.top + 6, base)
    for (one, number), place in zip(shown, places, strict=True):
        assert one.cpu_fit is not None
        fit = one.cpu_fit
        steps = [first * (last / first) ** (i / 40) for i in range(41)]
        canvas.path([(x(n), y(fit.at(n))) for n in steps], f"curve c{number}")
        canvas.path([(x(n), y(fit.at(n))) for n in (last, (last * most_x) ** 0.5, most_x)], f"curve coming c{number}")
        for line in one.lines:
            if line.cpu > 0:
                says = f"{one.name}, {line.messages:,} messages: {line.cpu:.3g} s of processor time"
                canvas.dot(x(line.messages), y(line.cpu), f"dot c{number}", says)
        end = x(most_x)
        canvas.line(end + 1, y(fit.at(most_x)), end + 9, place, f"leader c{number}")
        canvas.text(end + 12, place + 4, one.name, f"label t{number}")
    return canvas.svg()


def shares(analysis: Analysis, width: int) -> str:
    """What part of the processor time each step takes, volume by volume."""
    bars = [(f"{line.scale}x", line.messages, [one.lines[at].share for one in analysis.steps])
            for at, line in enumerate(analysis.total.lines)]  # fmt: skip
    if analysis.forecast is not None:
        found = analysis.forecast
        bars.append((f"{found.scale}x", found.messages, [found.shares[one.name] for one in analysis.steps]))
    narrow = width == NARROW
    left, thick, step = (44, 24, 44) if narrow else (112, 28, 42)
    canvas = _Canvas(width, 12 + step * len(bars) + 24, "Share of processor time of each step, by volume", left, 12)
    inside = width - left - canvas.right
    for row, (label, count, parts) in enumerate(bars):
        top = 10 + row * step
        coming = analysis.forecast is not None and row == len(bars) - 1
        canvas.text(left - 8, top + thick / 2 + 4, label if narrow else f"{label} · {_messages(count)}", "tick", "end")
        place = float(left)
        for number, (one, share) in enumerate(zip(analysis.steps, parts, strict=True), 1):
            long = share * inside
            kind = f"bar c{number}" + (" coming" if coming else "")
            canvas.box(place, top, long - 2, thick, kind, f"{one.name} at {label}: {100 * share:.1f} %")
            words = f"{100 * share:.0f} %"
            if long > _LETTER * len(words) + 8:
                canvas.text(place + long / 2 - 1, top + thick / 2 + 4, words, f"inside i{number}", "middle")
            place += long
    note = "the last bar is extrapolated" if analysis.forecast is not None else ""
    canvas.text(width - canvas.right, canvas.height - 8, note, "name", "end")
    return canvas.svg()


def _memory_series(analysis: Analysis, limit: str) -> list[tuple[str, Series, int]]:
    found = [("DuckDB's own limit", analysis.total, 1)]
    if analysis.tight_total is not None:
        found.append((f"with {limit}", analysis.tight_total, 6))
    return found


def memory(analysis: Analysis, width: int, limit: str, limit_bytes: float | None) -> str:
    """The most memory that the process held, by volume, with both limits."""
    shown = _memory_series(analysis, limit)
    peaks = [line.peak_memory for _, one, _ in shown for line in one.lines if line.peak_memory is not None]
    if not peaks:
        return ""
    narrow = width == NARROW
    canvas = _Canvas(width, 260 if narrow else 300, "Most memory that the process held, by volume")
    canvas.left, canvas.right = (58, 12) if narrow else (68, 150)
    ticks = _round_ticks(max(*peaks, limit_bytes or 0))
    first, last = analysis.total.lines[0].messages, analysis.total.last.messages
    base = canvas.height - canvas.bottom

    def x(count: float) -> float:
        inside = width - canvas.left - canvas.right - 24
        return canvas.left + 12 + inside * math.log(count / first) / math.log(last / first)

    def y(value: float) -> float:
        return base - (base - canvas.top) * value / ticks[-1]

    for tick in ticks:
        canvas.line(canvas.left, y(tick), width - canvas.right, y(tick), "grid")
        canvas.text(canvas.left - 6, y(tick) + 4, "0" if tick == 0 else _bytes(tick), "tick", "end")
    for line in analysis.total.lines:
        canvas.text(x(line.messages), base + 18, _messages(line.messages), "tick", "middle")
    canvas.line(canvas.left, base, width - canvas.right, base, "axis")
    canvas.text((canvas.left + width - canvas.right) / 2, canvas.height - 8, "messages", "name", "middle")
    ends = []
    for label, one, number in shown:
        points = [(line, x(line.messages), y(line.peak_memory)) for line in one.lines if line.peak_memory is not None]
        canvas.path([(px, py) for _, px, py in points], f"curve c{number}")
        for line, px, py in points:
            canvas.dot(
                px, py, f"dot c{number}", f"{label}, {line.messages:,} messages: {_bytes(line.peak_memory or 0)}"
            )
        ends.append((label, number, points[-1][1], points[-1][2]))
    if limit_bytes is not None:
        canvas.line(canvas.left, y(limit_bytes), width - canvas.right, y(limit_bytes), "bound")
        ends.append((f"limit {limit}", 0, width - canvas.right, y(limit_bytes)))
    if not narrow:
        places = _spread([place for *_, place in ends], _LINE, canvas.top + 6, base)
        for (label, number, _, _), place in zip(ends, places, strict=True):
            canvas.text(width - canvas.right + 8, place + 4, label, f"label t{number}")
    return canvas.svg()


def memory_legend(limit: str) -> str:
    """For a page too narrow for labels beside the lines."""
    return (
        '<ul class="legend narrow"><li><span class="swatch c1"></span>DuckDB\'s own limit</li>'
        f'<li><span class="swatch c6"></span>with {html.escape(limit)}</li>'
        f'<li><span class="swatch rule"></span>limit {html.escape(limit)}</li></ul>'
    )


def spilled(analysis: Analysis, width: int, limit: str) -> str:
    """What went to disk for want of memory, by volume; no plot where that is nothing."""
    shown = _memory_series(analysis, limit)
    if not any(line.spilled for _, one, _ in shown for line in one.lines):
        return ""
    bars = [(label, line, number) for label, one, number in shown for line in one.lines]
    bars.sort(key=lambda bar: bar[1].scale)
    groups = [(scale, list(several)) for scale, several in itertools.groupby(bars, key=lambda bar: bar[1].scale)]
    narrow = width == NARROW
    left = 52 if narrow else 68
    thick, step = 13, 14 * len(shown) + 16
    canvas = _Canvas(
        width, 12 + step * len(groups) + 6, "Most that DuckDB had put on disk for want of memory", left, 76
    )
    most = max(line.spilled for _, line, _ in bars) or 1
    for row, (scale, several) in enumerate(groups):
        top = 8 + row * step
        canvas.text(left - 8, top + step / 2 - 4, f"{scale}x", "tick", "end")
        for at, (label, line, number) in enumerate(several):
            long = (width - left - canvas.right) * line.spilled / most
            place = top + at * (thick + 1)
            canvas.box(
                left, place, max(long, 1.5), thick, f"bar c{number}", f"{label}, {scale}x: {_bytes(line.spilled)}"
            )
            words = "none" if line.spilled == 0 else _bytes(line.spilled)
            canvas.text(left + max(long, 1.5) + 6, place + thick - 2, words, "small")
    return canvas.svg()


def threads(analysis: Analysis, width: int) -> str:
    """How many times as fast as one thread the most threads are, step by step."""
    found = analysis.speedups
    if TOTAL not in found:
        return ""
    most = max(found[TOTAL])
    narrow = width == NARROW
    left, thick, step = (112, 18, 28) if narrow else (132, 20, 30)
    canvas = _Canvas(
        width, 40 + step * len(found) + 22, "Speed of each step against one thread", left, 56 if narrow else 64
    )
    scale = max(float(most), *(found[name][most] for name in found))
    inside = width - left - canvas.right

    def x(value: float) -> float:
        return left + inside * value / scale

    bottom = 34 + step * len(found)
    for tick in sorted({0, 1, most} if most <= 4 else {0, 1, most // 2, most}):
        kind = "bound" if tick == most else "grid"
        canvas.line(x(tick), 24, x(tick), bottom, kind)
        canvas.text(x(tick), bottom + 16, f"{tick}x", "tick", "middle")
    canvas.text(x(most), 16, f"{most} threads, ideal", "name", "end" if x(most) > width - 120 else "middle")
    order = {one.name: number for number, one in enumerate(analysis.steps, 1)}
    for row, (name, several) in enumerate(found.items()):
        top = 30 + row * step
        says = ", ".join(f"{count} threads {value:.2f}x" for count, value in several.items())
        canvas.text(left - 8, top + thick / 2 + 4, name, "tick" if name != TOTAL else "label t0", "end")
        canvas.box(left, top, x(several[most]) - left, thick, f"bar c{order.get(name, 0)}", f"{name}: {says}")
        canvas.text(x(several[most]) + 6, top + thick / 2 + 4, f"{several[most]:.2f}x", "small")
    return canvas.svg()
