"""What can go wrong with a run as a whole."""

from __future__ import annotations

from ..errors import StreamlinerError
from .report import RunReport

__all__ = ["RunFailed", "TargetBusy"]


class TargetBusy(StreamlinerError, RuntimeError):
    """Another run is at work in the same target."""


class RunFailed(StreamlinerError, RuntimeError):
    """Some partitions have no result, or rows were lost; `report` says which. The target shows what it showed."""

    def __init__(self, message: str, report: RunReport) -> None:
        super().__init__(message)
        self.report = report
