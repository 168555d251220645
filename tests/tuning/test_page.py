"""The page is one file that loads nothing else, for any prompts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.effort import examples
from tuning.service import Service

from vectorcache import NotCacheableError
from vectorcache.tuning import TuningReport

VOID = {"meta", "br"}
NASTY = (
    """</td></script><script>alert("1")</script><img src=x onerror='a'>&amp; "Q" 50 % \x07\u202e"""
)


class Page(HTMLParser):
    """Reads a page, and fails if its tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def report_on(prompts: list[str], *, labels: list[int] | None = None) -> TuningReport:
    vectors = {prompt: (1.0, place / 20) for place, prompt in enumerate(prompts)}
    return Service(vectors).tune(prompts, labels=labels)


LABELLED = report_on([f"prompt {n}" for n in range(30)], labels=[n // 4 for n in range(30)])
PLAIN = report_on([f"prompt {n}" for n in range(30)])
ALL_NEW = Service({"a": (1.0, 0.0), "b": (0.0, 1.0)}).tune(["a", "b"], labels=[1, 2])
ONE = Service({"a": (1.0, 0.0), "b": (1.0, 0.1)}).tune(["a", "b"], thresholds=[0.85])
MANY = Service({"a": (1.0, 0.0), "b": (1.0, 0.1)}).tune(
    ["a", "b"], labels=[1, 1], thresholds=[place / 50 for place in range(50)]
)
REPORTS = pytest.mark.parametrize("report", [LABELLED, PLAIN, ALL_NEW, ONE, MANY])


@REPORTS
def test_well_formed(report: TuningReport) -> None:
    """All tags are closed in their order, and the drawings are well-formed XML."""
    text = report.to_html()
    page = Page(text)
    drawings = re.findall("<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == (5 if report.labelled else 3)
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    assert page.tags[0][0] == "html"


@REPORTS
def test_nothing_is_loaded_or_run(report: TuningReport) -> None:
    """The page has no script and loads nothing, and its policy forbids both."""
    text = report.to_html()
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "a"}
    for _, attributes in page.tags:
        assert not {"src", "href", "srcset", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text and "@import" not in text and "http:" not in text
    assert "https:" not in text
    (policy,) = (
        found["content"] for tag, found in page.tags if tag == "meta" and "http-equiv" in found
    )
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_prompts_are_text() -> None:
    """Prompts and errors are shown as text, even if they contain HTML."""
    service = Service({NASTY: (1.0, 0.0), "close": (1.0, 0.05), "<b>bold</b>": (1.0, 0.5)})
    service.fails = lambda prompt, _: (
        NotCacheableError("<i>no</i>") if prompt == "<b>bold</b>" else None
    )
    text = service.tune([NASTY, "close", "<b>bold</b>"]).to_html()
    page = Page(text)
    words = "".join(page.words)
    assert (
        """</td></script><script>alert("1")</script><img src=x onerror='a'>&amp; "Q" 50 %"""
        in words
    )
    assert "<b>bold</b>" in words
    assert "NotCacheableError: <i>no</i>" in words
    assert "\x07" not in text and "\u202e" not in text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "i"}


@given(prompts=st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=4, unique=True))
@examples(50)
def test_any_prompts(prompts: list[str]) -> None:
    """For any prompts, the page is well-formed and can be written as UTF-8."""
    text = report_on(prompts).to_html()
    Page(text)
    text.encode()


@REPORTS
def test_screen_readers(report: TuningReport) -> None:
    """Each drawing describes itself in words, and tables name their rows and columns."""
    page = Page(report.to_html())
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            title, _, said = (attributes["aria-label"] or "").partition(". ")
            assert title and said
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_the_text_of_the_page() -> None:
    """The page has the figures of the report, its notes, and the doubtful pairs."""
    text = "".join(Page(LABELLED.to_html()).words).replace("\xa0", " ")
    assert LABELLED.recommendation.reason in text
    for note in LABELLED.notes:
        assert note in text
    for pair in LABELLED.doubtful:
        assert pair.prompt in text
    assert f"{LABELLED.calls:,} calls" in text
    assert LABELLED.context in text


def test_a_run_that_stopped_says_so() -> None:
    """A report on a part of the prompts says why the run stopped."""
    stopped = attrs.evolve(PLAIN, stopped="the quota is used up", not_asked=7)
    text = "".join(Page(stopped.to_html()).words)
    assert "The run stopped before its end: the quota is used up." in text
    assert "7 were not asked" in text
