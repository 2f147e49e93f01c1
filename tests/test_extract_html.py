"""HTML: what a reader sees comes out, nothing else, and nothing gets lost in silence."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.extract import html
from rubric_factory.extract.html_facts import facts_of
from rubric_factory.extract.html_tree import parse
from rubric_factory.extract.result import Refused

DOCUMENTS = Path(__file__).parent / "data" / "documents"
BODY = "<p>" + "The pump runs until the tank is full and the float has risen to the mark. " * 6 + "</p>"


def page(body: str, head: str = "<title>Pump</title>") -> bytes:
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>".encode()


def text_of(body: str) -> str:
    return html.extract(page(f"<main>{BODY}{body}</main>")).text.partition("mark.\n\n")[2]


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        html.extract(data)
    return caught.value.reason


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


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<ol><li>a<li>b<ul><li>c</ul><li>d</ol>", "1. a\n\n2. b\n\n- c\n\n3. d"),
        ("<ol start='4'><li>four</ol>", "4. four"),
        ("one<br>two<br><br>three", "one two\n\nthree"),
        ("a<sub>i</sub>, 10<sup>-3</sup>, said<sup>[1]</sup>", "a_i, 10^-3, said[1]"),
        ("<dl><dt><b>alpha</b><span class='classifier'>float</span><dd>The rate.</dl>", "alpha : float\n\nThe rate."),
        ("<h2>On</h2>x<p class='rubric'>Notes</p>y<p class='rubric'>More</p>z", "On\n\nx\n\nNotes\n\ny\n\nMore\n\nz"),
        ("<pre>a<br>b <span class='lineno'>2</span>c</pre>", "```\na\nb c\n```"),
        ("<pre><span class=k>def</span>  f():\n\treturn</pre>", "```\ndef  f():\n\treturn\n```"),
        ("<pre>say\n```\ncode\n```</pre>", "````\nsay\n```\ncode\n```\n````"),
        (
            "<div class='fragment'><div class='line'><span class='lineno'> 1</span>int x;</div><div class='line'>x = 1;</div></div>",
            "```\nint x;\nx = 1;\n```",
        ),
        (
            "<table class='memname'><tr><td>int f</td><td>(</td><td>int</td><td>a</td></tr><tr><td></td><td>)</td></tr></table>",
            "int f ( int a )",
        ),
    ],
)
def test_what_an_element_becomes(body, text):
    assert text_of(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<math><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></math>", "$x^2$"),
        ("<math display='block' alttext='\\frac{a}{b}'><mi>a</mi></math>", "$$\\frac{a}{b}$$"),
        ("<math><mi>x</mi><mo>=</mo><mn>1</mn></math>", "x = 1"),
        ("<script type='math/tex'>e = mc^2</script>", "$e = mc^2$"),
        ("<script type='math/tex; mode=display'>e</script>", "$$e$$"),
        ("<span class='MathJax_Preview'>e</span><span class='MathJax'>e</span><script type='math/tex'>e</script>", "$e$"),
        ("<img class='formulaInl' alt='${\\bf t}$' src='form_1.png'>", "${\\bf t}$"),
        ("<img src='_images/math/0a.png' class='math' alt='n+1'>", "$n+1$"),
        ("<img src='pump.png' alt='a pump'>", ""),
        ("<span class='math'>\\(R^2\\)</span>", "\\(R^2\\)"),
        (
            "<span class='katex'><span class='katex-mathml'><math><mi>k</mi><annotation encoding='x-tex'>k_1</annotation></math>"
            "</span>"
            "<span class='katex-html' aria-hidden='true'>k1</span></span>",
            "$k_1$",
        ),
        (
            "<span class='mwe-math-mathml-inline' style='display: none;'><math><annotation encoding='x-tex'>{\\displaystyle a+b}"
            "</annotation></math></span><img class='mwe-math-fallback-image-inline' aria-hidden='true' alt='{\\displaystyle a+b}'>",
            "$a+b$",
        ),
    ],
)
def test_mathematics_is_kept_once(body, text):
    assert text_of(f"<p>so {body} holds</p>") == f"so {text} holds".replace("  ", " ")


def test_tables_of_data_become_markdown_and_layout_tables_prose():
    data = "<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"
    layout = f"<table><tr><td>{BODY}</td><td>{BODY}</td></tr><tr><td>x</td><td>y</td></tr></table>"
    text = html.extract(page(f"<main>{data}{layout}<p>more</p></main>")).text
    assert text.startswith("| a | b\\|c |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |\n\nThe pump")
    assert text.endswith("\n\nmore")


def test_cells_that_span_keep_columns_apart():
    body = (
        "<table><caption>Flow</caption><tr><th rowspan=2>pump<th colspan=2>flow</tr><tr><th>low<th>high</tr>"
        "<tr><td>A<td>1<td>2</tr><tr><td>B<td>3<td>$<i>x</i><span style='display:none'>no</span></tr></table>"
    )
    assert text_of(body) == "Flow\n\n| pump | flow |  |\n| --- | --- | --- |\n|  | low | high |\n| A | 1 | 2 |\n| B | 3 | $x |"


@pytest.mark.parametrize(
    "hidden",
    [
        "<p style='display:none'>SECRET</p>",
        "<span style='font-size:0'>SECRET</span>",
        "<span style='color:#333;font-size: 1px'>SECRET</span>",
        "<p hidden>SECRET</p>",
        "<div style='visibility: hidden'><p>SECRET</p></div>",
        "<p aria-hidden='true'>SECRET</p>",
        "<p style='opacity:0'>SECRET</p>",
        "<p style='position:absolute; left:-9999px'>SECRET</p>",
        "<p style='text-indent:-200em'>SECRET</p>",
        "<p style='clip: rect(0 0 0 0)'>SECRET</p>",
        "<p style='height:0; overflow:hidden'>SECRET</p>",
        "<p style='color:white'>SECRET</p>",
        "<p style='color:#FFFFFF'>SECRET</p>",
        "<p style='background:#eee;color:#eee'>SECRET</p>",
        "<font color='white'>SECRET</font>",
        "<span class='sr-only'>SECRET</span>",
        "<noscript>SECRET</noscript>",
        "<template><p>SECRET</p></template>",
        "<dialog>SECRET</dialog>",
        "<pre>x = 1 <span style='display:none'>SECRET</span></pre>",
        "<table><tr><td>a<td>b</tr><tr><td>c<td>d<b hidden>SECRET</b></tr></table>",
    ],
)
def test_hidden_text_is_dropped_and_counted(hidden):
    found = html.extract(page(f"<main>{BODY}{hidden}after</main>"))
    assert "SECRET" not in found.text and "after" in found.text
    assert found.removed_characters == len("SECRET")


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='font-size:10px'>SHOWN</p>",
        "<p style='opacity:0.5'>SHOWN</p>",
        "<p style='opacity:.9'>SHOWN</p>",
        "<p style='color:white;background:#123'>SHOWN</p>",
        "<div style='background:navy'><b style='color:white'>SHOWN</b></div>",
        "<p style='background-color:white'>SHOWN</p>",
        "<p style='margin-left:-10px'>SHOWN</p>",
        "<p hidden='until-found'>SHOWN</p>",
        "<details><summary>More</summary>SHOWN</details>",
        "<aside class='admonition note'>SHOWN</aside>",
        "<aside class='footnote'>SHOWN</aside>",
        "<div class='sphinx-tabs'>SHOWN</div>",
        "<form>" + "Fill in the form with care. " * 30 + "SHOWN</form>",
        "<h2 class='header'>SHOWN</h2>text",
    ],
)
def test_visible_text_is_kept(shown):
    found = html.extract(page(f"<main>{BODY}{shown}</main>"))
    assert "SHOWN" in found.text and found.removed_characters == 0


def test_scripts_navigation_and_comments_do_not_come_out():
    found = html.extract(
        page(
            f"<nav>NAV</nav><div class='sphinxsidebar'>SIDE</div><header>HEAD</header><form>Search</form>"
            f"<main>{BODY}<script>SCRIPT</script><style>p {{ CSS }}</style><!-- COMMENT --><button>PRESS</button></main>"
            "<footer>FOOT</footer>"
        )
    )
    assert not any(word in found.text for word in ("NAV", "SIDE", "SCRIPT", "COMMENT", "FOOT", "HEAD", "Search", "CSS", "PRESS"))
    assert found.removed_characters == 0


def test_markup_written_as_entities_stays_text():
    found = html.extract(page(f"<main>{BODY}<p>Write &lt;script&gt;alert(1)&lt;/script&gt; or &amp;lt;b&amp;gt;.</p></main>"))
    assert found.text.endswith("Write <script>alert(1)</script> or &lt;b&gt;.")


def test_encoding_is_told_before_parsing():
    latin = b"<html><head><meta charset='utf-8'></head><body><main>" + ("é " * 200).encode("latin-1") + b"</main></body></html>"
    assert html.extract(latin).text.startswith("é é")
    utf16 = page(f"<main>{BODY}ü</main>").decode().replace("utf-8", "utf-16").encode("utf-16")
    assert html.extract(utf16).text.endswith("ü")
    bare = page(f"<main>{BODY}ü</main>").decode().encode("utf-16-le")
    assert html.extract(bare).text.endswith("ü")
    xml = "<?xml version='1.0' encoding='koi8-r'?><html><body><p>" + "щука " * 90 + "</p></body></html>"
    assert html.extract(xml.encode("koi8-r")).text.startswith("щука щука")


def facts(head: str, heading: str = ""):
    return facts_of(parse(page("<p>x</p>", head).decode()), heading)


def test_title_and_authors_from_meta():
    head = "<title>Pump &mdash; The Pump Manual 3.1</title><meta name='author' content='A. One'><meta name='author' content='B. Two'>"
    found = html.extract(page(f"<main>{BODY}</main>", head))
    assert (found.title, found.authors) == ("Pump", "A. One; B. Two")


@pytest.mark.parametrize(
    ("head", "heading", "title"),
    [
        ("<title>OpenStack Docs: Evacuate vs Rebuild</title>", "Evacuate vs Rebuild", "Evacuate vs Rebuild"),
        ("<title>Bessel Functions (Maxima 5.46.0 Manual)</title>", "Other", "Bessel Functions"),
        ("<title>x - y</title><meta property='og:title' content='Pumps of Steel'>", "", "Pumps of Steel"),
        ("<title>VTK: vtkPump Class Reference</title>", "", "VTK: vtkPump Class Reference"),
        ("", "Only a heading", "Only a heading"),
    ],
)
def test_titles(head, heading, title):
    assert facts(head, heading).title == title


@pytest.mark.parametrize(
    ("head", "date", "licence"),
    [
        ("<meta name='citation_publication_date' content='2019/05/03'>", "2019-05-03", ""),
        ("<meta name='DC.date' content='2011'><meta name='dcterms.rights' content='CC BY-SA 4.0'>", "2011", "CC-BY-SA-4.0"),
        ("<link rel='license' href='https://creativecommons.org/publicdomain/zero/1.0/'>", "", "CC0-1.0"),
        ("<link rel='license' href='https://www.apache.org/licenses/LICENSE-2.0'>", "", "Apache-2.0"),
        (
            '<script type="application/ld+json">{"author": [{"name": "A. One"}], "datePublished": "2020-02-30T10:00", '
            '"license": "http://creativecommons.org/licenses/by/3.0/"}</script>',
            "2020-02-30",
            "CC-BY-3.0",
        ),
        ("<script type='application/ld+json'>{broken</script><meta name='date' content='yesterday'>", "", ""),
        ("<meta name='copyright' content='(c) 2020, all rights reserved'>", "", ""),
    ],
)
def test_dates_and_licences(head, date, licence):
    found = facts(head)
    assert (found.date, found.licence) == (date, licence)


def test_a_licence_is_the_page_s_own_only_where_it_says_so():
    link = "<a href='https://creativecommons.org/licenses/by/4.0/'>CC BY</a>"
    claimed = html.extract(page(f"<main>{BODY}</main><footer>This work is licensed under {link}.</footer>"))
    named = html.extract(page(f"<main>{BODY}<p>Many data sets are under {link}, others are not.</p></main>"))
    assert (claimed.licence, named.licence) == ("CC-BY-4.0", "")


@pytest.mark.parametrize("depth", [260, 1000, 2000])
def test_depth_is_no_cliff(depth):
    deep = html.extract(page("<div>" * depth + BODY + "</div>" * depth))
    assert deep.text.startswith("The pump runs") and deep.text.count("float") == 6


@pytest.mark.parametrize("depth", [2100, 30_000, 100_000])
def test_deeper_than_the_parser_goes_is_told(depth):
    assert refusal(page("<div>" * depth + BODY)) == "unparseable"


def test_navigation_pages_are_refused():
    links = "".join(f"<li><a href='{n}.html'>Chapter number {n} of the manual</a></li>" for n in range(60))
    assert refusal(page(f"<main><p>Read on.</p><ul>{links}</ul></main>")) == "navigation"
    assert refusal(page(f"<main><h1>Manual</h1><div class='toctree-wrapper'><ul>{links}</ul></div></main>")) == "navigation"
    assert refusal(page(f"<nav><ul>{links}</ul></nav>")) == "navigation"
    assert refusal(page("<script>x()</script>")) == "empty"


def test_lists_of_links_go_with_their_heading_and_linked_words_in_text_stay():
    links = "".join(f"<li><a href='{n}.html'>example {n} of many</a></li>" for n in range(9))
    top = "<div><a href='/'>Home</a> <a href='/l'>Libraries</a></div>"
    prose = "<p>Read <a href='x'>the manual</a> first.</p><ul><li><a href='y'>Flow</a> is measured in litres.</li></ul>"
    found = html.extract(page(f"{top}<h1>Pump</h1>{BODY}{prose}<h2>Examples</h2><ul>{links}</ul><h2>End</h2><p>Done.</p>"))
    assert [section.title for section in found.sections] == ["Pump", "End"]
    assert "Home" not in found.text and "example 3" not in found.text
    assert "Read the manual first.\n\n- Flow is measured in litres.\n\nEnd\n\nDone." in found.text


def test_text_that_the_main_part_lacks_is_not_lost():
    outside = BODY.replace("pump", "motor") * 8
    found = html.extract(page(f"<main><p>Short.</p></main><div>{outside}</div>"))
    assert found.text.count("motor") == 48
    marked = html.extract(page(f"<div class='sidebar'>{outside}</div>{BODY}"))
    assert marked.text.count("motor") == 48


def test_loss_is_told():
    assert refusal(page(f"<main><p>Short and good.</p></main><aside>{BODY * 5}</aside>")) == "content_lost"


def test_a_table_of_20000_rows_comes_out():
    rows = "".join(f"<tr><td>{n}</td><td>word</td></tr>" for n in range(20_000))
    text = html.extract(page(f"<main>{BODY}<table>{rows}</table></main>")).text
    assert text.count("| word |") == 20_000


def web_page() -> bytes:
    """A page made for the web: no mark on its main part, link-laden boxes with names of their own."""
    teasers = "".join(
        f"<div class='comments-{n}'><p><a href='/{n}'>Ten things about pump {n} that nobody told you</a> by our own writer</p></div>"
        for n in range(60)
    )
    texts = [
        f"<p>Pump number {n} has a rotor of {n * 7} millimetres and turns {n * 11} times a minute until its tank holds {n * 13} litres. "
        f"Its float number {n} then closes the valve, which opens again when {n * 3} litres are left and the switch has been set.</p>"
        for n in range(1, 13)
    ]
    body = (
        f"<div class='x1'><h1>How pumps work</h1>{''.join(texts[:6])}<h2>Care</h2>{''.join(texts[6:])}</div><div class='x2'>{teasers}</div>"
    )
    return page(body, "<title>How pumps work</title>")


def test_trafilatura_says_what_is_content_where_links_abound():
    found = html.extract(web_page())
    assert found.extractor == "html:trafilatura"
    assert "nobody told you" not in found.text and found.text.count("Its float number") == 12
    assert [section.title for section in found.sections] == ["How pumps work", "Care"]


@pytest.mark.parametrize("answer", [None, "", "Pump number 1 has", "nothing of the page"])
def test_where_trafilatura_sees_too_little_all_blocks_stay(monkeypatch, answer):
    import trafilatura

    monkeypatch.setattr(trafilatura, "extract", lambda *_, **__: answer)
    text = html.extract(web_page()).text
    assert text.count("nobody told you") == 60 and text.count("Its float number") == 12


def test_trafilatura_is_not_asked_on_a_manual(monkeypatch):
    import trafilatura

    monkeypatch.setattr(trafilatura, "extract", lambda *_, **__: pytest.fail("asked"))
    assert html.extract(page(f"<h1>Pump</h1>{BODY}<p>See <a href='x'>the manual</a>.</p>")).extractor == "html:body"


WORD = st.text("abcdefghij", min_size=1, max_size=6)
TREE = st.recursive(
    WORD,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{' '.join(parts)}</{tag}>",
        st.sampled_from(["div", "p", "b", "span", "ul", "li", "blockquote", "em", "td", "section", "dl", "dd"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@given(TREE)
def test_every_visible_word_comes_out_once_and_in_order(tree):
    wanted = re.sub(r"<[^>]*>", " ", tree).split()
    found = html.extract(page(f"<main><p>start</p>{tree}<p>end</p></main>")).text
    assert [word for word in found.replace("- ", " ").replace("|", " ").split() if word != "---"] == ["start", *wanted, "end"]


def test_golden_postgresql():
    found = html.extract((DOCUMENTS / "postgresql-doc-15_postgresql-doc-15_html_indexes-types.html").read_bytes())
    assert [section.title for section in found.sections][:3] == ["11.2. Index Types", "11.2.1. B-Tree", "11.2.2. Hash"]
    assert "By default, the CREATE INDEX command creates B-tree indexes, which fit the most common situations." in found.text
    assert "```\nCREATE INDEX name ON table USING HASH (column);\n```" in found.text
