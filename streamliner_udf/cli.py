"""The console script `streamliner`: thin commands over the public API."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .progress import Progress

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamliner",
        description="Compiled text functions for DuckDB: see them work, list them, bring chat exports into a table.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    demo = commands.add_parser(
        "demo",
        help="a chat export becomes a clean DuckDB table, beside the pure-Python way",
        description="Reads a WhatsApp export (zip or txt), loads it into a DuckDB file, makes the cleaned table, does "
        "the same in pure Python, checks that the answers are equal and prints what each stage costs. Without EXPORT "
        "it makes a varied synthetic chat.",
        epilog='example: streamliner demo "WhatsApp Chat with Ana.zip" --database chat.duckdb',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument("export", nargs="?", type=Path, metavar="EXPORT", help="WhatsApp export, zip or txt")
    demo.add_argument(
        "--rows",
        type=_positive,
        metavar="N",
        help="messages of the synthetic chat (default 100,000)",
    )
    demo.add_argument(
        "--seed", type=int, default=7, metavar="N", help="seed of the synthetic chat (default %(default)s)"
    )
    demo.add_argument(
        "--database", type=Path, metavar="FILE", help="DuckDB file to keep (default: a temporary one); must not exist"
    )
    demo.add_argument("--threads", type=_positive, metavar="N", help="DuckDB threads (default: DuckDB's own)")
    demo.add_argument("--json", action="store_true", help="print JSON instead of the table")

    ingest = commands.add_parser(
        "ingest",
        help="chat exports, mail and tables of messages into one DuckDB table",
        description="Loads exports into a table of messages, all of them or none, and reports what was read, what was "
        "there already, and what was skipped and why.",
        epilog="example: streamliner ingest exports/*.zip mail.mbox --database chat.duckdb --mode merge",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ingest.add_argument("--database", type=Path, metavar="FILE", required=True, help="DuckDB file; made if not there")
    ingest.add_argument(
        "--table", default="messages", metavar="NAME", help="table, as SQL has it (default %(default)s)"
    )
    ingest.add_argument(
        "--mode",
        choices=("append", "replace", "merge"),
        default="append",
        help="add all, make the table anew, or add only what is not there (default %(default)s)",
    )
    ingest.add_argument(
        "--schema",
        choices=("messages", "staging"),
        default="messages",
        help="layout of the table: ours, or egregora's staging table (default %(default)s)",
    )
    ingest.add_argument("--quiet", action="store_true", help="no report and no progress bar")
    _add_source(ingest)

    sniff = commands.add_parser(
        "sniff",
        help="which adapter takes a file, how sure it is, and what it decides",
        description="Reads files as ingest does and says what it would make of them. Nothing is written.",
        epilog='example: streamliner sniff "WhatsApp Chat with Ana.zip"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_source(sniff)

    doctor = commands.add_parser(
        "doctor",
        help="what this process may use, and what DuckDB believes",
        description="Shows processors, memory and disk after all limits beside DuckDB's settings, with versions and "
        "the way by which DuckDB got the functions. Says what is wrong and how to mend it, and what "
        'connect(profile="pipeline") would set.',
        epilog="example: streamliner doctor --database chat.duckdb",
    )
    doctor.add_argument("--database", type=Path, metavar="FILE", help="look at the tables of this file too; read only")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of the table")

    functions = commands.add_parser(
        "functions",
        help="list the functions",
        description="Lists every function: its SQL form, what it returns and what it does.",
        epilog="example: streamliner functions --json",
    )
    functions.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


def _add_source(command: argparse.ArgumentParser) -> None:
    """What ingest and sniff have in common."""
    command.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, zip archive, or pattern with *")
    command.add_argument("--source", default="auto", metavar="NAME", help="adapter (default: the surest)")
    command.add_argument("--timezone", metavar="ZONE", help="of the export, where it has none: America/Sao_Paulo")
    command.add_argument(
        "--date-order",
        choices=("auto", "dmy", "mdy", "ymd"),
        default="auto",
        help="of dates in digits (default %(default)s)",
    )
    command.add_argument("--chat", metavar="NAME", help="stable name of the chat, part of the keys of its messages")
    command.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair,
        metavar="COLUMN=NAME",
        help="which column of a CSV, JSON Lines or Parquet file is which of the table: text=body; may come again",
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def _pair(text: str) -> tuple[str, str]:
    name, _, column = text.partition("=")
    if not name or not column:
        raise argparse.ArgumentTypeError(f"expected COLUMN=NAME, like text=body, got {text!r}")
    return name, column


def _positive(text: str) -> int:
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return value


def _demo(options: argparse.Namespace) -> int:
    import duckdb

    from . import demo
    from .ingest.whatsapp import ExportError

    if options.export is not None and options.rows is not None:
        print("streamliner demo: expected no --rows with an EXPORT, which has its own", file=sys.stderr)
        return EXIT_USAGE
    try:
        report = demo.run(
            options.export,
            rows=options.rows or 100_000,
            seed=options.seed,
            database=options.database,
            threads=options.threads,
        )
    except (ExportError, OSError, duckdb.Error) as error:
        print(f"streamliner demo: {error}", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps(report.to_dict(), indent=2, default=str) if options.json else report.to_text(), flush=True)
    return EXIT_OK if report.equal else EXIT_FAILED


def _bar(options: argparse.Namespace, label: str) -> contextlib.AbstractContextManager[Callable[[str, int, int], None]]:
    """A progress callback of ingest and sniff, drawn where a person watches."""

    @contextlib.contextmanager
    def drawn() -> Iterator[Callable[[str, int, int], None]]:
        with Progress(label, 100) as bar:
            yield lambda name, number, total: bar.move(number, total, name)

    return contextlib.nullcontext(lambda name, number, total: None) if getattr(options, "quiet", False) else drawn()


def _ingest(options: argparse.Namespace) -> int:
    import duckdb

    from . import connect
    from .ingest import ingest

    there = options.database.exists()
    try:
        # The profile's row groups let all threads compress, and read, a chat of 100,000 messages.
        with _bar(options, "ingest") as progress, connect(options.database, profile="pipeline") as connection:
            report = ingest(
                connection,
                options.paths,
                options.table,
                options.source,
                options.mode,
                options.timezone,
                progress,
                date_order=options.date_order,
                chat=options.chat,
                mapping=dict(options.map),
                schema=options.schema,
            )
    except (ValueError, OSError, duckdb.Error) as error:
        print(f"streamliner ingest: {_without_prefix(error)}", file=sys.stderr)
        if not there:  # a database without a table helps nobody
            options.database.unlink(missing_ok=True)
        return EXIT_FAILED
    if options.json:
        print(json.dumps(report.to_dict(), indent=2, default=str), flush=True)
    elif not options.quiet:
        print(report.to_text(), flush=True)
    return EXIT_OK


def _sniff(options: argparse.Namespace) -> int:
    import duckdb

    from .ingest import sniff

    try:
        with _bar(options, "sniff") as progress:
            found = sniff(
                options.paths,
                options.source,
                options.timezone,
                progress,
                date_order=options.date_order,
                chat=options.chat,
                mapping=dict(options.map),
            )
    except (ValueError, OSError, duckdb.Error) as error:
        print(f"streamliner sniff: {_without_prefix(error)}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        print(json.dumps([one.to_dict() for one in found], indent=2, default=str), flush=True)
    else:
        print("\n".join(one.to_text() for one in found), flush=True)
    return EXIT_OK if all(one.error is None for one in found) else EXIT_FAILED


def _without_prefix(error: Exception) -> str:
    return str(error).removeprefix("ingest: ")


def _doctor(options: argparse.Namespace) -> int:
    import duckdb

    from . import connect
    from .doctor import diagnose

    try:
        if options.database is None:
            found = diagnose()
        else:
            with connect(options.database, read_only=True) as connection:
                found = diagnose(connection)
    except (OSError, duckdb.Error) as error:
        print(f"streamliner doctor: {error}", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps(found.to_dict(), indent=2) if options.json else found, flush=True)
    return EXIT_FAILED if found.findings else EXIT_OK


def _functions(options: argparse.Namespace) -> int:
    from ._table import FUNCTIONS

    rows = [
        {
            "name": function.sql_name,
            "signature": function.signature(),
            "returns": function.result.sql_type,
            "summary": function.summary,
            "since": function.since,
        }
        for function in FUNCTIONS.values()
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print(f"{row['signature']} -> {row['returns']}\n    {row['summary']}")
    sys.stdout.flush()
    return EXIT_OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        commands = {"demo": _demo, "doctor": _doctor, "functions": _functions, "ingest": _ingest, "sniff": _sniff}
        return commands[options.command](options)
    except KeyboardInterrupt:
        print(f"streamliner {options.command}: interrupted", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:  # whoever read has seen enough
        # Python would write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
