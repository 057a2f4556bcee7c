"""A progress bar on standard error, shown only where a person watches."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 28
_LABEL = 28
_SECONDS_BETWEEN = 0.1


class Progress:
    """Counts steps of one long piece of work; `with Progress("parsing", total) as bar: bar.add(n)`."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self._label = label
        self._total = max(total, 1)
        self._done = 0
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._last = 0.0

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def add(self, steps: int = 1, label: str | None = None) -> None:
        """Moves on by `steps`, and says what comes next."""
        self._done = min(self._done + steps, self._total)
        if label is not None:
            self._label = label
        if time.monotonic() - self._last >= _SECONDS_BETWEEN or label is not None:
            self._draw()

    def move(self, done: int, total: int, label: str) -> None:
        """To a place that the work knows, with what it is at."""
        known = (self._done, self._total)
        self._done, self._total, self._label = min(done, total), max(total, 1), label
        if known != (self._done, self._total) or time.monotonic() - self._last >= _SECONDS_BETWEEN:
            self._draw()

    def _draw(self) -> None:
        if not self._shown:
            return
        self._last = time.monotonic()
        filled = _WIDTH * self._done // self._total
        percent = 100 * self._done // self._total
        self._stream.write(
            f"\r\033[K{self._label[-_LABEL:]:<{_LABEL}} [{'#' * filled}{'.' * (_WIDTH - filled)}] {percent:3d} %"
        )
        self._stream.flush()
