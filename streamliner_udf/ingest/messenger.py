"""Messenger and Instagram: `messages/inbox/<thread>/message_N.json` of an account, in a folder or an archive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from streamliner_udf import JsonItems

from .adapter import Chat, LoadOptions, Skipped, Source
from .json_export import (
    Layout,
    Part,
    Parts,
    as_object,
    content_of,
    first_number,
    micros,
    text_of,
    what_follows,
)

__all__ = ["InstagramAdapter", "MessengerAdapter"]

_START = re.compile(rb'\s*\{\s*"(?:participants|messages)"\s*:\s*\[')
_MESSAGE = re.compile(rb'"(?:sender_name|senderName)"\s*:')
_FILE = re.compile(r"(?:^|/)message_(\d+)\.json$")
# What of a download tells whose it is, see `_is_instagram`.
_BESIDE = re.compile(r"(?:(.*?)/)??(?:connections/)?followers_and_following/[^/]+")
_HEAD = 1 << 14

# Downloads of end-to-end encrypted chats name the same things otherwise.
_FIELDS = {
    "thread": "^thread",
    "chat": "^chat",
    "sender": "sender_name",
    "sender_2": "senderName",
    "sent": "timestamp_ms",
    "sent_2": "timestamp",
    "content": "content",
    "content_2": "text",
    "type": "type",
    "unsent": "is_unsent",
    "unsent_2": "isUnsent",
    "photos": "photos.uri",
    "videos": "videos.uri",
    "audio": "audio_files.uri",
    "files": "files.uri",
    "gifs": "gifs.uri",
    "sticker": "sticker.uri",
    "media_2": "media.uri",
    "link": "share.link",
    "shared": "share.share_text",
    "call": "call_duration",
}
_TIME = micros("coalesce(sent, sent_2)", 1_000)
_MEDIA = (
    "nullif(concat_ws(chr(10), nullif(photos, ''), nullif(videos, ''), nullif(audio, ''), nullif(files, ''), "
    "nullif(gifs, ''), nullif(sticker, ''), nullif(media_2, '')), '')"
)
_CONTENT = "coalesce(content, content_2, '')"
_LINK = f"CASE WHEN link <> '' AND NOT contains({_CONTENT}, link) THEN link END"
_TEXT = f"concat_ws(chr(10), nullif({_CONTENT}, ''), nullif(shared, ''), {_LINK})"

LAYOUT = Layout(
    _FIELDS,
    {
        "seq": "place",
        "thread": "thread",
        "chat": "chat",
        # The export has the time in UTC only.
        "ts": f"make_timestamp({_TIME})",
        "ts_utc": f"to_timestamp(({_TIME}) / 1000000.0)",
        "author": "coalesce(nullif(sender, ''), nullif(sender_2, ''))",
        "text": _TEXT,
        "kind": "CASE WHEN 'true' IN (unsent, unsent_2) THEN 'deleted' "
        "WHEN call IS NOT NULL OR type = 'Call' THEN 'call' "
        f"WHEN type IN ('Subscribe', 'Unsubscribe') THEN 'system' WHEN {_MEDIA} IS NOT NULL THEN 'attachment' "
        f"WHEN {_TEXT} = '' THEN 'empty' ELSE 'text' END",
        "media": _MEDIA,
    },
    f"CASE WHEN ({_TIME}) IS NULL THEN 'no date' END",
    has_ids=False,
    latin1=True,
)


def _root(name: str) -> str:
    """The folder that a download was unpacked to, of a file of messages in it."""
    folders = name.split("/")[:-1]
    depth = 3 if folders[-3:-2] == ["messages"] else 1
    return "/".join(folders[:-depth])


def _repaired(text: str) -> str:
    """Text whose UTF-8 was written a character a byte."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


class MessengerAdapter:
    """A thread is a folder of files of up to 10,000 messages, the newest first; rows come the oldest first."""

    name = "messenger"
    instagram = False

    def sniff(self, source: Source) -> float:
        if not source.is_container:
            head = source.head(_HEAD)
            if not _START.match(head) or not _MESSAGE.search(head):
                return 0.0
            return 0.9 if self._is_instagram(source, head) == self.instagram else 0.1
        first = next((member for member in source.members() if _FILE.search(member.name)), None)
        return self.sniff(first) if first is not None else 0.0

    def find_exports(self, source: Source) -> Iterator[Sequence[str]]:
        """A download is a folder with `messages/inbox/<thread>/message_1.json` in it. Neither kind tells yet whose."""
        roots: dict[str, list[str]] = {}
        for name in source.names:
            if _FILE.search(name) and not name.startswith("__MACOSX/"):
                roots.setdefault(_root(name), []).append(name)
        for name in source.names:
            if (beside := _BESIDE.fullmatch(name)) and (beside[1] or "") in roots:
                roots[beside[1] or ""].append(name)
        yield from roots.values()

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        if not source.is_container:
            yield from self._chats(source, {"": [source]}, options, [])
            return
        threads: dict[str, list[Source]] = {}
        skipped = []
        for member in source.members():
            if _FILE.search(member.member or ""):
                threads.setdefault((member.member or "").rpartition("/")[0], []).append(member)
            else:
                skipped.append(Skipped(member.member or "", "no file of messages"))
        yield from self._chats(source, threads, options, skipped)

    @staticmethod
    def _is_instagram(source: Source, head: bytes) -> bool:
        """By the folders that the export writes, around the file, in the names of its photos, and beside the messages;
        else by the path: before 2023 both wrote their messages into a folder of the same name."""
        path = f"{source.path or ''} {source.name}"
        for folder, found in (("your_instagram_activity/", True), ("your_facebook_activity/", False)):
            if folder in path or folder.encode() in head:
                return found
        names = source.container.names if source.container is not None else ()
        # Of both names the one that is nearer to the file.
        named = path.lower().rfind("instagram") > path.lower().rfind("facebook")
        return named or any("followers_and_following/" in name for name in names)

    def _chats(
        self, source: Source, threads: dict[str, list[Source]], options: LoadOptions, skipped: list[Skipped]
    ) -> Iterator[Chat]:
        parts = Parts(source, LAYOUT, options, "chats", skipped)
        for folder, files in threads.items():
            thread = self._thread(folder, files, options, parts.skipped, parts.warnings)
            while thread:  # and not all of them twice in memory
                parts.add(thread.pop())
            if parts.are_enough():
                yield parts.chat(_repaired)
        yield parts.chat(_repaired)

    def _thread(
        self, folder: str, files: list[Source], options: LoadOptions, skipped: list[Skipped], warnings: list[str]
    ) -> list[Part]:
        """The files of one chat, the one with its oldest messages last."""
        oldest, backwards = 0, False

        def is_newest_first(messages: memoryview) -> bool:
            nonlocal oldest, backwards
            oldest, backwards = self._oldest(messages)
            return backwards

        parts = []
        for file in files:
            items = JsonItems(content_of(file), ["messages"])
            messages, beside = items.joined(is_newest_first)
            header = as_object(beside)
            if not messages:
                skipped.append(Skipped(file.member or file.name, "no messages in it"))
                continue
            if items.truncated:
                warnings.append(f"{file.filename} is cut or broken after {items.count:,} messages, which were read")
            warnings += what_follows(file.filename, items)
            # A thread keeps its folder's name when it is archived, though not the place of the folder.
            thread = PurePosixPath(text_of(header.get("thread_path")) or folder).name
            title = options.chat or text_of(header.get("title")) or text_of(header.get("threadName"))
            title = title or thread or PurePosixPath(file.filename).stem
            part = Part(thread or title, title, messages, file.member or file.name, items.count, backwards)
            parts.append((oldest, part))
        parts.sort(key=lambda part: part[0])
        return [part for _, part in reversed(parts)]

    @staticmethod
    def _oldest(messages: memoryview) -> tuple[int, bool]:
        """Time of the oldest message, and whether it is the last one."""
        name = rb"timestamp(?:_ms)?"
        first = first_number(name, messages) or 0
        tail = bytes(messages[-_HEAD:])
        if b'"timestamp' not in tail:  # the last message is a long one
            tail = bytes(messages)
        last = first_number(name, tail[tail.rfind(b'"timestamp') :])
        last = first if last is None else last
        return min(first, last), last < first


class InstagramAdapter(MessengerAdapter):
    """Instagram writes what Messenger does, into other folders."""

    name = "instagram"
    instagram = True
