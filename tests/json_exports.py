"""Small exports in JSON, as their apps write them, with invented people."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

UNIX = 1709630102
DATE = "2024-03-05T09:15:{:02}"


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


# ---- telegram ------------------------------------------------------------------------------------------------------


def telegram_text(number: int, text: str, /, **more: Any) -> dict[str, Any]:
    when = {"date": DATE.format(number % 60), "date_unixtime": str(UNIX + number)}
    return {"id": number, "type": "message", **when, "from": "Ana", "from_id": "user1", "text": text} | more


def telegram_service(number: int, **more: Any) -> dict[str, Any]:
    when = {"date": DATE.format(number % 60), "date_unixtime": str(UNIX + number)}
    return {"id": number, "type": "service", **when, "actor": "Ana", "actor_id": "user1", "text": ""} | more


def telegram(messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"name": "Family", "type": "private_group", "id": 77} | more | {"messages": messages}


# ---- discord -------------------------------------------------------------------------------------------------------


def discord_text(number: int, text: str, /, **more: Any) -> dict[str, Any]:
    author = {"id": "4", "name": "ana.s", "discriminator": "0000", "nickname": "Ana", "isBot": False}
    found: dict[str, Any] = {
        "id": f"7{number}",
        "type": "Default",
        "timestamp": f"2024-03-05T09:15:{number % 60:02}+00:00",
    }
    found |= {
        "timestampEdited": None,
        "content": text,
        "author": author,
        "attachments": [],
        "embeds": [],
        "stickers": [],
    }
    return found | more


def discord(messages: list[dict[str, Any]]) -> dict[str, Any]:
    guild = {"id": "111", "name": "Neighbours", "iconUrl": "https://ex.org/0.png"}
    channel = {
        "id": "222",
        "type": "GuildTextChat",
        "categoryId": "3",
        "category": "Text",
        "name": "general",
        "topic": None,
    }
    return {
        "guild": guild,
        "channel": channel,
        "dateRange": {"after": None},
        "messages": messages,
        "messageCount": len(messages),
    }


# ---- slack ---------------------------------------------------------------------------------------------------------


def slack_text(number: int, text: str, /, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "text": text, "ts": f"{UNIX}.{number:06}"} | more


def slack(path: Path) -> Path:
    """The archive of a workspace with all that can be in one."""
    users = [
        {"id": "U1", "name": "ana", "real_name": "Ana S", "profile": {"display_name": "Ana é", "real_name": "Ana S"}},
        {"id": "U2", "name": "bo", "deleted": True, "profile": {"display_name": ""}},
    ]
    general = [
        slack_text(100, "<@U1> has joined the channel", subtype="channel_join"),
        slack_text(
            200,
            "a &lt; b &amp; c &gt; d, <@U2> and <@U9>, see <#C1> and <#C7|old>",
            thread_ts=f"{UNIX}.000100",
            edited={"user": "U2", "ts": f"{UNIX}.000300"},
        ),
        slack_text(
            300,
            "<!here> <https://ex.org/?a=1&amp;b=2> <https://ex.org|site> <http://ex.org/x|ex.org/x> "
            "<mailto:mail@ex.org|mail@ex.org> <!subteam^S1|@team>",
            user="U2",
            thread_ts=f"{UNIX}.000300",
        ),
        slack_text(400, "gone user", user="U9"),
        slack_text(500, "", files=[{"id": "F1", "name": "a.png"}, {"id": "F2", "name": "b.png"}], subtype="file_share"),
        slack_text(600, "", files=[{"id": "F3", "mode": "hidden_by_limit"}]),
        {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": "B1",
            "username": "deploy",
            "text": "",
            "ts": f"{UNIX}.000700",
        }
        | {"attachments": [{"fallback": "short", "text": "built"}]},
        {"type": "reminder", "ts": f"{UNIX}.000750"},
        {"type": "message", "text": "no id"},
    ]
    second = [
        slack_text(800, "connect", user="U8", user_profile={"display_name": "Guest"}),
        slack_text(900, "This message was deleted.", subtype="tombstone"),
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", encoded(users))
        archive.writestr("channels.json", encoded([{"id": "C1", "name": "general"}, {"id": "C2", "name": "empty"}]))
        archive.writestr("dms.json", encoded([{"id": "D1", "members": ["U1", "U2"]}]))
        archive.writestr("integration_logs.json", b"[]")
        archive.writestr("general/2024-03-06.json", encoded(second)[:-1] + b', {"type": "mess')
        archive.writestr("general/2024-03-05.json", json.dumps(general, indent=4))
        archive.writestr("general/2024-03-07.json", b"[]")
        archive.writestr("D1/2024-03-05.json", encoded([slack_text(100, "psst", user="U2")]))
        archive.writestr("lost/2024-03-05.json", encoded([slack_text(100, "no channel of that name")]))
    return path


# ---- messenger and instagram ---------------------------------------------------------------------------------------


def messenger_text(number: int, text: str, /, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"sender_name": "Zo\xc3\xab", "timestamp_ms": (UNIX + number) * 1000}
    return found | ({"content": text} if text else {}) | more


def messenger(title: str, thread: str, texts: list[str]) -> dict[str, Any]:
    """The newest first; equal texts come at one time, as far as they are beside each other."""
    times = {text: number for number, text in enumerate(dict.fromkeys(["a", "ok", "b", *texts]))}
    messages = [messenger_text(times[text], text) for text in reversed(texts)]
    return {"participants": [{"name": title}], "messages": messages, "title": title, "thread_path": thread}


def meta(path: Path, parent: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for thread in ("ana_1", "bo_2"):
            document = messenger(thread, f"inbox/{thread}", ["first", "second"])
            archive.writestr(f"{parent}/messages/inbox/{thread}/message_1.json", encoded(document))
        archive.writestr(f"{parent}/messages/inbox/ana_1/photos/1.jpg", b"\xff\xd8")
    return path


# ---- all -----------------------------------------------------------------------------------------------------------


def write_all(folder: Path) -> dict[str, Path]:
    """A file or archive of each kind; the first word of its name is the adapter's."""
    one = telegram([telegram_text(1, "hi"), telegram_service(2, action="pin_message"), telegram_text(3, "ho")])
    account = {
        "about": "Here is the data you requested. Remember: Telegram is free.",
        "chats": {"about": "", "list": [one]},
    }
    whatsapp = '05/03/2024, 09:15 - Ana: hi\n05/03/2024, 09:16 - Bo: {"messages": []}\n'
    documents = {
        "telegram one.json": encoded(one),
        "telegram account.json": encoded(account),
        "telegram indented.json": json.dumps(one, indent=1).encode(),
        "discord channel.json": json.dumps(discord([discord_text(1, "hi"), discord_text(2, "ho")]), indent=2).encode(),
        "slack day.json": json.dumps([slack_text(1, "hi"), slack_text(2, "ho")], indent=4).encode(),
        "messenger message_1.json": json.dumps(messenger("Ana", "inbox/ana_1", ["x", "y"]), indent=2).encode(),
        "whatsapp chat.txt": whatsapp.encode(),
    }
    made = {}
    for name, content in documents.items():
        made[name] = folder / name
        made[name].write_bytes(content)
    made["slack space.zip"] = slack(folder / "slack space.zip")
    made["messenger account.zip"] = meta(folder / "messenger account.zip", "your_facebook_activity")
    made["instagram account.zip"] = meta(folder / "instagram account.zip", "your_instagram_activity")
    return made
