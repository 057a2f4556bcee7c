"""The specification: every function in plain Python, standard library only, obvious rather than fast.

One module a family, with the stem of the kernel's file; each public function is found here by its name.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType
from typing import Any


class _Oracles(ModuleType):
    """A package whose names are its oracles. A module that is imported gives it those that it has; its own name may be
    that of one of them."""

    def __setattr__(self, name: str, value: object) -> None:
        names = value.__all__ if isinstance(value, ModuleType) else []
        vars(self).update({name: value} | {one: getattr(value, one) for one in names})


def __getattr__(name: str) -> Any:
    # All of them, when the first is asked for: who wants one family imports its module.
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    globals()["__all__"] = names = [one for module in modules for one in module.__all__]
    if name not in globals():
        raise AttributeError(f"no oracle named {name!r}; there are {', '.join(sorted(names))}")
    return globals()[name]


sys.modules[__name__].__class__ = _Oracles
