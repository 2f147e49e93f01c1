"""PDF: paragraphs, headings, pages and code as they are printed, without what pages carry besides."""

import io
from pathlib import Path

import pytest

from rubric_factory.extract import figures, furniture, glyphs, layout, pdf, pdf_facts
from rubric_factory.extract.line import Bookmark, Line, Read
from rubric_factory.extract.mending import Mender
from rubric_factory.extract.result import Refused

DOCUMENTS = Path(__file__).parent / "data" / "documents"
LME4 = DOCUMENTS / "r-cran-lme4_lib_R_site-library_lme4_doc_Theory.pdf"
AMS = DOCUMENTS / "texlive-lang-english_texlive-doc_latex_amscls-doc_Author_Handbook_Mono.pdf"


@pytest.fixture(scope="module")
def lme4():
    return pdf.extract(LME4.read_bytes())


def test_golden_paragraphs_headings_and_hyphens(lme4):
    assert lme4.title == "Computational methods for mixed models"
    titles = [(section.level, section.title) for section in lme4.sections]
    assert (1, "1 Introduction") in titles and (2, "2.1 The unconditional distribution of B") in titles
    assert "the computational approach used to evaluate or approximate the log-likelihood of a model/data/parameter value" in lme4.text
    assert (
        "The estimates of the parameters in a mixed model are determined as the values that optimize an objective function — either"
        in lme4.text
    )
    assert all(lme4.text.startswith(section.title, section.start) for section in lme4.sections)
    assert "\ufffe" not in lme4.text and "\x02" not in lme4.text


def test_pages_agree_with_the_printed_ones(lme4):
    import pypdfium2

    with pypdfium2.PdfDocument(LME4.read_bytes()) as printed:
        assert len(lme4.page_starts) == len(printed)
        for probe in (
            "The lme4 package provides R functions to fit and analyze linear mixed",
            "an objective function — either",
            "B = Λ(θ)U, U",
        ):
            at = lme4.text.index(probe)
            page = sum(start <= at for start in lme4.page_starts)
            assert probe.split(",")[0] in printed[page - 1].get_textpage().get_text_range().replace("\r\n", " ")


def test_running_headers_page_numbers_and_contents_are_gone():
    text = pdf.extract(AMS.read_bytes()).text
    assert "WHAT’S IN IT FOR THE AUTHOR?" not in text and "4. TOP MATTER 11" not in text
    assert "3.1. Document class options 8" not in text and "3.1. Document class options. There are" in text
    assert "Keep these principles in mind when preparing and submitting your files." in text


def test_code_keeps_its_lines():
    text = pdf.extract((DOCUMENTS / "r-cran-quantreg_lib_R_site-library_quantreg_doc_rq.pdf").read_bytes()).text
    assert '```\n> help(package="quantreg")\n> help(rq)\n```' in text


def line(text: str, **geometry) -> Line:
    return Line(text, **{"x0": 100.0, "x1": 100.0 + 5 * len(text), "size": 10.0, **geometry})


def test_a_paragraph_goes_on_over_the_page():
    pages = [[line("The pump runs until the tank", y=120.0, y_end=120.0)], [line("is full. Then it stops.", y=700.0, y_end=700.0)]]
    (block,), _ = layout.blocks_of(pages)
    assert block.text == "The pump runs until the tank is full. Then it stops."
    assert block.pages == [(0, 0), (1, len("The pump runs until the tank "))]


def test_rows_keep_their_line_breaks():
    wide = ["This line of prose is as wide as the column it stands in, all of it so"] * 12
    rows = ["Code   Name", "cbms   Regional", "coll   Colloquium"]
    heights = [700.0 - 12 * n for n in range(12)] + [540.0 - 12 * n for n in range(3)]
    page = [line(text, y=y, y_end=y) for text, y in zip(wide + rows, heights, strict=True)]
    (prose, table), _ = layout.blocks_of([page])
    assert "\n" not in prose.text
    assert table.text == "Code Name\ncbms Regional\ncoll Colloquium"


def test_furniture_is_what_repeats_or_counts_pages():
    once = [[line("A remark of 1999", y=700.0), line("Text.", y=600.0)]]
    assert furniture.strip(once) == once
    words = ("red", "green", "blue", "white")
    pages = [
        [
            line("The Manual", y=700.0),
            *(line(f"{word} {other}", y=600.0 - n) for n, other in enumerate(words)),
            line(f"{word} {page + 7}", y=90.0),
        ]
        for page, word in enumerate(words)
    ]
    assert [[found.text for found in page] for page in furniture.strip(pages)] == [[f"{word} {other}" for other in words] for word in words]


def blank(**options) -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if options:
        writer.encrypt(**options)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (blank(), "ocr_needed"),
        (blank(user_password="x", owner_password="y", algorithm="RC4-128"), "encrypted"),
        (b"%PDF-1.4\ngarbage", "unparseable"),
        (LME4.read_bytes()[:4000], "unparseable"),
    ],
)
def test_refusals(data, reason):
    with pytest.raises(Refused) as caught:
        pdf.extract(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("\ue001\ue002\ue003 words and more words " * 20, "60 unmapped and 340 alphanumeric of 400 characters"),
        ("7KH SXPS UXQV XQWLO WKH WDQN LV IXOO " * 60, "18% of 1680 Latin letters are vowels"),
    ],
)
def test_gibberish_is_refused(monkeypatch, text, detail):
    monkeypatch.setattr(pdf.pdfium, "read", lambda data: Read([[Line(text)]], {}, "pdfium"))
    with pytest.raises(Refused) as caught:
        pdf.extract(b"")
    assert caught.value.reason == "gibberish" and detail in caught.value.detail


def test_pypdf_stands_in_where_pdfium_gives_up(monkeypatch):
    import pypdfium2

    def fail(*_):
        raise pypdfium2.PdfiumError("Failed to load document (PDFium: Data format error).")

    monkeypatch.setattr(pypdfium2, "PdfDocument", fail)
    found = pdf.extract(LME4.read_bytes())
    assert found.extractor == "pypdf" and len(found.page_starts) == 21
    assert "generalized linear mixed models and nonlinear mixed models" in found.text


def drawn(*pages: str, **facts: str) -> bytes:
    """A PDF of content streams; F1 is Helvetica, F2 Courier."""
    from pypdf import PdfWriter
    from pypdf.generic import DictionaryObject, NameObject, StreamObject

    def font(name: str) -> DictionaryObject:
        kind = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": name}
        return DictionaryObject({NameObject(key): NameObject(value) for key, value in kind.items()})

    writer = PdfWriter()
    fonts = DictionaryObject({NameObject("/F1"): font("/Helvetica"), NameObject("/F2"): font("/Courier")})
    for content in pages:
        page, stream = writer.add_blank_page(612, 792), StreamObject()
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream.set_data(content.encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({f"/{name}": value for name, value in facts.items()})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def show(text: str, x: float, y: float, font: str = "F1", size: float = 10.0) -> str:
    return f"BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET"


WORDS = ("valve", "pump", "tank", "sensor", "relay", "motor", "gauge", "filter", "piston", "rotor")


def test_columns_that_are_drawn_row_by_row_are_read_one_after_the_other():
    rows = [show("A title that runs across both of the columns of this page, as titles do", 60, 740, size=14)]
    for number, word in enumerate(WORDS):
        rows.append(show(f"left {word} is read on line number {number} here", 60, 700 - 12 * number))
        rows.append(show(f"right {word} is read on line number {number} too", 320, 700 - 12 * number))
    text = pdf.extract(drawn("\n".join(rows), CreationDate="D:20210406102355+02'00'")).text.replace("\n", " ")
    places = [text.index(f"{side} {word}") for side in ("left", "right") for word in WORDS]
    assert places == sorted(places) and text.startswith("A title that runs across")


def test_a_wide_table_is_no_pair_of_columns():
    rows = [show(f"{word} {number}", x, 700 - 12 * number) for number, word in enumerate(WORDS) for x in (60, 320)]
    prose = [show(f"The {word} is tested once a year by the people who have built it.", 60, 500 - 12 * n) for n, word in enumerate(WORDS)]
    text = pdf.extract(drawn("\n".join(rows + prose))).text
    assert all(f"{word} {number} {word} {number}" in text.replace("\n", " ") for number, word in enumerate(WORDS))


def test_code_is_as_far_in_as_it_is_printed():
    lines = ("def area(r):", "    if r < 0:", "        raise ValueError", "    return 3.14 * r * r")
    shown = [show(line.strip(), 72 + 6 * (len(line) - len(line.lstrip())), 700 - 12 * n, "F2") for n, line in enumerate(lines)]
    prose = [show(f"The {word} is described in the manual of the {word} at length.", 72, 600 - 12 * n) for n, word in enumerate(WORDS)]
    content = "\n".join(shown + prose).replace("(r)", "\\(r\\)")
    assert "```\n" + "\n".join(lines) + "\n```" in pdf.extract(drawn(content)).text


def test_numbered_listings_are_code():
    lines = ("class Valve:", "}", "", "def open(self):")
    shown = []
    for n, code in enumerate(lines):
        shown += [show(str(n + 8), 60, 700 - 12 * n, size=5), show(code, 72, 700 - 12 * n, "F2")]
    prose = [show(f"The {word} is described in the manual of the {word} at length.", 60, 600 - 12 * n) for n, word in enumerate(WORDS)]
    content = "\n".join(shown + prose).replace("(self)", "\\(self\\)")
    assert "```\n8 class Valve:\n9 }\n10\n11 def open(self):\n```" in pdf.extract(drawn(content)).text


def test_headings_of_the_outline():
    prose = [line(f"The {word} is described here, as it is in every manual there is.", y=600.0 - 12 * n) for n, word in enumerate(WORDS)]
    page = [line("2.3 Starting the", y=640.0, y_end=640.0), line("engine", y=628.0, y_end=628.0), *prose]
    blocks, _ = layout.blocks_of([page], [Bookmark(0, 4, "Starting the engine"), Bookmark(9, 1, "elsewhere")])
    assert [(block.level, block.text) for block in blocks if block.level] == [(4, "2.3 Starting the engine")]


def test_scaled_type_and_turned_stamps():
    prose = [
        f"BT /F1 1 Tf 10 0 0 10 60 {700 - 12 * n} Tm (The {word} is what this line is all about.) Tj ET" for n, word in enumerate(WORDS)
    ]
    large = "BT /F1 1 Tf 16 0 0 16 60 740 Tm (About Everything) Tj ET"
    stamp = "BT /F1 10 Tf 0 1 -1 0 20 300 Tm (arXiv:2101.00001v1 [cs.LG] 1 Jan 2021) Tj ET"
    found = pdf.extract(drawn("\n".join([large, *prose, stamp])))
    assert [section.title for section in found.sections] == ["About Everything"] == [found.title]
    assert "arXiv" not in found.text


def test_facts():
    packet = b"<x:xmpmeta><rdf:RDF><cc:license rdf:resource='http://creativecommons.org/licenses/by-sa/4.0/'/></rdf:RDF></x:xmpmeta>"
    assert pdf_facts.licence_of(b"%PDF" + packet + b"rest") == "CC-BY-SA-4.0"
    assert pdf_facts.licence_of(packet[:-5]) == pdf_facts.licence_of(b"<x:xmpmeta>all rights reserved</x:xmpmeta>") == ""
    content = "\n".join(
        show(f"The {word} is described in the manual of the {word} at length.", 72, 600 - 12 * n) for n, word in enumerate(WORDS)
    )
    found = pdf.extract(drawn(content, CreationDate="D:20210406102355+02'00'", Title="Microsoft Word - x.doc", Author="A. Author"))
    assert (found.date, found.authors, found.title) == ("2021-04-06", "A. Author", "")


def test_private_use_glyphs():
    assert glyphs.spelt("\uf061 \uf0b3 \uf8eb \uf733 \ue123x") == ("α ≥ ⎛ 3 x", 1)
    assert glyphs.spelt("\uf0d8 first") == ("• first", 0)
    (block,), removed = layout.blocks_of([[line("see \uf067 and \uefff", y=700.0)]])
    assert (block.text, removed) == ("see γ and", 1)


def test_labels_of_a_figure_are_dropped_and_counted():
    labels = [["0"], ["0.5"], ["1.0"], ["Gain"], ["A B"], ["Phase", "20"]]
    prose = ["The figure shows the gain of the amplifier, as measured."]
    assert figures.label_runs([prose, *labels, prose]) == set(range(1, 7))
    assert figures.label_runs([prose, *labels[:5], prose]) == set()
    assert figures.label_runs([*labels[:3], None, *labels[3:]]) == set()
    assert figures.label_runs([*labels, ["x = 4"]]) == set(), "a formula that was taken apart"
    assert figures.label_runs([[f"• item {n}"] for n in range(9)]) == set(), "a list"


def test_heads_of_chapters_alternate_and_front_matter_is_numbered_in_roman():
    def page(number: int, head: str, foot: str) -> list[Line]:
        only_here = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        body = [line(f"{word} {only_here}", y=600.0 - 12 * n) for n, word in enumerate(WORDS)]
        return [line(head, y=740.0), *body, line(foot, y=60.0)]

    heads = (
        ["Preface"] * 3 + [("A. Author" if n % 2 else "The Chapter") for n in range(6)] + [f"Nothing repeats {word}" for word in WORDS * 3]
    )
    feet = ["iii draft", "iv draft", "v draft"] + [f"{n + 1} of the book" for n in range(36)]
    kept = furniture.strip([page(number, *edges) for number, edges in enumerate(zip(heads, feet, strict=True))])
    assert all(len(found) == len(WORDS) for found in kept[:9])
    assert all("draft" not in found[-1].text and "of the book" not in found[-1].text for found in kept)


def test_grave_accents_inside_words_and_quotes_outside():
    mender = Mender([])
    assert mender.line("mati`eres lié `a un `code'") == "matières lié à un `code'"
