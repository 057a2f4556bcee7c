"""Exports that nobody wrote, of any size: synthetic WhatsApp chats, and their messages as other apps write them.

    telegram(path, 1_000_000)

Equal arguments, equal files. Each function writes what the app's own exporter does, indentation and escapes included,
and returns how many bytes that is.
"""

from __future__ import annotations

import csv
import datetime
import email.header
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from streamliner_udf.ingest.synthetic import generate_whatsapp, iter_whatsapp

_FIRST = datetime.datetime(2024, 3, 5, 9, 15)
_PART = 10_000
_CHANNELS = 40


@dataclass
class Message:
    """A message before it is in any format. `media` is a file name; `author` is empty for a message of the app."""

    number: int
    time: datetime.datetime
    author: str
    text: str
    media: str


def messages(count: int, seed: int) -> Iterator[Message]:
    rng, time = random.Random(seed), _FIRST
    for number, line in enumerate(iter_whatsapp(count, seed)):
        _, _, rest = line[:-1].partition(" - ")
        author, found, text = rest.partition(": ")
        if not found:
            author, text = "", rest
        media, attached, caption = text.partition(" (file attached)")
        if not attached:
            media, caption = "", text
        elif caption:
            caption = caption[1:]
        yield Message(number, time, author, caption, media)
        time += datetime.timedelta(seconds=int(rng.expovariate(1 / 75)) + 1)


def _identity(name: str) -> int:
    return 100_000_000 + zlib.crc32(name.encode())


def _unix(time: datetime.datetime) -> int:
    return int(time.replace(tzinfo=datetime.UTC).timestamp())


def _write_array(path: Path, start: str, items: Iterator[str], stop: str, between: str = ",\n") -> int:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(start)
        for number, item in enumerate(items):
            file.write((between if number else "") + item)
        file.write(stop)
        return file.tell()


# ---- telegram ------------------------------------------------------------------------------------------------------


def _telegram_text(text: str) -> Any:
    """A text with links and names in it is a list of its parts."""
    words = text.split(" ")
    special = [n for n, word in enumerate(words) if word.startswith(("https://", "@"))]
    if not special:
        return text
    parts: list[Any] = []
    for number, word in enumerate(words):
        plain = word if number in special else (" " if number else "") + word
        if number in special:
            parts += [" "] if number else []
            parts.append({"type": "link" if word.startswith("h") else "mention", "text": plain})
        elif parts and isinstance(parts[-1], str):
            parts[-1] += plain
        else:
            parts.append(plain)
    return parts


def _telegram(message: Message) -> dict[str, Any]:
    unix = _unix(message.time)
    found: dict[str, Any] = {"id": message.number + 1, "type": "message" if message.author else "service"}
    found |= {"date": message.time.isoformat(), "date_unixtime": str(unix)}
    if not message.author:
        found |= {"actor": "Ana Silva", "actor_id": f"user{_identity('Ana Silva')}", "action": "invite_members"}
        return found | {"members": [message.text.split(" ")[0]], "text": "", "text_entities": []}
    if message.number % 50 == 7:
        found |= {"edited": message.time.isoformat(), "edited_unixtime": str(unix + 60)}
    found |= {"from": message.author, "from_id": f"user{_identity(message.author)}"}
    if message.number % 9 == 4:
        found["reply_to_message_id"] = max(1, message.number - 3)
    if message.media:
        found |= {"file": f"files/{message.media}", "file_name": message.media, "mime_type": "application/octet-stream"}
    text = _telegram_text(message.text)
    whole = [text] if isinstance(text, str) else text
    entities = [{"type": "plain", "text": part} if isinstance(part, str) else part for part in whole if part]
    return found | {"text": text, "text_entities": entities}


def telegram(path: Path, count: int, seed: int = 7) -> int:
    """`result.json` of one chat, indented as Telegram Desktop does."""
    start = '{\n "name": "Family",\n "type": "private_supergroup",\n "id": 1234567890,\n "messages": [\n  '
    items = (
        json.dumps(_telegram(message), ensure_ascii=False, indent=1).replace("\n", "\n  ")
        for message in messages(count, seed)
    )
    return _write_array(path, start, items, "\n ]\n}", ",\n  ")


# ---- discord -------------------------------------------------------------------------------------------------------


def _snowflake(message: Message) -> str:
    return str((_unix(message.time) * 1000 - 1_420_070_400_000 << 22) + message.number % 4096)


def _discord(message: Message, answered: str) -> dict[str, Any]:
    author = message.author or "Ana Silva"
    kind = "GuildMemberJoin" if not message.author else "Reply" if message.number % 9 == 4 else "Default"
    found: dict[str, Any] = {"id": _snowflake(message), "type": kind, "timestamp": f"{message.time.isoformat()}+00:00"}
    found |= {"timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": message.text}
    found["author"] = {
        "id": str(_identity(author) << 24),
        "name": author.lower().replace(" ", "."),
        "discriminator": "0000",
        "nickname": author,
        "color": None,
        "isBot": False,
        "roles": [],
        "avatarUrl": f"https://cdn.discordapp.com/embed/avatars/{message.number % 5}.png",
    }
    url = f"https://cdn.discordapp.com/attachments/1/2/{message.media}"
    files = [{"id": f"{message.number}", "url": url, "fileName": message.media, "fileSizeBytes": 12345}]
    found |= {
        "attachments": files if message.media else [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
    }
    if kind == "Reply":
        found["reference"] = {"messageId": answered, "channelId": "222", "guildId": "111"}
    return found | {"inlineEmojis": []}


def discord(path: Path, count: int, seed: int = 7) -> int:
    """One channel, indented as DiscordChatExporter does."""
    guild = {"id": "111", "name": "Neighbours", "iconUrl": "https://cdn.discordapp.com/embed/avatars/0.png"}
    channel = {
        "id": "222",
        "type": "GuildTextChat",
        "categoryId": "3",
        "category": "Text",
        "name": "general",
        "topic": None,
    }
    header = {"guild": guild, "channel": channel, "dateRange": {"after": None, "before": None}}
    start = json.dumps(header | {"exportedAt": "2026-03-05T09:15:00+00:00"}, indent=2)[:-2] + ',\n  "messages": [\n    '

    def items() -> Iterator[str]:
        last = "1"
        for message in messages(count, seed):
            yield json.dumps(_discord(message, last), ensure_ascii=False, indent=2).replace("\n", "\n    ")
            last = _snowflake(message)

    return _write_array(path, start, items(), f'\n  ],\n  "messageCount": {count}\n}}', ",\n    ")


# ---- slack ---------------------------------------------------------------------------------------------------------


def _slack_markup(text: str, users: list[str], rng: random.Random) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if "https://" in text:
        text = " ".join(f"<{word}>" if word.startswith("https://") else word for word in text.split(" "))
    return f"<@{rng.choice(users)}> {text}" if rng.random() < 0.1 else text


def slack(path: Path, count: int, seed: int = 7) -> int:
    """The archive of a workspace of 40 channels."""
    rng = random.Random(seed)
    users: dict[str, str] = {}
    channels = [{"id": f"C{number:09}", "name": f"channel-{number}"} for number in range(_CHANNELS)]
    days: dict[str, list[str]] = {}
    for message in messages(count, seed):
        author = message.author or "Ana Silva"
        user = users.setdefault(author, f"U{_identity(author):010}")
        channel = channels[rng.randrange(_CHANNELS)]["name"]
        ts = f"{_unix(message.time)}.{message.number % 1_000_000:06}"
        found: dict[str, Any] = {"type": "message", "user": user, "ts": ts, "team": "T000000001"}
        found["text"] = _slack_markup(message.text, list(users.values())[:50], rng)
        if not message.author:
            found["subtype"] = "channel_join"
        if message.media:
            found["files"] = [{"id": f"F{message.number}", "name": message.media, "mode": "hosted", "size": 12345}]
        element = {"type": "text", "text": message.text}
        block = {"type": "rich_text_section", "elements": [element]}
        found["blocks"] = [{"type": "rich_text", "block_id": f"{message.number:x}", "elements": [block]}]
        days.setdefault(f"{channel}/{message.time:%Y-%m-%d}.json", []).append(json.dumps(found, indent=4))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        people = [{"id": key, "name": name, "profile": {"display_name": name}} for name, key in users.items()]
        archive.writestr("users.json", json.dumps(people))
        archive.writestr("channels.json", json.dumps(channels))
        for name, found_messages in days.items():
            archive.writestr(name, "[\n" + ",\n".join(found_messages) + "\n]")
        return sum(info.file_size for info in archive.infolist())


# ---- messenger -----------------------------------------------------------------------------------------------------


def _as_latin1(text: str) -> str:
    return text.encode().decode("latin-1")


def _messenger(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"sender_name": _as_latin1(message.author or "Ana Silva")}
    found["timestamp_ms"] = _unix(message.time) * 1000 + message.number % 1000
    if message.text:
        found["content"] = _as_latin1(message.text)
    if message.media:
        uri = f"your_facebook_activity/messages/inbox/family_1/photos/{message.media}"
        found["photos"] = [{"uri": uri, "creation_timestamp": _unix(message.time)}]
    return found | {"is_geoblocked_for_viewer": False, "is_unsent_image_by_messenger_kid_parent": False}


def messenger(path: Path, count: int, seed: int = 7) -> int:
    """A folder with the files of one thread, 10,000 messages each, the newest in the first."""
    folder = path / "your_facebook_activity" / "messages" / "inbox" / "family_1"
    folder.mkdir(parents=True, exist_ok=True)
    found = [json.dumps(_messenger(message), indent=2).replace("\n", "\n    ") for message in messages(count, seed)]
    found.reverse()
    size = 0
    for number in range(0, len(found), _PART):
        start = '{\n  "participants": [\n    {\n      "name": "Ana"\n    }\n  ],\n  "messages": [\n    '
        stop = '\n  ],\n  "title": "Family",\n  "is_still_participant": true,\n  "thread_path": "inbox/family_1"\n}'
        part = folder / f"message_{number // _PART + 1}.json"
        size += _write_array(part, start, iter(found[number : number + _PART]), stop, ",\n    ")
    return size


def instagram(path: Path, count: int, seed: int = 7) -> int:
    """The same in the folders of Instagram."""
    size = messenger(path, count, seed)
    (path / "your_facebook_activity").rename(path / "your_instagram_activity")
    return size


# ---- signal --------------------------------------------------------------------------------------------------------


def signal(path: Path, count: int, seed: int = 7) -> int:
    """`chat.md` of signal-export."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for message in messages(count, seed):
            file.write(f"[{message.time:%Y-%m-%d %H:%M:%S}] {message.author or 'No-Sender'}: {message.text}  \n")
    return path.stat().st_size


# ---- whatsapp --------------------------------------------------------------------------------------------------------


def whatsapp(path: Path, count: int, seed: int = 7) -> int:
    """A chat as Android writes it."""
    return path.write_text(generate_whatsapp(count, seed), encoding="utf-8")


def whatsapp_zip(path: Path, count: int, seed: int = 7) -> int:
    """The same as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("WhatsApp Chat with Family.txt", text := generate_whatsapp(count, seed))
    return len(text.encode())


# ---- tables ----------------------------------------------------------------------------------------------------------


def _rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    for message in messages(count, seed):
        found = {"id": message.number, "timestamp": message.time.isoformat(sep=" ")}
        yield found | {"sender": message.author or None, "message": message.text}


def csv_table(path: Path, count: int, seed: int = 7) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("id", "timestamp", "sender", "message"))
        writer.writeheader()
        writer.writerows(_rows(count, seed))
    return path.stat().st_size


def jsonl(path: Path, count: int, seed: int = 7) -> int:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(count, seed))
    return path.stat().st_size


def parquet(path: Path, count: int, seed: int = 7) -> int:
    rows = path.with_suffix(".rows")
    jsonl(rows, count, seed)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json('{rows}', format = 'newline_delimited')) TO '{path}' (FORMAT parquet)"
        )
    rows.unlink()
    return path.stat().st_size


# ---- mbox ------------------------------------------------------------------------------------------------------------


def mbox(path: Path, count: int, seed: int = 7) -> int:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for message in messages(count, seed):
            name = message.author or "Ana Silva"
            body = re.sub("(?m)^From ", ">From ", message.text)
            file.write(
                f"From user{_identity(name)}@example.org {message.time:%a %b %e %H:%M:%S %Y}\n"
                f"From: {email.header.Header(name, 'utf-8').encode()} <user{_identity(name)}@example.org>\n"
                f"Date: {message.time:%a, %d %b %Y %H:%M:%S} +0000\nMessage-ID: <{message.number}@example.org>\n"
                'Subject: Family\nMIME-Version: 1.0\nContent-Type: text/plain; charset="utf-8"\n'
                f"Content-Transfer-Encoding: 8bit\n\n{body}\n\n"
            )
    return path.stat().st_size


@dataclass(frozen=True)
class Format:
    """How a file of the format is called, and what makes it."""

    filename: str
    make: Callable[[Path, int, int], int]


FORMATS: dict[str, Format] = {
    "whatsapp": Format("WhatsApp Chat with Family.txt", whatsapp),
    "whatsapp zip": Format("WhatsApp Chat with Family.zip", whatsapp_zip),
    "telegram": Format("result.json", telegram),
    "discord": Format("Neighbours - general.json", discord),
    "slack": Format("workspace.zip", slack),
    "messenger": Format("messenger", messenger),
    "instagram": Format("instagram", instagram),
    "signal": Format("chat.md", signal),
    "mbox": Format("family.mbox", mbox),
    "csv": Format("chat.csv", csv_table),
    "jsonl": Format("chat.jsonl", jsonl),
    "parquet": Format("chat.parquet", parquet),
}
