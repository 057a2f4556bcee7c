"""Chat exports of any volume, whose every chat is new: its own seed, its own weeks, its own texts.

More volume is more chats, as it is with people. Copies of what is there already would flatter dictionaries, caches and
everything that looks for duplicates.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..ingest.synthetic import iter_whatsapp

__all__ = ["NEAR", "REPLIES", "RESENT", "chat_messages", "make_chats"]

# Shares of the messages that repeat others; the mix is the same in every chat, so that the ratio of duplicates stays.
REPLIES, RESENT, NEAR = 0.12, 0.04, 0.04
_REPLY_WORDS = """
    ok|yes|no|haha|thanks!|good morning|good night|👍|😂😂😂|on my way|call me|see you tomorrow|sure|lol|obrigado
    |bom dia|boa noite|kkkkk|sim|não|beleza|combinado|what time?|where are you?|happy birthday!|congratulations 🎉
    |no problem|great idea|me too|let me check|will do|sounds good|sorry, I can't|one moment|already there|maybe later
    |who is coming?
"""
_REPLIES = ["".join(reply.split("\n")).strip() for reply in _REPLY_WORDS.split("|")]
_REMEMBERED = 2_000
_LEAST_WORDS = 8
_FIRST_DAY = datetime.datetime(2021, 1, 4, 7, 30)
_DAYS_BETWEEN = 11

Progress = Callable[[str, int, int], object]


def _changed(text: str, rng: random.Random) -> str:
    """The text with a word more, less or another."""
    words = text.split(" ")
    place = rng.randrange(len(words))
    change = rng.random()
    if change < 0.4:
        words.insert(place, rng.choice(words))
    elif change < 0.7:
        del words[place]
    else:
        words[place] = f"{rng.choice(words)}{rng.randrange(100)}"
    return " ".join(words)


def chat_messages(number: int, messages: int, seed: int) -> Iterator[str]:
    """The messages of one chat, each with its header and its end of line. Equal arguments, equal text.

    Of the texts REPLIES are one of a few that everybody writes, RESENT were sent before in the chat, and NEAR were sent
    before and have a word changed.
    """
    rng = random.Random(f"{seed}:{number}")
    start = _FIRST_DAY + datetime.timedelta(days=_DAYS_BETWEEN * number, seconds=rng.randrange(86_400))
    remembered: list[str] = []
    for line in iter_whatsapp(messages, rng.getrandbits(64), start=start):
        head, author, text = line.removesuffix("\n").partition(": ")
        if not author or "\n" in text:
            yield line
            continue
        kind = rng.random()
        if kind < REPLIES:
            text = rng.choice(_REPLIES)
        elif remembered and kind < REPLIES + RESENT:
            text = rng.choice(remembered)
        elif remembered and kind < REPLIES + RESENT + NEAR:
            text = _changed(rng.choice(remembered), rng)
        elif text.count(" ") >= _LEAST_WORDS:
            if len(remembered) < _REMEMBERED:
                remembered.append(text)
            else:
                remembered[rng.randrange(_REMEMBERED)] = text
        yield f"{head}: {text}\n"


def _path(folder: Path, number: int) -> Path:
    return folder / f"WhatsApp Chat with Group {number:05}.txt"


def _write(folder: Path, number: int, messages: int, seed: int) -> int:
    path = _path(folder, number)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(chat_messages(number, messages, seed))
    return path.stat().st_size


def make_chats(
    folder: Path, messages: int, chat: int, seed: int, processes: int = 1, progress: Progress | None = None
) -> list[tuple[Path, int, int]]:
    """Files of `chat` messages each, `messages` in all; path, messages and bytes of each, in order.

    The first files are the same whatever comes after them, so that one folder serves every volume.
    """
    counts = [min(chat, messages - first) for first in range(0, messages, chat)]
    tell = progress or (lambda label, done, total: None)
    processes = min(processes, len(counts))
    # Not multiprocessing, which would run the caller's script once more in each of its processes.
    command = [sys.executable, "-P", "-c", f"from {__name__} import main; main()"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    workers: list[subprocess.Popen[str]] = []
    with contextlib.ExitStack() as stack:
        for first in range(1, processes):
            tasks = [(str(folder), number, counts[number], seed) for number in range(first, len(counts), processes)]
            worker = subprocess.Popen([*command, json.dumps(tasks)], stdout=subprocess.PIPE, text=True, env=environment)
            stack.enter_context(worker)
            stack.callback(worker.kill)
            workers.append(worker)
        for number in range(0, len(counts), max(processes, 1)):
            tell("writing chats", number, len(counts))
            _write(folder, number, counts[number], seed)
        for worker in workers:
            worker.communicate()
            if worker.returncode:
                raise OSError(f"scale: a process that writes chats ended with status {worker.returncode}")
    return [(_path(folder, number), count, _path(folder, number).stat().st_size) for number, count in enumerate(counts)]


def main() -> None:
    """Writes the chats that another process of make_chats has given this one."""
    for folder, *task in json.loads(sys.argv[1]):
        _write(Path(folder), *task)
