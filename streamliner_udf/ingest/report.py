"""What an ingestion did, file by file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .adapter import Skipped

__all__ = ["FileReport", "IngestReport"]

_SHOWN = 5


def shown_details(details: dict[str, Any]) -> str:
    """What was decided about a chat, in a line."""
    return ", ".join(f"{key} {_shown(value)}" for key, value in details.items() if value not in (None, "", [], {}))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key}: {_shown(one)}" for key, one in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def shown_skipped(skipped: list[Skipped], indent: str) -> list[str]:
    """The first things that were skipped, a line each, and how many more there are."""
    lines = []
    for one in skipped[:_SHOWN]:
        times = f" ({one.count:,} times)" if one.count > 1 else ""
        lines.append(f"{indent}skipped {one.where}: {one.reason}{times}")
    if len(skipped) > _SHOWN:
        lines.append(f"{indent}and {len(skipped) - _SHOWN:,} more")
    return lines


@dataclass
class FileReport:
    """One file, or one archive with all that was read of it."""

    name: str
    adapter: str
    chats: list[str] = field(default_factory=list)
    rows: int = 0
    duplicates: int = 0
    bytes: int = 0
    seconds: float = 0.0
    details: list[dict[str, Any]] = field(default_factory=list)  # one a chat: what was decided about it, and how sure
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def megabytes_per_second(self) -> float:
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0


@dataclass
class IngestReport:
    """Counts of the whole ingestion.

    rows : messages in the files; inserted + duplicates.
    inserted : rows that the table has gained.
    duplicates : rows that it had already (mode "merge").
    """

    table: str
    mode: str
    rows: int = 0
    inserted: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    files: list[FileReport] = field(default_factory=list)
    advice: str | None = None  # where one thread alone can read the table: what helps

    @property
    def skipped(self) -> list[Skipped]:
        return [skipped for file in self.files for skipped in file.skipped]

    @property
    def warnings(self) -> list[str]:
        of_files = [f"{file.name}: {warning}" for file in self.files for warning in file.warnings]
        return [*of_files, *([self.advice] if self.advice else [])]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        found = asdict(self)
        for file, record in zip(self.files, found["files"], strict=True):
            record["megabytes_per_second"] = file.megabytes_per_second
        return found

    def to_text(self) -> str:
        """The report for a terminal."""
        lines = [
            f"{self.inserted:,} messages into {self.table}, {self.duplicates:,} there already, "
            f"{len(self.files):,} files, {self.seconds:.2f} s"
        ]
        for file in self.files:
            speed = f"{file.megabytes_per_second:,.0f} MB/s"
            lines.append(f"  {file.name}: {file.adapter}, {file.rows:,} messages, {speed}")
            for chat, details in zip(file.chats, file.details, strict=True):
                decided = shown_details(details)
                lines.append(f"    {chat}" + (f": {decided}" if decided else ""))
            lines += [f"    warning: {warning}" for warning in file.warnings]
            lines += shown_skipped(file.skipped, "    ")
        if self.advice:
            lines.append(f"  warning: {self.advice}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()
