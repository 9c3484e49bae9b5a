"""Markdown: whatever a loader is called, a reader of the rendered page sees that and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipebench.errors import one_line
from pipebench.report.markdown import code, escaped

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "a\\|b",
    "back\\",
    "`x`",
    "``",
    "`",
    "a`b``c",
    "[link](http://x.example)",
    "![i](http://x.example/i.png)",
    "*bold* _it_ ~~no~~",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "23) item",
    "> quote",
    "@user",
    "#12",
    ":rocket:",
    "$x$",
    "http://x.example",
    "www.x.example",
    "&lt;b&gt;",
    "line\nbreak",
    "***",
    "---",
    "===",
    "torch_dataloader:workers=4 folder",
    "é 漢字",
]


def shown(markdown: str) -> str:
    """What a reader sees of it, as text."""
    html = RENDER.render(markdown)
    html = re.sub(r"<!-- -->", "", html)
    text = re.sub(r"</?(?:p|code|td|th|tr|table|thead|tbody|strong|ul|li)(?: style=\"[^\"]*\")?>", "", html)
    assert "<" not in text, html
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&").strip()


def in_a_table(cell: str) -> str:
    rendered = RENDER.render(f"| a | b |\n| --- | --- |\n| {cell} | end |\n")
    assert rendered.count("<td>") == 2, rendered
    found = re.search(r"<td>(.*?)</td>", rendered, re.DOTALL)
    assert found is not None
    return shown(found[1]) if "<code>" not in found[1] else found[1]


@pytest.mark.parametrize("name", HOSTILE)
def test_text_is_shown_as_it_is(name: str) -> None:
    assert shown(escaped(name)) == one_line(name)
    assert shown(f"- {escaped(name)}") == one_line(name)
    assert shown(f"**{escaped('x' + name)}**") == f"x{one_line(name)}"


@pytest.mark.parametrize("name", HOSTILE)
def test_code_in_a_table_is_shown_as_it_is(name: str) -> None:
    found = in_a_table(code(name))
    expected = one_line(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert found == f"<code>{expected}</code>"


@given(st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=12))
def test_any_text(name: str) -> None:
    plain = one_line(name)
    if plain.strip() == plain and plain and "  " not in plain:
        assert shown(f"x{escaped(plain)}y").replace("\xa0", " ") == f"x{plain}y"


@pytest.mark.parametrize("name", ["@user", "#12", ":rocket:", "http://x.example", "$x$ and $y$"])
def test_what_github_looks_for_in_rendered_text_is_broken_up(name: str) -> None:
    rendered = RENDER.render(escaped(name))
    assert name not in rendered
    assert not re.search(r"[@#]\w|:\w|\$\w", rendered)


def test_figures_stay_readable() -> None:
    assert escaped("pr: 0.89x [0.88, 0.91]") == "pr: 0.89x \\[0.88, 0.91\\]"
