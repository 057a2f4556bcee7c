"""Slack: the export of a workspace, an archive or folder with a folder for each channel, a file in it for each day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamliner_udf import JsonItems

from .adapter import Chat, LoadOptions, Skipped, Source, shown
from .json_export import Layout, Part, Parts, text_of, what_follows

__all__ = ["SlackAdapter"]

_DAY = re.compile(r"(?:^|/)\d{4}-\d\d-\d\d\.json$")
_START = re.compile(rb"\s*\[\s*(?:\{|\])")
_MESSAGE = (re.compile(rb'"type"\s*:\s*"message"'), re.compile(rb'"ts"\s*:\s*"\d+\.\d+"'))
_HEAD = 1 << 14
_USERS = ("users.json", "org_users.json")
_CHANNELS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_OTHERS = ("canvases.json", "integration_logs.json")  # beside them, without messages
# What refers to a user or a channel; and links that are called by their own address.
_REFERENCE = re.compile(
    rb'<(?:@([A-Z0-9]+)(?:\|[^<>"]*)?>|#([A-Z0-9]+)\|?>|(?:https?:(?:\\?/){2}|mailto:|tel:)([^<>|"]+)\|\3>)'
)
# Some programs that write exports spell < > & as numbers.
_SPELLED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00(3[ceCE]|26)")
_AUTHOR = re.compile(rb'"user"\s*:\s*"([A-Z0-9]+)"')

_FIELDS = {
    "thread": "^thread",
    "chat": "^chat",
    "type": "type",
    "subtype": "subtype",
    "sent": "ts",
    "started": "thread_ts",
    "changed": "edited.ts",
    "body": "text",
    "who": "user",
    "who_is": "user_is",
    "known_as": "user_profile.display_name",
    "real_name": "user_profile.real_name",
    "username": "username",
    "bot": "bot_id",
    "bot_name": "bot_profile.name",
    "files": "files.name",
    "file_ids": "files.id",
    "attached": "attachments.text",
    "attached_short": "attachments.fallback",
    "blocks": "blocks.text.text",
}
_TIME = "CAST(CAST(TRY_CAST(sent AS DECIMAL(16, 6)) AS DECIMAL(22, 6)) * 1000000 AS BIGINT)"
# Mentions of users that the export does not list, and what else is between < and >.
_MARKS = (
    (r"<@[A-Z0-9]+\|@?([^<>]*)>", r"@\1"),
    (r"<@([^<>|]*)>", r"@\1"),
    (r"<#[A-Z0-9]+\|([^<>]+)>", r"#\1"),
    (r"<#([^<>|]*)\|?>", r"#\1"),
    (r"<!subteam\^[^<>|]*\|@?([^<>]*)>", r"@\1"),
    (r"<!(here|channel|everyone)(?:\|[^<>]*)?>", r"@\1"),
    (r"<![^<>|]*\|([^<>]*)>", r"\1"),
    (r"<!([^<>|]*)>", r"@\1"),
    (r"<([^<>|]+)\|([^<>]+)>", r"\2 (\1)"),
    (r"<([^<>|]+)\|?>", r"\1"),
)


def _decoded(text: str) -> str:
    """SQL: what a person saw of a text in Slack's markup; links as `label (address)`."""
    marks = text
    for pattern, replacement in _MARKS:
        marks = f"regexp_replace({marks}, '{pattern}', '{replacement}', 'g')"
    marked = f"CASE WHEN contains({text}, '<') THEN {marks} ELSE {text} END"
    plain = f"replace(replace(replace({marked}, '&lt;', '<'), '&gt;', '>'), '&amp;', '&')"
    return f"CASE WHEN contains({text}, '<') OR contains({text}, '&') THEN {plain} ELSE {text} END"


# An app may put all of a message into what is attached, or into blocks.
_BODY = "coalesce(nullif(body, ''), nullif(attached, ''), nullif(attached_short, ''), nullif(blocks, ''), '')"
_TALK = (
    "'bot_message', 'me_message', 'thread_broadcast', 'reply_broadcast', 'file_share', 'file_comment', "
    "'slackbot_response', 'assistant_app_thread'"
)
_CALLS = "'huddle_thread', 'sh_room_created', 'channel_huddle'"

LAYOUT = Layout(
    _FIELDS,
    {
        "seq": "place",
        "thread": "thread",
        "chat": "chat",
        # The export has the time in UTC only.
        "ts": f"make_timestamp({_TIME})",
        "ts_utc": f"to_timestamp(({_TIME}) / 1000000.0)",
        "author": "coalesce(nullif(who_is, ''), nullif(known_as, ''), nullif(real_name, ''), nullif(username, ''), "
        "nullif(bot_name, ''), who, bot)",
        "text": _decoded(_BODY),
        "kind": f"CASE WHEN subtype = 'tombstone' THEN 'deleted' WHEN subtype IN ({_CALLS}) THEN 'call' "
        f"WHEN subtype IS NOT NULL AND subtype NOT IN ({_TALK}) THEN 'system' "
        "WHEN nullif(files, '') IS NOT NULL THEN 'attachment' WHEN file_ids IS NOT NULL THEN 'omitted' "
        f"WHEN {_BODY} = '' THEN 'empty' ELSE 'text' END",
        "edited": "changed IS NOT NULL",
        "media": "nullif(files, '')",
        "reply_to": "CASE WHEN started <> sent THEN started END",
        "native_id": "sent",
        "author_id": "coalesce(who, bot)",
    },
    "CASE WHEN coalesce(type, '') <> 'message' THEN concat('type ', left(coalesce(type, 'missing'), 40)) "
    f"WHEN coalesce(sent, '') = '' THEN 'no id' WHEN {_TIME} IS NULL THEN 'no date' END",
    known_as="'ts ' || nullif(sent, '')",
)


@dataclass
class _Workspace:
    """Who and what an export names."""

    users: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)  # by id, what people call it
    folders: dict[str, str] = field(default_factory=dict)  # id of the channel whose folder it is
    authors: dict[bytes, bytes] = field(default_factory=dict)  # names by id, as they stand in JSON
    mentions: dict[bytes, bytes] = field(default_factory=dict)  # of users and channels, as they stand in a text
    warnings: list[str] = field(default_factory=list)

    def add_users(self, listed: list[dict[str, Any]]) -> None:
        for user in listed:
            profile = user.get("profile")
            names = [profile.get("display_name"), profile.get("real_name")] if isinstance(profile, dict) else []
            names += [user.get("real_name"), user.get("name")]
            name = next((text_of(one) for one in names if text_of(one)), "")
            if text_of(user.get("id")) and name:
                self.users[text_of(user["id"])] = name
                self.authors[text_of(user["id"]).encode("utf-8", "replace")] = json.dumps(name).encode()
                self._mention(text_of(user["id"]), name)

    def add_channels(self, listed: list[dict[str, Any]]) -> None:
        for channel in listed:
            identity, name = text_of(channel.get("id")), text_of(channel.get("name"))
            if not identity:
                continue
            members = channel.get("members")
            people = (
                [self.users.get(text_of(one), text_of(one)) for one in members] if isinstance(members, list) else []
            )
            self.channels[identity] = name or ", ".join(people) or identity
            self._mention(identity, self.channels[identity])
            self.folders[name or identity] = identity
            self.folders.setdefault(identity, identity)

    def _mention(self, identity: str, name: str) -> None:
        escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self.mentions[identity.encode("utf-8", "replace")] = json.dumps(escaped)[1:-1].encode()

    def named(self, messages: bytes) -> bytes:
        """Messages with the names of those that they mention, and of who wrote them as `user_is`."""
        authors, mentions = self.authors, self.mentions

        def refer(found: re.Match[bytes]) -> bytes:
            mentioned, room, address = found.groups()
            if address is not None:
                return address
            name = mentions.get(mentioned or room)
            return found[0] if name is None else (b"@" if mentioned is not None else b"#") + name

        def sign(found: re.Match[bytes]) -> bytes:
            name = authors.get(found[1])
            return found[0] if name is None else found[0] + b',"user_is":' + name

        def spell(found: re.Match[bytes]) -> bytes:
            return found[1] + bytes.fromhex(found[2].decode())

        if b"\\u003" in messages:
            messages = _SPELLED.sub(spell, messages)
        return _AUTHOR.sub(sign, _REFERENCE.sub(refer, messages))


def _records(source: Source) -> list[dict[str, Any]] | None:
    """The objects of a file that is an array; None where it is something else."""
    try:
        found = json.loads(source.read(), strict=False)
    except (ValueError, RecursionError):
        return None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def _workspace(root: str, members: dict[str, Source]) -> _Workspace:
    workspace = _Workspace()
    for file, add in [
        *((name, workspace.add_users) for name in _USERS),
        *((n, workspace.add_channels) for n in _CHANNELS),
    ]:
        if (member := members.get(root + file)) is not None:
            listed = _records(member)
            if listed is None:
                workspace.warnings.append(f"{file} is no list: what it names stays an id")
            else:
                add(listed)
    return workspace


def _is_day(source: Source) -> bool:
    head = source.head(_HEAD)
    return bool(_START.match(head)) and all(pattern.search(head) for pattern in _MESSAGE)


class SlackAdapter:
    """An export is all its channels, each known by its id; a message by its `ts` within the channel."""

    name = "slack"

    def sniff(self, source: Source) -> float:
        if not source.is_container:
            return 0.7 if _is_day(source) else 0.0
        days = [member for member in source.members() if _DAY.search(member.member or "")]
        if not days:
            return 0.0
        listed = any(member.filename in _USERS + _CHANNELS for member in source.members())
        return 0.9 if listed else 0.7 if any(_is_day(day) for day in days[:3]) else 0.0

    def find_exports(self, source: Source) -> Iterator[Sequence[str]]:
        """A workspace is a folder with lists of users and channels, and the folders in it with a file for each day."""
        places = [name.rpartition("/") for name in source.names if not name.startswith("__MACOSX/")]
        lists = {folder for folder, _, file in places if file in _USERS + _CHANNELS}
        roots: dict[str, list[str]] = {}
        for folder, slash, file in places:
            if _DAY.search(file):
                around = folder.rpartition("/")[0]
                root = folder if folder in lists and around not in lists else around
                roots.setdefault(root, []).append(folder + slash + file)
        for folder, slash, file in places:
            if folder in roots and file in _USERS + _CHANNELS + _OTHERS:
                roots[folder].append(folder + slash + file)
        yield from roots.values()

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        if not source.is_container:
            folder = "" if source.path is None else shown(source.path.parent.name)
            title = options.chat or folder or source.filename
            yield from self._chats(source, {title: [source]}, _Workspace(), {}, options, [])
            return
        members = {member.member or "": member for member in source.members()}
        days = sorted(name for name in members if _DAY.search(name) and not name.startswith("__MACOSX/"))
        folders: dict[str, list[Source]] = {}
        for name in days:
            folders.setdefault(name.rpartition("/")[0], []).append(members[name])
        # An archive may have a folder around all others.
        found = [name for name in members if name.rpartition("/")[2] in _USERS + _CHANNELS]
        root = min((name.rpartition("/")[0] + "/" if "/" in name else "" for name in found), key=len, default="")
        if not found and len(around := {folder.rpartition("/")[0] for folder in folders}) == 1:
            root = f"{around.pop()}/".lstrip("/")
        workspace = _workspace(root, members)
        known = {*days, *(root + name for name in _USERS + _CHANNELS)}
        skipped = [Skipped(name, "no file of messages") for name in members if name not in known]
        names = {}
        for folder in folders:
            # Of a channel alone the folder is the root; it is called as it would be if it were not.
            inside = folder.removeprefix(root) if folder.startswith(root) else folder.rpartition("/")[2]
            names[folder] = inside or source.name
        there = {workspace.folders.get(name) for name in names.values()}
        for identity, title in workspace.channels.items():
            if identity not in there:
                skipped.append(Skipped(title, "listed as a channel, has no folder in the export"))
        yield from self._chats(source, folders, workspace, names, options, skipped)

    def _chats(
        self,
        source: Source,
        folders: dict[str, list[Source]],
        workspace: _Workspace,
        names: dict[str, str],
        options: LoadOptions,
        skipped: list[Skipped],
    ) -> Iterator[Chat]:
        parts = Parts(source, LAYOUT, options, "channels", skipped, workspace.warnings)
        for folder, days in folders.items():
            name = names.get(folder, folder)
            identity = workspace.folders.get(name)
            if identity is None and workspace.channels:
                parts.warnings.append(f"folder {name} is of no channel that the export lists: it is known by its name")
            thread, title = identity or name, workspace.channels.get(identity or "", name)
            for day in days:
                items = JsonItems(day.read(), [])
                messages, _ = items.joined()
                if items.truncated:
                    parts.warnings.append(
                        f"{name}/{day.filename} is cut or broken after {items.count:,} messages, which were read"
                    )
                parts.warnings += what_follows(f"{name}/{day.filename}", items)
                if not messages:
                    parts.skipped.append(Skipped(day.member or day.name, "no messages in it"))
                    continue
                file = day.member or day.name
                parts.add(Part(thread, title, workspace.named(messages), file, items.count))
            if parts.are_enough():
                yield parts.chat()
        yield parts.chat()
