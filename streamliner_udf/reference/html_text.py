"""HTML documents: the text that a reader sees."""

from __future__ import annotations

import re

from .html import html_unescape

__all__ = ["html_to_text"]

_SPACE = "\t\n\f\r "
_RUN = re.compile(f"[{_SPACE}]+|[^{_SPACE}]+")

# Where markup may begin: any other < is text.
_OPENING = re.compile(r"<(?=[A-Za-z]|/[A-Za-z]|[!?])")

# A value whose quote is never closed is a value without quotes.
_VALUE = rf"""(?>"[^"]*"|'[^']*'|[^{_SPACE}>]*)"""
_ATTRIBUTE = rf"[^{_SPACE}/>][^{_SPACE}/>=]*+(?:[{_SPACE}]*+=[{_SPACE}]*+{_VALUE})?+"
_TAG = rf"<(?P<end>/?)(?P<name>[A-Za-z][^{_SPACE}/>]*+)(?>[{_SPACE}/]+|{_ATTRIBUTE})*+>"
# A comment that is never closed goes on to the end of the document.
_COMMENT = r"<!--(?:-?>|.*?--!?>|.*)"
_TOKEN = re.compile(rf"{_COMMENT}|<[!?][^>]*+>|{_TAG}", re.DOTALL)

# Elements that are never shown: everything up to their end tag is dropped.
_UNSEEN = {"script", "style", "title", "template", "noscript", "noembed", "noframes", "iframe"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "pre", "search",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip


class _Page:
    """The text so far, and the gap: the white space that waits for the next visible character."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.gap = ""
        self.pre = 0

    def text(self, piece: str) -> None:
        for run in _RUN.findall(html_unescape(piece)):
            if run[0] not in _SPACE:
                if self.parts:
                    self.parts.append(self.gap)
                self.parts.append(run)
                self.gap = ""
            elif self.pre:
                self.gap += run
            else:
                self.gap = self.gap or " "

    def tag(self, name: str, is_end: bool) -> None:
        breaks = self.gap.count("\n")
        if name == "br":
            self.gap = "\n" * min(breaks + 1, 2)
        elif name == "p":
            self.gap = "\n\n"
        elif name in _BLOCKS:
            self.gap = "\n" * min(max(breaks, 1), 2)
        elif name in {"td", "th"} and not breaks:
            self.gap = "\t"
        if name == "pre":
            self.pre = max(self.pre - 1, 0) if is_end else self.pre + 1


def html_to_text(html: str) -> str:
    """Visible text of an HTML document: no tags, comments, scripts or styles.

    Parameters
    ----------
    html : text
        An HTML document or any piece of one; plain text is HTML too.

    Returns
    -------
    text
        What a reader sees. Elements that browsers do not show are dropped with what they hold: script, style, title,
        template, noscript, noembed, noframes, iframe. A block element begins and ends a line, a paragraph (`p`) also
        has a blank line before and behind it, `br` breaks the line, cells of a table are separated by a tab. Everywhere
        else a run of white space (tab, line feed, form feed, carriage return, space) is one space. Inside `pre` white
        space stays as it is written. The result neither begins nor ends with white space, and never has more than one
        blank line in a row except where `pre` has. References are replaced as by `html_unescape`, after the markup has
        been found: `&lt;b&gt;` is text. `&nbsp;` is a visible character.

        Markup begins with `<` and a letter, `</` and a letter, `<!` or `<?`; any other `<` is text. A tag ends at the
        first `>` outside of a quoted attribute value, a comment at `-->` or `--!>`, and `<!` or `<?` at the first `>`.
        A dropped element ends at its own end tag, in any case of letters; it and a comment take the rest of the
        document if they never end. Where a tag never ends, its `<` and all that follows are text. Style sheets and the
        attribute `hidden` are not looked at.

    Nulls : NULL in, NULL out.
    Errors : none.
    Cost : O(len(html)), whatever the markup; a text without markup, references and idle white space is only looked at.
    Source : HTML Standard, 13.2.5 (tokenization) and 3.2.7 (innerText), simplified as said above; 15.3 (what is a
        block).

    Examples
    --------
    >>> html_to_text("<h1>News</h1><p>Fish &amp; chips,<br>now <b>open</b>!</p><script>track()</script>")
    'News\\n\\nFish & chips,\\nnow open!'
    >>> html_to_text("<table><tr><th>a<th>b<tr><td>1<td>2</table>")
    'a\\tb\\n1\\t2'
    >>> html_to_text("I <3 you,  5 < 6 <!-- not shown -->")
    'I <3 you, 5 < 6'
    >>> html_to_text("<a title='x > y'>link</a> <style>p { }</style>")
    'link'
    """
    html = html.replace("\r\n", "\n").replace("\r", "\n")
    page = _Page()
    at = 0
    while opening := _OPENING.search(html, at):
        page.text(html[at : opening.start()])
        at = opening.start()
        token = _TOKEN.match(html, at)
        if token is None:
            break
        at = token.end()
        if token["name"] is None:
            continue
        name, is_end = token["name"], bool(token["end"])
        name = name.lower() if name.isascii() else ""
        page.tag(name, is_end)
        if name in _UNSEEN and not is_end:
            end_tag = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.ASCII | re.IGNORECASE).search(html, at)
            at = end_tag.start() if end_tag else len(html)
        elif name == "pre" and not is_end and html.startswith("\n", at):
            at += 1
    page.text(html[at:])
    return "".join(page.parts)
