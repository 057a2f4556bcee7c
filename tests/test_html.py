"""HTML: every named reference, every number, mixtures of both, and tag soup."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from html.entities import html5
from typing import Any

import pytest
from conftest import SCALE

import streamliner_udf
from streamliner_udf import reference


def compiled(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(streamliner_udf, name)
    return function


def words(text: str) -> list[str]:
    return text.split(" ")


NAMES = sorted(html5)


def assert_unescapes(texts: list[str]) -> None:
    for text, got in zip(texts, compiled("html_unescape")(texts), strict=True):
        assert got == html.unescape(text), ascii(text)


# ---- references ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", ["", ";", "x", "Z9", "=", "&", " ", ";;", "#", "é", "\0", "lt;", "x" * 40 + ";"])
def test_every_named_reference(behind: str) -> None:
    """With its semicolon, without, cut short by one, and with one letter in the other case."""
    names = {name.rstrip(";") for name in html5}
    names |= {name[:-1] for name in names} | {name[0].swapcase() + name[1:] for name in names}
    assert_unescapes([f"&{name}{behind}" for name in sorted(names)])
    assert_unescapes(["".join(f"&{name}{behind}" for name in sorted(names))])


def test_no_other_name_is_known() -> None:
    """All names of two and three letters: what is looked up by a hash could be found under a wrong one."""
    letters = [chr(c) for c in range(0x20, 0x7F)]
    assert_unescapes(["&" + a + b for a in letters for b in letters])
    alphabet = "abegilmnopqrstuvxyzABDEGLMNOPRSTU1234"
    assert_unescapes(["".join(f"&{a}{b}{c};" for c in alphabet) for a in alphabet for b in alphabet])


def test_every_number() -> None:
    """All code points and some beyond, in each way to write them."""
    for pattern in ("&#{};", "&#{}|", "&#x{:x};", "&#X{:X}|", "&#000{};", "&#x0000{:x}|"):
        for start in range(0, 0x112000, 0x1000):
            text = "".join(map(pattern.format, range(start, start + 0x1000)))
            assert compiled("html_unescape")(text) == html.unescape(text), (pattern, start)


@pytest.mark.parametrize("digits", [7, 9, 10, 11, 19, 20, 21, 39, 100, 4300])
@pytest.mark.parametrize("digit", "019f")
def test_long_numbers(digit: str, digits: int) -> None:
    texts = [f"&#x{digit * digits}{end}" for end in (";", "", "g", "41;")]
    texts += [f"&#{digit * digits}{end}" for end in (";", "", "g")]
    texts += [f"&#{number};" for number in (2**32 + 65, 2**64 + 65, 2**31, 2**32, 10 * 2**32 + 65)]
    assert_unescapes(texts)


def test_numbers_longer_than_python_reads() -> None:
    with pytest.raises(ValueError, match="4300"):
        html.unescape("&#" + "1" * 5000)
    texts = {"&#" + "1" * 100_000 + ";": "\ufffd", "&#" + "0" * 100_000 + "65;": "A", "&#" + "0" * 5000: "\ufffd"}
    for text, want in texts.items():
        assert compiled("html_unescape")(text) == reference.html_unescape(text) == want


def reference_piece(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return "&" + rng.choice(NAMES)
    if kind < 0.4:
        return "&" + rng.choice(NAMES)[: rng.randint(1, 8)]
    if kind < 0.55:
        number = rng.choice((rng.randrange(0x200), rng.randrange(0x120000), rng.randrange(0xD700, 0xE100)))
        return rng.choice(("&#{}", "&#{};", "&#x{:x}", "&#X{:X};", "&#00{};")).format(number)
    return rng.choice(words("& && # &# &#x ; 0 8 41 a f x X = < > \n é 語 😀 amp lt not it text"))


def test_mixtures_of_references(rng: random.Random) -> None:
    count = 100_000 * SCALE
    assert_unescapes(["".join(reference_piece(rng) for _ in range(rng.randint(1, 12))) for _ in range(count)])


def test_escaped_text_comes_back(rng: random.Random) -> None:
    texts = ["".join(reference_piece(rng) for _ in range(rng.randint(1, 12))) for _ in range(10_000)]
    assert compiled("html_unescape")(compiled("html_escape")(texts)) == texts


# ---- documents -----------------------------------------------------------------------------------------------------

SOUP = words(
    "< > / = \" ' </ <b </b <! <? <!-- --> --!> <!-- <!--> - ! <p> </p> <p\n> <br> <br/> <BR> <pre> </pre> <PRE\n> "
    "<td> </td> <th> <tr> <table> <li> <h1> <blockquote> </blocKquote> <div\tclass='a\"b'> </div> <a\nhref=x> </a> "
    '<a\nb="x>y"> <a\nb= <b\n=c="> <i/> <x=y> <p\u00e9> <p/> <bloc\u212aquote> </\u017fcript> <script> </script> '
    "</SCRIPT </scripts> </script/> <style> </style> <title> </title> <noscript> </template> &amp; &lt &lt;b&gt; "
    "&nbsp; &#32; &#10; &#13; &Tab; &nGt; & &#x &am a b; it's é 語 😀 \0 \u00a0 \u0085 xxxxxxxxxxxxxxx <h\x11> <@r> "
    "<br\0> <p\0\0> </td\0> <fieldset> <fieldset\0> <blockquote\0> <pre\0> <script\0> </script\0> <br\0/> <hr/> <hr\0 x> "
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
)
WHITE = [" ", "  ", "\n", "\t", "\r", "\r\n", "\f", "\v", " \n  "]


def soup(rng: random.Random) -> str:
    """Pieces of markup in any order; few kinds at a time, so that alike ones meet."""
    pieces = [*rng.choices(SOUP, k=rng.randint(2, 12)), *rng.choices(WHITE, k=2)]
    return "".join(rng.choices(pieces, k=rng.randint(1, 40)))


def test_tag_soup_is_read_as_specified(rng: random.Random) -> None:
    texts = [soup(rng) for _ in range(60_000 * SCALE)]
    for text, got in zip(texts, compiled("html_to_text")(texts), strict=True):
        assert got == reference.html_to_text(text), ascii(text)


def test_long_documents_are_read_as_specified(rng: random.Random) -> None:
    """Longer than one look at a time, with text, markup and white space at every distance from its ends."""
    plain = [*words("a text, with some words of it é 語 😀"), " ", " words" * 30, "\n" + " " * 70, "x" * 130, "\t"]
    texts = []
    for _ in range(2_000 * SCALE):
        pieces = [*rng.choices(SOUP, k=rng.randint(2, 12)), *rng.choices(WHITE, k=2), *rng.choices(plain, k=8)]
        text = "".join(rng.choices(pieces, k=2_000))
        start = rng.randrange(100)
        texts.append(text[start : start + rng.choice((1_000, 2_100, 4_000)) + rng.randrange(300)])
    for text, got in zip(texts, compiled("html_to_text")(texts), strict=True):
        assert got == reference.html_to_text(text), ascii(text)


@pytest.mark.parametrize("behind", ["&amp; then", "<b>then", "> then", "&#x20;", "then"])
def test_long_documents_end_where_they_end(behind: str) -> None:
    """Also if they end with much white space, and whatever stands behind them in memory."""
    pa = pytest.importorskip("pyarrow")
    for white in (" ", "\n", " \t"):
        for count in range(0, 420, 3):
            texts = ["<p>" + "long " * 220 + "document" + white * count, behind]
            got = pa.array(compiled("html_to_text")(pa.array(texts))).to_pylist()
            assert got == [reference.html_to_text(text) for text in texts], (white, count)


def document(rng: random.Random, depth: int = 0) -> tuple[str, list[str]]:
    """A well-formed piece of a page, and the words that it shows."""
    html_text: list[str] = []
    shown: list[str] = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(8)
        if kind == 0:
            hidden = ("<!-- {} -->", "<script>if (a < b) {}</script>", "<style>{} > a</style>", "<x y='{}>'/>")
            html_text.append(rng.choice(hidden).format("hidden"))
        elif kind < 4 and depth < 4:
            inner, inner_words = document(rng, depth + 1)
            name = rng.choice(("p", "div", "b", "td", "span", "li", "h2", "my-element"))
            attributes = rng.choice(("", " class='a > b'", ' title="</b>"', " hidden", " data-x=1/2 "))
            html_text.append(f"<{name}{attributes}>{inner}</{name}>")
            shown += inner_words
        else:
            word = "w" * rng.choice((1, 5, 15, 16, 17, 40, 63, 64, 65, 130))
            shown.append(word)
            html_text.append(f" {word}\n")
    return "".join(html_text), shown


def test_documents_keep_their_words(rng: random.Random) -> None:
    """Said without the specification: every word outside of what is hidden, in order, and nothing else."""
    for _ in range(3_000 * SCALE):
        text, shown = document(rng)
        assert compiled("html_to_text")(text).split() == shown, text


def test_agrees_with_a_browser_grade_parser(rng: random.Random) -> None:
    """On well-formed documents, words are those that lexbor sees."""
    lexbor = pytest.importorskip("selectolax.lexbor")
    for _ in range(500):
        text, _ = document(rng)
        tree = lexbor.LexborHTMLParser(f"<body><div>{text}</div>")
        tree.strip_tags(["script", "style"])
        assert compiled("html_to_text")(text).split() == tree.body.text(separator=" ").split(), text


FLOODS = [
    *("<", "<a", "<a ", "<a>", "<a b", "<a b=", "<a b='", '<a b="', "<a b='\"", "<a b='x>' "),
    *("<b c=\"'\" d='\"'>", "<a\t", "<a =", "<pre>", "<pre> ", "<pre>\n", "<br>", "<td>"),
    *("<!", "<!-", "<!--", "<!-- -->", "<!-->", "<?", "-->", "--", "</", "</a", "</a ", "<title><", "=", "'", '"'),
    *("<script", "<script>", "<script></script", "<script></scrip", "</script>"),
    *("<p> ", "&", "&#", "&#x", "&a", "&am", "&amp", "&#1", "&#x1", " ", "\n", "\r", "a ", "a  ", "\v"),
]


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("tail", ["", ">", "x", '">', "-->"])
def test_floods_are_read_as_specified(flood: str, tail: str) -> None:
    text = flood * (20_000 // len(flood)) + tail
    assert compiled("html_to_text")(text) == reference.html_to_text(text)
    assert compiled("html_unescape")(text) == reference.html_unescape(text)
    for size in range(70):
        cut = (flood * 70)[:size] + tail
        assert compiled("html_to_text")(cut) == reference.html_to_text(cut), ascii(cut)
