"""Compiled functions against the plain-Python specification, for as long as asked, on what fuzzing found worth keeping.

    python tests/fuzz/differential.py --seconds 600 | --batches 8 [--seed N] [FAMILY ...]

Texts are the seeds, the corpora that `make fuzz` leaves in build/fuzz, and seeded random ones, cut, joined and mixed.
With `--batches` they are the same on every machine and in every run, without the corpora: a change is not refused for
what was there before it. A difference is shortened, shown, and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from paths import FUNCTIONS, Function, is_pair, of_texts, option_variants, oracle, random_rows, run  # noqa: E402

BATCH = 40
LONGEST = 2000  # characters: the specification is slow


def corpus(family: str, folders: tuple[str, ...]) -> list[str]:
    files = [p for folder in folders for p in (ROOT / folder / family).glob("*")]
    texts = {path.read_bytes().decode("utf-8", "replace").replace("\ufffd", "?") for path in files}
    return [text[:LONGEST] for text in sorted(texts)] or [""]


def mixed(rng: random.Random, texts: list[str]) -> str:
    """Two texts, or one, cut anywhere, with some characters moved."""
    made = "".join(text[: rng.randint(0, len(text))][-rng.randint(1, 300) :] for text in rng.choices(texts, k=2))
    characters = list(made)
    for _ in range(rng.choice((0, 0, 1, 3))):
        if characters:
            characters[rng.randrange(len(characters))] = rng.choice(rng.choice(texts) or "x")
    return "".join(characters)


def rows(function: Function, rng: random.Random, texts: list[str]) -> list[Any]:
    if not of_texts(function):
        return random_rows(function, rng, BATCH)[:BATCH]
    made = [mixed(rng, texts) if rng.random() < 0.7 else rng.choice(texts) for _ in range(BATCH)]
    if is_pair(function):
        cut = [text[:200] for text in made]
        return [
            *zip(cut, [rng.choice((a, a[::-1], b)) for a, b in zip(cut, cut[1:] + cut[:1], strict=True)], strict=True)
        ]
    return [*made, *(row for row in random_rows(function, rng, 4)[:4] if row is not None)]


def shortened(row: Any, differs: Callable[[Any], bool]) -> Any:
    """The row with every character, or number, gone that the difference does not need."""
    if isinstance(row, tuple):
        first = shortened(row[0], lambda a: differs((a, row[1])))
        return (first, shortened(row[1], lambda b: differs((first, b))))
    step = max(1, len(row) // 2)
    while step:
        at = 0
        while at < len(row):
            shorter = row[:at] + row[at + step :]
            at, row = (at, shorter) if differs(shorter) else (at + step, row)
        step //= 2
    return row


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except ValueError as error:
        return f"error: {error}"


def is_error(found: Any) -> bool:
    return isinstance(found, str) and found.startswith("error: ")


def compare(
    function: Function, texts: list[str], goes_on: Callable[[int], bool], rng: random.Random
) -> tuple[int, Any]:
    """Executions, and the first difference: the row, its options, what came and what was expected."""
    count = batches = 0
    while goes_on(batches):
        batches += 1
        options = rng.choice(option_variants(function))

        def both(row: Any, options: Any = options) -> tuple[Any, Any]:
            got = outcome(lambda: run("python_list", function, [row], options)[0])
            return got, outcome(oracle, function, row, options)

        batch = rows(function, rng, texts)
        got = outcome(run, "python_list", function, batch, options)
        refused = False
        for number, row in enumerate(batch):
            count += 1
            want = outcome(oracle, function, row, options)
            refused |= is_error(want)
            if isinstance(got, str) or got[number] != want:
                one = both(row)
                if one[0] != one[1]:
                    short = shortened(row, lambda r: len(set(map(repr, both(r)))) == 2)
                    return count, (short, options, *both(short))
                if not isinstance(got, str):
                    return count, (row, options, got[number], want)
        if isinstance(got, str) and not refused:
            return count, (batch, options, got, "no row that is refused")
    return count, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--seconds", type=float, default=60, help="of all functions together")
    how_long.add_argument("--batches", type=int, help=f"of {BATCH} texts, of each function")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chosen = [f for f in FUNCTIONS.values() if not given.families or f.family in given.families]
    if not chosen:
        parser.error(f"expected families of csrc/functions.def, got {', '.join(given.families)}")
    folders = ("tests/fuzz/seeds",) if given.batches else ("tests/fuzz/seeds", "build/fuzz")
    finds = 0
    for function in chosen:
        until = time.monotonic() + given.seconds / len(chosen)

        def goes_on(batches: int, until: float = until) -> bool:
            return batches < given.batches if given.batches else time.monotonic() < until

        rng = random.Random(f"{given.seed} {function.name}")
        count, find = compare(function, corpus(function.family, folders), goes_on, rng)
        print(f"{function.family:10} {function.name:20} {count:8} executions, {'a difference' if find else 'equal'}")
        if find:
            finds += 1
            row, options, got, want = find
            print(f"  row {row!a}, options {options!a}\n  got      {got!a}\n  expected {want!a}")
    print(f"{len(chosen) - finds} passed, {finds} failed")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
