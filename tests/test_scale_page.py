"""The page of the scale report: whole, readable on any screen, and by itself."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import Any

import browser
import pytest
from test_scale import made, series

from streamliner_udf import scale
from streamliner_udf.scale.plots import _spread

PLOTS = ["growth", "shares", "memory", "spilled", "threads"]
TABLES = ["steps", "volumes", "shares", "tight", "threads", "functions", "forecast", "contents"]
MACHINE = {
    "processor": "Example <CPU> & more", "cpus": 2, "memory": 24 * 10**9, "disk_free": 10**11, "load": 0.1,
    "system": "Linux x86_64", "python": "3.11.7", "duckdb": "2.0.0", "duckdb_memory_limit": "18.8 GiB", "numpy": "2.4",
    "streamliner_udf": "0.1.0",
}  # fmt: skip
OPTIONS = {
    "base": 100_000, "scales": [1, 3, 10, 30], "repeats": 3, "memory_limit": "512MB", "threads": 2, "chat": 25_000,
    "seed": 7,
}  # fmt: skip
# Pairs of labels of one plot of which one lies over the other, and labels that leave their plot.
MESSY = """
[...document.querySelectorAll('svg.plot')].filter(svg => svg.getBoundingClientRect().width).flatMap(svg => {
  const edge = svg.getBoundingClientRect();
  const labels = [...svg.querySelectorAll('text')].filter(one => one.textContent).map(
    one => ({words: one.textContent, box: one.getBoundingClientRect()}));
  const wrong = labels.filter(({box}) => box.left < edge.left - 1 || box.right > edge.right + 1 ||
    box.top < edge.top - 1 || box.bottom > edge.bottom + 1).map(({words}) => 'outside: ' + words);
  labels.forEach((a, i) => labels.slice(i + 1).forEach(b => {
    const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
    const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
    if (across > 1 && down > 3) wrong.push(a.words + ' over ' + b.words);
  }));
  return wrong;
})
"""


def report(**changed: Any) -> scale.ScaleReport:
    return scale.ScaleReport("2026-11-28T12:00:00+00:00", 600.0, MACHINE, OPTIONS, tuple(series(**changed)))


REPORTS = {
    "linear": report(),
    "bends": report(bend={"windows": 1.4, "export": 1.2, "read": 0.6}, slow=0.3),
    "short": report(slow=0.0002),
}


class Elements(html.parser.HTMLParser):
    """Names with their attributes, and whether every element that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_in_the_page_is_elsewhere(name: str) -> None:
    text = REPORTS[name].to_html()
    elements = Elements(text)
    assert not elements.open
    for tag, attributes in elements.found:
        assert tag not in ("script", "iframe", "img", "object", "embed", "base", "form", "use", "image")
        assert not {key for key in attributes if key.startswith("on")}
        for key in ("href", "src", "srcset", "action", "data", "xlink:href"):
            assert attributes.get(key) in (None, "data:,")
    assert not re.search(r"url\(|@import|https?://|//\w", text)
    assert "Example &lt;CPU&gt; &amp; more" in text
    policy = [a["content"] for tag, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_every_plot_is_there_for_wide_and_narrow_pages() -> None:
    found = Elements(REPORTS["linear"].to_html()).found
    figures = [attributes["id"] for tag, attributes in found if tag == "figure"]
    assert figures == [f"plot-{name}" for name in PLOTS]
    kinds = [attributes["class"] for tag, attributes in found if tag == "svg"]
    assert kinds == ["plot wide", "plot narrow"] * len(PLOTS)
    assert [attributes["id"] for tag, attributes in found if tag == "table"] == TABLES


def test_markdown_has_the_same_tables() -> None:
    text = REPORTS["bends"].to_markdown()
    assert text.startswith("# How the whole pipeline scales\n\n**Tune.** ")
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert len(titles) == len(TABLES) + 1
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "an extrapolation" in text


def test_labels_are_moved_apart_and_stay_inside() -> None:
    assert _spread([50, 10, 12], 15, 0, 100) == [50, 10, 25]
    assert _spread([99, 98, 97], 15, 0, 100) == [100, 85, 70]
    assert _spread([1, 2, 50], 15, 5, 100) == [5, 20, 50]
    assert _spread([], 15, 0, 100) == []


def test_a_report_of_one_thread_and_no_tight_run_is_whole() -> None:
    trials = tuple(made(scale, repeat, threads=1) for repeat in range(3) for scale in (1, 3, 10))
    options = {**OPTIONS, "threads": 1, "scales": [1, 3, 10]}
    found = scale.ScaleReport("2026-11-28", 1.0, MACHINE, options, trials)
    figures = [attributes["id"] for tag, attributes in Elements(found.to_html()).found if tag == "figure"]
    assert figures == ["plot-growth", "plot-shares", "plot-memory"]
    assert "Nothing went to disk for want of memory" in found.to_html()


@pytest.mark.skipif(browser.find() is None, reason="no Chromium on this machine")
@pytest.mark.not_sanitized("the browser would load it, too")
def test_a_browser_shows_all_of_it_and_asks_for_nothing_else(tmp_path: Path) -> None:
    paths = {}
    for name, one in REPORTS.items():
        one.write(tmp_path / name)
        paths[name] = tmp_path / name / "report.html"
    with browser.opened(tmp_path / "profile") as page:
        for name, path in paths.items():
            for width, dark in ((1100, False), (1100, True), (700, False), (390, False)):
                page.requests.clear()
                page.open(path, width, dark)
                where = f"{name}, {width} pixels{', dark' * dark}"
                # Not even for the icon of the page, which is in it.
                assert [one for one in page.requests if not one.startswith("data:")] == [path.resolve().as_uri()], where
                shown = page.ask(
                    "[...document.querySelectorAll('figure')].filter(one => [...one.querySelectorAll('svg')].filter("
                    "svg => svg.getBoundingClientRect().height > 60 && svg.querySelectorAll('rect, circle').length > 2"
                    ").length === 1).map(one => one.id)"
                )
                expected = [f"plot-{plot}" for plot in PLOTS]
                if name == "short":  # nothing that a curve could be fitted to
                    expected.remove("plot-growth")
                    expected.remove("plot-threads")
                assert shown == expected, where
                rows = page.ask(
                    "[...document.querySelectorAll('table')].filter(one => one.getBoundingClientRect().height > 30 && "
                    "one.tBodies[0].rows.length).map(one => one.id)"
                )
                assert set(rows) >= {"steps", "volumes", "shares", "tight", "functions", "contents"}, where
                assert page.ask(MESSY) == [], where
                # Tables scroll within themselves; the page does not scroll to the side.
                assert page.ask("document.documentElement.scrollWidth <= window.innerWidth"), where
                ink, paper = (
                    page.ask(f"getComputedStyle(document.body).{what}") for what in ("color", "backgroundColor")
                )
                dark_ink = sum(map(int, re.findall(r"\d+", ink)[:3])) > sum(map(int, re.findall(r"\d+", paper)[:3]))
                assert dark_ink == dark, where
