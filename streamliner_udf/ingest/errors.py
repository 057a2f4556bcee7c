"""What goes wrong with a file."""

from __future__ import annotations

__all__ = ["ExportError"]


class ExportError(ValueError):
    """The file is no export that can be read. The message says what was expected, and what came."""
