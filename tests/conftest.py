"""Seed and scale of the random tests: shown in the header and with every failure, so that any run can be repeated."""

from __future__ import annotations

import os
import random
from collections.abc import Generator

import pytest

SEED = int(os.environ.get("SL_TEST_SEED") or random.SystemRandom().randrange(2**31))
SCALE = int(os.environ.get("SL_TEST_SCALE") or 1)


def pytest_report_header() -> str:
    return f"SL_TEST_SEED={SEED} SL_TEST_SCALE={SCALE}"


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
