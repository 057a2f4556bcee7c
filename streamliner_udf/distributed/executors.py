"""Who does the tasks: processes of this machine, or Ray."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from .task import perform

__all__ = ["Executor", "LocalExecutor", "RayExecutor", "TaskFailed"]

Task = Mapping[str, Any]


class TaskFailed(Exception):
    """A try that came to nothing, and why."""


class Executor(Protocol):
    """What a run needs of whoever does its tasks. Tries are counted by the run, and nobody else repeats one."""

    name: str
    workers: int

    def submit(self, task: Task) -> None:
        """Begins a task as soon as there is somebody to do it."""

    def next(self) -> tuple[Task, dict[str, Any] | TaskFailed]:
        """Waits for one that has ended: its record, or why there is none."""

    def close(self) -> None:
        """Ends what is still at work."""


class _Child:
    """A worker process, and the pipes to it."""

    def __init__(self) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.worker", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )

    def ask(self, task: Task) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        answer = b""
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except OSError:  # it ended while it was told
            pass
        if not answer.endswith(b"\n"):
            code = self.process.wait()
            raise TaskFailed(f"the worker was ended by signal {-code}" if code < 0 else f"the worker ended with {code}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # something was still to be written
                    pipe.close()


class LocalExecutor:
    """Processes of this machine, each with a thread here that talks to it. A process that ends is replaced."""

    name = "local"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers)
        self._futures: dict[Future[dict[str, Any]], Task] = {}
        self._children: dict[int, _Child] = {}
        self._closing = False

    def _ask(self, task: Task) -> dict[str, Any]:
        thread = threading.get_ident()
        if self._closing:
            raise TaskFailed("the run was ended")
        if thread not in self._children:
            self._children[thread] = _Child()
        try:
            answer = self._children[thread].ask(task)
        except TaskFailed:
            self._children.pop(thread).end()
            raise
        if "error" in answer:
            raise TaskFailed(answer["error"])
        record: dict[str, Any] = answer["record"]
        return record

    def submit(self, task: Task) -> None:
        self._futures[self._pool.submit(self._ask, task)] = task

    def next(self) -> tuple[Task, dict[str, Any] | TaskFailed]:
        done = wait(self._futures, return_when=FIRST_COMPLETED).done.pop()
        task = self._futures.pop(done)
        try:
            return task, done.result()
        except TaskFailed as failure:
            return task, failure

    def close(self) -> None:
        self._closing = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children.values()):
            child.process.kill()
        self._pool.shutdown()
        for child in self._children.values():
            child.end()


class RayExecutor:
    """Ray core tasks. Paths are passed and no rows, so every node has to see the same files."""

    name = "ray"

    def __init__(self, workers: int, threads: int, memory: int | None, options: Mapping[str, Any]) -> None:
        try:
            import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            raise ImportError(
                "distributed.run: expected Ray for executor='ray', got none; pip install 'streamliner_udf[ray]', or "
                "use executor='local'"
            ) from error
        self.workers = workers
        self._ray = ray
        self._started = not ray.is_initialized()
        if self._started:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            here: dict[str, Any] = {}
            if "address" not in options:
                # A cluster of its own for this run, which nobody else can reach.
                here = {
                    "_node_ip_address": "127.0.0.1",
                    "include_dashboard": False,
                    "num_cpus": workers * threads,
                    "object_store_memory": 100_000_000,
                }
            ray.init(**{"log_to_driver": False, "logging_level": "warning", **here, **options})
        needs: dict[str, Any] = {"num_cpus": threads, "max_retries": 0}
        if memory is not None:
            needs["memory"] = memory
        self._perform = ray.remote(**needs)(_perform_on_ray)
        self._waiting: dict[Any, Task] = {}

    def submit(self, task: Task) -> None:
        self._waiting[self._perform.remote(dict(task))] = task

    def next(self) -> tuple[Task, dict[str, Any] | TaskFailed]:
        done, _ = self._ray.wait(list(self._waiting), num_returns=1)
        task = self._waiting.pop(done[0])
        try:
            answer: dict[str, Any] = self._ray.get(done[0])
        except self._ray.exceptions.RayError as error:
            return task, TaskFailed(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
        return task, TaskFailed(answer["error"]) if "error" in answer else answer["record"]

    def close(self) -> None:
        for waiting in self._waiting:
            self._ray.cancel(waiting, force=True)
        if self._started:
            self._ray.shutdown()


def _perform_on_ray(task: Task) -> dict[str, Any]:
    # Errors of DuckDB cannot always be sent from process to process.
    try:
        return {"record": perform(task)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
