"""Files as broken disks and people who mean harm leave them.

    python tests/mutations.py [--format NAME] [--count 10000] [--seed N] [--first N] [--through 50]

breaks an export of each format in `count` ways. Every file is read by its adapter, to the last row, and every 50th goes
through `ingest` into a table: what comes is an error that says so, or messages and a report that account for all that
is there; an error leaves the table as it was. A file that takes too long ends the run with a trace of where it hangs.
Each file is made of the seed and its number alone, so that `--seed S --first N --count 1` repeats it, and is kept while
it is read, for when nothing is left of the process: `mutation-<format>` in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import json_exports as exports
import pyarrow as pa  # type: ignore[import-untyped]

import streamliner_udf
from streamliner_udf.ingest import ExportError, LoadOptions, ZipValidationError, ingest, registry
from streamliner_udf.ingest.choosing import pieces
from streamliner_udf.ingest.sources import expand

SECONDS = 20.0  # for one file, which takes a few milliseconds on a quiet machine
NOISE = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\\u",
        b"\\x0",
        b"null",
        b"1e999",
        b"-",
        b"\xff",
        b"\xc3",
        b"\0",
    ),
    *(
        b"9" * 40,
        b"\n",
        b"\r\n",
        b"\r",
        b"\xe2\x80",
        b"\xe2\x80\x8e",
        b"\xef\xbb\xbf",
        b"From ",
        b"=?",
        b"; charset=",
        b"PAR1",
    ),
    *(b"[" * 2000, b"05/03/2024, 09:15 - ", b"[2024-03-05 09:15:02] ", b"From a@b.c Tue Mar  5 09:15:02 2024\n"),
)
ENCODINGS = ("utf-16", "utf-16-be", "utf-16-le", "utf-32", "cp1252", "utf-7", "utf-8-sig", "cp037")


# ---- one broken file -------------------------------------------------------------------------------------------------


def mutated(content: bytes, rng: random.Random, junk: Sequence[bytes]) -> bytes:
    """The content with a few pieces cut out, cut off, doubled, moved, flipped, or with junk put in."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        start, stop = sorted(rng.randrange(len(found) + 1) for _ in range(2))
        match rng.randrange(7):
            case 0:
                del found[start : min(stop, start + 40)]
            case 1 | 2:
                found[start:start] = rng.choice(junk)
            case 3 if found:
                found[min(start, len(found) - 1)] ^= 1 << rng.randrange(8)
            case 4:
                found[start:start] = found[start : min(stop, start + 200)]
            case 5:
                lines = bytes(found).split(b"\n")
                lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
                found = bytearray(b"\n".join(lines))
            case _:
                if not rng.randrange(4):
                    del found[stop:]
    return bytes(found)


def flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def exchanged(value: Any, rng: random.Random) -> Any:
    """The same document with a value of another kind here and there."""
    if rng.random() < 0.05:
        return rng.choice(
            [None, True, 0, -1, 1e300, 10**30, "", "x", [], {}, [[]], {"text": {}}, "9" * 30, "2024-02-30", "\0"]
        )
    if isinstance(value, dict):
        return {key: exchanged(one, rng) for key, one in value.items()}
    return [exchanged(one, rng) for one in value] if isinstance(value, list) else value


def broken(content: bytes, rng: random.Random) -> bytes:
    """A file cut, with bits flipped, lines swapped, noise in it, values exchanged, or in another encoding."""
    at = rng.randrange(len(content))
    match rng.randrange(8):
        case 0:
            return content[:at]
        case 1:
            return flipped(content, rng)
        case 2:
            separator = rng.choice([b",", b"\n"])
            pieces_of_it = content.split(separator)
            rng.shuffle(pieces_of_it)
            return separator.join(pieces_of_it)
        case 3:
            return content[:at] + rng.choice(NOISE) + content[at + rng.randrange(3) :]
        case 4:
            return content.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")
        case 5:
            return rng.randbytes(rng.randrange(200)) if rng.random() < 0.3 else content[at:]
        case 6:
            try:
                document = json.loads(content, strict=False)
            except ValueError:
                return mutated(content, rng, NOISE)
            return json.dumps(exchanged(document, rng), ensure_ascii=rng.random() < 0.5).encode()
        case _:
            return mutated(content, rng, NOISE)


def broken_archive(content: bytes, rng: random.Random) -> bytes:
    """An archive that is broken, or a whole one with a broken file in it."""
    if rng.random() < 0.2:
        return flipped(content, rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            text = old.read(name)
            new.writestr(name, broken(text, rng) if name == chosen and text else text)
    return made.getvalue()


# ---- a whole file of each format -------------------------------------------------------------------------------------

_ANDROID = """05/03/2024, 09:14 - Messages and calls are end-to-end encrypted.
05/03/2024, 09:15 - Ana: olá\nzweite Zeile
05/03/2024, 09:16 - Bo: IMG-20240305-WA0001.jpg (file attached)
05/03/2024, 09:17 - Ana changed the subject from "a: b" to "c"
25/03/2024, 10:00 - \u202a+55\u00a061\u00a05550\u20110101\u202c: <Media omitted>
26/03/2024, 11:00 - Bo: 👩\u200d🚀 https://example.org/?q=1
26/03/2024, 11:01 - Bo:
"""
_IOS = """[3/25/24, 9:15:20\u202fPM] Trip: \u200eMessages are encrypted.\r
[3/25/24, 9:15:21\u202fPM] ~\u202fZoë: one\ntwo\r
\u200e[3/26/24, 9:16:00\u202fAM] Ana: \u200e<attached: 00000012-PHOTO-2024-03-26-09-16-00.jpg>\r
[3/26/24, 9:16:01\u202fAM] Bo: \u200eThis message was deleted.\r
"""
_SIGNAL = """[2024-03-05 09:15:02] Ana: hi

[2024-03-05 09:16:00] Bo:

> hi

yes: two
(- Ana: 👍 -)
[2024-03-05 09:17:00] Me:   ![p q.jpg](./media/p%20q.jpg)  [a.pdf](./media/a.pdf)
[2024-03-05 09:18:00] Ana: (This message was deleted)
"""
_MBOX = b"""From ana@example.org Tue Mar  5 09:15:02 2024
From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>
Date: Tue, 5 Mar 2024 09:15:02 +0100
Message-ID: <1@example.org>
Subject: Plan
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

ol=E1
>From here on
--x
Content-Type: application/pdf; name="a.pdf"
Content-Transfer-Encoding: base64

JVBERi0=
--x--

From bo@example.org Tue Mar  5 10:15:02 2024
From: Bo <bo@example.org>
Date: Tue, 5 Mar 2024 10:15:02 -0000
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>
Subject: Re: Plan
Content-Type: text/html; charset=utf-8

<p>yes &amp; no</p>

"""


def _archive(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("IMG-20240305-WA0001.jpg", b"\xff\xd8")
    return made.getvalue()


def _table(folder: Path, kind: str) -> bytes:
    path = folder / f"table.{kind}"
    rows = (
        "SELECT range AS id, TIMESTAMP '2024-03-05 09:15:02' + to_seconds(range) AS ts, 'Ana' AS author, "
        "'hi, ' || range AS text FROM range(30)"
    )
    options = {"csv": "HEADER", "jsonl": "FORMAT json", "parquet": "FORMAT parquet"}[kind]
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO '{path}' ({options})")
    return path.read_bytes()


def whole(folder: Path) -> dict[str, list[bytes]]:
    """Files that are right, of each format; the first word is the adapter's name."""
    made = {name: path.read_bytes() for name, path in exports.write_all(folder).items()}
    chat = json.loads(made["messenger message_1.json"])
    return {
        "whatsapp": [_ANDROID.encode(), _IOS.encode(), (_ANDROID + _IOS).encode()],
        "whatsapp zip": [
            _archive("_chat.txt", _IOS.encode()),
            _archive("WhatsApp Chat with Bo.txt", _ANDROID.encode()),
        ],
        "telegram single": [made["telegram one.json"], made["telegram indented.json"]],
        "telegram full": [made["telegram account.json"]],
        "discord": [made["discord channel.json"]],
        "slack zip": [made["slack space.zip"]],
        "messenger": [made["messenger message_1.json"], made["messenger account.zip"]],
        "instagram": [exports.encoded(chat), made["instagram account.zip"]],
        "signal": [_SIGNAL.encode()],
        "csv": [_table(folder, "csv")],
        "jsonl": [_table(folder, "jsonl")],
        "parquet": [_table(folder, "parquet")],
        "mbox": [_MBOX],
    }


# ---- reading them ----------------------------------------------------------------------------------------------------


def _read(connection: duckdb.DuckDBPyConnection, content: bytes, adapter: str) -> int:
    """Rows that the adapter gives, read and checked, without the loader: planning SQL takes longest."""
    rows = 0
    [source] = expand(content, None)
    try:
        for piece in pieces(source, registry.find(adapter), None)[0]:
            for chat in piece.adapter.load(piece.source, LoadOptions(connection=connection)):
                if hasattr(chat.rows, "fetchall"):  # a table where the rows wait
                    rows += chat.rows.aggregate("count(*)").fetchall()[0][0]
                else:
                    table = pa.RecordBatchReader.from_stream(chat.rows).read_all()
                    table.validate(full=True)
                    rows += len(table)
                if chat.finish is not None:
                    chat.finish()
    finally:
        source.close()
    return rows


def units(format: str, content: bytes) -> int | None:
    """Messages and things that are none in a file, counted in a plain way; None where there is no plain way."""
    if format == "jsonl":
        try:
            content.decode()
        except UnicodeDecodeError:
            return None
        lines = [line for line in content.split(b"\n") if line.strip(b" \t\r")]
        return None if content[:3] == b"\xef\xbb\xbf" or b"\r" in content or b"\0" in content else len(lines)
    if format in ("telegram single", "discord", "messenger") and not content.startswith(b"PK"):
        try:
            found = json.loads(content, strict=True, parse_constant=lambda name: 1 / 0)
        except (ValueError, RecursionError, ZeroDivisionError):
            return None
        messages = found.get("messages") if isinstance(found, dict) else None
        return len(messages) if isinstance(messages, list) else None
    return None


def _ingest(connection: duckdb.DuckDBPyConnection, content: bytes, format: str) -> None:
    """The whole way; the table as it was after an error, and all accounted for after none."""
    adapter = format.partition(" ")[0]
    before = connection.execute("SELECT count(*), bit_xor(hash(m)) FROM messages m").fetchall()
    try:
        report = ingest(connection, content, source=adapter)
    except ExportError:
        assert connection.execute("SELECT count(*), bit_xor(hash(m)) FROM messages m").fetchall() == before
        raise
    finally:
        left = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert left == [("messages",)], left
    after = connection.execute("SELECT count(*) FROM messages").fetchall()[0][0]
    assert report.inserted == report.rows == after - before[0][0] > 0
    skipped = sum(one.count for file in report.files for one in file.skipped)
    expected = units(format, content)
    assert expected is None or report.rows + skipped == expected, (report.rows, report.files, expected)
    connection.execute(f"DELETE FROM messages WHERE rowid >= {before[0][0]}")


def run(format: str, count: int, seed: int, first: int = 0, through: int = 50) -> Counter[str]:
    """What came of `count` broken files: read or refused, by the adapter alone or by `ingest`."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as made, streamliner_udf.connect() as connection:
        files = whole(Path(made))[format]
        kept = Path(tempfile.gettempdir()) / f"mutation-{format.replace(' ', '-')}"
        connection.execute("SET threads = 1")
        for content in files:
            ingest(connection, content, source=format.partition(" ")[0])  # whole ones are read
        connection.execute("CREATE OR REPLACE TABLE messages AS FROM messages")  # without holes in its row ids
        for number in range(first, first + count):
            rng = random.Random(f"{seed} {format} {number}")
            content = rng.choice(files)
            content = (broken_archive if content.startswith(b"PK") else broken)(content, rng)
            kept.write_bytes(content)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            by_ingest = number % through == 0
            way = "ingest" if by_ingest else "adapter"
            try:
                if by_ingest:
                    _ingest(connection, content, format)
                else:
                    _read(connection, content, format.partition(" ")[0])
                outcomes[f"{way} read"] += 1
            except (ExportError, ZipValidationError):
                outcomes[f"{way} refused"] += 1
            except Exception as error:
                raise AssertionError(f"{format}: seed {seed}, file {number}, kept as {kept}") from error
            finally:
                faulthandler.cancel_dump_traceback_later()
        kept.unlink()
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", action="append", help="one of those that a run without it shows; several times")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--through", type=int, default=50, help="every how many files one goes through ingest")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        formats = list(whole(Path(folder)))
    if unknown := set(asked.format or ()) - set(formats):
        sys.exit(f"mutations: expected --format to be one of {', '.join(formats)}, got {', '.join(sorted(unknown))}")
    faulthandler.enable()
    for format in asked.format or formats:
        started = time.perf_counter()
        outcomes = run(format, asked.count, asked.seed, asked.first, asked.through)
        seconds = time.perf_counter() - started
        print(f"{format}: {asked.count:,} files in {seconds:.0f} s, {dict(sorted(outcomes.items()))}", flush=True)


if __name__ == "__main__":
    main()
