"""Writes emoji_tables.h: an automaton that knows the sequences of the specification's list of emoji.

    python csrc/unicode/emoji.py emoji-test.txt

makes that list, streamliner_udf/reference/emoji.txt, anew from Unicode's file.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

LIST = Path(__file__).parents[2] / "streamliner_udf" / "reference" / "emoji.txt"
BLOCK = 256
SELECTOR = 0xFE0F  # emoji presentation
Groups = list[set[int]]  # one set of code points a place


def specification() -> Callable[[str], Iterator[str]]:
    """`expand` of streamliner_udf/reference/emoji.py, without the package around it, which may not be built yet."""
    spec = importlib.util.spec_from_file_location("emoji_specification", LIST.with_suffix(".py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    expand: Callable[[str], Iterator[str]] = module.expand
    return expand


# ---- the list ------------------------------------------------------------------------------------------------------


def merged(groups: Iterable[Groups], at: int) -> list[Groups]:
    """Groups that differ in one place only, made one."""
    found: dict[tuple[frozenset[int], ...], Groups] = {}
    for group in groups:
        key = tuple(frozenset() if i == at else frozenset(points) for i, points in enumerate(group))
        found.setdefault(key, [set(points) for points in group])[at] |= group[at]
    return list(found.values())


def written(points: set[int]) -> str:
    """`23|2A|30..39` for a set of code points."""
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and runs[-1][-1] + 1 == point:
            runs[-1].append(point)
        else:
            runs.append([point])
    return "|".join(f"{run[0]:X}..{run[-1]:X}" if len(run) > 1 else f"{run[0]:X}" for run in runs)


def wrapped(line: str) -> str:
    """A line as several; each but the last ends in `|`."""
    lines = [""]
    for part in line.replace("|", "|\0").split("\0"):
        if len(lines[-1]) + len(part) > 118:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def condensed(text: str) -> str:
    """The list, from the text of emoji-test.txt."""
    statuses: dict[tuple[int, ...], str] = {}
    for line in text.split("\n"):
        points, semicolon, status = line.partition("#")[0].partition(";")
        if semicolon:
            statuses[tuple(int(point, 16) for point in points.split())] = status.strip()
    # The others are fully-qualified ones without some or all of their U+FE0F, in every possible way.
    listed = [points for points, status in statuses.items() if status in ("fully-qualified", "component")]
    shapes: dict[tuple[bool, ...], list[Groups]] = {}
    for sequence in listed:
        shapes.setdefault(tuple(point == SELECTOR for point in sequence), []).append([{p} for p in sequence])
    lines = []
    for shape, groups in sorted(shapes.items(), key=lambda item: len(item[0])):
        # Ends first, because tones stand there; then beginnings, which people share.
        for place in [*range(len(shape))[::-1], *range(len(shape))]:
            groups = groups if shape[place] else merged(groups, place)
        lines += [wrapped(" ".join(map(written, group))) for group in groups]
    made = "\n".join(lines) + "\n"
    if set(specification()(made)) != {"".join(map(chr, sequence)) for sequence in statuses}:
        raise AssertionError("the list does not hold the sequences of emoji-test.txt")
    return made


# ---- the automaton -------------------------------------------------------------------------------------------------


def automaton(sequences: Iterable[str]) -> tuple[list[dict[int, int]], int]:
    """The least automaton: where code points lead from each state, and the first of the states that end a sequence.

    State 0 leads nowhere, and state 1 is the start.
    """
    tree: dict[int, dict[int, object]] = {}
    end = -1
    for sequence in sequences:
        node = tree
        for c in sequence:
            node = node.setdefault(ord(c), {})  # type: ignore[assignment]
        node[end] = {}
    known: dict[tuple[tuple[int, int], ...], int] = {}

    def number(node: dict[int, object]) -> int:
        """Equal for nodes with equal futures."""
        key = tuple(sorted((point, number(child) if point != end else 0) for point, child in node.items()))  # type: ignore[arg-type]
        return known.setdefault(key, len(known))

    start = number(tree)  # type: ignore[arg-type]
    futures = {value: dict(key) for key, value in known.items()}
    inner = [n for n, future in futures.items() if end not in future and n != start]
    final = [n for n, future in futures.items() if end in future]
    order = {n: i for i, n in enumerate([start, *inner, *final], 1)}
    states: list[dict[int, int]] = [{}]
    for n in order:
        states.append({point: order[child] for point, child in futures[n].items() if point != end})
    return states, 2 + len(inner)


def rows(values: Iterable[int]) -> str:
    lines = [""]
    for value in values:
        if len(lines[-1]) > 110:
            lines.append("")
        lines[-1] += f"{value}, "
    return "\n".join("    " + line.rstrip() for line in lines)


def render() -> str:
    """The text of emoji_tables.h."""
    text = LIST.read_text(encoding="utf-8")
    source = next(line.removeprefix("# Source: ") for line in text.split("\n") if line.startswith("# Source: "))
    sequences = sorted(set(specification()(text)))
    states, first_final = automaton(sequences)
    # Code points that lead everywhere to the same are one class; class 0 leads nowhere.
    classes: dict[tuple[int, ...], int] = {(0,) * len(states): 0}
    members = {}
    for point in sorted({ord(c) for sequence in sequences for c in sequence}):
        column = tuple(state.get(point, 0) for state in states)
        members[point] = classes.setdefault(column, len(classes))
    limit = (max(members) // BLOCK + 1) * BLOCK
    blocks: dict[tuple[int, ...], int] = {}
    index = [
        blocks.setdefault(tuple(members.get(point, 0) for point in range(at, at + BLOCK)), len(blocks))
        for at in range(0, limit, BLOCK)
    ]
    if max(len(states), len(classes), len(blocks)) > 256:
        raise AssertionError("too much for eight bits")
    columns = sorted(classes, key=lambda column: classes[column])
    table = [column[state] for state in range(len(states)) for column in columns]
    return f"""/* emoji_tables.h - the least automaton that knows the listed emoji. Generated by csrc/unicode/emoji.py.
 * Contract: emoji_class_of takes any number; class 0 leads from every state to state 0, which has no way out.
 * Source: {source} */
#ifndef SL_EMOJI_TABLES_H
#define SL_EMOJI_TABLES_H

#include <stdint.h>

/* A sequence ends in states from EMOJI_FINAL on. */
enum {{ EMOJI_START = 1, EMOJI_FINAL = {first_final}, EMOJI_CLASSES = {len(classes)} }};

static const uint8_t emoji_index[{len(index)}] = {{
{rows(index)}
}};

static const uint8_t emoji_blocks[{len(blocks) * BLOCK}] = {{
{rows(number for block in blocks for number in block)}
}};

static const uint8_t emoji_next[{len(table)}] = {{
{rows(table)}
}};

static inline uint32_t emoji_class_of(uint32_t point) {{
    return point < 0x{limit:X} ? emoji_blocks[emoji_index[point / {BLOCK}] * {BLOCK}u + point % {BLOCK}] : 0;
}}

#endif
"""


def write_emoji(path: Path) -> None:
    """Write emoji_tables.h to `path`, from the specification's list."""
    path.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    head = [line for line in LIST.read_text(encoding="utf-8").split("\n") if line.startswith("#")]
    body = condensed(Path(sys.argv[1]).read_text(encoding="utf-8"))
    LIST.write_text("\n".join([*head, body]), encoding="utf-8")
