"""Code in a process of its own, for what happens once in a process."""

import os
import subprocess
import sys


def python(code: str, **environment: str) -> str:
    """What the code prints; it fails if the process does."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
