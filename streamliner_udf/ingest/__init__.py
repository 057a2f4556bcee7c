"""Chat exports in, complete tables out. The package is the function: `streamliner_udf.ingest(con, path)`."""

from __future__ import annotations

import sys
from types import ModuleType

from .adapter import MESSAGE_COLUMNS, Adapter, Chat, LoadOptions, Skipped, Source
from .errors import ExportError
from .load import ingest
from .registry import adapters
from .report import FileReport, IngestReport
from .safezip import ZipLimits, ZipValidationError, default_limits, set_default_limits
from .sniffing import Sniffed, sniff

__all__ = [
    "MESSAGE_COLUMNS",
    "Adapter",
    "Chat",
    "ExportError",
    "FileReport",
    "IngestReport",
    "LoadOptions",
    "Skipped",
    "Sniffed",
    "Source",
    "ZipLimits",
    "ZipValidationError",
    "adapters",
    "default_limits",
    "ingest",
    "set_default_limits",
    "sniff",
]


class _Callable(ModuleType):
    """`streamliner_udf.ingest` is where adapters live, and what people call."""

    __call__ = staticmethod(ingest)  # with its signature


sys.modules[__name__].__class__ = _Callable
sys.modules[__name__].__doc__ = ingest.__doc__
