"""What a run did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["FailedPartition", "RunReport"]

_SHOWN = 5


@dataclass(frozen=True)
class FailedPartition:
    """A partition without a result: what it is, how often it was tried, and what came of the last try."""

    partition: str
    tries: int
    reason: str


@dataclass(frozen=True)
class RunReport:
    """What one run did.

    partitions : of the result: those of the source, or the buckets of a run with `by`.
    computed, resumed : tasks done now, and tasks that an earlier run had done; with `by` they count both steps.
    attempts : how often a task was begun; more than `computed` where a worker ended or a try failed.
    rows_in : of the source, quarantined ones among them. rows_out : of the result.
    checksum : the sum of DuckDB's hashes of all rows of the result, equal for equal rows in whatever order;
        `distributed.checksum(con, query)` gives the same of a query.
    failed : partitions without a result.
    committed : there is a manifest of this result.
    swept : leftovers of dead attempts that were taken away.
    """

    target: str
    executor: str
    workers: int
    partitions: int
    computed: int
    resumed: int
    attempts: int
    rows_in: int
    rows_out: int
    quarantined: int
    checksum: str
    failed: tuple[FailedPartition, ...]
    committed: bool
    swept: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.target}: {self.rows_in:,} rows in, {self.rows_out:,} out, {self.quarantined:,} quarantined; "
            f"{self.partitions} partitions, {self.computed} tasks done, {self.resumed} kept, "
            f"{self.attempts} attempts; {self.seconds:.2f} s"
        ]
        lines += [f"  failed {one.partition} ({one.tries} tries): {one.reason}" for one in self.failed[:_SHOWN]]
        if len(self.failed) > _SHOWN:
            lines.append(f"  and {len(self.failed) - _SHOWN:,} more")
        return "\n".join(lines)
