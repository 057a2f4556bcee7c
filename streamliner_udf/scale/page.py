"""The report as one HTML file: tables, plots and style in it, no script, nothing fetched from anywhere."""

from __future__ import annotations

import html
from importlib import resources
from typing import Any

from . import plots
from .analysis import Analysis, duration, size_bytes
from .tables import Table, all_tables, method

__all__ = ["page"]


def _colours() -> str:
    rules = []
    for number in range(8):
        fill = f"svg .dot.c{number}, svg .bar.c{number}, svg .t{number} {{ fill: var(--c{number}); }}"
        stroke = f"svg .curve.c{number}, svg .leader.c{number} {{ stroke: var(--c{number}); }}"
        rules.append(f".swatch.c{number} {{ background: var(--c{number}); }} {fill} {stroke}")
    return "\n".join(rules)


def _table(table: Table) -> str:
    def cells(row: Any, kind: str) -> str:
        words = [' class="word"' if number < table.words else "" for number in range(len(row))]
        return "".join(f"<{kind}{word}>{html.escape(cell)}</{kind}>" for cell, word in zip(row, words, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll" tabindex="0"><table id="{table.name}"><thead><tr>{cells(table.header, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def _figure(name: str, drawn: str, caption: str) -> str:
    return f'<figure id="plot-{name}">{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>' if drawn else ""


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{''.join(parts)}</section>"


def _short(seconds: float) -> str:
    return duration(seconds).replace("minutes", "min")


def _spill_note(analysis: Analysis) -> str:
    lines = (*analysis.total.lines, *(analysis.tight_total.lines if analysis.tight_total else ()))
    if not any(line.spilled for line in lines):
        return "Nothing went to disk for want of memory, at any volume."
    return (
        "What DuckDB put on disk for want of memory, at most: above with its own limit, "
        "below with the tight one, in the colours of the lines."
    )


def _tiles(report: Any) -> str:
    analysis = report.analysis
    last, forecast, fit = analysis.total.last, analysis.forecast, analysis.total.cpu_fit
    tiles = [
        (_short(last.wall), f"for {last.messages:,} messages, the largest volume measured"),
        (f"{last.rows_per_second:,.0f}", "messages a second through the whole pipeline"),
        (f"{(last.peak_memory or 0) / 1e6:,.0f} MB", "most memory held at that volume"),
    ]
    if fit is not None:
        tiles.append((f"n^{fit.exponent:.2f}", f"growth of processor time, 95 %: {fit.low:.2f} to {fit.high:.2f}"))
    if forecast is not None:
        tiles.append((_short(forecast.wall), f"for {forecast.messages:,} messages: an extrapolation"))
    drawn = "".join(f'<div class="tile"><b>{html.escape(big)}</b><span>{html.escape(small)}</span></div>'
                    for big, small in tiles)  # fmt: skip
    return f'<div class="tiles">{drawn}</div>'


def page(report: Any, title: str = "How the whole pipeline scales") -> str:
    """The whole file."""
    analysis, limit = report.analysis, str(report.options["memory_limit"])
    tables = all_tables(report)
    both = (plots.WIDE, plots.NARROW)

    def table(name: str) -> str:
        return _table(tables[name]) if name in tables else ""

    def drawn(plot: Any, *more: Any) -> str:
        return "".join(plot(analysis, width, *more) for width in both)

    kinds = {True: ("good", "ok"), False: ("look", "look"), None: ("", "note")}
    findings = "".join(
        f'<li class="{kinds[one.good][0]}"><em>{kinds[one.good][1]}</em>{html.escape(one.text)}</li>'
        for one in analysis.findings
    )
    short = [one.name for one in analysis.steps if one.cpu_fit is None]
    left_out = f" Too short to tell, and not shown: {', '.join(short)}." if short else ""
    machine = report.machine
    parts = [
        f'<h1>{html.escape(title)}</h1><p class="muted">Chat exports to clean messages, near-duplicates, '
        f'windows, chunks and '
        f"Parquet, with streamliner_udf {html.escape(machine['streamliner_udf'])} and DuckDB "
        f"{html.escape(machine['duckdb'])} on {machine['cpus']} processors ({html.escape(machine['processor'])}).</p>",
        f'<section class="verdict '
        f'{analysis.verdict}"><strong>{analysis.verdict}</strong>{html.escape(analysis.because)}'
        "</section>",
        _tiles(report),
        _section("What was found", f'<ul class="findings">{findings}</ul>'),
        _section(
            "How each step grows",
            _figure("growth", drawn(plots.growth),
                    "Seconds of processor time against messages, both axes logarithmic: a straight line of "
                    "slope 1 is twice "
                    "the work for twice the messages. Dots are medians of the repeats, lines the fits c + a "
                    "n^b, dashed where "
                    "they go beyond what was measured." + left_out),
            table("steps"),
            table("volumes"),
        ),
        _section(
            "Where the time goes",
            plots.legend(analysis),
            _figure("shares", drawn(plots.shares),
                    "Share of processor time of each step. A step whose part grows with the volume is the next "
                    "bottleneck."),
            table("shares"),
        ),
        _section(
            "Memory",
            plots.memory_legend(limit),
            _figure("memory", drawn(plots.memory, limit, size_bytes(limit)),
                    "Most memory that the process held. memory_limit bounds DuckDB's buffers; the process needs "
                    "some more."),
            f"<p>{_spill_note(analysis)}</p>",
            _figure("spilled", drawn(plots.spilled, limit),
                    "Most that DuckDB had on disk for want of memory, by volume."),
            table("tight"),
        ),
        _section(
            "Threads",
            _figure("threads", drawn(plots.threads), "Times as fast as one thread, by the clock."),
            table("threads"),
        ),
        _section("Functions alone", table("functions")),
        _section("Forecast: an extrapolation", table("forecast")),
        _section("What was processed", table("contents")),
        _section("How it was measured", *(f"<p>{html.escape(line)}</p>" for line in method(report)),
                 f'<p class="note">Made {html.escape(report.made)}.</p>'),
    ]  # fmt: skip
    # A page that says itself that it loads nothing cannot be made to.
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}{_colours()}\n</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )
