"""Files that a chat export names: which they are, and links to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from streamliner_udf.reference.chat import APP_NAME, ATTACHED, find_bracket_file, find_line_file

__all__ = ["extract_media", "media_to_markdown"]

_LONGEST = 255  # bytes of a file's name
_TRIGGER = re.compile(rf"<|(?<![A-Za-z0-9_-]){APP_NAME.pattern}| \(")
_BRACKET = re.compile(r"<[^<>\n]*>")
_WORDS = re.compile(r" \(([^()\n]*)\)")
_LINE_END = re.compile(r"\r?(\n|\Z)")
# A name begins at the start of a line, behind what is said of the message, or behind a mark of direction.
_MARK = "[\u200e\u200f\u202a-\u202e\ufeff]"
_NAME_START = re.compile(f"\n|: |{_MARK}")
_GOES_ON = re.compile(r"[A-Za-z0-9_-]|\.[A-Za-z0-9]")

_EXTENSIONS = {
    "Image": "jpg jpeg png gif webp heic heif avif bmp tif tiff",
    "Video": "mp4 m4v mov 3gp avi mkv webm",
    "Audio": "opus ogg oga mp3 m4a aac wav flac amr",
    "Contact": "vcf",
}
_KIND_OF_EXTENSION = {extension: kind for kind, listed in _EXTENSIONS.items() for extension in listed.split()}
# What WhatsApp begins names with; for names whose extension is missing.
_KIND_OF_PREFIX = {"IMG-": "Image", "STK-": "Image", "VID-": "Video", "AUD-": "Audio", "PTT-": "Audio"}


class _Found(NamedTuple):
    start: int
    stop: int
    name: str
    is_marker: bool


def _may_be_name(name: str) -> bool:
    # A link that stands there already is no name either.
    forbidden = re.search(rf"[\x00-\x1f\x7f/<>]|{_MARK}|: |\]\(", name)
    return forbidden is None and len(name.encode()) <= _LONGEST


def _is_marked(text: str, at: int) -> bool:
    return text[max(at - 1, 0) : at] in ("\u200e", "\u200f")


def _at_bracket(text: str, at: int) -> _Found | None:
    """`<attached: name>` whose `<` is at `at`."""
    bracket = _BRACKET.match(text, at)
    # A link within is of a file before: what stands around it is no marker now, as it was none before.
    if bracket and "](" in bracket[0]:
        return None
    name = bracket and find_bracket_file(bracket[0], _is_marked(text, at))
    return _Found(at, bracket.end(), name, True) if bracket and name and _may_be_name(name) else None


def _at_app_name(text: str, at: int, stop: int) -> _Found | None:
    """`IMG-20240305-WA0001.jpg`, with or without `(file attached)` behind it."""
    if not _may_be_name(text[at:stop]):
        return None
    words = _WORDS.match(text, stop)
    if words and find_line_file(text[at : words.end()], False):
        opens = _NAME_START.match(text, at - 1) or text[at - 2 : at] == ": " or at == 0
        if words[1] in ATTACHED or (opens and _LINE_END.match(text, words.end())):
            return _Found(at, words.end(), text[at:stop], True)
    if text[stop - 1] == "." or _GOES_ON.match(text, stop):
        return None
    return _Found(at, stop, text[at:stop], False)


def _at_words(text: str, at: int, floor: int) -> _Found | None:
    """`any name.pdf (file attached)` whose ` (` is at `at`; the name does not begin before `floor`."""
    words = _WORDS.match(text, at)
    ends_line = words and _LINE_END.match(text, words.end())
    if not words or not (ends_line or words[1] in ATTACHED):
        return None
    starts = [start.end() for start in _NAME_START.finditer(text, max(floor, at - _LONGEST - 3), at)]
    start = starts[-1] if starts else floor
    if at - start > _LONGEST or len(text[start:at].encode()) > _LONGEST:
        return None
    # Behind a mark of direction the app itself speaks, and a line that it writes ends with the bracket.
    marked = ends_line is not None and _is_marked(text, start)
    start += len(text[start:at]) - len(text[start:at].lstrip(" "))
    name = find_line_file(text[start : words.end()], marked)
    return _Found(start, words.end(), name, True) if name and _may_be_name(name) else None


def _find(text: str) -> Iterator[_Found]:
    at = floor = 0
    while trigger := _TRIGGER.search(text, at):
        start = trigger.start()
        destination = text[max(start - 2, 0) : start + 1] == "](<" and _BRACKET.match(text, start)
        if destination:  # of a link that stands there already
            at = floor = destination.end()
            continue
        if trigger[0] == "<":
            found = _at_bracket(text, trigger.start())
        elif trigger[0] == " (":
            found = _at_words(text, trigger.start(), floor)
        else:
            found = _at_app_name(text, trigger.start(), trigger.end())
        at = trigger.start() + 1
        if found:
            yield found
            at = floor = found.stop


def extract_media(text: str) -> list[str]:
    """Names of attached files in a text of a chat export, in order of appearance.

    Parameters
    ----------
    text : text
        A message, or any piece of an export.

    Returns
    -------
    list of text
        Names in `<attached: name>`: one to three words in any language, and an extension of one to eight letters or
        digits, unless U+200E or U+200F stands before the `<`. Names before `(file attached)`, or its like in the other
        languages that `parse_whatsapp` knows: from the start of the line on, from the last `: `, the last mark of
        direction or the file before. Names that WhatsApp makes, as `IMG-20240305-WA0001.jpg`, also without a marker. A
        line that is nothing but a name and one to four words in brackets is a marker in any language, if WhatsApp made
        the name or a mark of direction stands before it. A name has none of `/<>`, no `: `, no `](`, no control
        character, no mark of direction, and at most 255 bytes. What stands between `](<` and `>` is passed over.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `<`, ` (` and `-W` is only looked at.
    Source : public exports in many languages; the rules of parse_whatsapp.

    Examples
    --------
    >>> extract_media("IMG-20240305-WA0001.jpg (file attached)")
    ['IMG-20240305-WA0001.jpg']
    >>> extract_media("Q1 report (2).pdf (arquivo anexado)\\n<attached: 00000012-PHOTO-2024-03-05-09-15-20.jpg>")
    ['Q1 report (2).pdf', '00000012-PHOTO-2024-03-05-09-15-20.jpg']
    >>> extract_media("<Media omitted> (see file.pdf)")
    []
    """
    return [found.name for found in _find(text)]


def _find_kind(name: str) -> str:
    _, dot, extension = name.rpartition(".")
    if dot and extension:
        return _KIND_OF_EXTENSION.get(extension.lower() if extension.isascii() else "", "Document")
    return _KIND_OF_PREFIX.get(name[:4], "Document")


def _link(name: str) -> str:
    """A Markdown link whose destination is `name`, exactly."""
    kind = _find_kind(name)
    destination = name
    if re.search(r"[ ()\\&`]", name):
        destination = "<" + re.sub(r"[\\&`]", r"\\\g<0>", name) + ">"
    return f"{'!' if kind == 'Image' else ''}[{kind}]({destination})"


def media_to_markdown(text: str) -> str:
    """Text with the markers of attached files written as Markdown links.

    Parameters
    ----------
    text : text
        A message, or any piece of an export.

    Returns
    -------
    text
        Every marker of `extract_media`, name and bracket, becomes `![Image](name)`, `[Video](name)`, `[Audio](name)`,
        `[Contact](name)` or `[Document](name)`, by the extension of the name, or where it has none by the letters that
        WhatsApp begins a name with. A name with a space, a bracket, `\\`, `&` or a backtick stands in `<>`, with a
        backslash before each of ``\\&` ``, so that Markdown reads it as it is. Names without a marker stay text.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(text)); a text without `<`, ` (` and `-W` is only looked at.
    Source : the rules of extract_media; CommonMark 0.31, link destinations.

    Examples
    --------
    >>> media_to_markdown("IMG-20240305-WA0001.jpg (file attached) our cat")
    '![Image](IMG-20240305-WA0001.jpg) our cat'
    >>> media_to_markdown("<attached: my clip (1).mp4>")
    '[Video](<my clip (1).mp4>)'
    >>> media_to_markdown("see IMG-20240305-WA0001.jpg, <Media omitted>")
    'see IMG-20240305-WA0001.jpg, <Media omitted>'
    """
    pieces = []
    at = 0
    for found in _find(text):
        if found.is_marker:
            pieces += [text[at : found.start], _link(found.name)]
            at = found.stop
    return "".join(pieces) + text[at:]
