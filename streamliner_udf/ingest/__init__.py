"""Reading chat exports: files and archives to text, and chats that nobody wrote."""

from __future__ import annotations

__all__: list[str] = []
