"""The console script `streamliner`: thin commands over the public API."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .completion import SHELLS, script
from .progress import Progress

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streamliner",
        description="Compiled text functions for DuckDB: see them work, bring chats into a table, see how it grows.",
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

    scale = commands.add_parser(
        "scale",
        help="how the whole pipeline grows with more messages, memory and threads on this machine",
        description="Runs the whole pipeline (read, parse, clean, scrub, extract, near-duplicates, windows, chunks, "
        "export) at several volumes, each run a fresh process, with DuckDB's own memory limit and a tight one, and "
        "with 1 to n threads. Writes report.md, report.json and report.html: rates, memory, what goes to disk, how "
        "each step grows, the bottleneck at ten times the volume, a forecast for 100 times, and whether that fits.",
        epilog="example: streamliner scale --quick --output scale-report",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scale.add_argument("--output", type=Path, default=Path("scale-report"), metavar="FOLDER",
                       help="where the report goes (default %(default)s)")  # fmt: skip
    scale.add_argument("--base", type=_positive, metavar="N", help="messages of 1x (default 100,000)")
    scale.add_argument("--scales", type=_scales, metavar="N,N,N", help="volumes, three or more (default 1,3,10,30)")
    scale.add_argument("--repeats", type=_positive, metavar="N", help="runs of each volume and limit (default 3)")
    scale.add_argument("--memory-limit", default="512MB", metavar="SIZE", help="the tight one (default %(default)s)")
    scale.add_argument("--threads", type=_positive, metavar="N", help="the most (default: as many as processors)")
    scale.add_argument("--seed", type=int, default=7, metavar="N", help="of the synthetic chats (default %(default)s)")
    scale.add_argument("--folder", type=Path, help="for chats and databases, for a while (default: the system's own)")
    scale.add_argument("--quick", action="store_true", help="20,000 messages, 1,3,10 times, two runs: about a minute")
    scale.add_argument("--from", dest="source", type=Path, metavar="FILE",
                       help="write the report of a report.json anew, and measure nothing")  # fmt: skip
    scale.add_argument("--json", action="store_true", help="print JSON instead of text")

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

    tune = commands.add_parser(
        "tune",
        help="the settings of DuckDB that your SQL on your data gains from, measured",
        description="Runs your SQL on copies of your database with one setting changed after the other, each time in a "
        "fresh process, compares the results, and confirms the winner against the default while both take turns. Often "
        "the defaults are right. Nothing of yours is changed.",
        epilog='example: streamliner tune chat.duckdb "SELECT sl_scrub_pii(text) FROM messages" --out tuned\n'
        "         streamliner tune --verify tuned/recommendation.json chat.duckdb pipeline.sql",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tune.add_argument("database", type=Path, metavar="DB", help="DuckDB file; it is only read")
    tune.add_argument("sql", metavar="SQL", help="the workload: statements, or a file of them")
    tune.add_argument(
        "--objective",
        choices=("latency", "throughput", "memory", "disk"),
        default="latency",
        help="less time on the clock, processor time, peak memory or bytes on disk (default %(default)s)",
    )
    tune.add_argument(
        "--budget", type=_seconds, default=180.0, metavar="SECONDS", help="that trials may take (default 180)"
    )
    tune.add_argument("--trials", type=_positive, default=100, metavar="N", help="at most (default %(default)s)")
    tune.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default %(default)s)")
    tune.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for recommendation.sql, .json and .svg (default: none written)"
    )
    tune.add_argument(
        "--input",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=FILE",
        help="a WhatsApp export, as text, that the workload reads as table NAME; may come again",
    )
    tune.add_argument(
        "--disposable",
        action="store_true",
        help="what the workload writes may be lost: in memory and uncompressed count",
    )
    tune.add_argument("--all", action="store_true", help="try also the settings that articles recommend")
    tune.add_argument("--folder", type=Path, metavar="DIR", help="for copies and spilling (default: the system's)")
    tune.add_argument("--verify", type=Path, metavar="FILE", help="measure this recommendation.json again instead")
    tune.add_argument("--json", action="store_true", help="print JSON instead of the table")

    trust = commands.add_parser(
        "trust",
        help="let every DuckDB 2.0 of yours load the extension, with a key of this machine",
        description="For connections that were opened before the import and allow no unsigned extensions, and for "
        "other clients of the same DuckDB: signs the bundled extension with a key made here, tells DuckDB that you "
        "trust what it has signed, and installs it. Says before what it will write and where, and asks. Needs the "
        "package cryptography.",
        epilog="example: streamliner trust\n         streamliner trust --remove",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    trust.add_argument("--remove", action="store_true", help="take everything away that this command ever wrote")
    trust.add_argument("--yes", action="store_true", help="do not ask; without a terminal it is needed")
    trust.add_argument(
        "--json",
        action="store_true",
        help="print JSON instead of text; without --yes it is the plan, and nothing is done",
    )

    functions = commands.add_parser(
        "functions",
        help="list the functions",
        description="Lists every function: its SQL form, what it returns and what it does.",
        epilog="example: streamliner functions --json",
    )
    functions.add_argument("--json", action="store_true", help="print JSON instead of the table")

    completion = commands.add_parser(
        "completion",
        help="what a shell has to read to complete this command",
        description="Prints a script that completes commands, options, their choices and files. shtab makes it from "
        "the options of this version: pip install 'streamliner_udf[completion]'. The script itself does not need it.",
        epilog='example: eval "$(streamliner completion bash)"\n'
        "         streamliner completion zsh > ~/.zfunc/_streamliner   (with fpath=(~/.zfunc $fpath) before compinit)\n"
        "         streamliner completion fish > ~/.config/fish/completions/streamliner.fish",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell")
    completion.add_argument("--json", action="store_true", help="print JSON, with the script as a text")
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


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value


def _scales(text: str) -> tuple[int, ...]:
    found = tuple(_positive(part) for part in text.split(","))
    if len(found) < 3 or list(found) != sorted(set(found)):
        raise argparse.ArgumentTypeError(f"expected three or more rising whole numbers like 1,3,10,30, got {text!r}")
    return found


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
    """A progress callback of commands that work long, drawn where a person watches."""

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


def _scale(options: argparse.Namespace) -> int:
    import duckdb

    from . import scale

    quick = options.quick
    try:
        if options.source is not None:
            report = scale.ScaleReport.from_dict(json.loads(options.source.read_text(encoding="utf-8")))
        else:
            with _bar(options, "scale") as progress:
                report = scale.run(
                    options.base or (20_000 if quick else 100_000),
                    options.scales or ((1, 3, 10) if quick else (1, 3, 10, 30)),
                    repeats=options.repeats or (2 if quick else 3),
                    memory_limit=options.memory_limit,
                    threads=options.threads,
                    seed=options.seed,
                    folder=options.folder,
                    progress=progress,
                )
        paths = report.write(options.output)
    except (ValueError, OSError, KeyError, TypeError, duckdb.Error) as error:
        shown = (
            str(error).removeprefix("scale: ")
            if isinstance(error, (ValueError, OSError, duckdb.Error))
            else (f"expected {options.source} to be a report.json of this version, got something else ({error!r})")
        )
        print(f"streamliner scale: {shown}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        print(report.to_text())
        print("\n" + "\n".join(map(str, paths)))
    sys.stdout.flush()
    return EXIT_OK if report.ok else EXIT_FAILED


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


def _tune(options: argparse.Namespace) -> int:
    import duckdb

    from .tuning import Recommendation, tune, verify

    try:
        # A workload may be longer than the name of a file can be.
        with contextlib.suppress(OSError):
            if Path(options.sql).is_file():
                options.sql = Path(options.sql).read_text(encoding="utf-8")
        common = {"inputs": dict(options.input), "folder": options.folder}
        with Progress("tune", 100) as bar:
            if options.verify is not None:
                known = Recommendation.from_json(options.verify.read_text(encoding="utf-8"))
                checked = verify(known, options.database, options.sql, progress=bar.move, **common)
                text, given, good = str(checked), checked.to_dict(), checked.holds
            else:
                found = tune(
                    options.database,
                    options.sql,
                    objective=options.objective,
                    budget=options.budget,
                    trials=options.trials,
                    seed=options.seed,
                    disposable=options.disposable,
                    everything=options.all,
                    progress=bar.move,
                    **common,
                )
                text, given, good = str(found), found.to_dict(), not found.interrupted
        if options.out is not None and options.verify is None:
            written = ", ".join(map(str, found.write(options.out)))
            text += f"\n\nwritten: {written}"
    except (ValueError, OSError, duckdb.Error) as error:
        print(f"streamliner tune: {str(error).removeprefix('tune: ').removeprefix('verify: ')}", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps(given, indent=2, default=str) if options.json else text, flush=True)
    return EXIT_OK if good else EXIT_FAILED


def _trust(options: argparse.Namespace) -> int:
    import duckdb

    from . import trust
    from .duckdb import TRUSTED_LOAD
    from .errors import RegistrationError

    try:
        planned = trust.plan_removal() if options.remove else trust.plan()
        name = f"streamliner_udf, DuckDB {planned.duckdb_version} on {planned.platform}"
        if planned.stays and not options.json:
            kept = "\n".join(f"  {step.path}\n      {step.what}" for step in planned.stays)
            print(f"{name}: left as it is will be\n\n{kept}\n", flush=True)
        if planned.open_steps:
            if options.json and not options.yes:
                print(json.dumps({**planned.to_dict(), "load": None}, indent=2), flush=True)
                print("streamliner trust: expected --yes to go on; nothing was changed", file=sys.stderr)
                return EXIT_USAGE
            if not options.json:
                print(f"{name}: {'taken away' if options.remove else 'written'} will be\n\n{planned}\n", flush=True)
            if not options.yes and (status := _consent()) != EXIT_OK:
                return status
            planned = trust.remove() if options.remove else trust.carry_out()
    except (RegistrationError, OSError, duckdb.Error) as error:
        print(f"streamliner trust: {str(error).removeprefix('trust: ')}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        print(json.dumps({**planned.to_dict(), "load": None if options.remove else TRUSTED_LOAD}, indent=2), flush=True)
    elif options.remove:
        left = f"nothing {'else ' if planned.stays else ''}of it is left"
        print(left if planned.steps else f"{name}: there is nothing to take away", flush=True)
    else:
        print(f"{name} is trusted; in any connection of yours: {TRUSTED_LOAD};", flush=True)
    return EXIT_OK


def _consent() -> int:
    """Asks the person at the terminal; the exit status, 0 for a yes."""
    if not (sys.stdin and sys.stdin.isatty()):
        print("streamliner trust: expected --yes, since nobody can be asked here; nothing was changed", file=sys.stderr)
        return EXIT_USAGE
    try:
        answer = input("Go on? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return EXIT_OK
    print("streamliner trust: nothing was changed", file=sys.stderr)
    return EXIT_FAILED


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


def _completion(options: argparse.Namespace) -> int:
    try:
        text = script(_parser(), options.shell)
    except ImportError as error:
        print(f"streamliner {error}", file=sys.stderr)
        return EXIT_FAILED
    print(json.dumps({"shell": options.shell, "script": text}, indent=2) if options.json else text, flush=True)
    return EXIT_OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        commands = {
            "completion": _completion,
            "demo": _demo,
            "doctor": _doctor,
            "functions": _functions,
            "ingest": _ingest,
            "scale": _scale,
            "sniff": _sniff,
            "trust": _trust,
            "tune": _tune,
        }
        return commands[options.command](options)
    except KeyboardInterrupt:
        print(f"streamliner {options.command}: interrupted", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:  # whoever read has seen enough
        # Python would write what is left when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
