"""E-mail: mbox, .eml, folders and archives of these, and what other programs make of the standards."""

from __future__ import annotations

import contextlib
import email.utils
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from mutations import mutated

import streamliner_udf
from streamliner_udf.ingest import ExportError, LoadOptions, ingest, sniff
from streamliner_udf.ingest import mbox as mbox_adapter

FIRST = b"""From: =?utf-8?q?Z=C3=A9?= <ze@example.org>
To: ana@example.org
Date: Tue, 5 Mar 2024 09:15:02 +0100
Subject: Lunch
Message-ID: <1@example.org>

Hi Ana,
>From Monday on?
"""
REPLY = b"""From: "Silva, Ana" <Ana@Example.org>
Date: Tue, 05 Mar 2024 06:20:00 -0300
Subject: =?UTF-8?B?UmU6IEx1?=
 =?UTF-8?B?bmNo?=
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
References: <1@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: multipart/alternative; boundary="y"

--y
Content-Type: text/html; charset=utf-8

<p>not this</p>
--y
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Ol=E1, =80 5
--y--
--x
Content-Type: image/jpeg; name="=?utf-8?q?f=C3=B4to.jpg?="
Content-Transfer-Encoding: base64

/9j/
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''men%C3%BC.pdf

x
--x--
"""
HTML = b"""Date: Tue, 5 Mar 2024 10:00:00 -0000
From: news@example.org
Content-Type: text/html; charset=utf-8

<html><head><style>p {}</style></head><body><p>One &amp; two</p><p>three</p></body></html>
"""


JUNK = (
    *(b"\0", b"\xff\xfe", b"\n", b"\r", b"=?", b"?=", b"--x", b"From ", b"; charset=", b"=", b'"', b"<", b"\n ", b"%"),
    *(b"(" * 50, b"From a@b.c Tue Mar  5 09:15:02 2024\n", b"*0*=x''", b"Content-Transfer-Encoding: uuencode\n"),
)


def mbox(*messages: bytes) -> bytes:
    return b"".join(b"From ana@example.org Tue Mar  5 09:15:02 2024\n" + message + b"\n" for message in messages)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with streamliner_udf.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def read(con: duckdb.DuckDBPyConnection, columns: str, content: object, **options: str) -> list[tuple[object, ...]]:
    ingest(con, content, mode="replace", **options)  # type: ignore[arg-type]
    return con.execute(f"SELECT {columns} FROM messages ORDER BY seq").fetchall()


def test_a_mailbox(con: duckdb.DuckDBPyConnection) -> None:
    columns = "author, author_id, ts::VARCHAR, ts_utc::VARCHAR, text, kind, media, native_id, reply_to, chat, line"
    assert read(con, columns, mbox(FIRST, REPLY, HTML)) == [
        ("Zé", "ze@example.org", "2024-03-05 09:15:02", "2024-03-05 08:15:02+00", "Hi Ana,\nFrom Monday on?", "text",
         None, "1@example.org", None, "Lunch", 1),
        ("Silva, Ana", "ana@example.org", "2024-03-05 06:20:00", "2024-03-05 09:20:00+00", "Olá, € 5", "text",
         "fôto.jpg\nmenü.pdf", "2@example.org", "1@example.org", "Lunch", 11),
        ("news@example.org", "news@example.org", "2024-03-05 10:00:00", None, "One & two\n\nthree", "text",
         None, None, None, "bytes", 47),
    ]  # fmt: skip
    ingest(con, mbox(FIRST, REPLY, HTML), "staged", schema="staging")
    assert con.execute("SELECT list(thread_id ORDER BY ts) FROM staged").fetchall() == [
        (["1@example.org", "1@example.org", "bytes"],)
    ]
    again = ingest(con, mbox(REPLY, FIRST, FIRST.replace(b"<1@", b"<3@")), mode="merge")
    assert (again.inserted, again.duplicates) == (1, 2)


def test_single_messages_folders_and_archives(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.eml").write_bytes(FIRST)
    (folder / "sub" / "b.eml").write_bytes(REPLY)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "empty.eml").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "mail.zip", "w") as archive:
        for path in sorted(folder.rglob("*.eml")):
            archive.write(path, path.relative_to(folder).as_posix())
    for source in (folder, tmp_path / "mail.zip"):
        report = ingest(con, source, mode="replace")
        assert con.execute("SELECT filename, native_id FROM messages ORDER BY seq").fetchall() == [
            ("a.eml", "1@example.org"),
            ("sub/b.eml", "2@example.org"),
        ]
        assert "no e-mail: an empty file" in [one.reason for one in report.skipped]
    assert [one.name for one in ingest(con, folder).skipped] == [".DS_Store", "empty.eml"]
    assert read(con, "text", FIRST) == [("Hi Ana,\n>From Monday on?",)]  # nothing was quoted, so nothing is unquoted
    (folder / "notes.csv").write_text("ts,author,text\n2024-03-05,Bo,hi\n")
    assert ingest(con, folder, mode="replace").files[0].adapter == "mbox, csv"


def test_a_mailbox_has_the_same_keys_alone_in_a_folder_and_in_an_archive(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    bare = b"From a@example.org Tue Mar  5 09:15:02 2024\nFrom: a@example.org\n\nno id, no subject\n\n"
    (folder / "inbox.mbox").write_bytes(bare * 2)
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        archive.write(folder / "inbox.mbox", "inbox.mbox")
    assert ingest(con, folder / "inbox.mbox", mode="merge").inserted == 2
    for again in (folder, tmp_path / "backup.zip"):
        assert ingest(con, again, mode="merge").inserted == 0
    assert con.execute("SELECT DISTINCT chat FROM messages").fetchall() == [("inbox",)]


def test_where_a_message_begins(con: duckdb.DuckDBPyConnection) -> None:
    body = FIRST.replace(b"\n>From Monday on?", b"\n\nFrom now on: no meat\nFrom: me\n\n>>From afar")
    content = mbox(body, FIRST).replace(b"\n", b"\r\n")
    assert read(con, "text, line", content) == [
        ("Hi Ana,\n\nFrom now on: no meat\nFrom: me\n\n>From afar", 1),
        ("Hi Ana,\nFrom Monday on?", 15),
    ]
    for separator in (
        b"From -\n",
        b"From - Tue Mar 05 09:15:02 2024\n",
        b"From 123@xxx Tue Mar 05 09:15:02 +0000 2024\n",
    ):
        assert read(con, "native_id", separator + FIRST + b"\n" + separator + REPLY) == [
            ("1@example.org",), ("2@example.org",)
        ]  # fmt: skip


def test_what_is_broken_is_read_as_far_as_it_goes_and_reported(con: duckdb.DuckDBPyConnection) -> None:
    head = b"From: a@example.org\nDate: %s\nSubject: x\nContent-Type: text/plain; charset=%s\n\n%s\n"
    date = b"Tue, 5 Mar 2024 09:15:02 +0000"
    messages = [
        head % (date, b"klingon", b"caf\xc3\xa9"),
        head % (date, b"utf-8", b"caf\xe9"),
        head % (b"yesterday", b"utf-8", b"no date"),
        head % (b"Tue, 31 Feb 2024 09:15:02 +0000", b"utf-8", b"no such day"),
        head.replace(b"Subject: x", b"Subject: caf\xc3\xa9 =?utf-8?q?=F0?= =?utf-8?q?=9F=A6=86?= =?utf-8?b?w?=")
        % (date, b"utf-8", b"a\0b"),
        b"Subject: nobody\n\n",
    ]
    report = ingest(con, mbox(*messages))
    found = con.execute("SELECT text, ts IS NULL, author, chat, kind FROM messages ORDER BY seq").fetchall()
    assert found == [
        ("café", False, "a@example.org", "x", "text"),
        ("caf\ufffd", False, "a@example.org", "x", "text"),
        ("no date", True, "a@example.org", "x", "text"),
        ("no such day", True, "a@example.org", "x", "text"),
        ("ab", False, "a@example.org", "café 🦆=?utf-8?b?w?=", "text"),
        ("", True, None, "nobody", "empty"),
    ]
    assert report.files[0].warnings == [
        "a charset that is not known (klingon), read as UTF-8",
        "bytes that are not utf-8, replaced",
        "a date that cannot be read in line 17: 'yesterday'; kept without a time",
        "a date that cannot be read in line 25: 'Tue, 31 Feb 2024 09:15:02 +0000'; kept without a time",
        "an encoded word in a header that cannot be decoded",
        "a date that cannot be read in line 41: ''; kept without a time",
    ]
    assert report.files[0].details[0]["without_time"] == 3


def test_an_attached_mail_is_no_part_of_the_text(con: duckdb.DuckDBPyConnection) -> None:
    outer = (
        b"From: a@example.org\nDate: Tue, 5 Mar 2024 09:15:02 +0000\nSubject: Fwd: Re: AW: Lunch\n"
        b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n\nsee below\n--x\nContent-Type: message/rfc822\n\n'
        + FIRST
        + b"\n--x--\n"
    )
    assert read(con, "text, media, chat", outer) == [("see below", "message.eml", "Lunch")]


def test_many_messages_and_progress(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "Sent.mbox"
    count = 9_000  # more than are held at once
    path.write_bytes(mbox(*(b"From: a@b.c\nMessage-ID: <%d@b.c>\n\nhi\n" % number for number in range(count))))
    steps: list[tuple[str, int, int]] = []
    report = ingest(con, path, progress=lambda *step: steps.append(step))
    assert report.inserted == count
    assert con.execute("SELECT count(DISTINCT native_id), max(seq), max(line) FROM messages").fetchall() == [
        (count, count - 1, (count - 1) * 6 + 1)
    ]
    assert len(report.warnings) == 6
    assert "times other dates" in report.warnings[5]
    size = path.stat().st_size
    assert (steps[0], steps[-1]) == (("Sent.mbox", 0, size), ("", size, size))
    assert len(steps) == 92
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert sniff(path)[0].sure == 0.97


def test_a_mail_that_quotes_a_chat_is_a_mail() -> None:
    quoted = FIRST.replace(b"Hi Ana,", b"05/03/2024, 09:15 - Ana: hi\n05/03/2024, 09:16 - Bo: yes")
    assert [one.adapter for one in sniff([mbox(quoted), quoted])] == ["mbox", "whatsapp"]
    assert sniff(quoted, source="mbox")[0].messages == 1


def test_parts_in_parts_without_end(con: duckdb.DuckDBPyConnection) -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(3_000))
    report = ingest(con, mbox(b"From: a@b.c\n" + deep, FIRST))
    assert report.inserted == 1
    assert [one.line for one in report.skipped] == [1]
    assert "RecursionError" in report.skipped[0].reason
    with pytest.raises(ExportError, match="RecursionError"):
        ingest(con, b"From: a@b.c\nDate: x\nTo: b\n" + deep, source="mbox")


_HEADERS = (
    *(
        "Subject: Plan\n",
        "Subject:\n folded =?utf-8?q?=C3=A9?=\n",
        "SUBJECT : x\n",
        "Subject: ol\udce1\n",
        ": x\n",
        "x\n",
    ),
    *(
        "Content-Type: text/plain\n",
        "Content-Type: TEXT/HTML; Charset=ISO-8859-1\n",
        'content-type: text/plain; charset="utf-8"\n',
    ),
    *("Content-Type: text/plain; charset=utf-8; format=flowed\n", "Content-Type: text/plain;\n charset=cp1252\n"),
    *(
        "Content-Type: text/plain; name=a.txt\n",
        "Content-Type: multipart/mixed; boundary=x\n",
        "Content-Type: nonsense\n",
    ),
    *("Content-Type: text/plain; charset=a; charset=b\n", "Content-Type:\n", "Content-Transfer-Encoding: base64\n"),
    *(
        "Content-Transfer-Encoding: quoted-printable\n",
        "Content-Transfer-Encoding: 8BIT\n",
        "Content-Disposition: inline\n",
    ),
    *(
        "Content-Transfer-Encoding: x\n",
        "From: Ana <a@b.org>\n",
        "From:  Ana  B <A.c+d@b.org>\n",
        'From: "Ana, B" <a@b.org>\n',
    ),
    *(
        "From: =?utf-8?q?Zo=C3=AB?= <z@b.org>\n",
        "From: a@b.org\n",
        "From: <a@b.org>\n",
        "From: Ana. <a@b>\n",
        "From: Ana<a@b>\n",
    ),
    *(
        "From: Zo\udcc3\udcab <z@b.org>\n",
        "From: Ana (work) <a@b.org>\n",
        "From: a, b <c@d>\n",
        "Date: Tue, 5 Mar 2024 09:15\n",
    ),
    *(
        "In-Reply-To: <1@x>\n",
        "References: <1@x>\n\t<2@x>\n",
        "Message-ID: <3@x>\r\n",
        " more\n",
        "X:\0y\n",
        "From now on\n",
    ),
)
_BODIES = (
    b"hi\n",
    b"",
    b"ol\xe1\n",
    b"<p>a&amp;b</p>\n",
    b"--x\n\nhi\n--x--\n",
    b"aGk=\n",
    b"a=C3=A9=\n\n",
    b"a\r\nb\0",
    b"\xc3\xa9 \xe2\n",
)


def test_the_short_way_reads_what_the_parser_of_python_does(
    rng: random.Random, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of texts, the short way and the parser give the same rows and warnings; and the short way is taken at times."""
    found: list[list[object]] = []
    taken = 0
    raws = []
    for _ in range(4000 * scale):
        head = "".join(rng.choice(_HEADERS) for _ in range(rng.randint(0, 5))).encode("ascii", "surrogateescape")
        raw = head + rng.choice([b"\n", b"\n", b"\n", b"\r\n", b"", b" \n"]) + rng.choice(_BODIES)
        raws.append(mutated(raw, rng, JUNK) if raw and rng.random() < 0.2 else raw)
    addresses = [line[6:].strip() for line in _HEADERS if line.startswith("From: ")]
    addresses += [
        mutated(rng.choice(addresses).encode("ascii", "ignore"), rng, JUNK).decode("ascii", "ignore")
        for _ in range(500)
    ]
    for address in map(" ".join, map(str.split, addresses)):
        assert mbox_adapter._parse_address(address) == email.utils.parseaddr(address), address
    for short in (True, False):
        if not short:
            monkeypatch.setattr(mbox_adapter, "_read_plain", lambda raw: None)
            monkeypatch.setattr(mbox_adapter, "_parse_address", email.utils.parseaddr)
        rows: list[object] = []
        for raw in raws:
            seen = mbox_adapter._Seen()
            taken += short and mbox_adapter._read_plain(raw) is not None
            try:
                rows.append((mbox_adapter._row(raw, 1, "x", LoadOptions(), seen), dict(seen.warnings)))
            except mbox_adapter._BROKEN as error:
                rows.append(type(error))
        found.append(rows)
    for raw, one, two in zip(raws, *found, strict=True):
        assert one == two, raw
    assert len(raws) // 10 < taken < len(raws)


def test_mutated_mailboxes(con: duckdb.DuckDBPyConnection, rng: random.Random, scale: int) -> None:
    content = mbox(FIRST, REPLY, HTML)
    accepted = 0
    for _ in range(300 * scale):
        with contextlib.suppress(ExportError):
            report = ingest(con, mutated(content, rng, JUNK), source="mbox", mode="replace")
            accepted += 1
            assert con.execute("SELECT count(*) FROM messages").fetchall() == [(report.inserted,)]
            assert report.inserted > 0
    assert accepted > 250
