"""The layout of egregora's staging table, out of messages."""

from __future__ import annotations

__all__ = ["COLUMNS", "select"]

COLUMNS = {
    "event_id": "VARCHAR",
    "tenant_id": "VARCHAR",
    "source": "VARCHAR",
    "thread_id": "VARCHAR",
    "msg_id": "VARCHAR",
    "ts": "TIMESTAMPTZ",
    "author_raw": "VARCHAR",
    "author_uuid": "VARCHAR",
    "text": "VARCHAR",
    "media_url": "VARCHAR",
    "media_type": "VARCHAR",
    "attrs": "JSON",
    "pii_flags": "JSON",
    "created_at": "TIMESTAMPTZ",
    "created_by_run": "VARCHAR",
}

_OID = "6ba7b812-9dad-11d1-80b4-00c04fd430c8"


_USUAL = "'message_date', strftime(ts, '%Y-%m-%d'), 'kind', kind, 'media', media, 'seq', seq"
_MORE = "'chat', chat, 'author_id', author_id, 'native_id', native_id, 'reply_to', reply_to, 'edited', edited"
# What has no column there is in attrs; what an export of WhatsApp cannot have, only where a source has it.
_ATTRS = (
    "CASE WHEN coalesce(author_id, native_id, reply_to) IS NULL AND edited IS NOT TRUE AND chat = thread "
    f"THEN json_object({_USUAL}) ELSE json_object({_USUAL}, {_MORE}) END"
)


def select(messages: str) -> str:
    """A SELECT of COLUMNS over a SELECT of messages and their `thread`. Ids are the stable keys, and so the same in
    every export of a chat; times without an offset or a timezone are taken as UTC. An author is known by his id where
    the source has one, as names change and two people may have one."""
    slug = "lower(replace(thread, ' ', '-'))"
    return f"""
        SELECT msg_key::VARCHAR AS event_id, {slug} AS tenant_id, source, {slug} AS thread_id, msg_key::VARCHAR AS
        msg_id,
               coalesce(ts_utc, timezone('UTC', ts)) AS ts, author AS author_raw,
               sl_uuid5('{_OID}', source || ':' || coalesce(author_id, trim(author)))::VARCHAR AS author_uuid, text,
               NULL::VARCHAR AS media_url, NULL::VARCHAR AS media_type,
               {_ATTRS} AS attrs,
               NULL::JSON AS pii_flags, coalesce(ts_utc, timezone('UTC', ts)) AS created_at,
               'adapter:' || source AS created_by_run
        FROM ({messages})
    """
