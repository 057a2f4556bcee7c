"""The moments that wall clocks of a time zone mean."""

from __future__ import annotations

import duckdb

from ..sql import quoted

__all__ = ["moment"]


def _month_and_hour(clock: str) -> str:
    return f"32 * month({clock}) + hour({clock})"


# Clocks that go back, by how many seconds, and the months and hours, as in `_month_and_hour`, whose times come twice.
# Days tell that the offset changed, and their quarters of an hour when; one more before them does no harm.
_FALLS = f"""
    WITH offsets AS (
        SELECT t, epoch(timezone($zone, timezone('UTC', t))) - epoch(t) AS o
        FROM (SELECT TIMESTAMP '1970-01-01' + to_days(CAST(i AS INTEGER)) AS t FROM range(47482) r(i))
    ), falls AS (
        SELECT t - INTERVAL 1 DAY AS day, before - o AS seconds, before
        FROM (SELECT t, o, lag(o) OVER (ORDER BY t) AS before FROM offsets) WHERE o < before
    ), quarters AS (
        SELECT seconds, before, day + to_minutes(15 * i) AS t FROM falls, range(1, 97) r(i)
    ), first AS (
        SELECT seconds, min(t + to_seconds(before)) AS repeated FROM quarters
        WHERE epoch(timezone($zone, timezone('UTC', t))) - epoch(t) = before - seconds
        GROUP BY seconds, before, date_trunc('day', t - INTERVAL 15 MINUTE)
    )
    SELECT CAST(seconds AS BIGINT), list(DISTINCT {_month_and_hour("t")}) FROM (
        SELECT seconds, repeated - to_minutes(15 * i) AS t FROM first, range(1, 98) r(i) WHERE i * 900 <= seconds + 900
    ) GROUP BY seconds ORDER BY seconds DESC
"""
_KNOWN: dict[str, list[tuple[int, list[int]]]] = {}


def _falls(connection: duckdb.DuckDBPyConnection, zone: str) -> list[tuple[int, list[int]]]:
    if zone not in _KNOWN:
        with connection.cursor() as other:
            _KNOWN[zone] = other.execute(_FALLS, {"zone": zone}).fetchall()
    return _KNOWN[zone]


def moment(connection: duckdb.DuckDBPyConnection, zone: str, clock: str) -> str:
    """SQL: the moment at which clocks of a zone showed a TIMESTAMP. An hour that comes twice is the first one, one that
    never was is as if the clocks had not been changed yet: as zoneinfo has it, while DuckDB takes the second of two.

    Times of the year and the day at which clocks were ever set back are looked at twice, others once.
    """
    name = quoted(zone)
    usual = f"timezone({name}, {clock})"
    cases = ""
    for seconds, times in _falls(connection, zone):
        earlier = f"timezone('UTC', timezone('UTC', {usual}) - INTERVAL {seconds} SECOND)"
        looked_at = f"{_month_and_hour(clock)} IN ({', '.join(map(str, sorted(times)))})"
        cases += f"WHEN {looked_at} AND timezone({name}, {earlier}) = {clock} THEN {earlier} "
    return f"CASE {cases}ELSE {usual} END" if cases else usual
