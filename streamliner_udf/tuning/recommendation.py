"""What is recommended, why, and how sure that is: as a table, as SQL, as JSON and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from ..sql import identifier, quoted
from .errors import TuningError
from .search import METRICS, Choice, Confirmation, Knee, Outcome, Point
from .trials import Facts, Trial

__all__ = ["Applied", "Recommendation", "Setting"]

_FORMAT = 1
_SURE = 0.95
# What is no setting of a connection, and why it cannot be made one.
_NOT_LIVE = {
    "row_group_size": "rows stand in groups in the file: write the database anew (see recommendation.sql)",
    "attach_row_group_size": "it is said when the database is attached (see recommendation.sql)",
    "batch_rows": "it belongs to what the caller gives: parse_rows(..., batch_rows=n), or batches of that many rows",
    "storage": "it is where the database stands: see recommendation.sql",
}


@dataclass(frozen=True)
class Setting:
    """One line of the table. `ratio` is the metric's, of recommended to default, or of what was tried."""

    name: str
    default: Any
    recommended: Any
    tried: Any
    ratio: float | None
    low: float | None
    high: float | None
    verdict: str
    evidence: str
    confidence: str


@dataclass(frozen=True)
class Applied:
    """What `apply` did: statements that ran, and what is left to do, with the reason."""

    done: tuple[str, ...]
    left: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [*self.done, *(f"not set: {name}: {reason}" for name, reason in self.left)]
        return "\n".join(lines) if lines else "nothing to set: the defaults are right"


@dataclass(frozen=True)
class Recommendation:
    """The outcome of a search; `print()` shows the table.

    settings : name to value of what is recommended, empty where the defaults are right.
    database, workload : what it was measured with.
    """

    objective: str
    seed: int
    budget: float
    database: str
    workload: str
    workload_sha256: str
    facts: Mapping[str, Any]
    outcome: Outcome

    @classmethod
    def of(cls, outcome: Outcome, facts: Facts, **about: Any) -> Recommendation:
        """From what the search found."""
        return cls(facts=facts.to_dict(), outcome=outcome, **about)

    @property
    def settings(self) -> dict[str, Any]:
        known = {choice.knob: choice.value for choice in self.outcome.choices if choice.verdict == "set"}
        return {**known, **self.outcome.chosen}

    @property
    def complete(self) -> bool:
        """False if the budget or the user ended the search early."""
        return self.outcome.complete

    @property
    def interrupted(self) -> bool:
        """True if the user ended the search."""
        return self.outcome.interrupted

    @property
    def verdict(self) -> str:
        """One sentence."""
        found = self.outcome.confirmation
        what = METRICS[self.outcome.metric]
        if self.outcome.chosen and found is None:
            return f"The default does not work; this does: {_listed(self.outcome.chosen)}."
        if self.outcome.chosen and found is not None:
            return (
                f"{_listed(self.outcome.chosen)}: {what} x {found.ratio:.2f} ({found.low:.2f} to {found.high:.2f}), "
                f"{found.pairs} pairs taking turns."
            )
        if not self.complete:
            return "Nothing was confirmed before the end: keep the defaults."
        if found is not None:
            return f"The defaults are right for you: {_listed(found.configuration)} did not hold, {found.reason}."
        return "The defaults are right for you: nothing that was tried helps."

    def rows(self) -> list[Setting]:
        """One line for each setting, those to change first."""
        by_name: dict[str, list[Choice]] = {}
        for choice in self.outcome.choices:
            by_name.setdefault(choice.knob, []).append(choice)
        rows = [self._row(name, choices) for name, choices in by_name.items()]
        rank = {"keep": 0, "set": 1, "advice": 2, "rejected": 3, "default": 4, "none": 5}
        return sorted(rows, key=lambda row: rank[row.verdict])

    def _row(self, name: str, choices: list[Choice]) -> Setting:
        chosen = self.outcome.chosen
        known = next((choice for choice in choices if choice.verdict == "set"), None)
        if name in chosen:
            best = next((choice for choice in choices if choice.value == chosen[name]), choices[0])
            found = self.outcome.confirmation
            evidence = f"{best.runs} run{'s' if best.runs > 1 else ''} alone"
            if found is not None:
                evidence += f", {found.pairs} pairs{' together' if len(chosen) > 1 else ''}"
            elif best.ratio is None:
                evidence = best.reason
            return self._setting(best, best.value, "keep", evidence, self._sure())
        if known is not None:
            return self._setting(known, known.value, "set", known.reason, "high")
        tried = [choice for choice in choices if choice.ratio is not None]
        best = min(tried, key=lambda choice: choice.ratio or 1.0) if tried else choices[0]
        if best.verdict == "keep":  # helped alone, and was not confirmed
            found = self.outcome.confirmation
            evidence = found.reason if found is not None and name in found.configuration else "not confirmed"
            return self._setting(best, None, "default", evidence, "low")
        sure = "-" if best.ratio is None else "high" if (best.low or 0) > _SURE else "medium"
        return self._setting(best, None, best.verdict, best.reason, sure)

    def _setting(self, choice: Choice, value: Any, verdict: str, evidence: str, confidence: str) -> Setting:
        return Setting(
            choice.knob,
            choice.default,
            value,
            choice.value,
            choice.ratio,
            choice.low,
            choice.high,
            verdict,
            evidence,
            confidence,
        )

    def _sure(self) -> str:
        found = self.outcome.confirmation
        if found is None or found.every > 1 or not self.outcome.complete:
            return "low"
        return "high" if self.outcome.quiet and found.high < _SURE else "medium"

    def __str__(self) -> str:
        head = ("setting", "default", "recommended", "effect", "evidence", "confidence")
        lines = [head]
        for row in self.rows():
            effect = "-"
            if row.ratio is not None:
                effect = f"x {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f})"
                if row.recommended is None:
                    effect = f"{_value(row.tried)}: {effect}"
            recommended = "default" if row.recommended is None else _value(row.recommended)
            lines.append((row.name, _value(row.default), recommended, effect, row.evidence, row.confidence))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        shown = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        shown.insert(1, "-" * max(map(len, shown)))
        noise = f", noise {self.outcome.noise:.0%}" if self.outcome.noise else ""
        about = [
            self.verdict,
            "",
            f"effect: {METRICS[self.outcome.metric]} to that of the default{noise}; {self.outcome.metric_reason}",
            f"{len(self.outcome.trials)} trials, {sum(trial.seconds for trial in self.outcome.trials):.0f} s"
            + ("" if self.complete else "; INCOMPLETE"),
        ]
        found = self.outcome.confirmation
        if found is not None and self.outcome.metric != "wall":
            about.insert(3, f"on the clock: x {found.wall:.2f} ({found.wall_low:.2f} to {found.wall_high:.2f})")
        return "\n".join([*about, *(f"note: {note}" for note in self.outcome.notes), "", *shown])

    # ---- forms -----------------------------------------------------------------------------------------------------

    def _live(self) -> list[tuple[str, str]]:
        """Names and statements of what a connection can be told."""
        found = []
        for name, value in self.settings.items():
            if name not in _NOT_LIVE:
                shown = quoted(value) if isinstance(value, str) else str(value).lower()
                found.append((name, f"SET {name} = {shown}"))
            elif name == "storage" and value == "uncompressed":
                found.append((name, "SET force_compression = 'uncompressed'"))
        return found

    def sql(self) -> str:
        """Statements for a connection that is opened in memory, with the evidence as comments."""
        rows = {row.name: row for row in self.rows()}
        lines = [
            f"-- DuckDB {self.facts['duckdb']}, objective {self.objective}: {self.verdict}",
            f"-- {_comment(self.outcome.metric_reason)}",
        ]
        if not self.complete:
            lines.append("-- INCOMPLETE: the search ended early")
        for name, statement in self._live():
            row = rows[name]
            effect = f"x {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}); " if row.ratio is not None else ""
            lines += [f"-- {name}: {effect}{_comment(row.evidence)}; confidence {row.confidence}", f"{statement};"]
        lines += self._placed(rows)
        if "batch_rows" in self.settings:
            lines.append(f"-- batch_rows: give Arrow in record batches of {self.settings['batch_rows']:,} rows")
        return "\n".join(lines) + "\n"

    def _placed(self, rows: Mapping[str, Setting]) -> list[str]:
        """Where the database stands and how it is opened. Nothing of the old file is changed."""
        old = Path(self.database or "your.duckdb")
        groups, storage = self.settings.get("row_group_size"), self.settings.get("storage")
        opened = self.settings.get("attach_row_group_size")
        lines = [
            f"-- {name}: x {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}); confidence {row.confidence}"
            for name, row in rows.items()
            if name in self.settings and name in _NOT_LIVE and row.ratio is not None
        ]
        size = f" (ROW_GROUP_SIZE {groups or opened})" if (groups or opened) and storage != "memory" else ""
        if size:
            lines += [
                "-- Every ATTACH needs the size. Without it DuckDB 2.0 reads a table of fewer than 122,880 rows with",
                "-- one thread, and the first CHECKPOINT of any version merges the groups. duckdb.connect(path) cannot",
                "-- be told the size: attach the file to a connection in memory.",
            ]
        used = f"USE {identifier(old.stem)};"
        if not groups and not storage:
            return [*lines, f"ATTACH {quoted(old)} AS {identifier(old.stem)}{size};", used] if size else []
        new = old.with_suffix(".tuned" + (old.suffix or ".duckdb"))
        return [
            *lines,
            f"ATTACH {quoted(old)} AS streamliner_old (READ_ONLY);",
            f"ATTACH {quoted(':memory:' if storage == 'memory' else new)} AS {identifier(old.stem)}{size};",
            f"COPY FROM DATABASE streamliner_old TO {identifier(old.stem)};",
            "DETACH streamliner_old;",
            used,
        ]

    def apply(self, con: duckdb.DuckDBPyConnection) -> Applied:
        """Sets on an open connection what can be set there.

        Returns
        -------
        Applied
            The statements that ran, and what cannot be set on a connection, with the reason.

        Errors : duckdb.Error where the connection refuses a setting, as one with `lock_configuration` does.
        """
        live = dict(self._live())
        for statement in live.values():
            con.execute(statement)
        left = [(name, _NOT_LIVE[name]) for name in self.settings if name not in live]
        return Applied(tuple(live.values()), tuple(left))

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it: the machine, the data, every trial, what is chosen, and what is not and why."""
        rejected = [asdict(choice) for choice in self.outcome.choices if choice.verdict != "keep"]
        rejected += [
            {**asdict(choice), "reason": "not confirmed"}
            for choice in self.outcome.choices
            if choice.verdict == "keep" and self.outcome.chosen.get(choice.knob) != choice.value
        ]
        return {
            "format": _FORMAT,
            "verdict": self.verdict,
            "complete": self.complete,
            "objective": self.objective,
            "seed": self.seed,
            "budget": self.budget,
            "spent": sum(trial.seconds for trial in self.outcome.trials),
            "database": self.database,
            "workload": self.workload,
            "workload_sha256": self.workload_sha256,
            "facts": dict(self.facts),
            "chosen": self.settings,
            "settings": [asdict(row) for row in self.rows()],
            "rejected": rejected,
            "search": {**asdict(self.outcome), "baseline": _finite(self.outcome.baseline)},
        }

    def to_json(self) -> str:
        """`to_dict()` as text."""
        return json.dumps(self.to_dict(), indent=2, default=str)

    @classmethod
    def from_json(cls, text: str) -> Recommendation:
        """The recommendation that `to_json()` wrote. TuningError for anything else."""
        try:
            given = json.loads(text)
            if given["format"] != _FORMAT:
                raise TuningError(f"tune: expected a recommendation of format {_FORMAT}, got format {given['format']}")
            found = given["search"]
            knee, confirmation = found["knee"], found["confirmation"]
            outcome = Outcome(
                **{
                    **found,
                    "baseline": math.nan if found["baseline"] is None else found["baseline"],
                    "choices": tuple(Choice(**choice) for choice in found["choices"]),
                    "knee": knee and Knee(**{**knee, "points": tuple(Point(**point) for point in knee["points"])}),
                    "confirmation": confirmation and Confirmation(**confirmation),
                    "trials": tuple(Trial.from_dict(trial) for trial in found["trials"]),
                    "notes": tuple(found["notes"]),
                }
            )
            names = ("objective", "seed", "budget", "database", "workload", "workload_sha256", "facts")
            return cls(**{name: given[name] for name in names}, outcome=outcome)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, TuningError):
                raise
            raise TuningError(f"tune: expected a recommendation as to_json() writes it, got {error!r}") from None

    def svg(self) -> str:
        """The picture: the effect of each knob with its interval, and the memory limit against time."""
        from .picture import draw

        return draw(self)

    def write(self, folder: str | Path) -> list[Path]:
        """recommendation.sql, .json and .svg in a folder, which is made if it is not there."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for end, text in (("sql", self.sql()), ("json", self.to_json()), ("svg", self.svg())):
            paths.append(folder / f"recommendation.{end}")
            paths[-1].write_text(text, encoding="utf-8")
        return paths


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in settings.items())


def _value(value: Any) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "-" if value is None else str(value)
    )


def _comment(text: str) -> str:
    """A text on one line, as a comment needs it."""
    return " ".join(text.split())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
