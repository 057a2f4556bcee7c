"""The console script `streamliner`: thin commands over the public API."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamliner", description="Compiled text functions for DuckDB: see them work, list them."
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

    functions = commands.add_parser(
        "functions",
        help="list the functions",
        description="Lists every function: its SQL form, what it returns and what it does.",
        epilog="example: streamliner functions --json",
    )
    functions.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


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
        return {"demo": _demo, "functions": _functions}[options.command](options)
    except KeyboardInterrupt:
        print(f"streamliner {options.command}: interrupted", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:  # whoever read has seen enough
        # Python would write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
