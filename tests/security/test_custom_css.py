"""Custom CSS from the console is parsed and filtered; what is left can hide nothing. SECURITY.md R-BR-09, A-INJ-04."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.custom_css import UnusableCss, clean_css
from credenza.web.palette import Palette, palette_of

CORE = Path(__file__).parents[2] / "core/credenza/web/static/credenza.css"

DROPPED = {
    "import": '@import url("https://evil.example/x.css");',
    "import of a string": "@import '//evil.example/x.css';",
    "escaped import": r"@\69mport url(//evil.example);",
    "font-face": "@font-face { font-family: x; src: url(//evil.example/x.woff) }",
    "keyframes": "@keyframes x { from { opacity: 0 } }",
    "layer": "@layer credenza { main { padding: 1px } }",
    "charset": '@charset "utf-7";',
    "namespace": "@namespace svg url(http://www.w3.org/2000/svg);",
    "supports": "@supports (display: grid) { main { padding: 1px } }",
    "url": "main { background: url(https://evil.example/x) }",
    "url in a list": "main { border-image: url(//evil.example/x) 1 }",
    "image-set": "main { background-image: image-set('x.png' 1x) }",
    "custom property with url": ":root { --page: url(//evil.example/x) }",
    "unknown custom property": ":root { --evil: #fff }",
    "expression": "main { width: expression(alert(1)) }",
    "behavior": "main { behavior: url(x.htc) }",
    "moz-binding": "main { -moz-binding: url(x.xml) }",
    "escaped property": r"main { po\73ition: fixed }",
    "commented property": "main { pos/**/ition: fixed }",
    "fixed": "main { position: fixed; inset: 0; z-index: 9 }",
    "absolute": "footer { position: absolute }",
    "sticky": "footer { position: sticky }",
    "content with attr": "a::after { content: attr(href) }",
    "content": "h1::before { content: 'Verified by your bank' }",
    "attribute selector": "input[value^=a] { border-width: 1px }",
    "the buttons": "[name=decision] { border-width: 1px }",
    "id": "#message { border-width: 1px }",
    "everything": "* { border-width: 1px }",
    "is": ":is(button) { border-width: 1px }",
    "has": "main:has(a) { border-width: 1px }",
    "not": "main:not(.x) { border-width: 1px }",
    "html": "html { font-size: 16px }",
    "display none": "main[data-page=consent] .lines { display: none }",
    "visibility": ".btn { visibility: hidden }",
    "opacity": "p { opacity: 0.01 }",
    "clip": "p { clip-path: inset(50%) }",
    "transform": "p { transform: scale(0) }",
    "text-indent": "p { text-indent: -9999px }",
    "order of the buttons": ".actions { flex-direction: row }",
    "order": ".btn { order: -1 }",
    "height": "p { height: 0; overflow: hidden }",
    "tiny text": "p { font-size: 1px }",
    "relative tiny text": "p { font-size: 0.1em }",
    "tiny line": "p { line-height: 0 }",
    "negative margin": "p { margin: -500px }",
    "huge padding": "p { padding: 9999px }",
    "huge shadow": "footer { box-shadow: 0 -500px 0 500px #000 }",
    "opaque shadow": "footer { box-shadow: 0 -20px 20px #fff }",
    "inset shadow": "p { box-shadow: inset 0 0 0 40px rgb(0 0 0 / 10%) }",
    "colour of text": "p { color: #fff }",
    "transparent text": "p { color: transparent }",
    "text as its ground": "p { color: var(--background) }",
    "ground": "main { background: #000 }",
    "ground of a button": ".btn { background: var(--card) }",
    "font without letters": "p { font-family: Wingdings }",
    "pointer events": ".btn { pointer-events: none }",
    "animation": "p { animation: x 1s }",
    "filter": "p { filter: blur(9px) }",
    "var with a fallback": "p { color: var(--x, #fff) }",
    "page that hides the footer": ":root { --page: linear-gradient(#646a73, #646a73) }",
    "close the style element": "</style><script>alert(1)</script>",
    "html comment": "<!-- main { position: fixed } -->",
    "nested": "main { & p { position: fixed } }",
    "broken": "}}}{{{",
}
KEPT = {
    "main { border-radius: 4px }": "body.page main { border-radius: 4px }",
    "body { font-family: Georgia, serif }": "body.page { font-family: Georgia, serif }",
    "body.page > main { padding: 2rem }": "body.page > main { padding: 2rem }",
    "h1, .intro p { letter-spacing: .05em }": "body.page h1, body.page .intro p { letter-spacing: .05em }",
    ".btn:hover { border-color: #123456 }": "body.page .btn:hover { border-color: #123456 }",
    "main[data-page=consent] { max-width: 600px }": 'body.page main[data-page="consent"] { max-width: 600px }',
    "main { background: var(--muted) !important }": "body.page main { background: var(--muted) }",
    "@media (min-width: 40rem) { main { padding: 3rem } }": "@media (min-width: 40rem) { body.page main",
    ":root { --radius: 0 }": "--radius: 0",
}


@pytest.fixture(scope="module")
def palette() -> Palette:
    return palette_of([CORE.read_text()])


@pytest.mark.parametrize("kind", DROPPED)
def test_r_br_09_what_is_not_allowed_is_left_out_and_said(kind: str, palette: Palette) -> None:
    """R-BR-09: custom CSS through a parser that drops it."""
    try:
        cleaned = clean_css(DROPPED[kind], palette)
    except UnusableCss:
        return
    assert cleaned.content == ""
    assert cleaned.remarks or kind == "html comment"


@pytest.mark.parametrize("source", KEPT)
def test_what_is_allowed_is_kept(source: str, palette: Palette) -> None:
    cleaned = clean_css(source, palette)
    assert KEPT[source] in cleaned.content
    assert "!important" not in cleaned.content.split("\n", 1)[1], "only the guard is important"
    assert cleaned.remarks == []


def test_a_remark_names_the_line(palette: Palette) -> None:
    cleaned = clean_css("main { padding: 1rem }\n\np {\n  position: fixed;\n}", palette)
    assert [(remark.line, remark.text) for remark in cleaned.remarks] == [(4, "“position” is not allowed.")]
    assert "padding: 1rem" in cleaned.content


def test_colours_that_cannot_be_read_on_each_other_are_left_out_with_the_figure_and_the_nearest(
    palette: Palette,
) -> None:
    cleaned = clean_css(":root { --primary: #ffaa00 }", palette)
    assert "prefers-color-scheme: light" not in cleaned.content
    assert "prefers-color-scheme: dark" in cleaned.content, "it can be read in the dark"
    [remark] = cleaned.remarks
    assert "1.91:1" in remark.text
    assert "nearest to #ffaa00 that passes is #a06b00" in remark.text


def test_a_ground_and_its_text_are_measured_together(palette: Palette) -> None:
    source = "@media (prefers-color-scheme: light) { :root { --card: #111111; --card-foreground: #f5f5f5 } }"
    assert "--card:" not in clean_css(source, palette).content, "the muted text stands on it too"
    source = "@media (prefers-color-scheme: light) { :root { --card: #fff8e7; --background: #fdf6e3 } }"
    assert "--card: #fff8e7" in clean_css(source, palette).content


@pytest.mark.parametrize(
    "hostile",
    ["(" * 50_000, "a{b:" + "(" * 40_000, "{" * 50_000, "@media " + "[" * 40_000, "\0" * 1000, "a{color:" * 6_000],
    ids=["brackets", "value", "braces", "media", "nul", "rules"],
)
def test_hostile_css_is_answered_soon(hostile: str, palette: Palette) -> None:
    started = time.process_time()
    with suppress(UnusableCss):
        assert clean_css(hostile, palette).content == ""
    assert time.process_time() - started < 5


def test_too_much_css_is_refused(palette: Palette) -> None:
    with pytest.raises(UnusableCss, match="50,000"):
        clean_css("a" * 50_001, palette)


def test_broken_css_raises_one_kind_of_exception_and_never_lets_a_word_through(palette: Palette) -> None:
    source = random.Random(20260202)
    pieces = [*DROPPED.values(), *KEPT, "/*", "*/", "\\", '"', "'", "<", "\0", "\ud800", "{", "}", ";", "url("]
    for _ in range(1500):
        text = "".join(source.choice(pieces) for _ in range(source.randint(1, 6)))
        text = "".join(c for c in text if source.random() > 0.02)
        try:
            content = clean_css(text, palette).content.lower()
        except UnusableCss:
            continue
        assert not any(
            word in content for word in ("url(", "@import", "position", "content:", "<", "expression(", "\\")
        )


def test_pages_of_users_link_it_and_the_console_does_not(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, admin: UserAgent, tmp_path: Path
) -> None:
    sheet = tmp_path / "brand.css"
    sheet.write_text("main { border-radius: 4px }")
    credenza.apply({"provider": {"branding": {"stylesheet": str(sheet)}}})
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    [address] = [line.split('"')[3] for line in page.html.splitlines() if 'href="/branding/' in line]
    answer = credenza.request("GET", address)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "border-radius: 4px" in answer.text
    console = admin.get("/console")
    assert isinstance(console, PageSeen)
    assert address not in console.html


def test_the_desired_state_file_says_what_is_not_allowed(credenza: Credenza, tmp_path: Path) -> None:
    from credenza import StateError

    sheet = tmp_path / "brand.css"
    sheet.write_text("main { position: fixed }")
    with pytest.raises(StateError, match="line 1: “position” is not allowed"):
        credenza.apply({"provider": {"branding": {"stylesheet": str(sheet)}}})
