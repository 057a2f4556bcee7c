"""The right settings of DuckDB for one workload on one machine, measured: `tune` and `verify`."""

from __future__ import annotations

from .errors import TuningError
from .recommendation import Applied, Recommendation, Setting
from .trials import Recorded, Trial
from .tuner import Verification, tune, verify

__all__ = ["Applied", "Recommendation", "Recorded", "Setting", "Trial", "TuningError", "Verification", "tune", "verify"]
