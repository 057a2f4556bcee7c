"""Near-duplicates: what is found, beside a search of all pairs and other libraries, and what a million costs.

    python bench/near_duplicates.py [--label NAME] [--messages 100000,1000000] [--sample 20000] [--quick]

Data: messages of `corpora.py`; of ten, one is a copy, two are another message reworded (one to three words put in,
taken out or changed), and in the runs of `--messages` one more is of a template ("Your code is 123456 ..."), which is
what a chat with machines looks like and where the number of pairs explodes.

On the sample every way gets the same different texts, three words an n-gram, 126 hashes, 21 bands of 6 and the
threshold 0.8, and gives pairs that reach it by its own measure:

    streamliner        near_duplicates as it is: compared exactly at the end
    ... estimated      `exact=False`
    datasketch         MinHash.bulk, MinHashLSH, jaccard of the signatures
    rensa              RMinHash, RMinHashLSH, jaccard of the signatures

What is right comes of every pair that shares an n-gram, compared exactly. Recall is the share of those pairs that was
found, precision the share of what was found that is among them. Every way is a process of its own and they take turns;
seconds are minima and do not count how the texts got there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import corpora
import duckdb
import report
import timing

import streamliner_udf

THRESHOLD, HASHES, BANDS = 0.8, 126, 21
WAYS = ("streamliner", "streamliner, estimated", "datasketch", "rensa")
Pairs = set[tuple[int, int]]


def load(con: duckdb.DuckDBPyConnection, rows: int, templates: bool) -> None:
    """The table said (id, text)."""
    rng = random.Random(f"near {rows}")
    messages = corpora.chat_messages(rows)
    texts = []
    for place, message in enumerate(messages):
        kind = place % 10
        if kind == 1:
            texts.append(rng.choice(messages))
        elif kind in (2, 3):
            words = rng.choice(messages).split(" ")
            for _ in range(rng.randint(1, 3)):
                at = rng.randrange(len(words) + 1)
                words[at : at + rng.randrange(2)] = rng.choice(([], ["maybe"], ["really", "now"]))
            texts.append(" ".join(words))
        elif kind == 4 and templates:
            texts.append(
                f"Your code is {rng.randrange(10**6):06}, valid for ten minutes. Do not share it with anybody."
            )
        else:
            texts.append(message)
    con.execute("CREATE TABLE said (id INTEGER, text VARCHAR)")
    for at in range(0, rows, 50_000):
        part = texts[at : at + 50_000]
        con.execute("INSERT INTO said SELECT unnest(?::INTEGER[]), unnest(?)", [list(range(at, at + len(part))), part])


def different(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    return con.execute(
        "SELECT min(id), text FROM said WHERE sl_squash_spaces(text) <> '' GROUP BY text ORDER BY ALL"
    ).fetchall()


def right_pairs(texts: Sequence[tuple[int, str]]) -> Pairs:
    """Every pair that reaches the threshold, by comparing all that share an n-gram."""
    grams = {key: frozenset(_ngrams(text)) for key, text in texts}
    holders: dict[str, list[int]] = {}
    for key, found in grams.items():
        for gram in found:
            holders.setdefault(gram, []).append(key)
    right = set()
    for a, found in grams.items():
        for b in {b for gram in found for b in holders[gram] if b > a}:
            shared = len(found & grams[b])
            if 5 * shared >= 4 * (len(found) + len(grams[b]) - shared):
                right.add((a, b))
    return right


def _ngrams(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))]


# ---- the ways ------------------------------------------------------------------------------------------------------


def _ours(con: duckdb.DuckDBPyConnection, exact: bool) -> Callable[[], Pairs]:
    con.execute("CREATE TABLE texts AS SELECT min(id) AS id, text FROM said GROUP BY text")

    def search() -> Pairs:
        streamliner_udf.near_duplicates(
            con, "texts", key="id", threshold=THRESHOLD, num_hashes=HASHES, bands=BANDS, exact=exact
        )
        return set(con.execute("SELECT a, b FROM near_duplicate_pairs").fetchall())

    return search


def _neighbours(index: Any, signatures: Iterable[tuple[int, Any]]) -> Pairs:
    """Pairs that an index of either library brings together, and whose signatures reach the threshold."""
    found = set()
    made: dict[int, Any] = {}
    for key, signature in signatures:
        for other in index.query(signature):
            if made[other].jaccard(signature) >= THRESHOLD:
                found.add((min(key, other), max(key, other)))
        index.insert(key, signature)
        made[key] = signature
    return found


def _datasketch(texts: Sequence[tuple[int, str]]) -> Callable[[], Pairs]:
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def search() -> Pairs:
        shingles = [[gram.encode() for gram in _ngrams(text)] for _, text in texts]
        signatures = MinHash.bulk(shingles, num_perm=HASHES)
        index = MinHashLSH(num_perm=HASHES, params=(BANDS, HASHES // BANDS))
        return _neighbours(index, zip((key for key, _ in texts), signatures, strict=True))

    return search


def _rensa(texts: Sequence[tuple[int, str]]) -> Callable[[], Pairs]:
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found,import-untyped,unused-ignore]

    def signed(text: str) -> RMinHash:
        signature = RMinHash(num_perm=HASHES, seed=1)
        signature.update(_ngrams(text))
        return signature

    def search() -> Pairs:
        index = RMinHashLSH(threshold=THRESHOLD, num_perm=HASHES, num_bands=BANDS)
        return _neighbours(index, ((key, signed(text)) for key, text in texts))

    return search


def measure(way: str, rows: int) -> dict[str, Any]:
    """One way, once, in this process."""
    with streamliner_udf.connect() as con:
        load(con, rows, templates=way == "scale")
        if way == "scale":
            return _scale(con)
        texts = different(con)
        if way.startswith("streamliner"):
            search = _ours(con, exact="estimated" not in way)
        else:
            search = (_datasketch if way == "datasketch" else _rensa)(texts)
        before = _forget()
        wall, cpu = time.perf_counter(), time.process_time()
        found = search()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"seconds": wall, "cpu": cpu, "megabytes": _memory("VmHWM") - before, "pairs": sorted(found)}


def _memory(what: str) -> float:
    """MB of this process, as Linux knows them: VmRSS now, VmHWM at most since `_forget`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    return float("nan")


def _forget() -> float:
    """The peak of memory counts from now on."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _scale(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, exact in (("estimated", False), ("exact", True)):
        before, cpu = _forget(), time.process_time()
        done = streamliner_udf.near_duplicates(con, "said", key="id", threshold=THRESHOLD, exact=exact)
        made[name] = {"cpu": time.process_time() - cpu, "megabytes": _memory("VmHWM") - before, **done.to_dict()}
    return made


def alone(way: str, rows: int) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--way", way, "--rows", str(rows)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ---- the benchmark -------------------------------------------------------------------------------------------------


def compare(sample: int, rounds: int) -> dict[str, Any]:
    with streamliner_udf.connect() as con:
        load(con, sample, templates=False)
        texts = different(con)
    right = right_pairs(texts)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            runs[way].append(alone(way, sample))
    found = {}
    for way, made in runs.items():
        pairs = {(a, b) for a, b in made[0]["pairs"]}
        found[way] = {
            "seconds": min(run["seconds"] for run in made),
            "cpu": min(run["cpu"] for run in made),
            "megabytes": max(run["megabytes"] for run in made),
            "pairs": len(pairs),
            "recall": len(pairs & right) / len(right),
            "precision": len(pairs & right) / len(pairs),
        }
    return {"messages": sample, "texts": len(texts), "right": len(right), "ways": found}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--label", default="local")
    parser.add_argument("--messages", default="100000,1000000")
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.way:
        print(json.dumps(measure(options.way, options.rows)))
        return 0
    sizes = [int(size) for size in options.messages.split(",")]
    if options.quick:
        sizes, options.sample, options.rounds = [20_000], 5_000, 1
    with streamliner_udf.connect() as con:
        threads = con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    where = timing.machine(threads)
    print(timing.describe(where))
    compared = compare(options.sample, options.rounds)
    texts, messages, right = (compared[name] for name in ("texts", "messages", "right"))
    print(f"\n{texts:,} texts of {messages:,} messages, {right:,} pairs at {THRESHOLD}")
    report.table(
        ("way", "seconds", "CPU", "MB more", "pairs", "recall", "precision"),
        [
            (
                way,
                f"{run['seconds']:.2f}",
                f"{run['cpu']:.2f}",
                f"{run['megabytes']:.0f}",
                f"{run['pairs']:,}",
                f"{run['recall']:.4f}",
                f"{run['precision']:.4f}",
            )
            for way, run in compared["ways"].items()
        ],
        words=1,
    )
    scaled = {size: alone("scale", size) for size in sizes}
    print("\nwith templates")
    report.table(
        ("messages", "compared", "seconds", "CPU", "MB more", "candidates", "near pairs", "in clusters"),
        [
            (
                f"{size:,}",
                name,
                f"{run['seconds']:.2f}",
                f"{run['cpu']:.2f}",
                f"{run['megabytes']:.0f}",
                f"{run['candidates']:,}",
                f"{run['near_pairs']:,}",
                f"{run['clustered']:,}",
            )
            for size, made in scaled.items()
            for name, run in made.items()
        ],
    )
    for smaller, larger in pairwise(sizes):
        times = scaled[larger]["exact"]["cpu"] / scaled[smaller]["exact"]["cpu"]
        print(f"{larger / smaller:.0f} times the messages cost {times:.1f} times the CPU")
    path = report.write("near-duplicates", options.label, {"machine": where, "sample": compared, "scale": scaled})
    print(f"\nwritten to {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
