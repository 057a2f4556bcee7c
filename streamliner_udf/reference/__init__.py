"""The specification: every function in plain Python, standard library only, obvious rather than fast.

One module a family, with the stem of the kernel's file; each public function is found here by its name.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def _collect() -> list[str]:
    """Imports the families, and returns the names of their functions."""
    names = []
    for module in pkgutil.iter_modules(__path__):
        family = importlib.import_module(f"{__name__}.{module.name}")
        for name in family.__all__:
            globals()[name] = getattr(family, name)
            names.append(name)
    return names


def __getattr__(name: str) -> Any:
    # All of them, when the first is asked for: who wants one family imports its module.
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    globals()["__all__"] = names = _collect()
    if name not in globals():
        raise AttributeError(f"no oracle named {name!r}; there are {', '.join(sorted(names))}")
    return globals()[name]
