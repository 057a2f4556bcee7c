"""The error of the tuner."""

from __future__ import annotations

from ..errors import StreamlinerError

__all__ = ["TuningError"]


class TuningError(StreamlinerError, ValueError):
    """The workload or the database cannot be measured; the message says why."""
