"""The result of a run, as readers see it: what the manifest names, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb

from .files import MANIFEST, read_json
from .planning import file_list
from .task import checksum_of

__all__ = ["checksum", "quarantined", "read", "read_manifest"]


def read_manifest(target: str | os.PathLike[str]) -> dict[str, Any]:
    """What the last committed run has left.

    Parameters
    ----------
    target : path
        The folder that `run` wrote to.

    Returns
    -------
    dict
        `parts` (each with `file`, `rows`, `bytes`, `checksum`, `partition`, `quarantine`, `quarantined`), `columns`,
        `rows_in`, `rows_out`, `quarantined`, `checksum`, `failed`, `sql`, `versions`, `created`.

    Errors : FileNotFoundError where no run has been committed.
    """
    found = read_json(Path(target) / MANIFEST)
    if found is None:
        raise FileNotFoundError(
            f"distributed.read: expected {os.fspath(target)} to hold a finished run, got no {MANIFEST} there"
        )
    return found


def _whole(target: str | os.PathLike[str], partial: bool) -> dict[str, Any]:
    manifest = read_manifest(target)
    if manifest["failed"] and not partial:
        raise ValueError(
            f"distributed.read: expected {os.fspath(target)} to hold all partitions, got a run without "
            f"{', '.join(one['partition'] for one in manifest['failed'])}; partial=True reads the others"
        )
    return manifest


def _paths(target: str | os.PathLike[str], names: list[str]) -> str:
    folder = os.path.abspath(os.fspath(target))
    return file_list([os.path.join(folder, name) for name in names])


def read(
    con: duckdb.DuckDBPyConnection, target: str | os.PathLike[str], *, partial: bool = False
) -> duckdb.DuckDBPyRelation:
    """The rows of a finished run.

    Parameters
    ----------
    con : DuckDBPyConnection
        Where the rows are wanted.
    target : path
        The folder that `run` wrote to.
    partial : bool
        Also of a run that was committed without some partitions (`failed="commit"`).

    Returns
    -------
    DuckDBPyRelation
        In the order of the partitions. It names the files of now: a later run does not change it.

    Errors : FileNotFoundError where no run has been committed, ValueError where partitions are missing.
    """
    parts = [part["file"] for part in _whole(target, partial)["parts"]]
    if not parts:
        raise ValueError(f"distributed.read: expected {os.fspath(target)} to hold a partition or more, got none")
    return con.sql(f"SELECT * FROM read_parquet({_paths(target, parts)}, hive_partitioning = false)")


def quarantined(con: duckdb.DuckDBPyConnection, target: str | os.PathLike[str]) -> duckdb.DuckDBPyRelation | None:
    """The rows that were set aside, with the reason in the column `quarantine_reason`; None if there are none.

    Parameters
    ----------
    con : DuckDBPyConnection
        Where the rows are wanted.
    target : path
        The folder that `run` wrote to.

    Errors : FileNotFoundError where no run has been committed.
    """
    names = [part["quarantine"] for part in read_manifest(target)["aside"]]
    if not names:
        return None
    return con.sql(
        f"SELECT * FROM read_parquet({_paths(target, names)}, hive_partitioning = false, union_by_name = true)"
    )


def checksum(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, str]:
    """How many rows a query gives and the sum of their hashes, to be compared with those of a `RunReport`.

    Parameters
    ----------
    con : DuckDBPyConnection
        Of the same version of DuckDB as the run: its hash function is its own.
    query : str
        A SELECT, or `FROM table`.

    Returns
    -------
    (int, str)
        Equal for the same rows in any order.
    """
    return checksum_of(con, query)
