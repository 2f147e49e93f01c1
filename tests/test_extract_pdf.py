"""PDF: paragraphs, headings, pages and code as they are printed, without what pages carry besides."""

import io
from pathlib import Path

import pytest

from rubric_factory.extract import furniture, layout, pdf
from rubric_factory.extract.layout import Line
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


def test_gibberish_is_refused(monkeypatch):
    monkeypatch.setattr(pdf, "_read", lambda data: ([[Line("\ue001\ue002\ue003 words and more words " * 20)]], {}, "pdfium"))
    with pytest.raises(Refused) as caught:
        pdf.extract(b"")
    assert caught.value.reason == "gibberish"


def test_pypdf_stands_in_where_pdfium_gives_up(monkeypatch):
    import pypdfium2

    def fail(*_):
        raise pypdfium2.PdfiumError("Failed to load document (PDFium: Data format error).")

    monkeypatch.setattr(pypdfium2, "PdfDocument", fail)
    found = pdf.extract(LME4.read_bytes())
    assert found.extractor == "pypdf" and len(found.page_starts) == 21
    assert "generalized linear mixed models and nonlinear mixed models" in found.text
