"""PDF to text: pdfium reads the lines with their geometry, pypdf stands in where pdfium gives up, layout.py makes paragraphs of them."""

import ctypes
import io
import logging
import re
from dataclasses import replace
from functools import cache
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract import furniture, layout
from rubric_factory.extract.layout import Line
from rubric_factory.extract.result import Extracted, Refused, join
from rubric_factory.text import squeeze

MIN_CHARACTERS_PER_PAGE = 25
MAX_UNREADABLE = 0.05
_MONOSPACED = re.compile(
    r"(?i)mono|courier|typewriter|consol|cmtt|cmsltt|cmitt|ectt|sftt|lmtt|fixed|tctt|rm-?lmtk|latt|txtt|inconsolata|bera.*mono"
)
_BOLD = re.compile(r"(?i)bold|black|heavy|demi|cmbx|sfbx|ecbx|cmssbx|lmbx|-?bx\d|medi\b|CMCSC|cmss\d")
_NO_TITLE = re.compile(r"(?i)^(untitled|microsoft word.*|.*\.(tex|dvi|doc|docx|pdf|ps|indd)|title|)$")


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
    pages, facts, extractor = _read(data)
    readable = sum(len(line.text) for page in pages for line in page)
    if readable < MIN_CHARACTERS_PER_PAGE * len(pages):
        raise Refused("ocr_needed", f"{readable} characters on {len(pages)} pages: no text layer")
    _check_readable(pages)
    pages = furniture.strip(pages)
    blocks, removed = layout.blocks_of(pages)
    text, page_starts, sections = join(blocks, len(pages))
    title = squeeze(facts.get("Title", ""))
    if _NO_TITLE.match(title):
        title = layout.title_of(pages)
    return Extracted(text, title, squeeze(facts.get("Author", "")), page_starts, sections, extractor, removed)


def _read(data: bytes) -> tuple[list[list[Line]], dict[str, str], str]:
    """Lines per page, the information dictionary and the name of the parser."""
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtraError.of("pypdfium2", "pipeline") from None
    try:
        document = pypdfium2.PdfDocument(data)
        try:
            if len(document):
                pages = [_pdfium_page(document, index) for index in range(len(document))]
                known: dict[str, str] = document.get_metadata_dict()
                return pages, {name: str(known.get(name, "")) for name in ("Title", "Author")}, "pdfium"
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused("encrypted", "opens only with a password") from None
    return (*_pypdf(data), "pypdf")


def _pypdf(data: bytes) -> tuple[list[list[Line]], dict[str, str]]:
    pypdf = _pypdf_tightened()
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("encrypted", "opens only with a password")
        texts = [page.extract_text() for page in reader.pages]
        facts: dict[str, Any] = dict(reader.metadata or {})
    except (pypdf.errors.PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise Refused("unparseable", f"neither pdfium nor pypdf reads it: {type(error).__name__}: {error}"[:300]) from None
    if not texts:
        raise Refused("unparseable", "a PDF without pages")
    pages = [[Line(text=line) for line in text.splitlines() if line.strip()] for text in texts]
    return pages, {name: str(facts.get(f"/{name}") or "") for name in ("Title", "Author")}


def _pdfium_page(document: Any, index: int) -> list[Line]:
    """Lines of one page in reading order, each with the geometry of its first and last character (points, origin bottom left)."""
    page = document[index]
    textpage = page.get_textpage()
    try:
        text, count = textpage.get_text_range(), textpage.count_chars()
        aligned = len(text) == count
        lines, offset = [], 0
        for raw in text.split("\r\n"):
            if raw.strip():
                first = offset + len(raw) - len(raw.lstrip())
                last = offset + len(raw.rstrip()) - 1
                bare = Line(text=raw.strip())
                lines.append(_measured(textpage, bare, first, last) if aligned else bare)
            offset += len(raw) + 2
        return lines
    finally:
        textpage.close()
        page.close()


def _measured(textpage: Any, line: Line, first: int, last: int) -> Line:
    import pypdfium2.raw as raw

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    edges = [ctypes.byref(value) for value in (left, right, bottom, top)]
    if not raw.FPDFText_GetCharBox(textpage, first, *edges):
        return line
    x0 = left.value
    if not raw.FPDFText_GetCharBox(textpage, last, *edges):
        return line
    x, y, y_end = (ctypes.c_double() for _ in range(3))
    raw.FPDFText_GetCharOrigin(textpage, first, ctypes.byref(x), ctypes.byref(y))
    raw.FPDFText_GetCharOrigin(textpage, last, ctypes.byref(x), ctypes.byref(y_end))
    middle = (first + last) // 2
    size = max(raw.FPDFText_GetFontSize(textpage, position) for position in (first, middle, last))
    fonts = [_font(raw, textpage, position) for position in (first, middle, last)]
    return replace(
        line,
        x0=x0,
        x1=right.value,
        y=y.value,
        y_end=y_end.value,
        size=round(size, 1),
        mono=sum(bool(_MONOSPACED.search(font)) for font in fonts) >= 2 and bool(_MONOSPACED.search(fonts[0])),
        bold=all(_BOLD.search(font) for font in fonts[1:]),
    )


def _font(raw: Any, textpage: Any, index: int) -> str:
    buffer = ctypes.create_string_buffer(128)
    length = raw.FPDFText_GetFontInfo(textpage, index, buffer, 128, ctypes.byref(ctypes.c_int()))
    return buffer.value.decode("utf-8", "replace") if 0 < length <= 128 else ""


def _check_readable(pages: list[list[Line]]) -> None:
    characters = [ch for page in pages for line in page for ch in line.text if not ch.isspace()]
    broken = sum(ch == "\ufffd" or "\ue000" <= ch <= "\uf8ff" or ch < " " for ch in characters)
    letters = sum(ch.isalnum() for ch in characters)
    if broken > MAX_UNREADABLE * len(characters) or letters < 0.4 * len(characters):
        raise Refused("gibberish", f"{broken} unmapped and {letters} alphanumeric of {len(characters)} characters")
