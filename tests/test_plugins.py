"""Adapters of other packages: the one of docs/adapters.md, built and installed, and broken ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/adapters.md"
LOG = b"2024-03-05 09:15:02\tAna\thi\n2024-03-05 09:15:09\t--\tBo is away\nnonsense\n"
CHILD = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import streamliner_udf
    from streamliner_udf.ingest import adapters, sniff
    with streamliner_udf.connect() as con:
        report = streamliner_udf.ingest(con, sys.argv[1])
        streamliner_udf.ingest(con, sys.argv[1], table="again")
        columns = "ts::VARCHAR, author, text, kind, chat, source, line"
        rows = con.execute(f"SELECT {columns} FROM messages ORDER BY seq").fetchall()
    found = sniff(sys.argv[1])[0]
print(json.dumps({
    "rows": rows,
    "skipped": [(one.reason, one.count) for one in report.skipped],
    "sure": found.sure,
    "warnings": [str(one.message) for one in caught],
    "adapters": {one.name: [one.origin, one.error] for one in adapters()},
}))
"""


def block(language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of the page, installed as pip does it, and without a network."""
    package, target = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("site")
    (package / "streamliner_weechat.py").write_text(block("python"), encoding="utf-8")
    (package / "pyproject.toml").write_text(block("toml"), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*pip, "--target", str(target), str(package)], check=True, timeout=120)
    return target


def run(site: list[Path], path: Path) -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, site))}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "irc.duckdb.weechatlog"
    path.write_bytes(LOG)
    return path


def test_the_adapter_of_the_page_is_short_and_works(site: Path, log: Path) -> None:
    assert block("python").count("\n") < 30
    found = run([site], log)
    assert found["rows"] == [
        ["2024-03-05 09:15:02", "Ana", "hi", "text", "irc.duckdb", "weechat", 1],
        ["2024-03-05 09:15:09", None, "Bo is away", "system", "irc.duckdb", "weechat", 2],
    ]
    assert found["skipped"] == [["not time, name and text: nonsense", 1]]
    assert found["sure"] == 0.8
    assert found["warnings"] == []
    adapters = found["adapters"]
    assert isinstance(adapters, dict)
    assert adapters["weechat"] == ["streamliner-weechat", None]


def test_broken_packages_warn_once_and_are_listed(site: Path, log: Path, tmp_path: Path) -> None:
    broken = {
        "missing": ("no_such_module:Adapter", ""),
        "half": ("half_adapter:Half", "class Half:\n    name = 'half'\n    def sniff(self, source): return 1.0\n"),
        "tripping": (
            "tripping_adapter:Tripping",
            "class Tripping:\n    name = 'tripping'\n    def sniff(self, source): return None.x\n"
            "    def load(self, source, options): yield\n",
        ),
        "csv": ("csv_adapter:Csv", ""),
    }
    other = tmp_path / "other"
    metadata = other / "streamliner_broken-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: streamliner-broken\nVersion: 1.0\n")
    points = "".join(f"{name} = {target}\n" for name, (target, _) in broken.items())
    (metadata / "entry_points.txt").write_text(f"[streamliner_udf.adapters]\n{points}")
    for target, code in broken.values():
        if code:
            (other / f"{target.partition(':')[0]}.py").write_text(code)
    found = run([site, other], log)
    assert len(found["rows"]) == 2  # type: ignore[arg-type]
    said = found["warnings"]
    assert isinstance(said, list)
    assert len(said) == 4
    for name in broken:
        assert len([one for one in said if one.startswith(f"adapter '{name}' of streamliner-broken is left out")]) == 1
    adapters = found["adapters"]
    assert isinstance(adapters, dict)
    assert adapters["csv"] == ["streamliner_udf", None]
    for name, reason in (
        ("missing", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("half", "TypeError: expected methods sniff and load and a name, got Half"),
        ("tripping", "AttributeError: 'NoneType' object has no attribute 'x'"),
    ):
        assert adapters[name] == ["streamliner-broken", reason]
