"""What these tests start from: files whose rows take time, and a query over them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from streamliner_udf.sql import quoted

PARTS, ROWS = 6, 1_500
# Long enough at work to be met there: half a second a partition.
WORK = "list_sum(list_transform(range(1500), lambda x: (x * id) % 7))::BIGINT"
QUERY = f"SELECT id, sl_scrub_pii(text) AS text, {WORK} AS work FROM source"


def write_source(con: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """The folder, with the files in it; the view `source` over all of them is for the way of one machine."""
    folder.mkdir()
    for part in range(PARTS):
        con.execute(
            f"COPY (SELECT {part * ROWS} + i AS id, 'mail a' || i || '@example.org ' || md5(i::VARCHAR) AS text, "
            f"i % 11 AS chat FROM range({ROWS}) t(i)) TO {quoted(folder / f'p{part}.parquet')} (COMPRESSION zstd)"
        )
    con.execute(f"CREATE VIEW source AS FROM read_parquet({quoted(folder / '*.parquet')})")
    return folder
