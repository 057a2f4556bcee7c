"""The specification: every function in plain Python, standard library only, obvious rather than fast.

One module a family, with the stem of the kernel's file; each public function is found here by its name.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

__all__: list[str] = []


def _collect() -> None:
    for module in pkgutil.iter_modules(__path__):
        family = importlib.import_module(f"{__name__}.{module.name}")
        for name in family.__all__:
            globals()[name] = getattr(family, name)
            __all__.append(name)


_collect()


def __getattr__(name: str) -> Any:
    raise AttributeError(f"no oracle named {name!r}; there are {', '.join(sorted(__all__))}")
