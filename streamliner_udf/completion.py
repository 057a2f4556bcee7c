"""Completion of `streamliner` in a shell, made by shtab from the parser of the command line.

shtab is needed once, to print the script, and not when the shell completes.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish")
# Arguments that name files and are no Path: patterns, and SQL that may be in a file.
_FILES = ("PATH", "SQL")
_FOLDERS = ("FOLDER", "DIR")


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of the parser and of all its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _completes(action: argparse.Action) -> str | None:
    """What shtab calls that which the shell itself completes: "FILE", "DIRECTORY", or nothing."""
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if name in _FOLDERS:
        return "DIRECTORY"
    return "FILE" if action.type is Path or name in _FILES else None


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What the shell has to read so that it completes commands, options, their choices, and files.

    Errors : ImportError where shtab is not installed.
    """
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise ImportError(
            "completion: expected shtab to be installed, which writes these scripts; "
            "pip install 'streamliner_udf[completion]'"
        ) from None
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):
            for shown in action._choices_actions:  # the short words beside a command, in place of its description
                action.choices[shown.dest].description = shown.help
        if kind := _completes(action):
            action.complete = getattr(shtab, kind)  # type: ignore[attr-defined]  # where shtab looks
    return str(shtab.complete(parser, shell=shell))
