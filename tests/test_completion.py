"""Completion of the command line, in the shells themselves."""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streamliner_udf import cli, completion

pytest.importorskip("shtab")

COMMANDS: dict[str, argparse.ArgumentParser] = next(
    action.choices for action in cli._parser()._actions if isinstance(action.choices, dict)
)
# What an argument is called in the help, where there is nothing to complete.
FREE = {"N", "N,N,N", "NAME", "NAME=FILE", "COLUMN=NAME", "ZONE", "SECONDS", "SIZE"}
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
[[ $(complete -p streamliner) =~ -F\\ ([^ ]+) ]] && "${BASH_REMATCH[1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
PROMPT= RPROMPT= ; autoload -Uz compinit; compinit -u -D
source ./completion.zsh; compdef _shtab_streamliner streamliner
shown() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N shown; bindkey '^X' shown; bindkey '^I' complete-word; print ready
"""


def needs(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shell in completion.SHELLS:
        (tmp_path / f"completion.{shell}").write_text(completion.script(cli._parser(), shell), encoding="utf-8")
    (tmp_path / "work").mkdir()
    (tmp_path / "work/chat.duckdb").touch()
    (tmp_path / "work/exports").mkdir()
    return tmp_path


def bash(folder: Path, *words: str) -> set[str]:
    """What bash offers in place of the last word."""
    command = [needs("bash"), "--norc", "-c", BASH, "bash", "../completion.bash", "streamliner", *words]
    done = subprocess.run(command, cwd=folder / "work", capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def fish(folder: Path, *words: str) -> set[str]:
    code = 'source ../completion.fish; complete -C "$argv"'
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [needs("fish"), "--no-config", "-c", code, " ".join(["streamliner", *words])]
    done = subprocess.run(command, cwd=folder / "work", env=environment, capture_output=True, text=True, check=True)
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("offered", [bash, fish])
def test_everything_of_the_parser_is_offered(offered: Callable[..., set[str]], folder: Path) -> None:
    assert offered(folder, "") >= set(COMMANDS)
    for name, parser in COMMANDS.items():
        options = {option for action in parser._actions for option in action.option_strings if option[:2] == "--"}
        assert offered(folder, name, "--") == options, name
        for action in parser._actions:
            if action.choices and action.option_strings:
                assert offered(folder, name, action.option_strings[-1], "") == set(action.choices), name
    assert offered(folder, "completion", "") >= set(completion.SHELLS)
    assert offered(folder, "ingest", "--mo") == {"--mode"}
    assert offered(folder, "nothing", "--mo") == set()


@pytest.mark.parametrize("offered", [bash, fish])
def test_files_and_folders_are_offered(offered: Callable[..., set[str]], folder: Path) -> None:
    for words in (["doctor", "--database"], ["ingest"], ["tune"], ["demo"]):
        assert offered(folder, *words, "ch") == {"chat.duckdb"}, words
    assert {name.rstrip("/") for name in offered(folder, "scale", "--folder", "")} == {"exports"}


def test_zsh_completes(folder: Path) -> None:
    """Typed at a terminal, because zsh completes nowhere else: a word, the tab, and what the line then is."""
    program = needs("zsh")
    leader, follower = pty.openpty()
    environment = {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb"}
    zsh = subprocess.Popen(
        [program, "-f", "-i"], cwd=folder, env=environment, stdin=follower, stdout=follower, stderr=follower,
        start_new_session=True,
    )  # fmt: skip
    os.close(follower)

    def until(text: str) -> str:
        found, deadline = "", time.monotonic() + 30
        while text not in found and time.monotonic() < deadline:
            if select.select([leader], [], [], 1)[0]:
                found += os.read(leader, 4096).decode("utf-8", "replace")
        assert text in found, found
        return found

    try:
        os.write(leader, (ZSH + "cd work\n").encode())
        until("\nready")
        for typed, line in (
            ("streamliner ing", "streamliner ingest "),
            ("streamliner ingest --mod", "streamliner ingest --mode "),
            ("streamliner ingest --mode me", "streamliner ingest --mode merge "),
            ("streamliner tune --objective thr", "streamliner tune --objective throughput "),
            ("streamliner doctor --database ch", "streamliner doctor --database chat.duckdb "),
            ("streamliner scale --folder e", "streamliner scale --folder exports/"),
            ("streamliner completion fi", "streamliner completion fish "),
        ):
            os.write(leader, f"{typed}\t\x18".encode())
            until(f"<{line}>")
    finally:
        zsh.kill()
        zsh.wait()
        os.close(leader)


def test_every_argument_is_known_to_be_a_file_or_none() -> None:
    """An argument with a new name in the help has to be put somewhere."""
    for name, parser in COMMANDS.items():
        for action in parser._actions:
            if action.nargs != 0 and not action.choices and completion._completes(action) is None:
                assert action.metavar in FREE, (name, action.metavar)


def test_without_shtab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bash"]) == cli.EXIT_OK
    assert "complete " in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == cli.EXIT_FAILED
    assert "expected shtab to be installed" in capsys.readouterr().err
