"""Seed and scale of the random tests, shown in the header and with every failure, so that any run can be repeated.

And what cannot run under AddressSanitizer.
"""

from __future__ import annotations

import ctypes
import os
import random
import sys
from collections.abc import Generator

import pytest

SEED = int(os.environ.get("SL_TEST_SEED") or random.SystemRandom().randrange(2**31))
SCALE = int(os.environ.get("SL_TEST_SCALE") or 1)
# Asked of the process, so that no run can forget to say it.
SANITIZED = sys.platform != "win32" and hasattr(ctypes.CDLL(None), "__asan_init")


def pytest_report_header() -> str:
    return f"SL_TEST_SEED={SEED} SL_TEST_SCALE={SCALE}" + (" under AddressSanitizer" if SANITIZED else "")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if SANITIZED and (marker := item.get_closest_marker("not_sanitized")):
        pytest.skip(f"under AddressSanitizer: {marker.args[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("to repeat", f"SL_TEST_SEED={SEED} SL_TEST_SCALE={SCALE}"))
    return report


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Its own numbers for every test: the same whichever other tests run, and in whatever order."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="session")
def scale() -> int:
    return SCALE
