"""A program of a user who has type checkers at their strictest: checked and not run, against the installed package."""

from __future__ import annotations

import duckdb
import polars as pl

import streamliner_udf
from streamliner_udf import find_pii, scrub_pii, slugify
from streamliner_udf.polars import ExprFunctions, SeriesFunctions
from streamliner_udf.types import PiiFinding


def clean(texts: list[str | None]) -> list[str | None]:
    return scrub_pii(texts, "email,phone")


def emails(text: str) -> list[PiiFinding]:
    return find_pii(text, "email")


con: duckdb.DuckDBPyConnection = streamliner_udf.connect(":memory:")
backend: streamliner_udf.Backend = streamliner_udf.register(con)
slug: str = slugify("Olá, Mundo!", max_length=20)
kinds: list[str] = [finding["kind"] for finding in emails("mail ana@example.org")]
inserted: int = streamliner_udf.ingest(con, b"05/03/2024, 09:15 - Ana: hi").inserted
clean_column: pl.Expr = ExprFunctions(pl.col("text")).scrub_pii().alias("clean")
slugs: pl.Series = SeriesFunctions(pl.Series(["Olá, Mundo!"])).slugify(20)
where: str = str(streamliner_udf.extension_path())
