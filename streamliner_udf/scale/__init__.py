"""How the whole pipeline grows: runs at several volumes, a fit of each step, a forecast and a verdict.

python -m streamliner_udf scale --output scale-report
"""

from .analysis import Analysis
from .report import ScaleReport
from .run import run
from .trials import ScaleError

__all__ = ["Analysis", "ScaleError", "ScaleReport", "run"]
