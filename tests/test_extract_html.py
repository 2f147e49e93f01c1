"""HTML: what a reader sees comes out, nothing else, and nothing gets lost in silence."""

from pathlib import Path

import pytest

from rubric_factory.extract import html
from rubric_factory.extract.result import Refused

DOCUMENTS = Path(__file__).parent / "data" / "documents"
BODY = "<p>" + "The pump runs until the tank is full and the float has risen to the mark. " * 6 + "</p>"


def page(body: str, head: str = "<title>Pump</title>") -> bytes:
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>".encode()


def test_blocks_sections_and_code():
    found = html.extract(
        page(
            f"<main><h1>Pumps<a class='headerlink' href='#p'>¶</a></h1>{BODY}<h3>Use of\n it</h3>"
            "<ul><li>first</li><li><p>second</p></li></ul>"
            "<pre>if x:\n    go()\n</pre><p>By <code>CREATE\n   INDEX</code> and x<sup>2</sup>.</p></main>"
        )
    )
    assert [(s.level, s.title) for s in found.sections] == [(1, "Pumps"), (3, "Use of it")]
    assert all(found.text.startswith(section.title, section.start) for section in found.sections)
    assert found.text.endswith("Use of it\n\n- first\n\n- second\n\n```\nif x:\n    go()\n```\n\nBy CREATE INDEX and x^2.")
    assert found.extractor == "html:marked"


def test_tables_of_data_become_markdown_and_layout_tables_prose():
    data = "<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"
    layout = f"<table><tr><td>{BODY}</td></tr><tr><td>more</td></tr></table>"
    text = html.extract(page(f"<main>{BODY}{data}{layout}</main>")).text
    assert "| a | b\\|c |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |" in text
    assert text.endswith("\n\nmore")


@pytest.mark.parametrize(
    "hidden",
    [
        "<p style='display:none'>SECRET</p>",
        "<span style='font-size:0'>SECRET</span>",
        "<p hidden>SECRET</p>",
        "<div style='visibility: hidden'><p>SECRET</p></div>",
        "<p aria-hidden='true'>SECRET</p>",
    ],
)
def test_hidden_text_is_dropped_and_counted(hidden):
    found = html.extract(page(f"<main>{BODY}{hidden}after</main>"))
    assert "SECRET" not in found.text and "after" in found.text
    assert found.removed_characters == len("SECRET")


def test_scripts_navigation_and_comments_do_not_come_out():
    found = html.extract(
        page(
            f"<nav>NAV</nav><div class='sphinxsidebar'>SIDE</div>"
            f"<main>{BODY}<script>SCRIPT</script><!-- COMMENT --></main><footer>FOOT</footer>"
        )
    )
    assert not any(word in found.text for word in ("NAV", "SIDE", "SCRIPT", "COMMENT", "FOOT"))
    assert "SCRIPT" not in found.text and found.removed_characters == 0


def test_encoding_is_told_before_parsing():
    latin = b"<html><head><meta charset='utf-8'></head><body><main>" + ("é " * 200).encode("latin-1") + b"</main></body></html>"
    assert html.extract(latin).text.startswith("é é")
    utf16 = page(f"<main>{BODY}ü</main>").decode().replace("utf-8", "utf-16").encode("utf-16")
    assert html.extract(utf16).text.endswith("ü")


def test_title_and_authors_from_meta():
    head = "<title>Pump &mdash; The Pump Manual 3.1</title><meta name='author' content='A. One'><meta name='author' content='B. Two'>"
    found = html.extract(page(f"<main>{BODY}</main>", head))
    assert (found.title, found.authors) == ("Pump", "A. One; B. Two")


def test_depth_is_no_cliff():
    deep = html.extract(page("<div>" * 1000 + BODY + "</div>" * 1000))
    assert deep.text.startswith("The pump runs") and deep.text.count("float") == 6
    with pytest.raises(Refused) as caught:
        html.extract(page("<div>" * 30_000 + BODY))
    assert caught.value.reason == "unparseable"


def test_navigation_pages_are_refused():
    links = "".join(f"<li><a href='{n}.html'>Chapter number {n} of the manual</a></li>" for n in range(60))
    with pytest.raises(Refused) as caught:
        html.extract(page(f"<main><p>Read on.</p><ul>{links}</ul></main>"))
    assert caught.value.reason == "navigation"


def test_text_that_the_main_part_lacks_is_not_lost():
    outside = BODY.replace("pump", "motor") * 8
    found = html.extract(page(f"<main><p>Short.</p></main><div>{outside}</div>"))
    assert found.text.count("motor") == 48


def test_loss_is_told():
    with pytest.raises(Refused) as caught:
        html.extract(page(f"<main><p>Short and good.</p></main><aside>{BODY * 5}</aside>"))
    assert caught.value.reason == "content_lost"


def test_a_table_of_20000_rows_comes_out():
    rows = "".join(f"<tr><td>{n}</td><td>word</td></tr>" for n in range(20_000))
    assert html.extract(page(f"<main>{BODY}<table>{rows}</table></main>")).text.count("word") == 20_000


def test_golden_postgresql():
    found = html.extract((DOCUMENTS / "postgresql-doc-15_postgresql-doc-15_html_indexes-types.html").read_bytes())
    assert [section.title for section in found.sections][:3] == ["11.2. Index Types", "11.2.1. B-Tree", "11.2.2. Hash"]
    assert "By default, the CREATE INDEX command creates B-tree indexes, which fit the most common situations." in found.text
    assert "```\nCREATE INDEX name ON table USING HASH (column);\n```" in found.text
