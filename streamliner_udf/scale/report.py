"""The report: all runs, what follows from them, and how it is shown."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import page, tables
from .analysis import Analysis, analyse, differing
from .trials import ScaleError, Trial

__all__ = ["ScaleReport"]

_VERSION = 1


@dataclass(frozen=True)
class ScaleReport:
    """What `run` measured. Everything shown follows from `trials`, so that a report can be shown again later.

    made : when. seconds : what it took.
    machine, options : where, and what was asked for.
    """

    made: str
    seconds: float
    machine: Mapping[str, Any]
    options: Mapping[str, Any]
    trials: tuple[Trial, ...]

    @functools.cached_property
    def analysis(self) -> Analysis:
        return analyse(self.trials, self.options, self.machine)

    @property
    def ok(self) -> bool:
        """Whether all runs ended, but for want of memory at the tight limit, and gave equal results."""
        bad = [one for one in self.trials if one.error is not None and not (one.memory and one.memory_limit)]
        return not bad and not differing(self.trials)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ScaleReport:
        """Of `to_dict()`. ScaleError if it is of another version."""
        version = given.get("version") if isinstance(given, Mapping) else None
        if version != _VERSION:
            raise ScaleError(f"scale: expected a report of version {_VERSION}, got {version!r}")
        trials = tuple(Trial(**one) for one in given["trials"])
        return cls(given["made"], given["seconds"], given["machine"], given["options"], trials)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "version": _VERSION,
            "made": self.made,
            "seconds": self.seconds,
            "machine": dict(self.machine),
            "options": dict(self.options),
            **self.analysis.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1) + "\n"

    def to_markdown(self) -> str:
        return tables.markdown(self)

    def to_html(self) -> str:
        """One file with everything in it."""
        return page.page(self)

    def to_text(self) -> str:
        """The verdict and the findings, for a terminal."""
        analysis = self.analysis
        marks = {True: "ok  ", False: "look", None: "    "}
        lines = [f"{analysis.verdict}: {analysis.because}", ""]
        return "\n".join(lines + [f"{marks[finding.good]} {finding.text}" for finding in analysis.findings])

    def write(self, folder: str | Path) -> list[Path]:
        """report.json, report.md and report.html in a folder, which is made; the paths."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        contents = {"report.json": self.to_json(), "report.md": self.to_markdown(), "report.html": self.to_html()}
        return [_write(folder / name, content) for name, content in contents.items()]

    def write_docs(self, folder: str | Path) -> list[Path]:
        """scaling.md and scaling.html, as they stand in the documentation; the paths."""
        intro = [
            "Measured by `streamliner scale`, which tells the same of your machine; a [page with "
            "plots](scaling.html) has "
            "the same figures.",
            "",
            "```\nstreamliner scale --output scale-report\n```",
            "",
        ]
        folder = Path(folder)
        return [
            _write(folder / "scaling.md", tables.markdown(self, intro=intro)),
            _write(folder / "scaling.html", self.to_html()),
        ]


def _write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="\n")
    return path
