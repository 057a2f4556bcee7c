"""How the whole pipeline grows on this machine: `streamliner scale`, with its record kept beside the other benchmarks.

python bench/scale.py                     a report in build/scale
python bench/scale.py --label reference   and the files in bench/results and docs
python bench/scale.py --label reference --again    the same files anew from that record, measuring nothing
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import report

from streamliner_udf import scale
from streamliner_udf.progress import Progress

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = "reference"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--quick", action="store_true", help="20,000 messages, 1, 3 and 10 times, two runs each")
    parser.add_argument("--again", action="store_true", help="from the record of the label; nothing is measured")
    arguments = parser.parse_args(argv)
    if arguments.again:
        found = scale.ScaleReport.from_dict(report.read("scale", arguments.label))
    else:
        base, scales, repeats = (20_000, (1, 3, 10), 2) if arguments.quick else (100_000, (1, 3, 10, 30), 3)
        with Progress("scale", 100) as bar:
            found = scale.run(
                base, scales, repeats=repeats, progress=lambda label, done, total: bar.move(done, total, label)
            )
        print(report.write("scale", arguments.label, json.loads(found.to_json())))
    paths = found.write(ROOT / "build" / "scale")
    if arguments.label == REFERENCE:
        paths += found.write_docs(DOCS)
    print(found.to_text())
    print("\n".join(str(path.relative_to(ROOT)) for path in paths))


if __name__ == "__main__":
    main()
