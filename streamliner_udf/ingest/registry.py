"""Which adapters there are: ours, and those of installed packages. None is imported before it is asked."""

from __future__ import annotations

import importlib
import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .adapter import Adapter, Finder, Source

__all__ = ["GROUP", "Registered", "adapters", "choose", "find", "find_exports"]

GROUP = "streamliner_udf.adapters"
"""Entry points of this group name a class, or a function without arguments, that gives an adapter."""

OURS = "streamliner_udf"

_OURS = {
    "whatsapp": "streamliner_udf.ingest.whatsapp:WhatsAppAdapter",
    "telegram": "streamliner_udf.ingest.telegram:TelegramAdapter",
    "discord": "streamliner_udf.ingest.discord:DiscordAdapter",
    "slack": "streamliner_udf.ingest.slack:SlackAdapter",
    "messenger": "streamliner_udf.ingest.messenger:MessengerAdapter",
    "instagram": "streamliner_udf.ingest.messenger:InstagramAdapter",
    "signal": "streamliner_udf.ingest.signal:SignalAdapter",
    "csv": "streamliner_udf.ingest.tables:CsvAdapter",
    "jsonl": "streamliner_udf.ingest.tables:JsonlAdapter",
    "parquet": "streamliner_udf.ingest.tables:ParquetAdapter",
    "mbox": "streamliner_udf.ingest.mbox:MboxAdapter",
}


_T = TypeVar("_T")


@dataclass
class Registered:
    """An adapter by name; `error` says why it cannot be used."""

    name: str
    origin: str
    target: str
    error: str | None = None
    _made: Adapter | None = None

    def get(self) -> Adapter | None:
        """The adapter, or None where it is broken: that is said once, and stays in `error`."""
        if self._made is None and self.error is None:
            try:
                module, _, attribute = self.target.partition(":")
                made = getattr(importlib.import_module(module), attribute)()
                if not isinstance(made, Adapter):
                    raise TypeError(f"expected methods sniff and load and a name, got {type(made).__name__}")
                self._made = made
            except Exception as error:  # a plugin may fail in any way, and must not take the others with it
                self.fail(error)
        return self._made

    def fail(self, error: Exception) -> None:
        """Leaves the adapter out from now on."""
        self._made, self.error = None, f"{type(error).__name__}: {error}"
        warnings.warn(f"adapter {self.name!r} of {self.origin} is left out: {self.error}", stacklevel=3)


_known: dict[str, Registered] = {}


def adapters() -> list[Registered]:
    """All of them: ours first, whatever is installed; a package cannot take one of our names."""
    if not _known:
        for name, target in _OURS.items():
            _known[name] = Registered(name, OURS, target)
        for point in importlib.metadata.entry_points(group=GROUP):
            origin = point.dist.name if point.dist else "a package"
            if point.name in _known:
                reason = f"expected another name than {point.name!r}, which {_known[point.name].origin} has"
                warnings.warn(f"adapter {point.name!r} of {origin} is left out: {reason}", stacklevel=2)
                continue
            _known[point.name] = Registered(point.name, origin, point.value.partition("[")[0].strip())
    return list(_known.values())


def find(name: str) -> Adapter:
    """The adapter of that name. ValueError if there is none, or it is broken."""
    for registered in adapters():
        if registered.name == name:
            made = registered.get()
            if made is None:
                raise ValueError(f"ingest: expected adapter {name!r} to work, got {registered.error}")
            return made
    known = ", ".join(registered.name for registered in adapters())
    raise ValueError(f"ingest: expected source to be auto or one of {known}, got {name!r}")


def _ask(question: Callable[[Adapter], _T]) -> Iterator[tuple[_T, Adapter]]:
    """The answer of each adapter that works."""
    for registered in adapters():
        adapter = registered.get()
        if adapter is None:
            continue
        try:
            answer = question(adapter)
        except (ValueError, OSError):  # of the source: an archive that breaks a limit, a file that cannot be read
            raise
        except Exception as error:
            if registered.origin == OURS:
                raise
            registered.fail(error)
        else:
            yield answer, adapter


def choose(source: Source, among_others: bool = False) -> tuple[Adapter, float] | None:
    """The adapter that is surest of a source, and how sure; of equals the first. None if no adapter takes it.

    among_others : the source is a container that may hold several exports: adapters that find theirs are not asked.
    """
    best, chosen = 0.0, None
    with source.head_kept():
        for score, adapter in _ask(lambda one: 0.0 if among_others and isinstance(one, Finder) else one.sniff(source)):
            if score > best:
                best, chosen = score, adapter
    return None if chosen is None else (chosen, best)


def find_exports(source: Source) -> list[Sequence[str]]:
    """The files of each export that an adapter finds in a container, not yet looked into."""
    found = _ask(lambda one: list(one.find_exports(source)) if isinstance(one, Finder) else [])
    return [names for exports, _ in found for names in exports]
