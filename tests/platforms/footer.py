"""Writes the bytes by which DuckDB knows an extension for PLATFORM, as it calls it, to standard output.

Run as `python tests/platforms/footer.py PLATFORM >> LIBRARY`.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    setup = runpy.run_path(str(Path(__file__).parents[2] / "setup.py"), run_name="footer")
    sys.stdout.buffer.write(setup["duckdb_footer"](sys.argv[1]))
