"""Wall clocks of time zones: the moments that zoneinfo knows, also of an hour that comes twice, or never."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator

import duckdb
import pytest

import streamliner_udf
from streamliner_udf.ingest import ingest
from streamliner_udf.ingest.zones import moment

# Changes by half an hour, an hour and two; at midnight and before; in other months each year; for good; never.
# fmt: off
ZONES = [
    "Europe/Berlin", "Europe/London", "Europe/Dublin", "Atlantic/Azores", "America/New_York",
    "America/Sao_Paulo", "America/Santiago", "America/St_Johns", "America/Caracas", "Africa/Casablanca",
    "Antarctica/Troll", "Antarctica/Casey", "Asia/Tehran", "Asia/Pyongyang", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Europe/Moscow", "Pacific/Apia", "Pacific/Norfolk", "UTC",
]
# fmt: on
QUARTER = datetime.timedelta(minutes=15)
# Later on what governments will decide differs by the version of the time zone database.
FIRST, LAST = datetime.datetime(1990, 1, 1), datetime.datetime(2023, 1, 1)

if not zoneinfo.available_timezones():
    pytest.skip("expected a time zone database, as most systems have or the package tzdata is", allow_module_level=True)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        yield connection


def offset(zone: zoneinfo.ZoneInfo, clock: datetime.datetime) -> datetime.timedelta:
    found = clock.replace(tzinfo=zone, fold=0).utcoffset()
    assert found is not None
    return found


def clocks(zone: zoneinfo.ZoneInfo) -> list[datetime.datetime]:
    """Quarters of all hours around the changes, a second before each, and all hours of a year."""
    found = [FIRST + datetime.timedelta(hours=i) for i in range(366 * 24)]
    day = datetime.timedelta(days=1)
    at = FIRST
    while at < LAST:
        if offset(zone, at) != offset(zone, at + day):
            found += [at - day + QUARTER * i for i in range(4 * 24 * 4)]
            found += [one - datetime.timedelta(seconds=1) for one in found[-4 * 24 * 4 :]]
        at += day
    return found


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("session", ["UTC", "America/New_York"])
def test_moments_are_those_of_zoneinfo(con: duckdb.DuckDBPyConnection, name: str, session: str) -> None:
    zone = zoneinfo.ZoneInfo(name)
    given = clocks(zone)
    con.execute("SET TimeZone = ?", [session])
    seconds = [int((one - datetime.datetime(1970, 1, 1)).total_seconds()) for one in given]
    con.execute(
        "CREATE TABLE t AS SELECT i, make_timestamp(s * 1000000) AS clock FROM "
        "(SELECT generate_subscripts(s, 1) AS i, unnest(s)::BIGINT AS s FROM (SELECT string_split(?, ' ') AS s))",
        [" ".join(map(str, seconds))],
    )
    found = con.execute(f"SELECT epoch_us({moment(con, name, 'clock')}) FROM t ORDER BY i").fetchall()
    wanted = [s - int(offset(zone, one).total_seconds()) for one, s in zip(given, seconds, strict=True)]
    wrong = [str(one) for one, (us,), s in zip(given, found, wanted, strict=True) if us != s * 1_000_000]
    assert wrong == []


def test_what_is_no_time_of_the_zone(con: duckdb.DuckDBPyConnection) -> None:
    for value in ("NULL", "'infinity'", "'-infinity'"):
        query = f"SELECT {moment(con, 'Europe/Berlin', f'CAST({value} AS TIMESTAMP)')}::VARCHAR"
        assert con.execute(query).fetchall() == [(None if value == "NULL" else value.strip("'"),)]


# Written by hand.
CHANGES = [
    ("Europe/Berlin", "2024-03-31 01:59:00", "2024-03-31 00:59:00+00"),
    ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00+00"),
    ("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00+00"),
    ("Europe/Berlin", "2024-10-27 01:59:00", "2024-10-26 23:59:00+00"),
    ("Europe/Berlin", "2024-10-27 02:00:00", "2024-10-27 00:00:00+00"),
    ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 00:30:00+00"),
    ("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27 02:00:00+00"),
    ("America/New_York", "2024-11-03 01:30:00", "2024-11-03 05:30:00+00"),
    ("America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:30:00+00"),
    ("Australia/Lord_Howe", "2024-04-07 01:29:00", "2024-04-06 14:29:00+00"),
    ("Australia/Lord_Howe", "2024-04-07 01:45:00", "2024-04-06 14:45:00+00"),
    ("Australia/Lord_Howe", "2024-04-07 02:00:00", "2024-04-06 15:30:00+00"),
    ("America/Sao_Paulo", "2019-02-16 23:30:00", "2019-02-17 01:30:00+00"),
    ("Antarctica/Troll", "2024-10-27 01:30:00", "2024-10-26 23:30:00+00"),
]


@pytest.mark.parametrize(("zone", "clock", "wanted"), CHANGES)
def test_ingested(con: duckdb.DuckDBPyConnection, zone: str, clock: str, wanted: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    day, _, time = clock.partition(" ")
    year, month, number = day.split("-")
    for content in (
        f"{number}/{month}/{year}, {time[:5]} - Ana: hi\n",
        f"date,author,text\n{clock},Ana,hi\n",
        f'{{"date": "{clock}", "text": "hi"}}\n{{"date": "{clock}", "text": "you"}}\n',
    ):
        for schema, column in (("messages", "ts_utc"), ("staging", "ts")):
            ingest(con, content.encode(), mode="replace", timezone=zone, schema=schema, date_order="dmy")
            assert con.execute(f"SELECT DISTINCT {column}::VARCHAR FROM messages").fetchall() == [(wanted,)], content
