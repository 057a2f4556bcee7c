"""Every function against its floor, plain Python and the best built-in SQL, beside the goals that it has to meet.

    python bench/goals.py [--label NAME] [--rows N] [--threads N] [--functions a,b] [--quick] [--check]

A goal is `SELECT sum(strlen(f(t))) FROM m` over a table in memory (`len` for lists, `count` for UUIDs), on `--threads`
threads, and again on one. Answers are compared with the specification first; how many rows the opponents answer
differently is shown, because they do less. Ratios are medians of the ratios within a round. Python UDFs run on a sample
of the rows, and their time is scaled to all of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import corpora
import duckdb
import floors
import plain_python
import report
import timing

from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function
from streamliner_udf.progress import Progress

SLACK = 1.10
SAMPLE = 50_000  # rows of a Python UDF
CHECKED = 1_000  # rows compared with the specification
PARALLEL_ROWS = 250_000  # below, a table has too few row groups for two threads
SCALING = 1.8

FLOORS = {
    "scan": "sum(strlen(t))",
    "read": "sum(sl_floor_touch(t))",
    "copy": "sum(strlen(sl_floor_identity(t)))",
    "add": "sum(list_sum(t))",
}
MEASURES = {
    "flag": "count_if({})",
    "number": "sum({})",
    "text": "sum(strlen({}))",
    "list": "sum(len({}))",
    "uuid": "count({})",
}

_EMAIL = r"[\w.-]+@[\w.-]+\.\w+"
_PHONE = r"(\+\d{1,2}\s?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}"
_URL = r'https?://[^\s<>"{}|\\^`\[\]]+'
_INVISIBLE = r"[\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]"
_NAMESPACE = "".join(rf"\x{byte:02X}" for byte in plain_python.NAMESPACE.bytes)
# Five of the 16 hexadecimal digits of a version 5 UUID's bytes are not those of the hash: version, variant.
_UUID5 = (
    "(h[1:12] || '5' || h[14:16] || translate(h[17:17], '0123456789abcdef', '89ab89ab89ab89ab') || h[18:32])::UUID"
).replace("h[", f"sha1('{_NAMESPACE}'::BLOB || encode(t))[")


@dataclass(frozen=True)
class Case:
    """One function, what it is measured against, and its goals."""

    name: str
    call: str
    result: str
    floor: str
    python: str | None = None
    builtin: str | None = None
    table: str = "m"
    oracle: Callable[[Any], object] | None = None
    # Goals: at most so many times the floor, at least so many times faster than the others.
    floor_goal: float | None = None
    python_goal: float | None = None
    builtin_goal: float | None = None
    scaling_goal: float | None = SCALING

    @property
    def function(self) -> str:
        return self.call.partition("(")[0]

    def rows(self, messages: int) -> int:
        """Rows of its table: documents and lists are fewer, and hold as much."""
        return messages // {"d": corpora.DOCUMENT_MESSAGES, "s": corpora.LIST_MESSAGES}.get(self.table, 1)

    def query(self, call: str, table: str | None = None) -> str:
        return f"SELECT {MEASURES[self.result].format(call)} FROM {table or self.table}"


def _oracle(name: str, *before: str) -> Callable[[str], object]:
    return lambda text: getattr(reference, name)(*before, text)


CASES = (
    Case("no-op", "sl_floor_noop(t)", "number", "scan", floor_goal=1.2, scaling_goal=None),
    Case(
        "scrub_pii", "sl_scrub_pii(t)", "text", "copy", "scrub_pii",
        f"regexp_replace(regexp_replace(t, '{_EMAIL}', '<EMAIL_REDACTED>', 'g'), '{_PHONE}', '<PHONE_REDACTED>', 'g')",
        oracle=_oracle("scrub_pii"), python_goal=150, builtin_goal=8,
    ),
    Case("normalize", "sl_normalize(t)", "text", "copy", "normalize", oracle=_oracle("normalize"), python_goal=15),
    Case(
        "normalize, NFC", "sl_normalize(t, 'NFC')", "text", "copy", None, "nfc_normalize(t)",
        oracle=lambda text: reference.normalize(text, "NFC"), builtin_goal=10,
    ),
    Case(
        "strip_invisible", "sl_strip_invisible(t)", "text", "copy", "strip_invisible",
        f"regexp_replace(t, '{_INVISIBLE}', '', 'g')", oracle=_oracle("strip_invisible"), floor_goal=1.5,
    ),
    Case(
        "clean_text", "sl_clean_text(t)", "text", "copy", "clean_text",
        rf"trim(regexp_replace(regexp_replace(nfc_normalize(t), '{_INVISIBLE}', '', 'g'), '\s+', ' ', 'g'))",
        oracle=_oracle("clean_text"),
    ),
    Case(
        "html_escape", "sl_html_escape(t)", "text", "copy", "html_escape",
        "replace(replace(replace(replace(replace(t, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '\"', '&quot;'), "
        "'''', '&#x27;')",
        oracle=_oracle("html_escape"), floor_goal=1.5, python_goal=40, builtin_goal=5,
    ),
    Case(
        "slugify", "sl_slugify(t)", "text", "copy", "slugify",
        "rtrim(left(trim(regexp_replace(lower(strip_accents(t)), '[^a-z0-9]+', '-', 'g'), '-'), 60), '-')",
        oracle=_oracle("slugify"), python_goal=110, builtin_goal=35,
    ),
    Case(
        "extract_urls", "sl_extract_urls(t)", "list", "read", "extract_urls",
        f"regexp_extract_all(t, '{_URL}')", oracle=_oracle("extract_urls"), python_goal=30, builtin_goal=3,
    ),
    Case(
        "chunk_text", "sl_chunk_text(t)", "list", "copy", "chunk_text", oracle=_oracle("chunk_text"),
        python_goal=15, floor_goal=7,
    ),
    Case(
        "chunk_text, documents", "sl_chunk_text(t)", "list", "copy", "chunk_text", table="d",
        oracle=_oracle("chunk_text"), python_goal=15, floor_goal=7, scaling_goal=None,
    ),
    Case(
        "count_words", "sl_count_words(t)", "number", "read", "count_words",
        r"len(regexp_extract_all(t, '[\p{L}\p{N}_]+'))", oracle=_oracle("count_words"),
        floor_goal=4, python_goal=15, builtin_goal=12,
    ),
    Case(
        "count_words, documents", "sl_count_words(t)", "number", "read", "count_words",
        r"len(regexp_extract_all(t, '[\p{L}\p{N}_]+'))", table="d", oracle=_oracle("count_words"),
        floor_goal=4, python_goal=25, builtin_goal=25, scaling_goal=None,
    ),
    Case(
        "estimate_tokens", "sl_estimate_tokens(t)", "number", "read", "estimate_tokens",
        oracle=_oracle("estimate_tokens"), floor_goal=4,
    ),
    Case(
        "pack_windows", "sl_pack_windows(t, 4000, 500)", "list", "add", "pack_windows", table="s",
        oracle=lambda sizes: reference.pack_windows(sizes, 4000, 500),
        floor_goal=2, python_goal=20, scaling_goal=None,
    ),
    Case(
        "uuid5, authors", "sl_uuid5('oid', t)", "uuid", "scan", "uuid5", _UUID5, table="a",
        oracle=_oracle("uuid5", "oid"),
    ),
)  # fmt: skip


KINDS = {
    "text": ("text", "copy"),
    "list": ("list", "read"),
    "uuid": ("uuid", "scan"),
    **dict.fromkeys(("integer", "natural", "real"), ("number", "read")),
    "boolean": ("flag", "read"),
}


def default_case(function: Function) -> Case | None:
    """A function without a case of its own: on the messages, against its floor alone. None where a row is no text."""
    if any(function.params[at].type != "text" for at in function.row_indexes):
        return None
    required = {"text": "dns", "integer": 8, "texts": ["now", "meeting"]}
    before = [required[p.type] for p in function.params if p.required and p.role == "option"]
    kind, floor = KINDS[function.result.type]
    rows = iter(["t"] * len(function.row_indexes))
    options = iter(map(repr, before))
    given = [next(rows) if p.role == "row" else next(options) for p in function.params if p.required]
    first = function.params[0].role == "option"

    def answer(text: str) -> object:
        texts = [text] * len(function.row_indexes)
        return getattr(reference, function.name)(*(before + texts if first else texts + before))

    return Case(function.name, f"{function.sql_name}({', '.join(given)})", kind, floor, oracle=answer)


def all_cases() -> list[Case]:
    """The cases above, and one for each other function of the table."""
    measured = {case.function for case in CASES}
    others = (default_case(f) for f in FUNCTIONS.values() if f.sql_name not in measured)
    return [*CASES, *(case for case in others if case)]


def existing(connection: duckdb.DuckDBPyConnection, cases: Iterable[Case]) -> list[Case]:
    """The cases whose function this build has."""
    names = {row[0] for row in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    return [case for case in cases if case.function in names]


def _answers(connection: duckdb.DuckDBPyConnection, case: Case, call: str) -> list[Any]:
    return [row[0] for row in connection.execute(f"SELECT {call} FROM {case.table}_checked ORDER BY id").fetchall()]


def _share_differing(answers: list[Any], others: list[Any]) -> float:
    pairs = zip(answers, others, strict=True)
    return sum(str(a) != str(b) for a, b in pairs) / len(answers)


def compare(connection: duckdb.DuckDBPyConnection, case: Case) -> dict[str, float]:
    """Stops unless the function answers as specified; says on what share of rows the opponents do not."""
    answers = _answers(connection, case, case.call)
    if case.oracle:
        for text, answer in zip(_answers(connection, case, "t"), answers, strict=True):
            if answer != case.oracle(text):
                raise SystemExit(f"{case.name}: expected {case.oracle(text)!r} for {text!r}, got {answer!r}")
    shares = {}
    if case.python:
        shares["python"] = _share_differing(answers, _answers(connection, case, f"py_{case.python}(t)"))
    if case.builtin:
        shares["builtin"] = _share_differing(answers, _answers(connection, case, case.builtin))
    return shares


def measure(
    connection: duckdb.DuckDBPyConnection,
    case: Case,
    rows: int,
    threads: int,
    rounds: int,
    step: Callable[[str], object],
) -> dict[str, Any]:
    """Times and ratios of one case. Opponents run on all threads, the function and its floor also on one."""

    def way(query: str, count: int) -> timing.Way:
        return timing.Way(
            lambda: connection.execute(query).fetchone(), lambda: connection.execute(f"SET threads = {count}")
        )

    floor = f"SELECT {FLOORS[case.floor]} FROM {case.table}"
    ways = {"native": way(case.query(case.call), threads), "floor": way(floor, threads)}
    if threads > 1:
        ways |= {"native, one thread": way(case.query(case.call), 1), "floor, one thread": way(floor, 1)}
    if case.python:
        ways["python"] = way(case.query(f"py_{case.python}(t)", f"{case.table}_sample"), threads)
    if case.builtin:
        ways["builtin"] = way(case.query(case.builtin), threads)
    took = timing.interleave(ways, rounds, step=lambda name: step(f"{case.name}: {name}"))

    ratios = {"floor": timing.ratio(took["native"], took["floor"])}
    if threads > 1:
        ratios["floor, one thread"] = timing.ratio(took["native, one thread"], took["floor, one thread"])
        ratios["threads"] = timing.ratio(took["native, one thread"], took["native"])
    if case.python:
        ratios["python"] = timing.ratio(took["python"], took["native"], rows / min(rows, SAMPLE))
    if case.builtin:
        ratios["builtin"] = timing.ratio(took["builtin"], took["native"])
    return {"milliseconds": {name: series.summary() for name, series in took.items()}, "ratios": ratios}


def goals(case: Case, rows: int, threads: int) -> dict[str, float]:
    """What the ratios of a case have to reach: "floor" at most, the others at least."""
    found = {"floor": case.floor_goal, "python": case.python_goal, "builtin": case.builtin_goal}
    if threads == 2 and rows >= PARALLEL_ROWS:
        found["threads"] = case.scaling_goal
    return {name: goal for name, goal in found.items() if goal is not None}


def missed(record: dict[str, Any], slack: float) -> list[str]:
    """The goals that a record misses, in words."""
    sentences = []
    for name, goal in record["goals"].items():
        got = record["ratios"][name]["paired"]
        kept = got <= goal * slack if name == "floor" else got >= goal / slack
        if not kept:
            bound = "at most" if name == "floor" else "at least"
            sentences.append(f"{record['function']}: expected x {name} to be {bound} {goal:g}, got {got:.3g}")
    return sentences


def _cell(record: dict[str, Any], name: str) -> str:
    if name not in record["ratios"]:
        return "-"
    value = record["ratios"][name]["paired"]
    shown = f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    goal = record["goals"].get(name)
    return shown if goal is None else f"{shown} ({'<=' if name == 'floor' else '>='}{goal:g})"


def show(records: list[dict[str, Any]], rows: int, threads: int) -> None:
    header = ["function", "floor", "ms", "ns/row", "1T ns/row", "x floor", "x floor 1T", "x Python UDF", "x built-in"]
    header.append(f"{threads}T/1T")
    lines = []
    for record in records:
        times = record["milliseconds"]
        one = times.get("native, one thread", times["native"])
        lines.append(
            [
                record["function"],
                record["floor"],
                f"{times['native']['wall_min']:.1f}",
                f"{times['native']['wall_min'] * 1e6 / record['rows']:.1f}",
                f"{one['wall_min'] * 1e6 / record['rows']:.1f}",
                *(_cell(record, name) for name in ("floor", "floor, one thread", "python", "builtin", "threads")),
            ]
        )
    report.table(header, lines)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--functions", default="", help="comma-separated names; all if empty")
    parser.add_argument("--quick", action="store_true", help="3 rounds and not 9")
    parser.add_argument("--check", action="store_true", help="exit status 1 if a goal is missed by more than 10 %%")
    arguments = parser.parse_args(argv)
    rows, threads = arguments.rows, arguments.threads
    wanted = {name for name in arguments.functions.split(",") if name}
    unknown = wanted - {case.name.partition(",")[0] for case in all_cases()}
    if unknown:
        known = ", ".join(dict.fromkeys(case.name.partition(",")[0] for case in all_cases()))
        parser.error(f"expected --functions out of {known}, got {', '.join(sorted(unknown))}")
    rounds = 3 if arguments.quick else 9
    with floors.connect(threads) as connection:
        corpora.load(connection, rows)
        corpora.load_authors(connection, rows)
        corpora.load_documents(connection, rows // corpora.DOCUMENT_MESSAGES)
        corpora.load_sizes(connection)
        for table in ("m", "a", "d", "s"):
            connection.execute(f"CREATE TABLE {table}_sample AS FROM {table} ORDER BY id LIMIT {SAMPLE}")
            connection.execute(f"CREATE TABLE {table}_checked AS FROM {table} ORDER BY hash(id) LIMIT {CHECKED}")
        plain_python.register(connection)
        cases = [
            case for case in existing(connection, all_cases()) if not wanted or case.name.partition(",")[0] in wanted
        ]
        where = timing.machine([1, threads])
        records = []
        with Progress("measuring", len(cases) * (rounds + 1) * 6) as bar:
            for case in cases:
                record: dict[str, Any] = {"function": case.name, "query": case.query(case.call), "floor": case.floor}
                record["rows"] = case.rows(rows)
                record["differing"] = compare(connection, case)
                record |= measure(
                    connection, case, case.rows(rows), threads, rounds, lambda label: bar.add(label=label)
                )
                records.append(record | {"goals": goals(case, rows, threads)})
    print(timing.describe(where))
    print(f"{rows:,} rows in memory, {threads} threads; goals in brackets")
    print(f"Python UDFs: measured on {min(rows, SAMPLE):,} rows, scaled to all\n")
    show(records, rows, threads)
    for record in records:
        for opponent, share in record["differing"].items():
            if share:
                print(f"{record['function']}: {opponent} answers {share:.1%} of the rows differently")
    path = report.write(
        "goals",
        arguments.label,
        {"machine": where, "rows": rows, "python_rows": min(rows, SAMPLE), "functions": records},
    )
    print(f"\n{path}")
    failures = [sentence for record in records for sentence in missed(record, SLACK)]
    if failures:
        print("\n".join(["", "missed goals:", *failures]), file=sys.stderr)
    sys.exit(1 if arguments.check and failures else 0)


if __name__ == "__main__":
    main()
