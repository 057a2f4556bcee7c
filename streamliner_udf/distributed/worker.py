"""A worker process: tasks come as lines of JSON, answers go back as lines, and it does not outlive its driver."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from .task import perform

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def _end_with(parent: int) -> None:
    """The system ends this process when the driver ends, whatever the process is at."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it ended before it was asked to tell


def _read(tasks: queue.SimpleQueue[str]) -> None:
    """Hands on what comes. The end of the pipe means that the driver is gone or done."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def main() -> None:
    """Works until its input ends."""
    _end_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    # Whatever a library prints must not get among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    while True:
        answer: dict[str, Any]
        try:
            answer = {"record": perform(json.loads(tasks.get()))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
