"""`streamliner trust`: what it says it will write is what it writes, and plain connections can load the extension."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import streamliner_udf
from streamliner_udf import cli
from streamliner_udf.duckdb import TRUSTED_LOAD

NEW = int(duckdb.__version__.split(".")[0]) >= 2
needs_repositories = pytest.mark.skipif(not NEW, reason="DuckDB before 2.0 cannot be told whom to trust")
USE = f"import duckdb; c = duckdb.connect(); c.execute({TRUSTED_LOAD!r}); print(c.sql(\"SELECT sl_slugify('A b')\"))"
REGISTER = """
import duckdb
con = duckdb.connect()
import streamliner_udf
print(streamliner_udf.register(con).value, streamliner_udf.register(con).value)
print(con.execute("SELECT sl_slugify('A b')").fetchall(), streamliner_udf.register(duckdb.connect(":memory:new")).value)
"""


def files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file()}


class Home:
    """A home of its own, so that no test changes whom the person who runs it trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder), "USERPROFILE": str(folder)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def trust(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "streamliner_udf", "trust", *arguments)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@needs_repositories
def test_writes_what_it_says_and_takes_it_away(home: Home) -> None:
    pytest.importorskip("cryptography")
    asked = home.trust()
    assert asked.returncode == cli.EXIT_USAGE
    assert "expected --yes, since nobody can be asked here; nothing was changed" in asked.stderr
    assert files(home.folder) == set()
    announced = {line.strip() for line in asked.stdout.splitlines() if line.strip().startswith(str(home.folder))}

    assert home.run("-c", USE).returncode != 0
    done = home.trust("--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert TRUSTED_LOAD in done.stdout
    written = files(home.folder)
    assert {path.removesuffix(".info") for path in written} == announced
    key = home.folder / ".streamliner_udf" / "key.pem"
    if os.name == "posix":
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700
    used = home.run("-c", USE)
    assert "a-b" in used.stdout, used.stderr
    assert home.run("-c", REGISTER).stdout.split("\n")[:2] == ["extension extension", "[('a-b',)] static"]

    # Again: nothing to do, and no new key.
    before = {path: Path(path).read_bytes() for path in written}
    again = home.trust("--json")
    assert again.returncode == 0
    assert all(step["done"] for step in json.loads(again.stdout)["steps"])
    assert {path: Path(path).read_bytes() for path in files(home.folder)} == before

    assert home.trust("--remove").returncode == cli.EXIT_USAGE
    assert files(home.folder) == written
    removed = home.trust("--remove", "--yes")
    assert removed.stdout.endswith("nothing of it is left\n"), removed.stderr
    assert files(home.folder) == set()
    assert not key.parent.exists()
    assert home.run("-c", USE).returncode != 0
    assert "there is nothing to take away" in home.trust("--remove").stdout


@needs_repositories
def test_another_file_is_not_trusted(home: Home) -> None:
    """A changed byte, and a copy of another version of the package."""
    pytest.importorskip("cryptography")
    assert home.trust("--yes").returncode == 0
    [copy] = home.folder.glob(".duckdb/extensions/*/*/repositories/streamliner/streamliner_udf.duckdb_extension")
    content = bytearray(copy.read_bytes())
    # In a spare field of the footer, which is signed like all before it.
    content[-512] ^= 1
    copy.write_bytes(content)
    assert "signature" in home.run("-c", USE).stderr
    assert home.run("-c", REGISTER).stdout.startswith("arrow arrow")
    # The command sees it and writes the copy anew.
    assert "the copy that DuckDB loads" in home.trust().stdout
    assert home.trust("--yes").returncode == 0
    assert "a-b" in home.run("-c", USE).stdout


@needs_repositories
@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_key_that_others_could_read_is_refused(home: Home) -> None:
    pytest.importorskip("cryptography")
    assert home.trust("--yes").returncode == 0
    key = home.folder / ".streamliner_udf" / "key.pem"
    key.chmod(0o644)
    refused = home.trust("--yes")
    assert refused.returncode == cli.EXIT_FAILED
    assert "to be readable by its owner alone (600), got 644" in refused.stderr
    key.chmod(0o600)
    key.write_text("no key")
    assert "to hold an RSA key of 2048 bits, but it does not" in home.trust("--yes").stderr
    assert home.trust("--remove", "--yes").returncode == 0
    assert home.trust("--yes").returncode == 0


@needs_repositories
def test_a_repository_of_that_name_is_left_alone(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("cryptography")
    assert home.trust("--yes").returncode == 0
    [listed] = home.folder.glob(".duckdb/extension_repositories/*.json")
    other = str(tmp_path_factory.mktemp("other"))
    listed.write_text(json.dumps({**json.loads(listed.read_text()), "url": other}))
    refused = home.trust("--yes")
    assert refused.returncode == cli.EXIT_FAILED
    assert f"expected no extension repository named streamliner, or ours at {home.folder}" in refused.stderr
    assert f"got one at {other}" in refused.stderr
    assert home.trust("--remove", "--yes").returncode == 0
    assert listed.exists()


def test_without_cryptography_and_before_duckdb_2(home: Home) -> None:
    hidden = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from streamliner_udf import cli\n"
        "sys.exit(cli.main(['trust', '--yes']))"
    )
    refused = home.run("-c", hidden)
    assert refused.returncode == cli.EXIT_FAILED
    wanted = (
        "pip install 'streamliner_udf[trust]'"
        if NEW
        else f"expected DuckDB 2.0 or newer, which can be told whom to trust, got v{duckdb.__version__}"
    )
    assert refused.stderr.startswith("streamliner trust: expected ")
    assert wanted in refused.stderr
    assert files(home.folder) == set()


@needs_repositories
@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_asks_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, status: int
) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert cli.main(["trust"]) == status
    assert bool(files(tmp_path)) is (status == 0)
    if status:
        assert capsys.readouterr().err == "streamliner trust: nothing was changed\n"


@needs_repositories
def test_nothing_is_trusted_without_the_command(home: Home) -> None:
    """Import, connect and register write nothing that DuckDB trusts."""
    assert home.run("-c", REGISTER).returncode == 0
    assert home.run("-c", "import streamliner_udf; streamliner_udf.connect()").returncode == 0
    assert files(home.folder) == set()
    assert streamliner_udf.status().backend is streamliner_udf.Backend.STATIC
