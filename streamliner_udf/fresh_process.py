"""Work in a process of its own: what an allocator keeps, warm caches and settings of DuckDB end with it.

`ask` starts `python -m MODULE`, whose `main` is `answer`: a specification in JSON on standard input, an answer in JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["answer", "ask"]


def ask(module: str, spec: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """{"answer": ...}, or {"error": ..., "memory": whether it was for want of memory}. The process ends with this one,
    and does not hear the Ctrl-C of the terminal."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(spec).encode() + b"\n")
            process.stdin.flush()
        # communicate() would close standard input, which tells the process that its parent is gone.
        stdin, process.stdin = process.stdin, None
        with stdin:
            out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"stopped after {timeout:,.0f} s", "memory": False}
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        return {"error": f"ended with status {process.returncode}: {last[0]}", "memory": process.returncode == -9}
    found: dict[str, Any] = json.loads(out)
    return found


def _end_with_parent() -> None:
    """Nobody waits any more when whoever asked is gone."""
    while os.read(0, 1):
        pass
    os._exit(1)


def answer(work: Callable[[dict[str, Any]], Any]) -> int:
    """Answers the one specification of `ask` with what `work` makes of it; the exit status."""
    import duckdb

    # Nothing else may stand in the answer: what a library prints, a progress bar for one, goes to standard error.
    answers = os.dup(1)
    os.dup2(2, 1)
    line = b""
    while not line.endswith(b"\n"):
        block = os.read(0, 1 << 16)
        if not block:
            return 2
        line += block
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        found: dict[str, Any] = {"answer": work(json.loads(line))}
    except (duckdb.Error, OSError, ValueError, MemoryError, ImportError) as error:
        memory = isinstance(error, (MemoryError, duckdb.OutOfMemoryException))
        found = {"error": str(error).strip() or type(error).__name__, "memory": memory}
    with os.fdopen(answers, "w", encoding="utf-8") as stream:
        json.dump(found, stream)
    return 0
