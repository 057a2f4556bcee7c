"""`python -m streamliner_udf` is the console script `streamliner`."""

import sys

from .cli import main

sys.exit(main())
