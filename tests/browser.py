"""A page in headless Chromium, over the pipe of its DevTools protocol: standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Page", "find", "opened"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60.0
# The browser reads from its descriptor 3 and writes to 4, whatever ours are called.
_PLACE = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]]
os.dup2(ours[0], 3)
os.dup2(ours[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find() -> str | None:
    """The browser, or None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Page:
    """`requests` : addresses that the page has asked for, itself included."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._next = 0
        self._rest = b""
        self._session: str | None = None
        self.requests: list[str] = []
        self._loaded = False

    def _receive(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            block = os.read(self._from, 1 << 16)
            if not block:
                raise ConnectionError("the browser ended")
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        if found.get("method") == "Network.requestWillBeSent":
            self.requests.append(found["params"]["request"]["url"])
        self._loaded |= found.get("method") == "Page.loadEventFired"
        return found

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _SECONDS
        while True:
            found = self._receive(until)
            if found.get("id") == self._next:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                result: dict[str, Any] = found["result"]
                return result

    def open(self, path: Path, width: int = 1100, dark: bool = False) -> None:
        """A file of this machine, loaded to the end."""
        if self._session is None:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.call("Network.enable")
            self.call("Page.enable")
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._loaded = False
        self.call("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + _SECONDS
        while not self._loaded:
            self._receive(until)

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript gives in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
        return found["result"].get("value")


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """A browser with an empty profile in `folder`."""
    browser = find()
    assert browser is not None
    read_commands, to_browser = os.pipe()
    from_browser, write_answers = os.pipe()
    command = [
        sys.executable, "-c", _PLACE, str(read_commands), str(write_answers), browser, "--headless", "--no-sandbox",
        "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        f"--user-data-dir={folder}", "--remote-debugging-pipe",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, pass_fds=(read_commands, write_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(read_commands)
    os.close(write_answers)
    page = Page(to_browser, from_browser)
    try:
        yield page
    finally:
        with contextlib.suppress(OSError, ConnectionError, TimeoutError, RuntimeError):
            page._session = None
            page.call("Browser.close")
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_browser)
        os.close(from_browser)
