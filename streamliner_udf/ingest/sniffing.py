"""What an ingestion would make of files, without a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

from . import registry
from .adapter import Adapter, LoadOptions, Skipped, Source
from .choosing import pieces, refusal
from .errors import ExportError
from .load import check_timezone, count_messages, with_progress
from .report import shown_details, shown_skipped
from .safezip import ZipLimits, ZipValidationError
from .sources import PathLike, expand

__all__ = ["Sniffed", "sniff"]


@dataclass
class Sniffed:
    """One file, or one file of a container.

    adapter : the one that takes it, or None.
    sure : from 0 to 1, how sure the adapter is.
    chats : of each its title, what was decided about it, and how many messages it has.
    error : why it cannot be read.
    """

    name: str
    adapter: str | None = None
    sure: float = 0.0
    bytes: int = 0
    seconds: float = 0.0
    chats: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def messages(self) -> int:
        return sum(chat["messages"] for chat in self.chats)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "messages": self.messages}

    def to_text(self) -> str:
        """For a terminal."""
        if self.error is not None:
            return f"{self.name}: {self.error.removeprefix('ingest: ')}"
        lines = [f"{self.name}: {self.adapter}, {self.sure:.0%} sure, {self.messages:,} messages"]
        for chat in self.chats:
            lines.append(f"  {chat['title']}: " + shown_details(chat["details"] | {"messages": chat["messages"]}))
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines + shown_skipped(self.skipped, "  "))


def sniff(
    path: PathLike,
    source: str = "auto",
    timezone: str | None = None,
    progress: Callable[[str, int, int], object] | None = None,
    *,
    date_order: str = "auto",
    chat: str | None = None,
    mapping: dict[str, str] | None = None,
    limits: ZipLimits | None = None,
) -> list[Sniffed]:
    """Which adapter takes each file, how sure it is, and what it decides about it.

    Parameters
    ----------
    path, source, timezone, progress, date_order, chat, mapping, limits
        As of `ingest`.

    Returns
    -------
    list of Sniffed
        One for each file, and for each file of a folder or an archive that is not one export as a whole.

    Errors : ExportError where there is no file, ValueError for a wrong option. A file that is no export is in the list,
    with an `error`.
    Cost : reads and parses the files, as `ingest` does, and writes nothing.

    Examples
    --------
    >>> from streamliner_udf.ingest import sniff
    >>> found = sniff(b"05/03/2024, 09:15 - Ana: hi")[0]
    >>> found.adapter, found.messages
    ('whatsapp', 1)
    """
    named = None if source == "auto" else registry.find(source)
    sources = list(expand(path, limits))
    if not sources:
        raise ExportError("ingest: expected at least one file, got none")
    found: list[Sniffed] = []
    try:
        with duckdb.connect() as connection:
            check_timezone(connection, timezone)
            options = LoadOptions(timezone, date_order, chat, dict(mapping or {}), limits, connection)
            for one, said in with_progress(sources, options, progress):
                found += _sniff_source(one, named, said)
    finally:
        for one in sources:
            one.close()
    return found


def _sniff_source(source: Source, named: Adapter | None, options: LoadOptions) -> list[Sniffed]:
    try:
        taken, left_out = pieces(source, named, options.limits)
    except (ValueError, OSError) as error:
        return [Sniffed(source.name, error=str(error))]
    if not taken:
        return [Sniffed(source.name, error=str(refusal(source, options.mapping)))]
    found = []
    for piece in taken:
        started = time.perf_counter()
        one = Sniffed(piece.source.name, piece.adapter.name, piece.sure, piece.source.size())
        try:
            for chat in piece.adapter.load(piece.source, options):
                assert options.connection is not None
                messages, skipped = count_messages(options.connection, chat, piece.source)
                one.chats.append({"title": chat.title, "details": chat.details, "messages": messages})
                one.skipped += chat.skipped + skipped
                one.warnings += chat.warnings
        except (ExportError, ZipValidationError, duckdb.Error, OSError) as error:
            one.error = str(error)
        one.seconds = time.perf_counter() - started
        found.append(one)
    found[0].skipped += left_out
    return found
