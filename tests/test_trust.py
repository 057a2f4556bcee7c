"""`streamliner trust`: what it says it will write is what it writes, and plain connections can load the extension."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streamliner_udf
from streamliner_udf import cli, trust
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
    second = Home(tmp_path_factory.mktemp("second"))
    assert second.trust("--yes").returncode == 0
    [another] = second.folder.glob(".duckdb/extension_repositories/*.json")
    listed.write_text(json.dumps({**json.loads(another.read_text()), "url": other}))
    [copy] = home.folder.glob(".duckdb/extensions/*/*/repositories/streamliner")
    refused = home.trust("--yes")
    assert refused.returncode == cli.EXIT_FAILED
    assert f"expected no extension repository named streamliner, or ours at {home.folder}" in refused.stderr
    assert f"got one at {other}" in refused.stderr
    removed = home.trust("--remove", "--yes")
    assert removed.returncode == 0
    assert listed.exists()
    assert copy.exists()
    assert not (home.folder / ".streamliner_udf").exists()
    assert str(listed) in removed.stdout
    assert str(copy) in removed.stdout
    assert f"a repository at {other}, with a key that is not known here" in removed.stdout
    assert removed.stdout.endswith("nothing else of it is left\n")
    stays = json.loads(home.trust("--remove", "--json").stdout)["stays"]
    assert [step["path"] for step in stays] == [str(listed), str(copy)]
    listed.write_text("no JSON")
    assert "at a place that cannot be read" in home.trust("--remove").stdout


@needs_repositories
def test_a_home_that_was_moved(home: Home) -> None:
    """The note names the path of before; the key tells that it is ours."""
    pytest.importorskip("cryptography")
    first = Home(home.folder / "first")
    first.folder.mkdir()
    assert first.trust("--yes").returncode == 0
    moved = Home(first.folder.rename(home.folder / "moved"))
    # Even without the package that made the key.
    hidden = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from streamliner_udf import cli\n"
        "sys.exit(cli.main(['trust', '--remove', '--yes']))"
    )
    second = Home(home.folder / "second")
    shutil.copytree(moved.folder, second.folder)
    removed = second.run("-c", hidden)
    assert removed.stdout.endswith("nothing of it is left\n"), removed.stderr
    assert files(second.folder) == set()

    asked = json.loads(moved.trust("--json").stdout)
    assert [step["path"] for step in asked["steps"] if not step["done"]] == [
        str(moved.folder / ".duckdb/extension_repositories/streamliner.duckdb_extension.repo.json")
    ]
    assert moved.trust("--yes").returncode == 0
    assert "a-b" in moved.run("-c", USE).stdout


def written_by_hand(folder: Path) -> set[str]:
    """What the command leaves behind, for a DuckDB that cannot be told whom to trust; the key is none."""
    ours = folder / ".streamliner_udf"
    note = folder / ".duckdb/extension_repositories/streamliner.duckdb_extension.repo.json"
    paths = [
        note,
        folder / ".duckdb/extensions/v2.0.0/linux_amd64/repositories/streamliner/streamliner_udf.duckdb_extension",
        folder / ".duckdb/extensions/v2.0.1/linux_amd64/repositories/streamliner/streamliner_udf.duckdb_extension",
        ours / "repository/v2.0.0/linux_amd64/streamliner_udf.duckdb_extension",
        ours / "key.pem.0123abcd",
        ours / "key.pem",
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    note.write_text(json.dumps({"name": "streamliner", "url": str(ours / "repository"), "public_keys": ["?"]}))
    return {str(path) for path in paths}


def test_removal_goes_by_the_files_alone(home: Home) -> None:
    """With any version of DuckDB; what a stopped run left goes too, other files do not, and the key goes last."""
    written = written_by_hand(home.folder)
    ours = home.folder / ".streamliner_udf"
    for other in (ours / "key.pem.mine", home.folder / ".duckdb/extensions/v2.0.1/linux_amd64/json.duckdb_extension"):
        other.write_text("")
    asked = home.trust("--remove", "--json")
    assert asked.returncode == cli.EXIT_USAGE
    assert files(home.folder) > written
    paths = [step["path"] for step in json.loads(asked.stdout)["steps"]]
    assert paths[-2:] == [str(ours / "key.pem.0123abcd"), str(ours / "key.pem")]
    assert home.trust("--remove", "--yes").returncode == 0
    assert files(home.folder) == {
        str(ours / "key.pem.mine"),
        str(home.folder / ".duckdb/extensions/v2.0.1/linux_amd64/json.duckdb_extension"),
    }


@pytest.mark.skipif(os.name != "posix", reason="links want rights elsewhere")
def test_removal_takes_links_without_what_they_point_to(home: Home) -> None:
    written_by_hand(home.folder)
    repository = home.folder / ".streamliner_udf" / "repository"
    target = repository.rename(home.folder / "target")
    repository.symlink_to(target)
    removed = home.trust("--remove", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert f"  {target}\n      what {repository} points to\n" in removed.stdout
    assert removed.stdout.endswith("nothing else of it is left\n")
    assert files(home.folder) == files(target) != set()
    assert not repository.parent.exists()


@pytest.mark.parametrize("value", [None, "", "relative", "/not/there"])
def test_wants_a_home(home: Home, value: str | None) -> None:
    for name in ("HOME", "USERPROFILE"):
        home.environment.pop(name)
        if value is not None:
            home.environment[name] = value
    for arguments in (("--yes",), ("--remove", "--yes")):
        refused = home.trust(*arguments)
        assert refused.returncode == cli.EXIT_FAILED
        assert "to name your home folder, where DuckDB looks for what you trust, got " in refused.stderr
        assert (repr(value) if value else "nothing") in refused.stderr


@needs_repositories
@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_folder_that_others_can_write_to_is_refused(home: Home) -> None:
    pytest.importorskip("cryptography")
    ours = home.folder / ".streamliner_udf"
    ours.mkdir()
    for mode in (0o770, 0o707):
        ours.chmod(mode)
        refused = home.trust("--yes")
        assert refused.returncode == cli.EXIT_FAILED
        assert f"expected {ours} to be yours" in refused.stderr
        assert f"{mode:o}" in refused.stderr
    ours.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(ours, 12345, -1)
        assert "got user 12345 and 755" in home.trust("--yes").stderr
        os.chown(ours, 0, -1)
    assert home.trust("--yes").returncode == 0
    assert home.trust("--remove", "--yes").returncode == 0
    ours.write_text("")
    assert f"expected {ours} to be a folder" in home.trust("--yes").stderr


def test_no_answer_of_the_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", silent)
    with pytest.raises(streamliner_udf.RegistrationError, match="in a new process, got no answer in 120 s"):
        trust._verify()


def test_without_cryptography_and_before_duckdb_2(home: Home) -> None:
    hidden = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from streamliner_udf import cli\n"
        "sys.exit(cli.main(['trust', '--yes']))"
    )
    refused = home.run("-c", hidden)
    assert refused.returncode == cli.EXIT_FAILED
    wanted = (
        "pip install cryptography"
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
def test_json_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A question that does not say what will be written cannot be answered."""
    pytest.importorskip("cryptography")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("was asked"))
    assert cli.main(["trust", "--json"]) == cli.EXIT_USAGE
    said = capsys.readouterr()
    given = json.loads(said.out)
    assert len(given["steps"]) == 4
    assert given["load"] is None
    assert said.err == "streamliner trust: expected --yes to go on; nothing was changed\n"
    assert files(tmp_path) == set()


@needs_repositories
def test_nothing_is_trusted_without_the_command(home: Home) -> None:
    """Import, connect and register write nothing that DuckDB trusts."""
    assert home.run("-c", REGISTER).returncode == 0
    assert home.run("-c", "import streamliner_udf; streamliner_udf.connect()").returncode == 0
    assert files(home.folder) == set()
    assert streamliner_udf.status().backend is streamliner_udf.Backend.STATIC
