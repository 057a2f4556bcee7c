"""Writes docs/functions.md from the function table and the docstrings of the specification, the tables of README.md and
other pages from committed results of the benchmarks, and the types of the package (docs/stubs.py).

python docs/generate.py            write the pages
python docs/generate.py --check    exit status 1 if a page is not current
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import stubs

from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/functions.md"
# Pages with marked blocks.
MARKED = (ROOT / "README.md", ROOT / "bench/README.md", *(ROOT / "docs").glob("[!f]*.md"))
RESULTS = ROOT / "bench/results"
HEADING = re.compile(r"^(Parameters|Returns|Examples)\n-+\n", re.MULTILINE)
FACT = re.compile(r"^(Nulls|Errors|Cost|Source) : ", re.MULTILINE)
TITLES = {"pii": "PII", "html": "HTML", "html_text": "HTML documents", "uuid": "UUID"}


def sections(docstring: str) -> dict[str, str]:
    """Text of each part of a docstring, by its heading."""
    marked = FACT.sub(r"\0\1\0", HEADING.sub(r"\0\1\0", docstring))
    _, *rest = marked.split("\0")
    return {name: text.strip() for name, text in zip(rest[::2], rest[1::2], strict=True)}


def definition_list(text: str) -> str:
    """numpydoc's `name : type` with an indented description, as a bullet each."""
    items = re.split(r"\n(?=\S)", text)
    lines = []
    for item in items:
        term, _, description = item.partition("\n")
        name, _, kind = term.partition(" : ")
        lines.append(f"- `{name}`{f' ({kind})' if kind else ''}: {' '.join(description.split())}")
    return "\n".join(lines)


def used(function: Function, examples: str) -> list[str]:
    """The functions that the examples call, its own first."""
    others = [name for name in FUNCTIONS if name != function.name and re.search(rf"\b{name}\(", examples)]
    return [function.name, *others]


def entry(function: Function) -> str:
    parts = sections(inspect.cleandoc(getattr(reference, function.name).__doc__))
    returned, _, meaning = parts["Returns"].partition("\n")
    return "\n".join(
        [
            f"### {function.sql_name}",
            "",
            function.summary,
            "",
            "```sql",
            f"{function.signature()} -> {function.result.sql_type}",
            f"SELECT {function.sql_name}({function.example});",
            "```",
            "",
            definition_list(parts["Parameters"]),
            "",
            f"Returns {returned}: {' '.join(meaning.split())}",
            "",
            *(f"- {name}: {' '.join(parts[name].split())}" for name in ("Nulls", "Errors", "Cost", "Source")),
            *([f"- Measured: {words}"] if (words := in_words(function.name)) else []),
            f"- Since: {function.since}",
            "",
            "```python",
            f">>> from streamliner_udf import {', '.join(used(function, parts['Examples']))}",
            parts["Examples"],
            "```",
            "",
        ]
    )


def render() -> str:
    """The page as it should be."""
    functions = list(FUNCTIONS.values())
    families = [(family, list(rows)) for family, rows in groupby(sorted_by_family(functions), key=lambda f: f.family)]
    index = [f"| [`{f.signature()}`](#{f.sql_name}) | {f.result.sql_type} | {f.summary} |" for f in functions]
    head = [
        "# Functions",
        "",
        "Made by `make docs` from the function table and the docstrings of the specification; edit those. In SQL every",
        "name begins with `sl_`; in Python the same functions are `streamliner_udf.<name>` without it, for a text or a",
        "column of texts. Lengths and offsets are in code points. NULL in any argument gives NULL. A wrong option is",
        "an error also where the text is NULL, except for a NULL that DuckDB computes while it plans.",
        "",
        "| call | returns | what it does |",
        "| --- | --- | --- |",
        *index,
        "",
    ]
    body = [part for family, rows in families for part in (f"## {title(family)}", "", *map(entry, rows))]
    return "\n".join([*head, *body]).rstrip() + "\n"


def sorted_by_family(functions: Sequence[Function]) -> list[Function]:
    """Families in the order of their first row, rows in the order of the table."""
    first = {f.family: i for i, f in reversed(list(enumerate(functions)))}
    return sorted(functions, key=lambda f: first[f.family])


def title(family: str) -> str:
    return TITLES.get(family, family.capitalize())


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def machine(where: dict[str, Any]) -> str:
    return f"{where['cpu']}, {where['cores']} cores, DuckDB {where['duckdb']}, Python {where['python']}"


def read(benchmark: str) -> dict[str, Any]:
    """A committed record of a benchmark."""
    record: dict[str, Any] = json.loads((RESULTS / f"{benchmark}-reference.json").read_text(encoding="utf-8"))
    return record


@functools.cache
def measured() -> dict[str, Any]:
    """What bench/run.py found."""
    return read("run")


def of_function(name: str) -> dict[str, float]:
    """Ratios of a function, by what it was compared with; the first of its cases counts."""
    for row in measured()["functions"]:
        if row["function"].partition(",")[0] == name:
            return {other: ratio["paired"] for other, ratio in row["ratios"].items()}
    return {}


def in_words(name: str) -> str:
    """One line about what a function costs beside what people use instead."""
    found = of_function(name)
    words = {"python": "a Python UDF", "builtin": "built-in SQL", "loop": "a Python loop"}
    parts = [f"{figure(found['floor'])} times the floor"] if "floor" in found else []
    parts += [f"{figure(found[other])} times faster than {words[other]}" for other in words if other in found]
    known = {*words, "floor", "floor, one thread", "threads", "door"}
    parts += [f"{figure(ratio)} times faster than {other}" for other, ratio in found.items() if other not in known]
    return ", ".join(parts)


def goals_table() -> str:
    """Ratios of bench/run.py, with their goals."""
    record = measured()
    titles = {
        "floor": "times the floor",
        "floor, one thread": "on one thread",
        "threads": "two threads",
        "python": "Python UDF",
        "loop": "Python loop",
        "door": "list against loop",
        "builtin": "built-in SQL",
    }
    lines = [f"| function | ns a row | {' | '.join(titles.values())} | others |", f"| --- |{' ---: |' * 8} --- |"]
    for row in record["functions"]:
        cells = [row["function"], f"{row['milliseconds']['native']['wall_min'] * 1e6 / row['rows']:.0f}"]
        shown = {name: figure(ratio["paired"]) for name, ratio in row["ratios"].items()}
        for name, goal in row["goals"].items():
            if name in shown:
                shown[name] += f" ({'at most ' if name == 'floor' else ''}{goal:g})"
        cells += [shown.pop(name, "") for name in titles]
        cells.append(", ".join(f"{name} {ratio}" for name, ratio in shown.items()))
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"{record['rows']:,} chat messages in memory, two threads; {machine(record['machine'])}. In brackets: goals.",
        "From the fifth column on: how many times faster ours is; `two threads` against one.",
        "The floor is a function of ours that does nothing but what DuckDB demands of its kind: copy every text, read",
        "every text, or look at none. Python runs the code that pipelines write (`streamliner_udf.plain`), which often",
        "does less than these functions do; so do most of the others.",
    ]
    return "\n".join(lines)


def ingest_table() -> str:
    """What bench/ingest.py measured."""
    record = read("ingest")
    lines = [
        "| export | messages | MB | ms | messages/s | MB/s | read | unpack | parse | write | peak MB | faster than |",
        f"| --- |{' ---: |' * 10} --- |",
    ]
    for row in record["ingestions"]:
        best = row["ways"]["ingest"]
        cells = [row["format"], f"{row['messages']:,}", f"{row['megabytes']:.0f}", f"{best['seconds_min'] * 1e3:.0f}"]
        cells += [f"{row['messages_a_second']:,.0f}", f"{row['megabytes'] / best['seconds_min']:.0f}"]
        cells += [f"{row['split_ms'][part]:.0f}" for part in row["split_ms"]]
        cells.append(f"{best['peak_megabytes']:.0f}")
        cells.append(", ".join(f"{name} {figure(ratio)}" for name, ratio in row["ratios"].items()))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", machine(record["machine"]) + "."]
    for row in record["ingestions"]:
        if "floor" not in row["ways"]:
            continue
        memory, default, floor, kernel = (
            f"{row['ways'][way]['seconds_min'] * 1e3:.0f} ms" for way in ("memory", "default", "floor", "kernel")
        )
        again = {
            way: f"{row['ways'][way]['again_seconds'] * 1e3:.0f} ms"
            for way in row["ways"]
            if "again_seconds" in row["ways"][way]
        }
        lines.append(
            f"{row['format']}, {row['messages']:,}: {memory} into memory; {default} into a file with DuckDB's own row "
            f"groups, of which writing the same rows from a table in memory takes {floor}; the kernel alone {kernel}, "
            f"and {again['kernel']} once its process has touched the memory; in SQL, by all threads, "
            f"{row['megabytes'] / 1e3 / row['ways']['sql']['again_seconds']:.2f} GB/s."
        )
        if "ingest" in again:
            lines.append(
                f"The same, done again in one process: {again['ingest']} to a file on disk, {again['memory']} into "
                "memory."
            )
    loads = {f"{row['load']:.1f}" for row in record["ingestions"] if "load" in row}
    if loads:
        lines.append(f"Load of the machine before each export: {', '.join(sorted(loads))}.")
    return "\n".join(lines)


def latency_table() -> str:
    """What bench/latency.py measured."""
    record = read("latency")
    lines = ["| what | least |", "| --- | ---: |"]
    units = {"import_ms": "ms", "connect_ms": "ms", "sql_us": "µs", "door_ns": "ns", "batch_us": "µs"}
    for part, unit in units.items():
        lines += [f"| {name} | {value:,.{1 if value < 100 else 0}f} {unit} |" for name, value in record[part].items()]
    lines += ["", machine(record["machine"]) + "."]
    return "\n".join(lines)


def settings_table() -> str:
    """What bench/settings.py measured."""
    record = read("settings")
    lines = [
        "| setting | rows | it makes | busiest thread | work | file |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for row in record["settings"]:
        cells = [row["name"].replace("|", "/"), f"{row['rows']:,}", row["verdict"]]
        for what in ("busiest", "cpu"):
            found = row.get(what)
            cells.append(f"{found['ratio']:.2f} ({found['low']:.2f} to {found['high']:.2f})" if found else "")
        sizes = row.get("file_megabytes", {})
        both = sizes.get("default") and sizes.get("setting")
        cells.append(f"{sizes['setting'] / sizes['default']:.2f}x" if both else "")
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Medians and quartiles of {record['rounds']} rounds. {machine(record['machine'])}.",
    ]
    return "\n".join(lines)


def incremental_table() -> str:
    """What bench/incremental.py measured."""
    record = read("incremental")
    lines = ["| rows that are new or changed | ms | CPU ms | times less | CPU |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in record["runs"]:
        cells = [row["what"], f"{row['wall_ms']:.0f}", f"{row['cpu_ms']:.0f}"]
        cells += [figure(row["wall_ratio"]), figure(row["cpu_ratio"])]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"{record['rows']:,} messages; {machine(record['machine'])}."]
    return "\n".join(lines)


def demo_table() -> str:
    """The table of `streamliner demo`."""
    report = read("demo")
    lines = ["| stage | native, ms | Python, ms | ratio |", "| --- | ---: | ---: | ---: |"]
    for stage in report["stages"]:
        cells = f"{stage['native_ms']:.1f} | {stage['python_ms']:.0f} | {figure(stage['ratio'])}"
        lines.append(f"| {stage['stage']} | {cells} |")
    lines += ["", f"{report['rows']:,} messages, {report['megabytes']:.1f} MB, {report['threads']} threads."]
    return "\n".join(lines)


def pii_table() -> str:
    """What bench/pii_quality.py found."""
    record = read("pii-quality")
    tools = record["scores"]
    lines = [f"| kind | {' | '.join(tools)} |", f"| --- |{' ---: |' * len(tools)}"]
    for kind in tools["streamliner_udf"]:
        cells = []
        for kinds in tools.values():
            found = kinds.get(kind, {}).get("exact")
            cells.append(f"{found['f1']:.3f} ({found['precision']:.2f}, {found['recall']:.2f})" if found else "")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    lines += ["", f"{record['rows']:,} messages of the split `{record['split']}`; Faker {record['faker']}."]
    return "\n".join(lines)


def near_duplicates_table() -> str:
    """What bench/near_duplicates.py found, beside other libraries and of much."""
    record = read("near-duplicates")
    titles = {
        "streamliner": "`near_duplicates`",
        "streamliner, estimated": "`near_duplicates`, `exact=False`",
        "datasketch": "datasketch, MinHashLSH",
        "rensa": "rensa, RMinHashLSH",
    }
    sample = record["sample"]
    lines = [
        f"{sample['texts']:,} different texts, {sample['right']:,} pairs of which reach the threshold:",
        "",
        "| | CPU s | pairs | recall | precision |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, way in sample["ways"].items():
        found = f"{way['pairs']:,} | {way['recall']:.4f} | {way['precision']:.4f}"
        lines.append(f"| {titles[name]} | {way['cpu']:.2f} | {found} |")
    lines += [
        "",
        "With a tenth of the messages from one template:",
        "",
        "| messages | | CPU s | seconds | MB more than the table | candidates |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for rows, ways in record["scale"].items():
        for name, way in reversed(ways.items()):
            title = titles["streamliner" if name == "exact" else "streamliner, estimated"]
            cells = f"{way['cpu']:.1f} | {way['seconds']:.1f} | {way['megabytes']:,.0f} | {way['candidates']:,}"
            lines.append(f"| {int(rows):,} | {title} | {cells} |")
    load = record["machine"]["load_average"][0]
    busy = f"; others were at work on it (load {load:.0f})" if load > record["machine"]["cores"] else ""
    lines += ["", f"{machine(record['machine'])}{busy}."]
    return "\n".join(lines)


def functions_table() -> str:
    """The functions under the headings of the table: what each does in a line, and its ratio to a Python UDF."""
    table = (ROOT / "csrc/functions.def").read_text(encoding="utf-8")
    lines = ["| function | does | faster |", "| --- | --- | ---: |"]
    heading = re.compile(r"^/\* (\w+) \*/$|^SL_FUNCTION\((\w+),", re.MULTILINE)
    for title, name in heading.findall(table):
        if title:
            lines.append(f"| **{title}** | | |")
            continue
        function, ratio = FUNCTIONS[name], of_function(name).get("python")
        shown = f"[`{function.sql_name}`](docs/functions.md#{function.sql_name})"
        lines.append(f"| {shown} | {function.summary} | {f'{figure(ratio)}x' if ratio else ''} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Measured:
    """Figures in the documentation: what makes them again, the record it leaves in bench/results, and where they are.

    `table` makes a block that pages mark by the name; without one the figures stand `where`.
    """

    what: str
    command: str
    record: str
    table: Callable[[], str] | None = None
    where: str = ""


BENCH = "python bench/{}.py --label reference"
MEASURED = {
    "demo": Measured(
        "what each stage of the demo takes",
        "streamliner demo --json > bench/results/demo-reference.json",
        "demo",
        demo_table,
    ),
    "functions": Measured("how many times faster than a Python UDF", BENCH.format("run"), "run", functions_table),
    "goals": Measured("functions: floor, Python, SQL, libraries", BENCH.format("run"), "run", goals_table),
    "pii": Measured("personal data: precision and recall", BENCH.format("pii_quality"), "pii-quality", pii_table),
    "near-duplicates": Measured(
        "near-duplicates: recall and cost", BENCH.format("near_duplicates"), "near-duplicates", near_duplicates_table
    ),
    "ingest": Measured("ingestion", BENCH.format("ingest"), "ingest", ingest_table),
    "latency": Measured("what one call takes", BENCH.format("latency"), "latency", latency_table),
    "settings": Measured("what settings do", BENCH.format("settings"), "settings", settings_table),
    "incremental": Measured(
        "`materialize` with little that is new", BENCH.format("incremental"), "incremental", incremental_table
    ),
    "measured": Measured("*Measured*, of each function", BENCH.format("run"), "run", where="docs/functions.md"),
    "scale": Measured(
        "how the pipeline scales", BENCH.format("scale"), "scale", where="docs/scaling.md, docs/scaling.html"
    ),
    "tokens": Measured(
        "errors of `estimate_tokens`",
        BENCH.format("tokens"),
        "tokens",
        where="streamliner_udf/reference/tokens.py, docs/functions.md",
    ),
    "overhead": Measured(
        "what a call, a vector and a row cost", BENCH.format("overhead"), "overhead", where="no page, printed"
    ),
}


def commands_table() -> str:
    """Every figure with the command that makes it again."""
    lines = ["| figures | where | command | record |", "| --- | --- | --- | --- |"]
    for name, one in MEASURED.items():
        where = one.where or ", ".join(
            str(page.relative_to(ROOT)) for page in MARKED if f"<!-- {name} -->" in page.read_text(encoding="utf-8")
        )
        lines.append(f"| {one.what} | {where} | `{one.command}` | `{one.record}-reference.json` |")
    return "\n".join(lines)


# ---- the function that docs/adding-a-function.md shows ---------------------------------------------------------------

SHOWN = "pseudonym"


def source(path: str, language: str) -> str:
    return f"```{language}\n{(ROOT / path).read_text(encoding='utf-8')}```"


def row_shown() -> str:
    table = (ROOT / "csrc/functions.def").read_text(encoding="utf-8")
    found = re.search(rf"^SL_FUNCTION\({SHOWN},.*?\)\)$", table, re.MULTILINE | re.DOTALL)
    assert found is not None, SHOWN
    return f"```c\n{found[0]}\n```"


def golden_shown() -> str:
    lines = (ROOT / f"tests/golden/{SHOWN}.jsonl").read_text(encoding="utf-8").split("\n")
    short = "\n".join(line for line in lines if 0 < len(line) <= 140)
    return f"```json\n{short}\n```"


def gate_shown() -> str:
    """What the gate says where only the row is there."""
    sys.path.append(str(ROOT / "tests"))
    import gate

    family = FUNCTIONS[SHOWN].family
    left_out = (f"{family}.c", f"{family}.py", f"{SHOWN}.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        for part in ("csrc", "streamliner_udf/reference", "tests/golden"):
            shutil.copytree(ROOT / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__", *left_out))
        found = gate.missing(Path(folder))
    return "```text\n" + "\n".join(found) + "\n```"


EXAMPLE = {
    "row": row_shown,
    "gate": gate_shown,
    "oracle": lambda: source(f"streamliner_udf/reference/{FUNCTIONS[SHOWN].family}.py", "py"),
    "golden": golden_shown,
    "kernel": lambda: source(f"csrc/kernels/{FUNCTIONS[SHOWN].family}.c", "c"),
}


def with_tables(text: str) -> str:
    """A page with those blocks that it marks as they should be."""
    tables = {name: one.table for name, one in MEASURED.items() if one.table is not None}
    for name, make in {**tables, **EXAMPLE, "commands": commands_table}.items():
        table = make() if f"<!-- {name} -->" in text else ""
        if name in MEASURED:
            table += f"\n\nMeasured by `{MEASURED[name].command}`."
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = block.sub(lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}", text)  # type: ignore[misc]
    return text


def main(
    arguments: Sequence[str],
    page: Path = PAGE,
    others: Sequence[Path] = MARKED,
    types: Callable[[], dict[Path, str]] = stubs.pages,
) -> int:
    if list(arguments) not in ([], ["--check"]):
        print(f"generate.py: expected nothing or --check, got {' '.join(arguments)}", file=sys.stderr)
        return 2
    status = 0
    marked = {one: with_tables(one.read_text(encoding="utf-8")) for one in others}
    for path, text in {page: render(), **marked, **types()}.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if arguments:
            print(f"{path.name} is not current: run `make docs`", file=sys.stderr)
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
