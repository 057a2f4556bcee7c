"""The tables of the report, once for Markdown and once for HTML, and Markdown itself."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .analysis import TOTAL, Analysis, Series, duration
from .corpus import NEAR, REPLIES, RESENT
from .fit import Fit
from .trials import Trial, thread_scale

__all__ = ["Table", "all_tables", "markdown", "method"]

_NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """`words` : columns that hold words and stand to the left; the others are numbers."""

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    note: str = ""


def _number(value: float | None, digits: int = 0) -> str:
    return _NOTHING if value is None else f"{value:,.{digits}f}"


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.1f}"


def _mega(value: float | None) -> str:
    return _NOTHING if value is None else f"{value / 1e6:,.0f}"


def _exponent(fit: Fit | None) -> str:
    return "too short" if fit is None else f"{fit.exponent:.2f} ({fit.low:.2f} to {fit.high:.2f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _thousands(rate: float) -> str:
    return f"{rate / 1e3:,.0f}"


def _volumes(analysis: Analysis, limit: str) -> Table:
    header = ("memory limit", "volume", "messages", "MB", "seconds", "CPU s", "k msg/s", "MB/s", "CPU / wall",
              "peak MB", "spilled MB", "written MB")  # fmt: skip
    rows = []
    for label, total in (("DuckDB's own", analysis.total), (limit, analysis.tight_total)):
        for line in total.lines if total else ():
            rows.append(
                (label, f"{line.scale}x", _number(line.messages), _number(line.export_bytes / 1e6, 1),
                 _seconds(line.wall), _seconds(line.cpu), _thousands(line.rows_per_second),
                 _number(line.megabytes_per_second, 1), _number(line.busy, 2), _mega(line.peak_memory),
                 _mega(line.spilled), _mega(line.written))
            )  # fmt: skip
    note = "Medians of the repeats. MB are those of the exports; peak is the most memory that the process held."
    return Table("volumes", "The whole pipeline", header, rows, 2, note)


def _steps(name: str, title: str, several: Sequence[Series], note: str) -> Table:
    header = ("step", "what it does", "exponent (95 %)", "seconds", "k msg/s", "MB/s", "CPU / wall", "peak MB",
              "spilled MB", "written MB")  # fmt: skip
    rows = []
    for one in several:
        line = one.last
        rows.append(
            (one.name, one.does, _exponent(one.cpu_fit), _seconds(line.wall), _thousands(line.rows_per_second),
             _number(line.megabytes_per_second, 1), _number(line.busy, 2), _mega(line.peak_memory),
             _mega(line.spilled), _mega(line.written))
        )  # fmt: skip
    return Table(name, title, header, rows, 2, note)


def _shares(analysis: Analysis) -> Table:
    scales = [line.scale for line in analysis.total.lines]
    forecast = analysis.forecast
    header = ["step", *(f"{scale}x" for scale in scales)]
    header += [f"{forecast.scale}x, extrapolated"] if forecast else []
    rows = []
    for one in analysis.steps:
        cells = [one.name, *(_percent(line.share) for line in one.lines)]
        rows.append(cells + ([_percent(forecast.shares[one.name])] if forecast else []))
    return Table("shares", "Share of processor time", header, rows)


def _functions(analysis: Analysis, limit: str) -> Table:
    header = ("function", "what it does", "CPU s", "k msg a CPU s", "MB a CPU s", "CPU / wall", "exponent (95 %)",
              f"peak MB at {limit}")  # fmt: skip
    tight = {one.name: one for one in analysis.tight_functions}
    rows = []
    for one in analysis.functions:
        line = one.last
        peak = tight[one.name].last.peak_memory if one.name in tight else None
        rows.append(
            (one.name, one.does, _seconds(line.cpu), _thousands(line.messages / line.cpu if line.cpu else 0),
             _number(line.export_bytes / 1e6 / line.cpu if line.cpu else 0), _number(line.busy, 2),
             _exponent(one.cpu_fit), _mega(peak))
        )  # fmt: skip
    note = f"At {analysis.total.last.scale}x, each function over the whole table, its result used and not kept."
    return Table("functions", "Functions alone", header, rows, 2, note)


def _threads(analysis: Analysis, options: Mapping[str, Any]) -> Table:
    whole = analysis.speedups.get(TOTAL, {})
    header = ["step", *(f"{count} thread{'s' * (count > 1)}" for count in whole)]
    rows = [[name, *(f"{value:.2f}" for value in found.values())] for name, found in analysis.speedups.items()]
    scale = thread_scale(options["scales"])
    note = f"Times as fast as one thread, by the clock, at {scale}x. Steps of some hundredths of a second are left out."
    return Table("threads", "Threads", header, rows, 1, note)


def _forecast(analysis: Analysis, limit: str) -> Table:
    rows = []
    if (found := analysis.forecast) is not None:
        between = f"{duration(found.wall_low)} to {duration(found.wall_high)}"
        tight = _NOTHING if found.tight_memory is None else f"{found.tight_memory / 1e9:,.1f} GB"
        rows = [
            ("messages", f"{found.messages:,} ({found.scale}x)"),
            ("time on this machine", f"{duration(found.wall)} (95 %: {between})"),
            ("peak memory, DuckDB's own limit", f"{found.peak_memory / 1e9:,.1f} GB"),
            (f"peak memory, {limit}", tight),
            (f"spilled to disk, {limit}", f"{found.spilled / 1e9:,.1f} GB"),
            ("exports, database and result on disk", f"{found.disk / 1e9:,.1f} GB"),
        ]
    note = "Extrapolated from the curves, not measured. The intervals hold what repeats and curves leave open, no more."
    return Table("forecast", "Forecast: an extrapolation", ("what", "value"), rows, 2, note)


def _contents(trials: Sequence[Trial]) -> Table:
    header = ("volume", "messages", "different texts", "repeated exactly", "nearly repeated", "windows", "chunks",
              "database MB", "Parquet MB")  # fmt: skip
    rows = []
    whole = [trial for trial in trials if trial.error is None]
    for scale in sorted({trial.scale for trial in whole}):
        there = [trial for trial in whole if trial.scale == scale]
        has = there[0].contents
        database, output = (
            statistics.median(getattr(trial, what) for trial in there) for what in ("database_bytes", "output_bytes")
        )
        exact = 1 - has["texts"] / has["rows"]
        rows.append(
            (f"{scale}x", _number(has["rows"]), _number(has["texts"]), _percent(exact),
             _percent(max(0.0, has["near_duplicates"] / has["rows"] - exact)), _number(has["windows"]),
             _number(has["chunks"]), _mega(database), _mega(output))
        )  # fmt: skip
    note = (
        "More volume is more chats with their own texts and weeks, not copies of the same: the share of "
        "repeated messages "
        f"is part of the corpus ({100 * REPLIES:.0f} % short replies, {100 * RESENT:.0f} % sent again, "
        f"{100 * NEAR:.0f} % "
        "sent again with a word changed, and what the app itself writes)."
    )
    return Table("contents", "What was processed", header, rows, 1, note)


def all_tables(report: Any) -> dict[str, Table]:
    """All tables by name."""
    analysis, limit = report.analysis, str(report.options["memory_limit"])
    scale = analysis.total.last.scale
    own = f"At {scale}x with DuckDB's own memory limit. The exponent is that of processor time, in c + a n^b."
    found = [
        _volumes(analysis, limit),
        _steps("steps", "Steps", analysis.steps, own),
        _shares(analysis),
    ]
    if analysis.tight_steps:
        largest = analysis.tight_steps[0].last.scale
        found.append(_steps("tight", f"Steps with memory_limit = {limit}", analysis.tight_steps, f"At {largest}x."))
    found += [
        _functions(analysis, limit),
        _threads(analysis, report.options),
        _forecast(analysis, limit),
        _contents(report.trials),
    ]
    return {table.name: table for table in found if table.rows}


def method(report: Any) -> list[str]:
    """How it was measured, in sentences."""
    options, machine = report.options, report.machine
    memory = "unknown" if machine["memory"] is None else f"{machine['memory'] / 2**30:.0f} GiB"
    load = "" if machine["load"] is None else f", load {machine['load']:.2f} at the start"
    return [
        f"Machine: {machine['processor']}, {machine['cpus']} processors, {memory} of memory{load}; "
        f"{machine['system']}, "
        f"DuckDB {machine['duckdb']} (own memory limit {machine['duckdb_memory_limit']}), Python {machine['python']}, "
        f"streamliner_udf {machine['streamliner_udf']}.",
        f"Runs: {len(report.trials)} fresh processes in {duration(report.seconds)}, {options['repeats']} for "
        f"each volume and "
        f"memory limit with {options['threads']} threads, and as many for each smaller number of threads at "
        f"{thread_scale(options['scales'])}x. Repeats are as far apart as the plan allows.",
        f"Volumes: {', '.join(f'{scale}x' for scale in options['scales'])} of {options['base']:,} messages, in "
        f"chats of "
        f"{options['chat']:,}; seed {options['seed']}.",
        "Each step leaves its result in the database and ends with a checkpoint. Processor time is that of all "
        "threads; "
        "peak memory is VmHWM, started anew before each step; spilled is the most that DuckDB's temporary folder held; "
        "written is what the process gave the disks.",
        "Curves are c + a n^b with c not below 0, by least squares of relative errors; intervals are 95 % of refits to "
        "resampled errors of all repeats.",
        f"Verdict: distribute if {report.analysis.forecast.scale if report.analysis.forecast else 100}x would "
        f"take more "
        "than ten minutes here, or more memory or disk than there is; tune if it fits but a step that matters "
        "bends, or a "
        "run did not end; else it fits.",
    ]


def _markdown(table: Table) -> list[str]:
    marks = [":---" if number < table.words else "---:" for number in range(len(table.header))]
    lines = [f"## {table.title}", ""]
    lines += [f"| {' | '.join(row)} |" for row in (table.header, marks, *table.rows)]
    return lines + (["", table.note] if table.note else [])


def markdown(report: Any, title: str = "How the whole pipeline scales", intro: Sequence[str] = ()) -> str:
    """The report as Markdown."""
    analysis = report.analysis
    marks = {True: "ok", False: "**look**", None: ""}
    lines = [f"# {title}", "", *intro, f"**{analysis.verdict.capitalize()}.** {analysis.because}", ""]
    lines += [f"- {marks[one.good]}{': ' if marks[one.good] else ''}{one.text}" for one in analysis.findings]
    for table in all_tables(report).values():
        lines += ["", *_markdown(table)]
    lines += ["", "## How it was measured", "", *(f"- {line}" for line in method(report)), "", f"Made {report.made}."]
    return "\n".join(lines) + "\n"
