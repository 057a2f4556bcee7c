"""A run in a process of its own, so that it can be killed: arguments as JSON, and the report, or the error, as JSON."""

from __future__ import annotations

import json
import resource
import sys

from streamliner_udf import distributed


def main() -> None:
    asked = json.loads(sys.argv[1])
    if (size := asked.pop("file_size", None)) is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        told = distributed.run(**asked).to_dict()
    except distributed.RunFailed as error:
        told = {"error": "RunFailed", "message": str(error), **error.report.to_dict()}
    except (distributed.TargetBusy, OSError) as error:
        told = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
