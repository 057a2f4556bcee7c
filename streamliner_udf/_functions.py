"""The public functions: every row of the table as a Python function, with the name and the words of its oracle."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from . import _core
from ._table import FUNCTIONS


@functools.cache
def public(name: str) -> Callable[..., Any]:
    """The function of that name. Made when it is first asked for, because oracles cost time to import."""
    call = _core.Function(name)
    oracles = importlib.import_module(f".reference.{FUNCTIONS[name].family}", __package__)

    # Signature, docstring and annotations are the oracle's, so they cannot differ from what is specified.
    @functools.wraps(getattr(oracles, name))
    def function(*args: Any, **kwargs: Any) -> Any:
        return call(args, kwargs)

    function.__module__ = __package__
    return function
