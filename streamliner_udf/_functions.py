"""The public functions: every row of the table as a Python function, with the name and the words of its oracle."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import _core, reference
from ._table import FUNCTIONS


def _public(name: str) -> Callable[..., Any]:
    call = _core.Function(name)

    # Signature, docstring and annotations are the oracle's, so they cannot differ from what is specified.
    @functools.wraps(getattr(reference, name))
    def function(*args: Any, **kwargs: Any) -> Any:
        return call(args, kwargs)

    function.__module__ = __package__
    return function


PUBLIC: dict[str, Callable[..., Any]] = {name: _public(name) for name in FUNCTIONS}
