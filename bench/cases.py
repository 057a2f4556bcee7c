"""What is measured: a query for each function, what it is compared with, and its goals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import corpora
import duckdb
import plain_python
from opponents import EMAIL, INVISIBLE, PHONE, URL

from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function

CHECKED, CHECKED_QUICKLY = 1_000, 50  # rows compared with the specification
PARALLEL_ROWS = 250_000  # below, a table has too few row groups for two threads
SCALING = 1.8

FLOORS = {
    "scan": "strlen({})",
    "read": "sl_floor_touch({})",
    "copy": "strlen(sl_floor_identity({}))",
    "add": "list_sum({})",
}
MEASURES = {
    "flag": "count_if({})",
    "number": "sum({}::DOUBLE)",
    "text": "sum(strlen({}))",
    "list": "sum(len({}))",
    "uuid": "count({})",
    "struct": "count({})",
}

_ANY = "|".join(map(re.escape, sorted(corpora.patterns(1_000), key=len, reverse=True)))
# A subquery, because DuckDB makes a long list that is written out anew for each vector.
_PATTERNS = "(SELECT list(p ORDER BY id) FROM patterns)"
_STARS = "(SELECT list('*') FROM patterns)"
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
    oracle: Callable[..., object] | None = None
    columns: tuple[str, ...] = ("t",)
    # Of a call in Python, with None where the columns go; by default there is nothing else.
    arguments: tuple[object, ...] | None = None
    # Goals: at most so many times the floor, at least so many times faster than the others.
    floor_goal: float | None = None
    python_goal: float | None = None
    builtin_goal: float | None = None
    scaling_goal: float | None = SCALING
    other_goals: tuple[tuple[str, float], ...] = ()  # by the label of an opponent

    @property
    def function(self) -> str:
        return self.call.partition("(")[0]

    def rows(self, messages: int) -> int:
        """Rows of its table: documents are fewer, and as much text."""
        each = {"d": corpora.DOCUMENT_MESSAGES, "h": corpora.DOCUMENT_MESSAGES, "s": corpora.LIST_MESSAGES}
        return messages // each.get(self.table, 1)

    def floor_query(self) -> str:
        """What DuckDB demands of any function of the kind."""
        return f"sum({' + '.join(FLOORS[self.floor].format(column) for column in self.columns)})"

    def python_call(self) -> str:
        return f"py_{self.python}({', '.join(self.columns)})"

    def query(self, call: str, table: str | None = None) -> str:
        return f"SELECT {MEASURES[self.result].format(call)} FROM {table or self.table}"


def _oracle(name: str, *before: str) -> Callable[..., object]:
    return lambda *texts: getattr(reference, name)(*before, *texts)


CASES = (
    Case("no-op", "sl_floor_noop(t)", "number", "scan", floor_goal=1.2, scaling_goal=None),
    Case(
        "scrub_pii", "sl_scrub_pii(t)", "text", "copy", "scrub_pii",
        f"regexp_replace(regexp_replace(t, '{EMAIL}', '<EMAIL_REDACTED>', 'g'), '{PHONE}', '<PHONE_REDACTED>', 'g')",
        oracle=_oracle("scrub_pii"), python_goal=200, builtin_goal=12, floor_goal=2.3, other_goals=(("Polars", 4),),
    ),
    Case(
        "normalize", "sl_normalize(t)", "text", "copy", "normalize", oracle=_oracle("normalize"),
        python_goal=15, floor_goal=2, other_goals=(("Polars", 20),),
    ),
    Case(
        "normalize, NFC", "sl_normalize(t, 'NFC')", "text", "copy", None, "nfc_normalize(t)",
        oracle=lambda text: reference.normalize(text, "NFC"), builtin_goal=10,
    ),
    Case(
        "strip_invisible", "sl_strip_invisible(t)", "text", "copy", "strip_invisible",
        f"regexp_replace(t, '{INVISIBLE}', '', 'g')", oracle=_oracle("strip_invisible"), floor_goal=1.5,
    ),
    Case(
        "squash_spaces", "sl_squash_spaces(t)", "text", "copy", "squash_spaces",
        r"trim(regexp_replace(t, '\s+', ' ', 'g'))", oracle=_oracle("squash_spaces"), floor_goal=1.5,
    ),
    Case(
        "clean_text", "sl_clean_text(t)", "text", "copy", "clean_text",
        rf"trim(regexp_replace(regexp_replace(nfc_normalize(t), '{INVISIBLE}', '', 'g'), '\s+', ' ', 'g'))",
        oracle=_oracle("clean_text"),
    ),
    Case(
        "fold", "sl_fold(t)", "text", "copy", "fold", "lower(strip_accents(nfc_normalize(t)))",
        oracle=_oracle("fold"), floor_goal=2.0,
    ),
    Case(
        "straighten_quotes", "sl_straighten_quotes(t)", "text", "copy", "straighten_quotes",
        "translate(t, '‘’‚“”„', '''''''\"\"\"')", oracle=_oracle("straighten_quotes"), floor_goal=1.5,
    ),
    Case(
        "unquote", "sl_unquote(t)", "text", "copy", "unquote",
        "CASE WHEN length(t) > 1 AND left(t, 1) IN ('\"', '''') AND right(t, 1) = left(t, 1) THEN t[2:-2] ELSE t END",
        oracle=_oracle("unquote"), floor_goal=1.5,
    ),
    Case(
        "html_escape", "sl_html_escape(t)", "text", "copy", "html_escape",
        "replace(replace(replace(replace(replace(t, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '\"', '&quot;'), "
        "'''', '&#x27;')",
        oracle=_oracle("html_escape"), floor_goal=1.35, python_goal=40, builtin_goal=5, other_goals=(("Polars", 4.5),),
    ),
    Case(
        "html_unescape", "sl_html_unescape(t)", "text", "copy", "html_unescape",
        "replace(replace(replace(replace(replace(t, '&lt;', '<'), '&gt;', '>'), '&quot;', '\"'), '&#x27;', ''''), "
        "'&amp;', '&')",
        oracle=_oracle("html_unescape"), floor_goal=1.5, python_goal=25, builtin_goal=5,
    ),
    Case(
        "html_to_text", "sl_html_to_text(t)", "text", "copy", "html_to_text",
        r"trim(regexp_replace(regexp_replace(t, '</?[A-Za-z!][^>]*>', ' ', 'g'), '\s+', ' ', 'g'))",
        oracle=_oracle("html_to_text"), floor_goal=2.5,
    ),
    Case(
        "slugify", "sl_slugify(t)", "text", "copy", "slugify",
        "rtrim(left(trim(regexp_replace(lower(strip_accents(t)), '[^a-z0-9]+', '-', 'g'), '-'), 60), '-')",
        oracle=_oracle("slugify"), python_goal=110, builtin_goal=35, floor_goal=2.7,
        other_goals=(("Polars", 22), ("python-slugify", 400)),
    ),
    Case(
        "extract_urls", "sl_extract_urls(t)", "list", "read", "extract_urls",
        f"regexp_extract_all(t, '{URL}')", oracle=_oracle("extract_urls"), python_goal=30, builtin_goal=3,
        floor_goal=1.7, other_goals=(("Polars", 1.6),),
    ),
    Case(
        "extract_emails", "sl_extract_emails(t)", "list", "read", "extract_emails",
        f"regexp_extract_all(t, '{EMAIL}')", oracle=_oracle("extract_emails"),
    ),
    Case(
        "extract_mentions", "sl_extract_mentions(t)", "list", "read", "extract_mentions",
        r"regexp_extract_all(t, '(?:^|\W)(@\w+)', 1)", oracle=_oracle("extract_mentions"), floor_goal=1.7,
    ),
    Case(
        "extract_hashtags", "sl_extract_hashtags(t)", "list", "read", "extract_hashtags",
        r"regexp_extract_all(t, '(?:^|\W)(#\w+)', 1)", oracle=_oracle("extract_hashtags"), floor_goal=1.7,
    ),
    Case(
        "extract_emoji", "sl_extract_emoji(t)", "list", "read", "extract_emoji",
        r"regexp_extract_all(t, '[\x{1F1E6}-\x{1F1FF}]{2}|[\x{2600}-\x{27BF}\x{1F300}-\x{1FAFF}]"
        r"(?:\x{FE0F}|[\x{1F3FB}-\x{1F3FF}])?')",
        oracle=_oracle("extract_emoji"), floor_goal=1.7,
    ),
    Case(
        "extract_media", "sl_extract_media(t)", "list", "read", "extract_media",
        r"list_distinct(regexp_extract_all(t, '\b(?:IMG|VID|AUD|PTT|DOC)-\d+-WA\d+\.\w+\b') || "
        r"regexp_extract_all(t, '([\w.-]+\.\w+)\s*\((?:file attached|arquivo anexado|archivo adjunto)\)', 1) || "
        r"regexp_extract_all(t, '<attached: ([^>]+)>', 1))",
        oracle=_oracle("extract_media"), floor_goal=1.7, python_goal=250, builtin_goal=20,
    ),
    Case(
        "media_to_markdown", "sl_media_to_markdown(t)", "text", "copy", "media_to_markdown",
        oracle=_oracle("media_to_markdown"),
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
        oracle=lambda sizes: reference.pack_windows(sizes, 4000, 500), arguments=(None, 4000, 500),
        floor_goal=2, python_goal=20, scaling_goal=None,
    ),
    Case(
        "has_pii", "sl_has_pii(t)", "flag", "read", "has_pii",
        f"regexp_matches(t, '{EMAIL}') OR regexp_matches(t, '{PHONE}')", oracle=_oracle("has_pii"),
    ),
    Case(
        "pseudonym, authors", "sl_pseudonym(t, 'key')", "text", "copy", "pseudonym", table="a",
        oracle=lambda text: reference.pseudonym(text, "key"), arguments=(None, "key"),
    ),
    Case(
        "edit_distance, names", "sl_edit_distance(t, u)", "number", "read", "edit_distance", "levenshtein(t, u)",
        table="p", columns=("t", "u"), oracle=_oracle("edit_distance"),
        floor_goal=6, python_goal=500, builtin_goal=3, other_goals=(("rapidfuzz cpdist", 1.8),),
    ),
    Case(
        "edit_distance, messages", "sl_edit_distance(t, u)", "number", "read", None, "levenshtein(t, u)",
        table="q", columns=("t", "u"), oracle=_oracle("edit_distance"),
        builtin_goal=25, other_goals=(("rapidfuzz cpdist", 1.4),),
    ),
    *(
        Case(
            name, f"sl_{name}(t, u)", "number", "read", name if name in plain_python.FUNCTIONS else None,
            table="p", columns=("t", "u"), oracle=_oracle(name), other_goals=(("rapidfuzz cpdist", 1.0),),
        )
        for name in ("ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio")
    ),
    Case(
        "contains_any", f"sl_contains_any(t, {_PATTERNS})", "flag", "read", "contains_any",
        f"regexp_matches(t, '{_ANY}')", arguments=(None, corpora.patterns(1_000)),
        oracle=lambda text: reference.contains_any(text, corpora.patterns(1_000)),
        python_goal=50, builtin_goal=3, other_goals=(("Polars", 3), ("ahocorasick_rs", 2)),
    ),
    Case(
        "find_many", f"sl_find_many(t, {_PATTERNS})", "list", "read", "find_many",
        f"regexp_extract_all(t, '{_ANY}')", arguments=(None, corpora.patterns(1_000)),
        oracle=lambda text: reference.find_many(text, corpora.patterns(1_000)),
        python_goal=50, builtin_goal=3, other_goals=(("Polars", 3), ("ahocorasick_rs", 2)),
    ),
    Case(
        "replace_many", f"sl_replace_many(t, {_PATTERNS}, {_STARS})", "text", "copy", "replace_many",
        f"regexp_replace(t, '{_ANY}', '*', 'g')", arguments=(None, corpora.patterns(1_000), ["*"] * 1_000),
        oracle=lambda text: reference.replace_many(text, corpora.patterns(1_000), ["*"] * 1_000),
        python_goal=50, builtin_goal=3, other_goals=(("Polars", 3),),
    ),
    Case(
        "minhash", "sl_minhash(t)", "list", "read", "minhash", oracle=_oracle("minhash"),
        other_goals=(("datasketch bulk", 350), ("rensa", 60)),
    ),
    Case(
        "minhash, 64 of 5", "sl_minhash(t, 64, 5)", "list", "read", oracle=lambda text: reference.minhash(text, 64, 5),
        arguments=(None, 64, 5), floor_goal=7.5,
    ),
    Case("simhash", "sl_simhash(t)", "number", "read", "simhash", oracle=_oracle("simhash")),
    Case(
        "html_to_text, pages", "sl_html_to_text(t)", "text", "copy", "html_to_text", table="h",
        oracle=_oracle("html_to_text"), scaling_goal=None, other_goals=(("selectolax", 30),),
    ),
    Case(
        "uuid5, authors", "sl_uuid5('oid', t)", "uuid", "scan", "uuid5", _UUID5, table="a",
        oracle=_oracle("uuid5", "oid"), arguments=("oid", None), python_goal=130, builtin_goal=6,
    ),
)  # fmt: skip


KINDS = {
    "text": ("text", "copy"),
    "list": ("list", "read"),
    "uuid": ("uuid", "scan"),
    **dict.fromkeys(("integer", "natural", "real"), ("number", "read")),
    "boolean": ("flag", "read"),
    "struct": ("struct", "read"),
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
        given = [_answers(connection, case, column) for column in case.columns]
        for texts, answer in zip(zip(*given, strict=True), answers, strict=True):
            if answer != case.oracle(*texts):
                raise SystemExit(f"{case.name}: expected {case.oracle(*texts)!r} for {texts!r}, got {answer!r}")
    shares = {}
    if case.python:
        shares["python"] = _share_differing(answers, _answers(connection, case, case.python_call()))
    if case.builtin:
        shares["builtin"] = _share_differing(answers, _answers(connection, case, case.builtin))
    return shares


Load = Callable[[duckdb.DuckDBPyConnection, int, str], None]

TABLES: dict[str, Load] = {
    "m": lambda connection, rows, table: corpora.load(connection, rows, table),
    "a": lambda connection, rows, table: corpora.load_authors(connection, rows, table),
    "d": lambda connection, rows, table: corpora.load_documents(connection, rows // corpora.DOCUMENT_MESSAGES, table),
    "h": lambda connection, rows, table: corpora.load_pages(connection, rows // corpora.DOCUMENT_MESSAGES, table),
    "s": lambda connection, rows, table: corpora.load_sizes(connection, "m", table),
    "p": lambda connection, rows, table: corpora.load_pairs(connection, rows, table, "authors"),
    "q": lambda connection, rows, table: corpora.load_pairs(connection, rows, table, "messages"),
}
"""Tables of the cases; each has an id and columns of text."""


def goals(case: Case, rows: int, threads: int) -> dict[str, float]:
    """What the ratios of a case have to reach: "floor" at most, the others at least."""
    found = {"floor": case.floor_goal, "python": case.python_goal, "builtin": case.builtin_goal}
    found |= dict(case.other_goals)
    if threads == 2 and rows >= PARALLEL_ROWS:
        found["threads"] = case.scaling_goal
    return {name: goal for name, goal in found.items() if goal is not None}
