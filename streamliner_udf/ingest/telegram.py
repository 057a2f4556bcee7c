"""Telegram: `result.json` of Telegram Desktop, of one chat or of all chats of an account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from ..sql import quoted
from .adapter import Chat, LoadOptions, Source
from .json_export import Layout, as_object, chat_of, content_of, micros, text_of

__all__ = ["TelegramAdapter"]

_HEAD = 1 << 16
_TYPES = (
    "personal_chat|bot_chat|saved_messages|replies|verification_codes|private_group|private_supergroup|"
    "public_supergroup|private_channel|public_channel"
)
_CHAT = re.compile(rb'"type"\s*:\s*"(?:' + _TYPES.encode() + rb')"')
# A chat begins with its name, an account with what it is about.
_ONE = re.compile(rb'\s*\{\s*"(?:name|type|id|messages)"\s*:')
_ALL = re.compile(rb'\s*\{\s*"(?:about|personal_information|profile_pictures|contacts|chats|left_chats)"\s*:')
_ABOUT = re.compile(
    rb'"about"\s*:\s*"[^"]*Telegram|"personal_information"\s*:\s*\{\s*"user_id"|'
    rb'"(?:contacts|frequent_contacts|sessions|web_sessions|chats|left_chats)"\s*:\s*'
    rb'\{\s*(?:"about"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*)?"list"'
)
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')

_FIELDS = {
    "chat_id": "^id",
    "chat_name": "^name",
    "chat_type": "^type",
    "id": "id",
    "type": "type",
    "sent": "date",
    "unix": "date_unixtime",
    "changed": "edited",
    "sender": "from",
    "sender_id": "from_id",
    "actor": "actor",
    "actor_id": "actor_id",
    "action": "action",
    "title": "title",
    "members": "members",
    "body": "text*",
    "rich": "rich_message",
    "photo": "photo",
    "file": "file",
    "file_name": "file_name",
    "vcard": "contact_vcard",
    "emoji": "sticker_emoji",
    "first_name": "contact_information.first_name",
    "last_name": "contact_information.last_name",
    "phone": "contact_information.phone_number",
    "latitude": "location_information.latitude",
    "longitude": "location_information.longitude",
    "place_name": "place_name",
    "address": "address",
    "question": "poll.question*",
    "answers": "poll.answers.text*",
    "todo": "todo_list.title*",
    "tasks": "todo_list.answers.text*",
    "game": "game_title",
    "invoice": "invoice_information.title",
    "information": "information_text",
    "seconds": "duration_seconds",
    "duration": "duration",
    "discarded": "discard_reason",
    "answered": "reply_to_message_id",
    "answered_in": "reply_to_peer_id",
    "pinned": "message_id",
}

# A rich message is a tree of blocks with texts at its leaves. Its blocks become lines; within one, what begins another
# block, an item or a row of a table begins a line, and a cell ends with a tab.
_BLOCKS = (
    "heading|paragraph|footer|thinking|divider|list|quote|photo|video|cover|embed|embed_post|collage|slideshow|audio|file|"
    "table|details|related_articles|map|button_row"
)
_PIECES = (
    rf'"type":"(?:{_BLOCKS})"|"task_state":|"cells":|"vertical_align":|"language":|"caption":'
    r'|"(?:text|source|formula)":"(?:[^"\\]|\\.)*"'
)
_PIECE = (
    r"""CASE WHEN regexp_matches(piece, '^"(?:text|source|formula)":"') """
    r"""THEN coalesce(json_extract_string(TRY_CAST('{' || piece || '}' AS JSON), '$.*')[1], '') """
    r"""WHEN starts_with(piece, '"vertical_align"') THEN chr(9) ELSE chr(10) END"""
)
_BLOCK = (
    f"trim(regexp_replace(regexp_replace(array_to_string(list_transform("
    f"regexp_extract_all(CAST(block AS VARCHAR), '{_PIECES}'), lambda piece: {_PIECE}), ''), "
    r"'\t\n', chr(10), 'g'), '\n{2,}', chr(10), 'g'), chr(10) || chr(9))"
)
_RICH = (
    f"array_to_string(list_filter(list_transform(json_extract(rich, '$.blocks[*]'), lambda block: {_BLOCK}), "
    "lambda line: line <> ''), chr(10))"
)
_BODY = f"CASE WHEN rich IS NULL OR body <> '' THEN coalesce(body, '') ELSE {_RICH} END"

# "(File not included. Change data exporting settings to download.)" and the like, in the place of a path.
_PATH = "coalesce(file, photo, vcard)"
_OMITTED = f"contains({_PATH}, '(File ')"
_CALL = "action IN ('phone_call', 'conference_call', 'group_call')"
_MEMBERS = """array_to_string(from_json(members, '["VARCHAR"]'), ', ')"""
_SECONDS = "coalesce(seconds, duration) || ' s'"
_SERVICE = (
    "concat_ws(': ', actor, concat_ws(' ', replace(action, '_', ' '), "
    f"""'"' || title || '"', CASE WHEN members IS NOT NULL THEN {_MEMBERS} END, discarded, {_SECONDS}, """
    "information, nullif(body, '')))"
)
# What a message shows where it has no words.
_SHOWN = (
    "CASE WHEN question IS NOT NULL THEN concat_ws(chr(10), question, answers) "
    "WHEN todo IS NOT NULL THEN concat_ws(chr(10), todo, tasks) "
    "WHEN phone IS NOT NULL THEN concat_ws(' ', nullif(first_name, ''), nullif(last_name, ''), nullif(phone, '')) "
    "WHEN latitude IS NOT NULL OR place_name IS NOT NULL THEN "
    "concat_ws(', ', place_name, address, latitude || ' ' || longitude) "
    "ELSE coalesce(emoji, game, invoice, '') END"
)
_TEXT = (
    f"CASE WHEN type = 'service' THEN {_SERVICE} WHEN body <> '' AND question IS NULL THEN body "
    f"ELSE coalesce(nullif({_BODY}, ''), {_SHOWN}) END"
)
_KIND = (
    f"CASE WHEN type = 'service' THEN CASE WHEN {_CALL} THEN 'call' ELSE 'system' END "
    "WHEN question IS NOT NULL THEN 'poll' WHEN phone IS NOT NULL THEN 'contact' "
    "WHEN latitude IS NOT NULL OR place_name IS NOT NULL THEN 'location' "
    f"WHEN {_OMITTED} THEN 'omitted' WHEN {_PATH} IS NOT NULL THEN 'attachment' "
    "WHEN coalesce(body, '') = '' AND coalesce(rich, todo, game, invoice) IS NULL THEN 'empty' ELSE 'text' END"
)
_UNIX = micros("unix", 1)
# Old exports have the time of the exporting computer only.
_TIME = f"coalesce(TRY_CAST(sent AS TIMESTAMP), make_timestamp({_UNIX}))"

LAYOUT = Layout(
    _FIELDS,
    {
        "seq": "place",
        "ts": _TIME,
        "ts_utc": f"to_timestamp(({_UNIX}) // 1000000)",
        "author": "nullif(coalesce(sender, actor), '')",
        "text": _TEXT,
        "kind": _KIND,
        "edited": "changed IS NOT NULL",
        "media": f"CASE WHEN {_OMITTED} THEN file_name ELSE {_PATH} END",
        "reply_to": "CASE WHEN answered_in IS NULL THEN coalesce(answered, pinned) END",
        "native_id": "id",
        "author_id": "coalesce(sender_id, actor_id)",
    },
    "CASE WHEN type = 'unsupported' THEN 'a kind of message that Telegram did not export' "
    "WHEN type IS NULL OR type NOT IN ('message', 'service') THEN concat('type ', left(coalesce(type, 'missing'), 40)) "
    f"WHEN coalesce(id, '') = '' THEN 'no id' WHEN {_TIME} IS NULL THEN 'no date' END",
    known_as="'id ' || nullif(id, '')",
)


class TelegramAdapter:
    """A chat is known by its id, also within the export of an account; a message by its id within the chat."""

    name = "telegram"

    def sniff(self, source: Source) -> float:
        head = source.head(_HEAD)
        if _ONE.match(head):
            return 0.95 if _CHAT.search(head) and _MESSAGES.search(head) else 0.0
        return 0.9 if _ALL.match(head) and _ABOUT.search(head) else 0.0

    def load(self, source: Source, options: LoadOptions) -> Iterator[Chat]:
        one = _ONE.match(source.head(_HEAD)) is not None
        rows = LAYOUT.rows(
            content_of(source), ["messages"] if one else [("chats", "left_chats"), "list", None, "messages"], options
        )
        title = PurePosixPath(source.filename).stem
        shown = "coalesce(nullif(chat_name, ''), CASE chat_type WHEN 'saved_messages' THEN 'Saved Messages' "
        shown += f"WHEN 'replies' THEN 'Replies' END, chat_id, {quoted(title)})"
        if one:
            header = as_object(rows.header)
            named = {"saved_messages": "Saved Messages", "replies": "Replies"}.get(text_of(header.get("type")))
            title = options.chat or text_of(header.get("name")) or named or text_of(header.get("id")) or title
            shown = quoted(title)
        select = {"thread": f"coalesce(chat_id, {quoted(title)})", "chat": shown}
        # The number of a message in an account says little.
        known_as = LAYOUT.known_as if one else f"concat_ws(' ', {LAYOUT.known_as}, 'of chat ' || chat_id)"
        layout = replace(LAYOUT, select=LAYOUT.select | select, known_as=known_as)
        yield chat_of(source, layout, rows, title, title)
