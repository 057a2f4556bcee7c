"""Discord: the JSON files of DiscordChatExporter, one a channel or several parts of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from .adapter import Chat, LoadOptions, Source
from .json_export import Layout, as_object, chat_of, content_of, member_of, text_of

__all__ = ["DiscordAdapter"]

_START = re.compile(rb'\s*\{\s*"guild"\s*:\s*\{.*?"channel"\s*:\s*\{', re.DOTALL)
_PART = re.compile(r" \[part \d+\]$")

_FIELDS = {
    "id": "id",
    "type": "type",
    "written": "timestamp",
    "changed": "timestampEdited",
    "content": "content",
    "name": "author.name",
    "nickname": "author.nickname",
    "who": "author.id",
    "files": "attachments.fileName",
    "stickers": "stickers.name",
    "embed_titles": "embeds.title",
    "embed_texts": "embeds.description",
    "forward": "forwardedMessage.content",
    "forward_files": "forwardedMessage.attachments.fileName",
    "answered": "reference.messageId",
}
_MEDIA = "coalesce(nullif(files, ''), nullif(forward_files, ''), nullif(stickers, ''))"
# A bot's message may be all in its embeds, a forwarded one all in the other message.
_TEXT = (
    "coalesce(nullif(content, ''), nullif(forward, ''), nullif(concat_ws(chr(10), nullif(embed_titles, ''), "
    "nullif(embed_texts, '')), ''), '')"
)
# The exporter has names for the kinds it knows; of its numbers those up to 18 are Discord's own notices.
_SYSTEM = "type NOT IN ('Default', 'Reply') AND coalesce(TRY_CAST(type AS INTEGER), 1) BETWEEN 1 AND 18"
# Without the offset, as the clock on the wall was.
_WALL = r"regexp_replace(written, '(Z|[+-]\d\d:?\d\d)$', '')"

LAYOUT = Layout(
    _FIELDS,
    {
        "seq": "place",
        "ts": f"TRY_CAST({_WALL} AS TIMESTAMP)",
        "ts_utc": "TRY_CAST(written AS TIMESTAMPTZ)",
        "author": "coalesce(nullif(nickname, ''), nullif(name, ''))",
        "text": _TEXT,
        "kind": f"CASE WHEN type = 'Call' THEN 'call' WHEN {_SYSTEM} THEN 'system' "
        f"WHEN {_MEDIA} IS NOT NULL THEN 'attachment' WHEN {_TEXT} = '' THEN 'empty' ELSE 'text' END",
        "edited": "changed IS NOT NULL",
        "media": _MEDIA,
        "reply_to": "answered",
        "native_id": "id",
        "author_id": "who",
    },
    f"CASE WHEN coalesce(id, '') = '' THEN 'no id' WHEN TRY_CAST({_WALL} AS TIMESTAMP) IS NULL THEN 'no date' END",
    known_as="'id ' || nullif(id, '')",
)


class DiscordAdapter:
    """A file is a channel, known by its id; files of several parts, and of later exports, go together by it."""

    name = "discord"

    def sniff(self, source: Source) -> float:
        return 0.95 if _START.match(source.head(1 << 14)) else 0.0

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        content = content_of(source)
        rows = LAYOUT.rows(content, ["messages"], options)
        header = as_object(rows.header)
        guild, channel = member_of(header, "guild"), member_of(header, "channel")
        title = text_of(channel.get("name")) or _PART.sub("", PurePosixPath(source.filename).stem)
        # A direct message is in no guild, which the exporter says with the number 0.
        if text_of(guild.get("name")) and text_of(guild.get("id")) not in ("", "0"):
            title = f"{guild['name']} / {title}"
        title = options.chat or title
        yield chat_of(source, LAYOUT, rows, title, text_of(channel.get("id")) or title)
