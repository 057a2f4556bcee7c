"""The same SQL over many partitions, by processes of this machine or by Ray, with exactly one result of each.

report = distributed.run("SELECT msg_key, sl_clean_text(text) AS text FROM source", "export/*.parquet", "clean")
distributed.read(con, "clean")
"""

from __future__ import annotations

from .driver import run
from .errors import RunFailed, TargetBusy
from .executors import Executor
from .planning import Table
from .reading import checksum, quarantined, read, read_manifest
from .report import FailedPartition, RunReport

__all__ = [
    "Executor",
    "FailedPartition",
    "RunFailed",
    "RunReport",
    "Table",
    "TargetBusy",
    "checksum",
    "quarantined",
    "read",
    "read_manifest",
    "run",
]
