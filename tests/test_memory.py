"""Every allocation of ours that fails, by the doors of SQL and Python: an error, and the process goes on as before.

The kernels and columns alone are in c/test_memory.c. Here a library that is loaded before all others refuses what our
two libraries, and nobody else, ask the C library for: the first time, the second, and so on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REFUSING = r"""
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long asked, denied;
static atomic_int armed;
static long first, all;
static uintptr_t from[8], to[8];
static int ranges;

void sl_range(uintptr_t start, uintptr_t stop) { from[ranges] = start; to[ranges++] = stop; }
void sl_refuse(long number, long all_from_there) {
    first = number, all = all_from_there;
    asked = denied = 0;
    armed = 1;
}
long sl_refused(void) { armed = 0; return denied; }

static int deny(void *caller) {
    if (!armed) return 0;
    int ours = 0;
    for (int i = 0; i < ranges; i++) ours |= (uintptr_t)caller >= from[i] && (uintptr_t)caller < to[i];
    if (!ours) return 0;
    long number = atomic_fetch_add(&asked, 1);
    if (number < first || (number > first && !all)) return 0;
    atomic_fetch_add(&denied, 1);
    return 1;
}

#define CALLER __builtin_return_address(0)
void *malloc(size_t size) { return deny(CALLER) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return deny(CALLER) ? NULL : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return deny(CALLER) ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return deny(CALLER) ? NULL : __libc_memalign(alignment, size); }
"""

DRIVER = r"""
import ctypes, json, random, sys, threading
import duckdb
import pyarrow as pa
import paths, streamliner_udf
from paths import FUNCTIONS

shim = ctypes.CDLL(sys.argv[1])
for line in open("/proc/self/maps"):
    if "x" in line.split()[1] and ("streamliner_udf.duckdb_extension" in line or "streamliner_udf/_core." in line):
        shim.sl_range(*(ctypes.c_size_t(int(end, 16)) for end in line.split()[0].split("-")))

con = streamliner_udf.connect(config={"threads": 1})
counts = {"refused": 0, "errors": 0}


def forget():
    # Compiled options are kept, and a kept one needs no memory: push them out.
    con.execute("SELECT max(sl_slugify('a', i::BIGINT)) FROM range(1, 200) t(i)").fetchall()


def refuse_each(name, work):
    wanted = work()
    for all_from_there in (0, 1):
        for number in range(60):
            forget()
            shim.sl_refuse(ctypes.c_long(number), ctypes.c_long(all_from_there))
            try:
                got = work()
            except (duckdb.Error, pa.ArrowException, OSError, MemoryError) as error:
                refused = shim.sl_refused()
                assert refused, f"{name}: {error!r}"
                assert "memory" in str(error) or isinstance(error, MemoryError), f"{name}: {error!r}"
                counts["errors"] += 1
            else:
                refused = shim.sl_refused()
                assert got == wanted, f"{name}: another answer where allocation {number} was refused"
            if not refused:
                break
            counts["refused"] += 1
        assert work() == wanted, name


rng = random.Random(int(sys.argv[2]))
for function in FUNCTIONS.values():
    rows = paths.random_rows(function, rng, 40)
    if paths.of_texts(function):
        rows += [paths.row_of(function, text) for text in ("<é@ex.org> " * 900, "a" * 5000, "")]
    options = paths.option_variants(function)[0]
    paths.load(con, function, rows)
    refuse_each(f"{function.sql_name} in SQL", lambda: paths.results(con, "t", function, options))
    columns = paths.columns(function, rows)
    refuse_each(f"{function.name} of a list", lambda: paths.door(function, columns, options))
    refuse_each(f"{function.name} of one", lambda: paths.door(function, paths.parts(function, rows[-1]), options))
    arrow = [pa.array(column, paths.arrow_type(function)) for column in columns]
    refuse_each(f"{function.name} of Arrow", lambda: paths.from_arrow(paths.door(function, arrow, options)))

# What a thread keeps between calls is made at its first one.
def in_new_thread():
    outcome = []

    def work():
        try:
            outcome.append(con.cursor().execute("SELECT sl_slugify('A b ' || i) FROM range(5) t(i)").fetchall())
        except duckdb.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


before = counts["errors"]
refuse_each("a new thread", in_new_thread)
assert counts["errors"] > before

chat = "".join(f"05/03/2024, 09:{i % 60:02} - Ana{i % 90}: hi {i}\n" for i in range(3000))
document = json.dumps({"messages": [{"id": i, "text": "x" * i} for i in range(300)]}).encode()
whole = lambda stream: pa.RecordBatchReader.from_stream(stream).read_all().to_pylist()
refuse_each("parse_rows", lambda: whole(streamliner_udf.parse_rows("parse_whatsapp", chat, keyed="chat")))
refuse_each("JsonItems", lambda: whole(streamliner_udf.JsonItems(document, ["messages"])))
fields = {"id": "id", "text": "text"}
refuse_each("fields", lambda: whole(streamliner_udf.JsonItems(document, ["messages"], fields=fields)))
print(json.dumps(counts))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a library that is loaded before the C library's allocator")
@pytest.mark.not_sanitized("it has to be loaded before all others itself, with an allocator of its own")
def test_each_allocation_that_fails_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler here")
    (tmp_path / "refusing.c").write_text(REFUSING)
    shim = tmp_path / "refusing.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", shim, tmp_path / "refusing.c"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(shim), os.environ.get("SL_TEST_SEED", "7")],
        env={**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr[-3000:]}"
    counts = json.loads(done.stdout)
    # Hardly anything goes on without its memory: what does gave the same answer.
    assert counts["refused"] > 500
    assert counts["errors"] > counts["refused"] // 2
