"""The measurement: chats are written once, then every run of the plan in a fresh process."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from .. import __version__, connect, resources
from ..measures import processor
from ..sql import quoted
from . import corpus
from .report import ScaleReport
from .trials import Plan, ScaleError, Trial, plan_trials, run_trial

__all__ = ["run"]

# Bytes on disk for each byte of the exports: the tables, the result, and what spills.
_DISK_FACTOR = 8
_SCALES_MIN = 3


def _machine(folder: Path) -> dict[str, Any]:
    import numpy

    found = resources.detect()
    with connect() as connection:
        own_limit = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    return {
        "processor": processor(),
        "cpus": found.cpus,
        "memory": found.memory,
        "disk_free": shutil.disk_usage(folder).free,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "duckdb_memory_limit": own_limit,
        "numpy": numpy.__version__,
        "streamliner_udf": __version__,
    }


def _expect(what: str, wanted: str, given: object, holds: bool) -> None:
    if not holds:
        raise ScaleError(f"scale: expected {what} to be {wanted}, got {given!r}")


def _check_limit(limit: str) -> None:
    with connect() as connection:
        try:
            connection.execute(f"SET memory_limit = {quoted(limit)}")
        except duckdb.Error as error:
            raise ScaleError(f"scale: expected memory_limit to be a size like 512MB, got {limit!r}") from error


def run(
    base: int = 100_000,
    scales: Sequence[int] = (1, 3, 10, 30),
    *,
    repeats: int = 3,
    memory_limit: str = "512MB",
    threads: int | None = None,
    chat: int = 25_000,
    seed: int = 7,
    folder: str | Path | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> ScaleReport:
    """Measures the whole pipeline at several volumes.

    Parameters
    ----------
    base : int
        Messages of the volume that is called 1x.
    scales : sequence of int
        Volumes as multiples of base; three or more, rising.
    repeats : int
        Fresh processes for each volume and memory limit.
    memory_limit : str
        The tight one, as DuckDB writes it; every volume is run with it and with DuckDB's own.
    threads : int, optional
        The most; as many as there are processors if it is not given. One volume is run with 1, 2, ... of them.
    chat : int
        Messages of one chat; more volume is more chats.
    seed : int
        Equal seeds, equal chats.
    folder : path, optional
        Where a temporary folder for chats and databases is made; the system's own place if it is not given.
    progress : callable, optional
        Hears what is done, and how far it is: (label, done, total).

    Returns
    -------
    ScaleReport
        All runs, and by `analysis()`, `to_markdown()` and `to_html()` what follows from them.

    Nulls : what the system does not tell is None.
    Errors : ScaleError for options out of their range and for too little disk. A run that fails is in the report.
    Cost : the pipeline 2 * repeats times over every volume: some ten minutes on two processors as it is given here.

    Examples
    --------
    >>> report = run(100, (1, 2, 3), repeats=1, threads=1)  # doctest: +SKIP
    """
    _expect("base", "a whole number above 0", base, base > 0)
    rising = list(scales) == sorted(set(scales)) and min(scales, default=0) > 0
    _expect("scales", "three or more rising whole numbers", tuple(scales), rising and len(scales) >= _SCALES_MIN)
    _expect("repeats", "a whole number above 0", repeats, repeats > 0)
    _expect("chat", "a whole number above 0", chat, chat > 0)
    _expect("threads", "a whole number above 0", threads, threads is None or threads > 0)
    _check_limit(memory_limit)
    started = time.perf_counter()
    most = threads or resources.detect().cpus
    plans = list(plan_trials(scales, repeats, memory_limit, most))
    # Runs of a volume take about as long as it is large.
    weights = [plan.scale for plan in plans]
    total = sum(weights)
    tell = progress or (lambda label, done, total: None)
    with tempfile.TemporaryDirectory(prefix="streamliner-scale-", dir=folder) as made:
        work = Path(made)
        machine = _machine(work)
        chats = work / "chats"
        chats.mkdir()
        sample = corpus.make_chats(chats, min(chat, base), chat, seed)
        needed = _DISK_FACTOR * sample[0][2] / sample[0][1] * base * max(scales)
        _expect("the free disk space", f"{needed / 1e9:.1f} GB", f"{machine['disk_free'] / 1e9:.1f} GB",
                needed < machine["disk_free"])  # fmt: skip
        files = corpus.make_chats(chats, base * max(scales), chat, seed, resources.detect().cpus, tell)
        trials: list[Trial] = []
        for number, plan in enumerate(plans):
            tell(_label(plan), sum(weights[:number]), total)
            trials.append(run_trial(plan, _files(files, base * plan.scale, chats, chat, seed), work / "trial"))
        tell("done", total, total)
    return ScaleReport(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - started,
        machine=machine,
        options={
            "base": base,
            "scales": list(scales),
            "repeats": repeats,
            "memory_limit": memory_limit,
            "threads": most,
            "chat": chat,
            "seed": seed,
        },
        trials=tuple(trials),
    )


def _label(plan: Plan) -> str:
    limit = f", {plan.memory_limit}" if plan.memory_limit else ""
    return f"{plan.scale}x{limit}, {plan.threads} thread{'s' * (plan.threads > 1)}"


def _files(
    files: list[tuple[Path, int, int]], messages: int, folder: Path, chat: int, seed: int
) -> list[tuple[Path, int, int]]:
    """The first files, with `messages` messages in all; the last one cut where a volume ends within it."""
    whole, rest = divmod(messages, chat)
    found = files[:whole]
    if rest and len(files) > whole and files[whole][1] != rest:
        path = folder / f"{rest} of {files[whole][0].name}"
        if not path.exists():
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(corpus.chat_messages(whole, rest, seed))
        return [*found, (path, rest, path.stat().st_size)]
    return files[: whole + (rest > 0)]
