"""Writes docs/functions.md from the function table and the docstrings of the specification.

python docs/generate.py            write the page
python docs/generate.py --check    exit status 1 if the page is not current
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from streamliner_udf import reference
from streamliner_udf._table import FUNCTIONS, Function

PAGE = Path(__file__).with_name("functions.md")
HEADING = re.compile(r"^(Parameters|Returns|Examples)\n-+\n", re.MULTILINE)
FACT = re.compile(r"^(Nulls|Errors|Cost|Source) : ", re.MULTILINE)
TITLES = {"pii": "PII", "html": "HTML", "uuid": "UUID"}


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
            f"- Since: {function.since}",
            "",
            "```python",
            ">>> from streamliner_udf import " + function.name,
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
        "column of texts. Lengths and offsets are in code points. NULL in any argument gives NULL.",
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


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    if list(arguments) not in ([], ["--check"]):
        print(f"generate.py: expected nothing or --check, got {' '.join(arguments)}", file=sys.stderr)
        return 2
    text = render()
    if arguments:
        if page.exists() and page.read_text(encoding="utf-8") == text:
            return 0
        print(f"{page.name} is not current: run `make docs`", file=sys.stderr)
        return 1
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
