"""PDF to text: pdfium reads, pypdf stands in where pdfium gives up; furniture.py and layout.py make paragraphs of what they read."""

import io
import logging
import re
from functools import cache
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract import facts, furniture, glyphs, layout, pdfium
from rubric_factory.extract.line import Line, Read
from rubric_factory.extract.mending import Mender
from rubric_factory.extract.pdf_facts import licence_of
from rubric_factory.extract.result import Extracted, Refused, join
from rubric_factory.text import squeeze

MIN_CHARACTERS_PER_PAGE = 25
MAX_UNREADABLE = 0.05
MIN_ALPHANUMERIC = 0.4
# Share of vowels among the letters of a Latin text: prose of any European language, code and formulae lie between.
VOWELS = (0.2, 0.6)
MIN_LETTERS = 1_000
_BROKEN = re.compile("[\ufffd\ue000-\uf8ff\x00-\x01\x03-\x08\x0e-\x1a]")
_BLANK = re.compile(r"\s+")
_NO_LETTER = re.compile(r"[\W_]+")
_NO_VOWEL = re.compile(r"[^aeiouyAEIOUYÀ-ÅÈ-ÏÒ-ÖÙ-Ýà-åè-ïò-öù-ýÿ]+")
_NOT_LATIN = re.compile(r"[^A-Za-zÀ-ÖØ-öø-ÿ]+")
_NO_TITLE = re.compile(
    r"(?i)^(untitled.*|microsoft (?:word|powerpoint).*|.*\.(?:tex|dvi|docx?|pdf|ps|indd|qxd|pptx?|rtf|odt)"
    r"|title|(?:slide|document|layout) ?\d*|)$"
)


@cache
def _pypdf_tightened() -> Any:
    """pypdf with limits that hold every known bomb to seconds. Errors: MissingExtraError."""
    try:
        import pypdf
    except ImportError:
        raise MissingExtraError.of("pypdf", "pipeline") from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    tight: dict[str, Any] = {
        "zlib_maximum_output_length": 30_000_000,
        "lzw_maximum_output_length": 30_000_000,
        "run_length_maximum_output_length": 30_000_000,
        "array_based_stream_maximum_output_length": 30_000_000,
        "stream_decoding_work_maximum_length": 60_000_000,
        "stream_parsing_work_maximum_count": 300_000,
        "xform_maximum_invocations_per_extraction": 200,
        "page_tree_maximum_entries": 20_000,
        "jbig2dec_binary": None,  # no parser starts another program
    }
    pypdf.apply_configuration(pypdf.Configuration(**tight))
    return pypdf


def extract(data: bytes) -> Extracted:
    """Text of a PDF. Errors: Refused encrypted, unparseable, ocr_needed, gibberish."""
    read = pdfium.read(data) or _pypdf(data)
    readable = sum(len(line.text) for page in read.pages for line in page)
    if readable < MIN_CHARACTERS_PER_PAGE * len(read.pages):
        raise Refused("ocr_needed", f"{readable} characters on {len(read.pages)} pages: no text layer")
    _check_readable(read.pages)
    pages = furniture.strip(read.pages)
    blocks, removed = layout.blocks_of(pages, read.outline)
    text, page_starts, sections = join(blocks, len(pages))
    return Extracted(
        text,
        _title(read, pages),
        squeeze(read.facts.get("Author", "")),
        page_starts,
        sections,
        read.extractor,
        removed,
        date=facts.iso_date(read.facts.get("CreationDate", "")),
        licence=licence_of(data),
    )


def _title(read: Read, pages: list[list[Line]]) -> str:
    """The title that the metadata tells, unless it is none or a file's name; then the largest type of the first page."""
    told = squeeze(read.facts.get("Title", ""))
    if _NO_TITLE.match(told):
        return _printed_title(pages)
    if " " not in told:
        first = squeeze(" ".join(line.text for page in read.pages[:1] for line in page)).casefold()
        if told.casefold() not in first:
            return _printed_title(pages) or told
    return told


def _printed_title(pages: list[list[Line]]) -> str:
    """Mended as the text is, without the mark of a footnote."""
    return Mender([]).line(layout.title_of(pages)).rstrip("*∗†‡ ")


def _pypdf(data: bytes) -> Read:
    pypdf = _pypdf_tightened()
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("encrypted", "opens only with a password")
        texts = [page.extract_text() for page in reader.pages]
        known: dict[str, Any] = dict(reader.metadata or {})
    except (pypdf.errors.PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise Refused("unparseable", f"neither pdfium nor pypdf reads it: {type(error).__name__}: {error}"[:300]) from None
    if not texts:
        raise Refused("unparseable", "a PDF without pages")
    pages = [[Line(text=line) for line in text.splitlines() if line.strip()] for text in texts]
    return Read(pages, {name: str(known.get(f"/{name}") or "") for name in pdfium.FACTS}, "pypdf")


def _check_readable(pages: list[list[Line]]) -> None:
    """Errors: Refused gibberish, with the figures: unmapped glyphs, letters and digits, vowels among Latin letters."""
    text = _BLANK.sub("", "".join(line.text for page in pages for line in page))
    shown, dropped = glyphs.spelt(text)
    broken = dropped + len(_BROKEN.findall(shown))
    letters = len(_NO_LETTER.sub("", shown))
    if broken > MAX_UNREADABLE * len(text) or letters < MIN_ALPHANUMERIC * len(text):
        raise Refused("gibberish", f"{broken} unmapped and {letters} alphanumeric of {len(text)} characters")
    latin = len(_NOT_LATIN.sub("", shown))
    if latin >= MIN_LETTERS and latin > 0.5 * letters:
        vowels = len(_NO_VOWEL.sub("", shown)) / latin
        if not VOWELS[0] <= vowels <= VOWELS[1]:
            raise Refused(
                "gibberish", f"{vowels:.0%} of {latin} Latin letters are vowels: no language, or a font that maps to other letters"
            )
