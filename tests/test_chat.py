"""Exports of WhatsApp: one case by hand for each thing that a header, a name or a message can be, read by the
specification and by the kernel; and both on exports and broken exports in random dialects."""

from __future__ import annotations

import random
from typing import Any

import pytest
import random_text
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference
from streamliner_udf.reference import _chat_header
from streamliner_udf.types import ChatLook, ChatMessage


def parse(content: str, options: str = "") -> list[ChatMessage]:
    """What the kernel finds, which is what the specification says."""
    found = streamliner_udf.parse_whatsapp(content, options)
    assert found == reference.parse_whatsapp(content, options), ascii(content)
    return found


def sniff(content: str, options: str = "") -> ChatLook:
    found = streamliner_udf.sniff_whatsapp(content, options)
    assert found == reference.sniff_whatsapp(content, options), ascii(content)
    return found


def times(content: str, options: str = "") -> list[str]:
    return [message["ts"].isoformat(" ") for message in parse(content, options)]


def one(content: str, options: str = "") -> ChatMessage:
    [message] = parse(content, options)
    return message


# ---- dialects --------------------------------------------------------------------------------------------------------

DIALECTS = [
    ("3/29/19, 11:41 PM - Ada: hi", "2019-03-29 23:41:00", "m/d/yy, h:mm am -"),
    ("15/08/22, 9:05 pm - Asha: hi", "2022-08-15 21:05:00", "d/m/yy, h:mm am -"),
    ("29/03/2019, 23:41 - Ana: hi", "2019-03-29 23:41:00", "d/m/yyyy, hh:mm -"),
    ("3/29/19, 23:41 - Ana: hi", "2019-03-29 23:41:00", "m/d/yy, hh:mm -"),
    ("29/03/2019, 11:41 pm - Ana: hi", "2019-03-29 23:41:00", "d/m/yyyy, h:mm am -"),
    ("[4/28/22, 20:31:35] Pia: hi", "2022-04-28 20:31:35", "[m/d/yy, hh:mm:ss]"),
    ("[28/04/22 20:31:35] Pia: hi", "2022-04-28 20:31:35", "[d/m/yy hh:mm:ss]"),
    ("[15/03/2024, 9:15:02 AM] Pia: hi", "2024-03-15 09:15:02", "[d/m/yyyy, h:mm:ss am]"),
    ("2023/11/20, 18:12 - Ana: hi", "2023-11-20 18:12:00", "yyyy/m/d, hh:mm -"),
    ("[4/11/23, 8:25:12 AM] Pia: hi", "2023-04-11 08:25:12", "[m/d/yy, h:mm:ss am]"),
    ("[\u200f19\u200f/4\u200f/2022، 13:46:01] علي: hi", "2022-04-19 13:46:01", "[d/m/yyyy، hh:mm:ss]"),
    ("[١٩/٤/٢٠٢٢، ١:٤٦:٠١ م] علي: hi", "2022-04-19 13:46:01", "[d/m/yyyy، h:mm:ss am]"),
    ("[28/04/22 20.31.35] Pia: hi", "2022-04-28 20:31:35", "[d/m/yy hh.mm.ss]"),
    ("22.08.18, 14:42 - Jo: hi", "2018-08-22 14:42:00", "d.m.yy, hh:mm -"),
    ("18.03.22 14:56 - Jo: hi", "2022-03-18 14:56:00", "d.m.yy hh:mm -"),
    ("27-03-2022 16:14 - Jo: hi", "2022-03-27 16:14:00", "d-m-yyyy hh:mm -"),
    ("2023-11-20, 6:12 p.m. - Jo: hi", "2023-11-20 18:12:00", "yyyy-m-d, h:mm am -"),
    ("03/10/2025 09:45 - Zé: hi", "2025-10-03 09:45:00", "d/m/yyyy hh:mm -"),
    ("[13:46:01, 28/4/22] An: hi", "2022-04-28 13:46:01", "[hh:mm:ss, d/m/yy]"),
    ("5/27/16, 15:22:03: Rui: hi", "2016-05-27 15:22:03", "m/d/yy, hh:mm:ss:"),
    ("5/27/16, 3:22:03 PM: Rui: hi", "2016-05-27 15:22:03", "m/d/yy, h:mm:ss am:"),
    ("11:20, 14 Sep 2015 - Ravi: hi", "2015-09-14 11:20:00", "hh:mm, d Month yyyy -"),
    ("11:20 PM, 14 Sep 2015 - Ravi: hi", "2015-09-14 23:20:00", "h:mm am, d Month yyyy -"),
    ("[4/19/2566 BE, 13:46:01] Ploy: hi", "2023-04-19 13:46:01", "[m/d/yyyy BE, hh:mm:ss]"),
    ("[4/19/R5, 13:46:01] Aoi: hi", "2023-04-19 13:46:01", "[m/d/Ry, hh:mm:ss]"),
    # From other exports, bug reports and locale data.
    ("05/03/2024, 09:15 – Ana: hi", "2024-03-05 09:15:00", "d/m/yyyy, hh:mm -"),
    ("05/03/2024, 09:15 — Ana: hi", "2024-03-05 09:15:00", "d/m/yyyy, hh:mm -"),
    ("13. 6. 2018. 14:56 - Ivo: hi", "2018-06-13 14:56:00", "d. m. yyyy. hh:mm -"),
    ("2018. 06. 13. 14:56 - Éva: hi", "2018-06-13 14:56:00", "yyyy. m. d. hh:mm -"),
    ("[2018. 6. 13. 오후 2:56:07] 민수: hi", "2018-06-13 14:56:07", "[yyyy. m. d. am h:mm:ss]"),
    ("2024年3月5日 下午9:15 - 小明: hi", "2024-03-05 21:15:00", "yyyy年m月d日 am h:mm -"),
    ("[2024/3/5 上午 9:15:20] 小明: hi", "2024-03-05 09:15:20", "[yyyy/m/d am h:mm:ss]"),
    ("5.3.2024 klo 14.56 - Aino: hi", "2024-03-05 14:56:00", "d.m.yyyy klo hh.mm -"),
    ("05/03/2024 à 14:56 - Zoë: hi", "2024-03-05 14:56:00", "d/m/yyyy à hh:mm -"),
    ("05/03/2024 às 14:56 - Zé: hi", "2024-03-05 14:56:00", "d/m/yyyy às hh:mm -"),
    ("05.03.2024 kl. 14.56 - Åse: hi", "2024-03-05 14:56:00", "d.m.yyyy kl. hh.mm -"),
    ("05.03.24, um 14:56 - Max: hi", "2024-03-05 14:56:00", "d.m.yy, um hh:mm -"),
    ("13/03/2024, at 2:56 pm - Di: hi", "2024-03-13 14:56:00", "d/m/yyyy, at h:mm am -"),
    ("05/03/2024 09.15 - Budi: hi", "2024-03-05 09:15:00", "d/m/yyyy hh.mm -"),
    ("۲۰۲۴/۳/۵،\u00a0۹:۱۵ - علی: hi", "2024-03-05 09:15:00", "yyyy/m/d، hh:mm -"),
    ("۱۴۰۲/۱۲/۱۵،\u00a0۹:۱۵ ب.ظ. - علی: hi", "2024-03-05 21:15:00", "yyyy/m/d، h:mm am -"),
    ("5.03.24 г., 9:15 - Иво: hi", "2024-03-05 09:15:00", "d.m.yy г., hh:mm -"),
    ("2024-03-05 14 h 05 - Léo: hi", "2024-03-05 14:05:00", "yyyy-m-d hh h mm -"),
    (
        "[2024-03-05, 14\u00a0h\u00a005\u00a0min\u00a020\u00a0s] Léo: hi",
        "2024-03-05 14:05:20",
        "[yyyy-m-d, hh h mm min ss s]",
    ),
    ("05/03/24, 9:15 π.μ. - Νίκη: hi", "2024-03-05 09:15:00", "d/m/yy, h:mm am -"),
    ("13/03/2024. 09:15 - Ana: hi", "2024-03-13 09:15:00", "d/m/yyyy. hh:mm -"),
    ("[R6/3/5, 9:15:20] 葵: hi", "2024-03-05 09:15:20", "[Ry/m/d, hh:mm:ss]"),
    ("[H31/3/5, 9:15:20] 葵: hi", "2019-03-05 09:15:20", "[Ry/m/d, hh:mm:ss]"),
]


@pytest.mark.parametrize(("line", "time", "dialect"), DIALECTS)
def test_dialects(line: str, time: str, dialect: str) -> None:
    message = one(line)
    assert (message["ts"].isoformat(" "), message["text"]) == (time, "hi")
    assert message["author"]
    found = sniff(line)
    assert (found["dialect"], found["messages"], found["skipped"]) == (dialect, 1, 0)


@pytest.mark.parametrize(("line", "time", "dialect"), DIALECTS)
def test_many_lines_of_a_dialect(line: str, time: str, dialect: str) -> None:
    """What is remembered of one header is right for those behind it, also where the text ends right after them."""
    for count in (2, 3, 7):
        assert times("\n".join([line] * count)) == [time] * count
        assert times("\n".join([line] * count) + "\n " + "x" * 200) == [time] * count


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0", "\u2009", "\u202f", "  ", "\u200e \u200f"])
def test_spaces(space: str) -> None:
    assert times(f"05/03/2024,{space}9:15{space}PM{space}- Ana: hi") == ["2024-03-05 21:15:00"]


@pytest.mark.parametrize(
    "line",
    [
        "[6/20, 9:41 PM] X: copied",
        "[14:32, 24/09/2026] X: copied from the desktop",
        "2015-11-02 07:45:00",
        "2015-11-02 07:45:00 started",
        "Nov  2 07:45:00 host cron[7]: ok",
        "12:30 - lunch: pizza",
        "192.168.0.1 - - [02/11/2015:07:45:00] GET",
        "10.0.0.1",
        "05/03/2024",
        "05/03/2024, 24:15 - x: a",
        "05/03/2024, 09:60 - x: a",
        "05/03/2024, 09:15:60 - x: a",
        "32/03/2024, 09:15 - x: a",
        "13/13/2024, 09:15 - x: a",
        "00/03/2024, 09:15 - x: a",
        "05/03/24/7, 09:15 - x: a",
        "05/03.2024, 09:15 - x: a",
        "05/03/2024, 09:15- x: a",
        "05/03/2024, 09:15 -x: a",
        "05/03/2024,09:15 - x: a",
        "05/03/2024, 9:5 - x: a",
        "[05/03/2024, 09:15:20 x: a",
        "05/03/2024, 09:15:20] x: a",
        "2024/13/05, 09:15 - x: a",
        "105/03/2024, 09:15 - x: a",
        "05/03/12024, 09:15 - x: a",
        "05/03/1024, 09:15 - x: a",
        " 05/03/2024, 09:15 - x: a",
        "at 11:20, 14 Sep 2015 - x: a",
        "11:20, 14 Foo 2015 - x: a",
        "2024年3月5 09:15 - x: a",
    ],
)
def test_never_a_header(line: str) -> None:
    assert parse(line) == []
    assert one(f"05/03/2024, 09:15 - Ana: hi\n{line}")["text"] == f"hi\n{line}".replace("\u200e", "")


# ---- times and digits ------------------------------------------------------------------------------------------------

TOKENS = {
    "am": "am|AM|a.m.|a. m.|a.\u00a0m.|a.\u202fm.|ÖÖ|öö|上午|凌晨|清晨|早上|午前|오전|ص|ق.ظ.|π.μ.|Π.Μ.|дп|ДП|"
    "de.|dop.|fm|FM|ap.|SA|sa|пр.об.|vorm.|vormittags|morgens|nachts|לפנה״צ|in the morning",
    "pm": "pm|PM|p.m.|p. m.|p.\u00a0m.|ÖS|下午|晚上|午後|오후|م|ب.ظ.|μ.μ.|пп|du.|odp.|em|ip.|CH|сл.об.|"
    "nachm.|nachmittags|abends|אחה״צ|in the afternoon|in the evening",
    "noon": "中午|mittags",
}
HOURS = {
    "am": {0: 0, 9: 9, 12: 0, 13: 13},
    "pm": {1: 13, 9: 21, 12: 12, 15: 15},
    "noon": {11: 11, 12: 12, 1: 13, 13: 13},
}
NAMED = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens.split("|")]


@pytest.mark.parametrize(("kind", "token"), NAMED)
def test_markers(kind: str, token: str) -> None:
    for hour, wanted in HOURS[kind].items():
        after = [f"31/12/2023, {hour}:08{gap}{token} - Ana: hi" for gap in (" ", "", "\u202f")]
        before = (
            []
            if " " in token or "\u00a0" in token or "\u202f" in token
            else [f"31/12/2023, {token} {hour}:08 - Ana: hi"]
        )
        for line in after + before:
            assert times(line) == [f"2023-12-31 {wanted:02}:08:00"]
            assert times(f"{line}\n{line} {'x' * 100}")[1:] == [f"2023-12-31 {wanted:02}:08:00"]


@pytest.mark.parametrize("token", ["xm", "a", "uhr", "ampm", "p m x", ".", "a-m"])
def test_unknown_markers(token: str) -> None:
    line = f"31/12/2023, 9:08 {token} - Ana: hi"
    assert parse(line) == []
    if "-" not in token:
        assert sniff(f"x\n{line}")["reason"] == f"the time of line 2 has '{token}', which is not known"
    assert one(f"31/12/2023, 9:08 pm - Ana: hi\n{line}")["text"].endswith(line)


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_every_script_has_its_digits(number: int) -> None:
    for zero in map(chr, range(0x110000)):
        if not (zero.isdecimal() and int(zero) == 0):
            continue
        digits = "".join(chr(ord(zero) + value) for value in range(10))

        def write(text: str, digits: str = digits) -> str:
            return "".join(digits[int(c)] if c.isdigit() else c for c in text)

        assert times(write(f"25/03/2024, 09:{number:02}") + " - Ana: hi") == [f"2024-03-25 09:{number:02}:00"]


def test_every_code_point_in_a_marker_a_connector_and_a_month() -> None:
    """Small letters of words that are known are what Python says they are, and nothing else is taken for a digit."""
    wrong = []
    for point in range(0x20, 0x110000, 1 if SCALE > 1 else 7):
        if 0xD800 <= point < 0xE000:
            continue
        c = chr(point)
        lines = [
            f"25/03/2024, 9:15 {c}m - A: b",
            f"25/03/2024, {c} 9:15 - A: b",
            f"9:15, 5 o{c}t 2024 - A: b",
            f"{c}/3/2024, 9:15 - A: b",
        ]
        for line in lines:
            if streamliner_udf.sniff_whatsapp(line) != reference.sniff_whatsapp(line):
                wrong.append(line)
    assert not wrong
    assert times("9:15, 5 o\u212at 2024 - A: b") == ["2024-10-05 09:15:00"]


def test_months() -> None:
    for name, month in _chat_header.MONTHS.items():
        for written in (name, name.upper(), name.capitalize() + "."):
            assert times(f"9:15, 5 {written} 2024 - A: b") == [f"2024-{month:02}-05 09:15:00"]


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("1403/1/1", "2024-03-20"),
        ("1402/1/1", "2023-03-21"),
        ("1400/1/1", "2021-03-21"),
        ("1399/12/30", "2021-03-20"),
        ("1357/11/22", "1979-02-11"),
        ("1402/6/31", "2023-09-22"),
        ("1402/7/1", "2023-09-23"),
        ("29/2/2543", "2000-02-29"),
        ("31/12/2566", "2023-12-31"),
        ("31/12/2023", "2023-12-31"),
        ("31/12/98", "2098-12-31"),
        ("31/12/R1", "2019-12-31"),
    ],
)
def test_calendars(date: str, day: str) -> None:
    assert times(f"{date}, 9:15 - A: b") == [f"{day} 09:15:00"]


@pytest.mark.parametrize("date", ["1402/12/30", "1402/7/31", "31/12/1299", "29/2/2566", "31/12/98 BE", "R100/1/1"])
def test_days_that_do_not_exist(date: str) -> None:
    assert parse(f"{date}, 9:15 - A: b") == []


# ---- one dialect, one kind of line end -------------------------------------------------------------------------------

A = "05/03/2024, 09:15 - Ana: a\n"
B = "[05/03/2024, 09:15:20] Bo: b\n"


@pytest.mark.parametrize(
    ("content", "count", "dialect"),
    [
        (A + B, 1, "d/m/yyyy, hh:mm -"),
        (A + A + B + A, 3, "d/m/yyyy, hh:mm -"),
        (B + A * 2, 1, "[d/m/yyyy, hh:mm:ss]"),  # the first has half of the most
        (B + A * 3, 3, "d/m/yyyy, hh:mm -"),  # and less than half of it here
        (A * 3 + B * 3, 6, "d/m/yyyy, hh:mm - then [d/m/yyyy, hh:mm:ss]"),
        (A * 12 + B * 3, 15, "d/m/yyyy, hh:mm - then [d/m/yyyy, hh:mm:ss]"),
        (A * 13 + B * 3, 13, "d/m/yyyy, hh:mm -"),  # less than a fifth
        (A * 3 + B * 2, 3, "d/m/yyyy, hh:mm -"),  # too few to be an export
        (A * 3 + B * 3 + A, 4, "d/m/yyyy, hh:mm -"),  # quoted
        (B * 3 + A * 7, 10, "[d/m/yyyy, hh:mm:ss] then d/m/yyyy, hh:mm -"),
        (
            A * 5 + B * 5 + "[5-3-24 9:15:20] Di: c\n" * 5,
            15,
            "d/m/yyyy, hh:mm - then [d/m/yyyy, hh:mm:ss] then [d-m-yy hh:mm:ss]",
        ),
    ],
)
def test_one_dialect(content: str, count: int, dialect: str) -> None:
    assert len(parse(content)) == count
    assert sniff(content)["dialect"] == dialect
    assert len(parse(content, "any")) == content.count("\n")


def test_more_dialects_than_are_counted() -> None:
    others = "".join(f"05/03/2024 {chr(97 + i // 26)}{chr(97 + i % 26)} 09:15 - X: x\n" for i in range(60))
    assert len(parse(A * 30 + others + B * 30)) == 30
    assert len(parse(A * 30 + B * 30 + others)) == 60


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (
            B.replace("\n", "\r\n") * 3 + "[05/03/2024, 09:15:21] C: x\n" + B,
            ["b", "b", "b", "x\n[05/03/2024, 09:15:20] Bo: b"],
        ),
        (A * 3 + "05/03/2024, 09:15 - C: x\r\n" + A, ["a", "a", "a", "x\n05/03/2024, 09:15 - Ana: a"]),
        (A.replace("\n", "\r") * 2, ["a", "a"]),
        (A.replace("\n", "\r\n") * 2, ["a", "a"]),
        (A[:-1] + "\u2028b\x0bc\x85d\re\n", ["a\u2028b\x0bc\x85d\re"]),
        ("\ufeff" + A + "\ufeff" + A, ["a", "a"]),
        ("[\ufeff05/03/2024, 09:15:20] Bo: b", ["b"]),
        (A[:-1] + "\0b\n\0", ["ab"]),
        ("05/03/2024, 09:15 - Ana: a\0\r\0\nb\r\n\0", ["a\nb"]),
    ],
)
def test_line_ends_and_marks(content: str, texts: list[str]) -> None:
    assert [message["text"] for message in parse(content)] == texts


# ---- the order of dates ----------------------------------------------------------------------------------------------


def chat(*dates: str, time: str = "9:15", body: str = "a") -> str:
    return "".join(f"{date}, {time} - Ana: {body}\n" for date in dates)


@pytest.mark.parametrize(
    ("content", "options", "order", "first"),
    [
        (chat("5/3/2024"), "dmy", "dmy", "2024-03-05"),
        (chat("5/3/2024"), "mdy", "mdy", "2024-05-03"),
        (chat("25/3/2024"), "mdy", "dmy", ""),  # the caller wins over what the fields say, and there is no month 25
        (chat("24/03/05"), "ymd", "dmy", "2024-03-05"),
        (chat("2024/3/5"), "dmy", "ymd", "2024-03-05"),
        (chat("2024/3/25"), "", "ymd", "2024-03-25"),
        (chat("5/3/2024", "25/3/2024"), "", "dmy", "2024-03-05"),
        (chat("5/3/2024", "5/25/2024"), "", "mdy", "2024-05-03"),
        (chat("5/3/2024", body="IMG-20240305-WA0001.jpg (file attached)"), "", "dmy", "2024-03-05"),
        (chat("5/3/2024", body="IMG-20240503-WA0001.jpg (file attached)"), "", "mdy", "2024-05-03"),
        (chat("5/3/2024", body="00000001-PHOTO-2024-05-03-10-00-07.jpg"), "", "mdy", "2024-05-03"),
        (chat("1/2/24", "2/2/24", "1/3/24"), "", "dmy", "2024-02-01"),
        (chat("2/1/24", "2/2/24", "3/1/24", time="9:15 am"), "", "mdy", "2024-02-01"),
        (chat("1/3/24", "2/3/24", "3/3/24"), "", "dmy", "2024-03-01"),
        (chat("03/01/2024", "03/02/2024", "03/03/2024"), "", "mdy", "2024-03-01"),
        (chat("5.3.24"), "", "dmy", "2024-03-05"),
        (chat("5-3-24"), "", "dmy", "2024-03-05"),
        (chat("\u200f5/3/24"), "", "dmy", "2024-03-05"),
        (chat("5/3/24", time="9:15 am"), "", "dmy", "2024-03-05"),
        (chat("5/3/24", time="9:15 A.M."), "", "dmy", "2024-03-05"),
        (chat("05/03/24", time="9:15 AM"), "", "dmy", "2024-03-05"),
        (chat("5/3/24", time="9:15 AM"), "", "mdy", "2024-05-03"),
        (chat("5/3/2024", time="9:15 AM"), "", "mdy", "2024-05-03"),
        (chat("5/3/24"), "", "mdy", "2024-05-03"),
        (chat("5/3/2024"), "", "dmy", "2024-03-05"),
        (chat("11/12/2024"), "", "dmy", "2024-12-11"),
    ],
)
def test_order_of_dates(content: str, options: str, order: str, first: str) -> None:
    assert [time[:10] for time in times(content, options)][:1] == ([first] if first else [])
    if not options:
        assert sniff(content)["date_order"] == order


@pytest.mark.parametrize(
    ("content", "confident"),
    [
        (chat("25/3/2024"), True),
        (chat("25/3/2024", "26/3/2024", "3/25/2024"), False),
        (chat("5/3/2024"), False),
        (chat("5/3/24"), False),
        (chat("05/03/2024"), True),
        (chat("2024/3/5"), True),
    ],
)
def test_how_sure(content: str, confident: bool) -> None:
    assert sniff(content)["confident"] is confident


@pytest.mark.parametrize(
    "word",
    ["until=", "until=2024", "until=2024-02-30", "until=1969-12-31", "until=2024-13-01", "until=2024-3-5", "until"],
)
def test_days_that_options_cannot_name(word: str) -> None:
    for name in ("parse_whatsapp", "sniff_whatsapp"):
        said = []
        for call in (vars(streamliner_udf)[name], vars(reference)[name]):
            with pytest.raises(ValueError, match=f"^{name}: expected (until to be a day|options to be)") as raised:
                call("x", word)
            said.append(str(raised.value))
        assert said[0] == said[1]


def test_the_earliest_of_several_days_counts() -> None:
    content = chat("5/3/24")
    assert times(content, "until=2024-12-31,until=2024-04-01") == ["2024-03-05 09:15:00"]
    assert times(content, "until=2024-04-01,until=2024-12-31") == ["2024-03-05 09:15:00"]
    assert times(content, "until=2024-12-31") == ["2024-05-03 09:15:00"]


def test_conflicting_dates_are_text() -> None:
    content = chat("25/12/2023", "26/12/2023", "12/27/2023", "1/1/2024")
    assert [m["text"] for m in parse(content)] == ["a", "a\n12/27/2023, 9:15 - Ana: a", "a"]
    assert "in the other only: 1" in sniff(content)["reason"]


AM, PM = "முற்பகல்", "பிற்பகல்"


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        # As many dates for either order.
        (
            chat(*(f"{day}/06/22" for day in range(13, 18)), *(f"06/{day}/22" for day in range(13, 18))),
            "",
            "dates that do not exist in this order: 5, the first in line 6, '06/13/22, 9:15 -'",
        ),
        (
            chat("10/06/22", "13/06/22", "14/06/22"),
            "mdy",
            "dates that do not exist in this order: 2, the first in line 2, '13/06/22, 9:15 -'",
        ),
        (
            chat("22/06/13", "22/02/30"),
            "ymd",
            "dates that do not exist in this order: 1, the first in line 2, '22/02/30, 9:15 -'",
        ),
        (
            chat("13/06/22", "30/02/22"),
            "",
            "dates that do not exist in this order: 1, the first in line 2, '30/02/22, 9:15 -'",
        ),
        # Headers of another dialect: a fifth of all, or three.
        (A * 13 + B * 3, "", "headers of another dialect: 3, the first in line 14, '[05/03/2024, 09:15:20]'"),
        (A * 4 + B, "", "headers of another dialect: 1, the first in line 5, '[05/03/2024, 09:15:20]'"),
        (A * 5 + B, "", ""),
        (A * 9 + B * 2, "", ""),
        (A * 3 + B * 3, "", ""),  # two exports
        (A * 13 + B * 3, "any", ""),
        (
            A * 3 + "x\n\u200e[\u200e05/03/2024,\u202f \u200e 9:15:20 pm] Bo: b\n" * 2 + A,
            "",
            "headers of another dialect: 2, the first in line 5, '[05/03/2024, 9:15:20 pm]'",
        ),
        (
            A * 4 + "05/03/2024, 9:15 xm - B: b\n" * 3,
            "",
            "headers of another dialect: 3, the first in line 5, '05/03/2024, 9:15 xm -'",
        ),
        # Behind the rarer kind of line end.
        (
            B.replace("\n", "\r\n") * 9 + B * 3 + B,
            "",
            "headers behind the rarer kind of line end: 3, the first in line 11, '[05/03/2024, 09:15:20]'",
        ),
        (B.replace("\n", "\r\n") * 9 + B * 2 + B, "", ""),
        # Words for morning and afternoon.
        (
            chat(*["25/3/24"] * 3, time="9:15 pm") + chat("25/3/24", "25/3/24", time="9:15 \u202fx. m"),
            "",
            "the time of line 4 has 'x. m', which is not known, and so have 1 more",
        ),
        (
            chat("25/3/24", time="9:15 xm") + chat(*["25/3/24"] * 3, time="9:15 pm"),
            "any",
            "the time of line 1 has 'xm', which is not known",
        ),
        (
            f"13/6/18, {AM} 9:22 - A: a\n13/6/18, {PM} 2:22 - A: b\nc\n13/6/18, {AM} 9:25 - A: d\n",
            "",
            f"the time of line 1 has '{AM}', which is not known, and so have 2 more",
        ),
        (
            chat(*["13/6/18"] * 3, time=f"{AM} 9:15") + chat(*["13/6/18"] * 3, time=f"{PM} 12:15"),  # as two exports
            "",
            f"the time of line 1 has '{AM}', which is not known, and so have 5 more",
        ),
        (
            chat("2018/6/13", time="上午 9:15")
            + chat("2018/6/13", time="午夜 12:15")
            + chat("2018/6/13", time="下午 1:15"),
            "",
            "the time of line 2 has '午夜', which is not known",
        ),
        (
            chat(*["2018/6/13"] * 2, time="午夜 12:15") + chat("2018/6/13", time="下午 1:15"),
            "",
            "the time of line 1 has '午夜', which is not known, and so have 1 more",
        ),
        (
            chat("13/6/18", "14/6/18", time=f"{PM} 2:15"),
            "",
            f"the word before all times may be one for morning or afternoon: '{PM}'",
        ),
        (chat("13/6/18", "14/6/18", time=f"{PM} 13:15"), "", ""),
        (chat("13/6/18", "14/6/18", time="klo 9.15"), "", ""),
        (chat("13/6/18", "14/6/18", time="at 9:15 pm"), "", ""),
        (chat(*["13/6/18"] * 5, time="at 9:15") + chat("13/6/18", time="um 9:15"), "", ""),
        (chat(*["13/6/18"] * 5, time="в 19:15") + chat("13/6/18", time="o 9:15"), "", ""),
    ],
)
def test_no_line_that_looks_like_a_message_is_lost_in_silence(content: str, options: str, said: str) -> None:
    found = sniff(content, options)
    assert found["reason"].partition("; ")[2] == said
    assert not (said and found["confident"])


DOUBTS = (
    "which is not known, and so have",
    "the word before all times",
    "dates that do not exist",
    "headers of another dialect",
    "headers behind the rarer",
)


def test_random_doubts(rng: random.Random) -> None:
    """Few kinds of headers, so that those of one dialect, and words that take turns, come often."""
    dates = ["13/06/22", "06/13/22", "6/6/22", "2022/6/13", "31/02/22"]
    clocks = [
        "9:15",
        "13:15",
        "9:15 pm",
        "9:15 xm",
        "xa 9:15",
        "xb 9:15",
        "xa 13:15",
        "上午 9:15",
        "上午9:15",
        "xa9:15",
    ]
    said = set()
    for _ in range(600 * SCALE):
        some, times = rng.sample(dates, rng.randint(1, 2)), rng.sample(clocks, rng.randint(1, 4))
        content = ""
        for _ in range(rng.randint(1, 30)):
            stamp = f"{rng.choice(some)}, {rng.choice(times)}"
            content += rng.choice(["{} - ", "{} - ", "{} - ", "[{}] ", "x\n\u200e{} - "]).format(stamp)
            content += "Ana: a" + rng.choice(["\n", "\n", "\n", "\r\n"])
        found = sniff(content, rng.choice(("", "", "dmy", "mdy", "any")))
        assert found["messages"] <= content.count("Ana: ")
        said |= {start for start in DOUBTS if start in found["reason"]}
    assert said == set(DOUBTS)


def test_system_lines_count_for_the_order() -> None:
    assert sniff("5/3/2024, 9:15 - Ana: a\n5/25/2024, 9:15 - Ana added Bo")["date_order"] == "mdy"


def test_each_of_two_exports_has_its_own_order() -> None:
    content = chat("25/3/2024", "5/4/2024", "5/5/2024") + "".join(f"[{d}/1/24, 9:15:20 AM] Bo: b\n" for d in (3, 4, 5))
    content += "[5/21/24, 9:15:20 AM] Bo: b\n"
    assert [time[:10] for time in times(content)][1:4] == ["2024-04-05", "2024-05-05", "2024-03-01"]


# ---- authors ---------------------------------------------------------------------------------------------------------


def authors(*rests: str) -> list[tuple[str | None, str]]:
    return [(m["author"], m["text"]) for m in parse("".join(f"05/03/2024, 09:15 - {rest}\n" for rest in rests))]


@pytest.mark.parametrize(
    ("rests", "found"),
    [
        (["Ana: hi: there"], [("Ana", "hi: there")]),
        (['Ana changed the subject from "Trip: Rome" to "Trip: Paris"'], [(None, ...)]),
        (["Ana changed “Trip: Rome” to “Trip: Paris”"], [(None, ...)]),
        (["Max hat „Rom: Teil 1“ geändert"], [(None, ...)]),
        (["Léo a changé « Rome : un » et «Rome: deux»"], [(None, ...)]),
        (['Jo "JJ" Li: hi', "„Max“: hi", "«Zoë»: hi"], [('Jo "JJ" Li', "hi"), ("„Max“", "hi"), ("«Zoë»", "hi")]),
        (["Ana: hi", "Ana:"], [("Ana", "hi"), ("Ana", "")]),
        (["Ana: hi", "Ana:\t"], [("Ana", "hi"), ("Ana", "")]),
        (["Ana: hi", "Bo:"], [("Ana", "hi"), (None, "Bo:")]),
        (["Ana: hi", "Ana:ho"], [("Ana", "hi"), ("Ana", "ho")]),
        (["Bo:ho", "Ana: hi"], [(None, "Bo:ho"), ("Ana", "hi")]),
        (["Ana added Bo"], [(None, "Ana added Bo")]),
        (["Re:Max: hi", "12:30 Club: hi"], [("Re:Max", "hi"), ("12:30 Club", "hi")]),
        (["Dr: House: hi", "Dr: House: ho"], [("Dr: House", "hi"), ("Dr: House", "ho")]),
        (["Dr: House: hi"], [("Dr", "House: hi")]),
        (["Dr: House: hi", "Dr: hm"], [("Dr", "House: hi"), ("Dr", "hm")]),
        (["Bo - work: hi", "[x] 05/03/2024: hi"], [("Bo - work", "hi"), ("[x] 05/03/2024", "hi")]),
        (["👩\u200d🚀 Di: hi"], [("👩\u200d🚀 Di", "hi")]),
        (["\u202a+55\u00a061\u00a05550\u20110101\u202c: hi"], [("+55 61 5550-0101", "hi")]),
        (["~\u202fZoë: hi"], [("~ Zoë", "hi")]),
        (["\u2068Ana\u2069\ufeff: hi"], [("Ana", "hi")]),
        (["\u200e: hi"], [(None, ": hi")]),
        ([": hi"], [(None, ": hi")]),
    ],
)
def test_authors(rests: list[str], found: list[tuple[str | None, Any]]) -> None:
    got = authors(*rests)
    assert [author for author, _ in got] == [author for author, _ in found]
    assert all(wanted in (..., text) for (_, text), (_, wanted) in zip(got, found, strict=True))


# ---- kinds -----------------------------------------------------------------------------------------------------------

IOS, ANDROID, MARKED = "[05/03/2024, 09:15:20] ", "05/03/2024, 09:15 - ", "\u200e[05/03/2024, 09:15:20] "


@pytest.mark.parametrize(
    ("header", "body", "kind", "media"),
    [
        (MARKED, "\u200e<attached: 00000012-PHOTO-2024-03-05.jpg>", "attachment", "00000012-PHOTO-2024-03-05.jpg"),
        (MARKED, "\u200e<Anhang: a.opus>", "attachment", "a.opus"),
        (MARKED, "a.pdf • \u200e3 pages \u200e<anexado: 00000004-a.pdf>", "attachment", "00000004-a.pdf"),
        (ANDROID, "IMG-20240305-WA0001.jpg (file attached)\ncaption", "attachment", "IMG-20240305-WA0001.jpg"),
        (ANDROID, "AUD-20210304-WA0002. (file attached)", "attachment", "AUD-20210304-WA0002."),
        (ANDROID, "my plan.pdf (Datei angehängt)", "attachment", "my plan.pdf"),
        (ANDROID, "Bo.vcf (file attached)", "contact", "Bo.vcf"),
        (ANDROID, "Contact card omitted", "contact", None),
        (ANDROID, "<Media omitted>", "omitted", None),
        (ANDROID, "<メディアなし>", "omitted", None),
        (ANDROID, "<رسانه حذف شد>", "omitted", None),
        (MARKED, "\u200eimage omitted", "omitted", None),
        (MARKED, "\u200egörüntü dahil edilmedi", "omitted", None),
        (IOS, "\u200e<\u200eimage omitted>", "omitted", None),
        (IOS, "\u200eThis message was deleted.", "deleted", None),
        (ANDROID, "Mensagem apagada", "deleted", None),
        (IOS, "hi \u200e<This message was edited>", "text", None),
        (IOS, "\u200e<This message was edited>", "text", None),
        (MARKED, "\u200e<Diese Nachricht wurde bearbeitet.>", "text", None),
        (ANDROID, "<Mensagem editada>", "text", None),
        (ANDROID, "<This message was edited..>", "omitted", None),
        (IOS, "\u200ePOLL:\nWhere?\n\u200eOPTION: Rome (2 votes)", "poll", None),
        (ANDROID, "ENQUETE:\nOnde?\nOPÇÃO: Roma (2 votos)", "poll", None),
        (ANDROID, "location: https://maps.google.com/?q=-15.7,-47.8", "location", None),
        (IOS, "\u200eLocation: https://foursquare.com/v/x", "location", None),
        (IOS, "\u200eMissed voice call", "call", None),
        (IOS, "\u200eVideo call, \u200e5 min", "call", None),
        (ANDROID, "null", "call", None),
        (IOS, "\u200eBo joined", "system", None),
        (ANDROID, "", "empty", None),
        (ANDROID, "image omitted by me", "text", None),
    ],
)
def test_kinds(header: str, body: str, kind: str, media: str | None) -> None:
    message = one(f"{header}Ana: {body}")
    assert (message["kind"], message["media"]) == (kind, media)


def test_no_author_is_the_app() -> None:
    assert one(ANDROID + "Ana added Bo")["kind"] == "system"
    assert one(IOS + "\u200eMessages are encrypted")["kind"] == "system"


def kinds(options: str, *lines: str) -> str:
    """The first letters of the kinds."""
    return "".join(message["kind"][0] for message in parse("\n".join(lines), options))


@pytest.mark.parametrize(
    ("options", "lines", "found"),
    [
        ("title=Trip", [IOS + "Trip: Ana joined", IOS + "Ana: a", IOS + "Bo: b"], "stt"),
        ("title=\u200eTrip\u00a0", [IOS + "\u202aTrip\u202c: Ana joined", IOS + "Ana: a", IOS + "Bo: b"], "stt"),
        ("title=Trip", [IOS + "Trip: Ana joined", IOS + "Ana: a", IOS + "Ana: b"], "ttt"),  # maybe a chat of two
        ("title=Trip", [IOS + "Trip: a", IOS + "Ana: a", IOS + "\u202aAna\u202c: b"], "ttt"),  # two ways to write one
        ("title=Ana", [IOS + "Ana: a", IOS + "Bo: b", IOS + "Di: c", MARKED + "Ana: \u200eimage omitted"], "ttto"),
        ("title=Ana", [IOS + "Ana: a", IOS + "Bo: b", IOS + "Di: c", MARKED + "Ana:image omitted"], "ttto"),
        ("title=Trip", [ANDROID + "Trip: Ana joined", ANDROID + "Ana: a", ANDROID + "Bo: b"], "ttt"),  # not in Android
        ("title=Trip", [IOS + "Trip: <Media omitted>", IOS + "Ana: a", IOS + "Bo: b"], "ott"),
        ("title=Dr: House", [IOS + "Dr: House: a", IOS + "Dr: House: b", IOS + "Ana: a", IOS + "Bo: b"], "sstt"),
        ("title=", [IOS + "\u200e: Ana joined", IOS + "Ana: a", IOS + "Bo: b"], "stt"),  # nobody, as without
        ("title=\u200e", [IOS + "Trip: Ana joined", IOS + "Ana: a", IOS + "Bo: b"], "ttt"),
        ("any title=Trip", [ANDROID + "Trip: a", IOS + "Trip: b", ANDROID + "Ana: a", IOS + "Bo: b"], "tstt"),
    ],
)
def test_the_app_writes_as_the_chat(options: str, lines: list[str], found: str) -> None:
    assert kinds(options, *lines) == found


# ---- any text --------------------------------------------------------------------------------------------------------

OPTIONS = ("", "", "dmy", "mdy", "ymd", "any", "any,mdy", "ymd any", "until=2024-03-05", "until=1970-01-01,title=Ana")


def options_of(rng: random.Random, content: str) -> str:
    """Some of these, or what one of the messages says."""
    if rng.random() < 0.5:
        return rng.choice(OPTIONS)
    found = reference.parse_whatsapp(content) or [{"author": None, "ts": None}]
    author, day = (rng.choice(found)[name] for name in ("author", "ts"))
    until = f"until={day.date().isoformat()}" if day and day.year >= 1970 else ""
    return f"{rng.choice(['', 'any,', 'dmy '])}{until} title={author}"


def test_random_exports(rng: random.Random) -> None:
    counts = []
    for _ in range(400 * SCALE):
        content = random_text.export(rng)
        options = options_of(rng, content)
        counts.append(len(parse(content, options)))
        sniff(content, options)
    assert sum(map(bool, counts)) > len(counts) / 2  # most of them are exports


def test_broken_exports(rng: random.Random) -> None:
    for _ in range(400 * SCALE):
        content = random_text.mutated(rng, random_text.export(rng))
        options = options_of(rng, content)
        assert sniff(content, options)["messages"] == len(parse(content, options))


def test_a_column_with_null() -> None:
    con = streamliner_udf.connect()
    query = "SELECT (sl_sniff_whatsapp(c)).messages, sl_sniff_whatsapp(c) IS NULL FROM (VALUES (?), (NULL), ('x')) v(c)"
    assert con.execute(query, [A]).fetchall() == [(1, False), (None, True), (0, False)]


def test_rows_of_a_record_batch() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    content = "".join(f"05/03/2024, 09:{i % 60:02} - Ana: hi {i}\n" for i in range(3000)).encode()
    usual = streamliner_udf.parse_rows("parse_whatsapp", content)
    texts = pyarrow.table(usual)["text"].to_pylist()
    for rows, lengths in ((None, [2048, 952]), (1, [256] * 11 + [184]), (1500, [1536, 1464]), (1 << 17, [3000])):
        found = pyarrow.table(streamliner_udf.parse_rows("parse_whatsapp", content, batch_rows=rows))["text"]
        assert [len(chunk) for chunk in found.chunks] == lengths
        assert found.to_pylist() == texts
    for wrong in (0, (1 << 17) + 1, "many"):
        with pytest.raises(ValueError, match="parse_whatsapp: expected batch_rows from 1 to 131072, got"):
            streamliner_udf.parse_rows("parse_whatsapp", content, batch_rows=wrong)  # type: ignore[arg-type]


def line_of(i: int, date: str = "05/03/2024", end: str = "\n") -> str:
    return f"{date}, 09:{i % 60:02} - {('Ana', 'Bo')[i % 2]}: message {i} \u200ewith a mark{end}"


def long_exports() -> dict[str, str]:
    """Texts that are read in pieces: what a line is depends on lines of the pieces before."""
    usual = [line_of(i) for i in range(12_000)]
    apple = [f"[25/03/24, 09:{i % 60:02}:01] Ana: hi {i}\r\n" for i in range(4000)]
    return {
        "usual": "".join(usual),
        "lines before, and of one message": "what is this?\n" * 30_000 + usual[0] + "more: \u200eof it\n" * 30_000,
        "one line": usual[0] + "x" * 600_000 + "\n" + usual[1],
        "two exports": "".join([*usual, *apple]),
        "quoted": "".join(line + (apple[0] if i % 7 == 0 else "") for i, line in enumerate(usual)),
        "both line ends": "".join(line_of(i, end="\r\n" if i % 3 else "\n") for i in range(12_000)),
        "the order at the end": "".join(line_of(i, "05/03/2024") for i in range(12_000)) + line_of(0, "25/03/2024"),
        "days that are not": "".join(line_of(i, "31/02/2024" if i % 5 == 0 else "28/02/2024") for i in range(12_000)),
        "no line feed": "".join(line_of(i, end="\r") for i in range(12_000)),
        "a marker that nobody knows": "".join(
            [*usual, *(f"05/03/2024, 9:15 xyz{i} - Ana: hi\n" for i in range(3)), *usual]
        ),
        "words that take turns": "".join(
            f"05/03/2024, {'xa' if i % 5000 else 'xb'} 9:{i % 60:02} - Ana: hi {i}\n" for i in range(1, 16_000)
        ),
        "many dialects": "".join(
            [*usual[:6000], *(f"0{i % 5 + 1}.03.2024 w{i} 9:15 - Ana: hi\n" for i in range(60)), *usual[6000:]]
        ),
        "a name with a colon": "".join(
            f"05/03/2024, 09:15 - Dr: Who: hello {i}\n{line}" for i, line in enumerate(usual)
        ),
        "no header": "nothing like a message\n" * 30_000,
    }


@pytest.mark.parametrize("name", long_exports())
@pytest.mark.parametrize("options", ["", "any", "mdy, title=Dr: Who"])
def test_pieces_are_the_whole(name: str, options: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    text = long_exports()[name]
    assert len(text.encode()) > 1 << 19
    rows = streamliner_udf.parse_rows("parse_whatsapp", text.encode(), options)
    # By one thread; other tests compare that with the specification.
    whole = streamliner_udf.parse_whatsapp(text, options)
    for found in whole:
        found["ts"] = found["ts"].replace(tzinfo=None)
    assert pyarrow.table(rows).to_pylist() == whole
    assert whole or name == "no header" or (name == "days that are not" and "mdy" in options)
    assert rows.look() == streamliner_udf.parse_row("sniff_whatsapp", text.encode(), options)


@pytest.mark.parametrize("place", [0, 17, 200_000, 399_999, 599_990])
def test_bytes_that_are_no_text_in_any_piece(place: int) -> None:
    content = bytearray("".join(line_of(i) for i in range(12_000)).encode())
    while content[place] > 0x7F or content[place - 1] > 0x7F:
        place += 1
    content[place] = 0xFF
    with pytest.raises(streamliner_udf.InvalidUTF8, match=f"parse_whatsapp: .* got invalid bytes at {place}$"):
        streamliner_udf.parse_rows("parse_whatsapp", bytes(content))


def test_options_of_parse_rows() -> None:
    rows = streamliner_udf.parse_rows("parse_whatsapp", chat("5/3/2024").encode(), "mdy")
    con = streamliner_udf.connect()
    con.register("found", rows)
    assert con.sql("SELECT ts::VARCHAR FROM found").fetchall() == [("2024-05-03 09:15:00",)]
    with pytest.raises(
        ValueError,
        match=r"parse_whatsapp: expected options to be a list of dmy, .*, any, until=YYYY-MM-DD, title=NAME, got 'x'",
    ):
        streamliner_udf.parse_rows("parse_whatsapp", b"", "x")
    with pytest.raises(TypeError, match="parse_whatsapp: expected at most 1 options, got 2"):
        streamliner_udf.parse_rows("parse_whatsapp", b"", "dmy", "mdy")
    with pytest.raises(
        TypeError, match="parse_rows: expected a function that gives a list of structs, got sniff_whatsapp"
    ):
        streamliner_udf.parse_rows("sniff_whatsapp", b"")


@pytest.mark.parametrize("second", ["", "[05/04/2024, 10:{:02d}:00] Ana: ho"], ids=["one dialect", "two"])
@pytest.mark.parametrize("at", [0, 20, -1])
@pytest.mark.parametrize("size", [270_000, 900_000])
def test_a_line_across_all_pieces(second: str, at: int, size: int) -> None:
    """Large texts are cut into pieces at ends of lines, and one line may leave nothing to cut."""
    pyarrow = pytest.importorskip("pyarrow")
    first = "05/03/2024, 09:{:02d} - Ana: hi"
    lines = [layout.format(i) for layout in (first, second or first) for i in range(20)]
    lines[at] += "x" * size
    for end in ("\n", "\r", "\r\n"):
        text = end.join(lines)
        made = pyarrow.table(streamliner_udf.parse_rows("parse_whatsapp", text.encode())).to_pylist()
        assert made == streamliner_udf.parse_whatsapp(text)
        assert len(made) == 40
