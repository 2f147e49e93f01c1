"""pdfium's text of a PDF: lines with their geometry in the order of the page's stream, columns parted, the outline and metadata."""

import ctypes
import itertools
import re
from typing import Any

from rubric_factory.errors import MissingExtraError
from rubric_factory.extract import columns
from rubric_factory.extract.line import LINE_NUMBER, Bookmark, Line, Read
from rubric_factory.extract.result import Refused

_MONOSPACED = re.compile(
    r"(?i)mono|courier|typewriter|consol|cmtt|cmsltt|cmitt|ectt|sftt|sfst|sfit|lmtt|fixed|tctt|rm-?lmtk|latt|txtt|inconsolata|bera.*mono"
    r"|menlo|monaco|terminal|lettergothic|ocr-?b"
)
_BOLD = re.compile(r"(?i)bold|black|heavy|demi|cmbx|sfbx|ecbx|cmssbx|lmbx|-?bx\d|medi\b|CMCSC|cmss\d")
MAX_BOOKMARKS = 2_000
MAX_COORDINATE = 1e6
FACTS = ("Title", "Author", "CreationDate")


def read(data: bytes) -> Read | None:
    """A PDF as pdfium reads it; None where it gives up or finds no page. Errors: Refused encrypted, MissingExtraError."""
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtraError.of("pypdfium2", "pipeline") from None
    try:
        document = pypdfium2.PdfDocument(data)
        try:
            reader = _Reader()
            pages = [reader.page(document, index) for index in range(len(document))]
            known: dict[str, Any] = document.get_metadata_dict()
            return Read(pages, {name: str(known.get(name, "")) for name in FACTS}, "pdfium", _outline(document)) if pages else None
        finally:
            document.close()
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused("encrypted", "opens only with a password") from None
        return None


def _outline(document: Any) -> list[Bookmark]:
    found = []
    for entry in itertools.islice(document.get_toc(max_depth=6), MAX_BOOKMARKS):
        target = entry.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            found.append(Bookmark(page, entry.level + 1, entry.get_title()[:300]))
    return found


class _Reader:
    """Reads the pages of one document. The buffers that pdfium writes to are made once: a call with them costs a microsecond."""

    def __init__(self) -> None:
        import pypdfium2.raw as raw

        self._raw = raw
        self._edges = [ctypes.c_double() for _ in range(4)]
        self._edge_slots = [ctypes.byref(value) for value in self._edges]
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._origin_slots = ctypes.byref(self._x), ctypes.byref(self._y)
        self._matrix = raw.FS_MATRIX()
        self._matrix_slot = ctypes.byref(self._matrix)
        self._name = ctypes.create_string_buffer(128)
        self._flags_slot = ctypes.byref(ctypes.c_int())
        self._fonts: dict[bytes, tuple[bool, bool]] = {}
        self._size_before = 0.0

    def page(self, document: Any, index: int) -> list[Line]:
        """Lines of one page in reading order."""
        page = document[index]
        textpage = page.get_textpage()
        try:
            text = textpage.get_text_range()
            aligned = len(text) == textpage.count_chars()
            return self._lines(textpage.raw, text, aligned)
        finally:
            textpage.close()
            page.close()

    def _lines(self, textpage: Any, text: str, aligned: bool) -> list[Line]:
        """Each line of the text measured; where it is not aligned with pdfium's list of characters, positions are looked up."""
        position = None if aligned else self._raw.FPDFText_GetCharIndexFromTextIndex
        lines: list[Line] = []
        spans: list[tuple[int, int]] = []
        offset = 0
        for raw in text.split("\r\n"):
            bare = raw.strip()
            if bare:
                first = offset + len(raw) - len(raw.lstrip())
                last = first + len(bare) - 1
                if position:
                    first, last = position(textpage, first), position(textpage, last)
                lines.append(self._measured(textpage, bare, first, last))
                spans.append((first, last))
            offset += len(raw) + 2
        return self._in_columns(textpage, columns.upright(lines), dict(zip(map(id, lines), spans, strict=True)))

    def _measured(self, textpage: Any, text: str, first: int, last: int) -> Line:
        """The line with the places of its first and last character; without geometry where pdfium tells none."""
        raw, edges = self._raw, self._edges
        if not raw.FPDFText_GetCharOrigin(textpage, last, *self._origin_slots):
            return Line(text)
        y_end = self._y.value
        if not raw.FPDFText_GetCharBox(textpage, last, *self._edge_slots):
            return Line(text)
        x1 = edges[1].value
        if not raw.FPDFText_GetCharOrigin(textpage, first, *self._origin_slots):
            return Line(text)
        x0, y = self._x.value, self._y.value
        low, high = -MAX_COORDINATE, MAX_COORDINATE
        if not (low < x0 < high and low < x1 < high and low < y < high and low < y_end < high):  # NaN fails, too
            return Line(text)
        number = LINE_NUMBER.match(text)
        begin = first + (number.end() if number and last - first == len(text) - 1 else 0)
        middle = (begin + last) // 2
        if text[min(middle - first, len(text) - 1)] == " ":
            middle += 1  # a blank that pdfium made up has no font
        size, upright = self._size(textpage, middle)
        if size != self._size_before and first != middle:
            size = max(size, self._size(textpage, first)[0])  # the middle may be a subscript
        self._size_before = size
        mono, bold = self._font(textpage, middle)
        if mono or bold:  # as its last character is, and its first for code
            mono_last, bold_last = self._font(textpage, last)
            mono = mono and mono_last and self._font(textpage, begin)[0]
            bold = bold and bold_last
        return Line(text, x0, x1, y, y_end, size, mono, bold, upright)

    def _size(self, textpage: Any, index: int) -> tuple[float, bool]:
        """Type size in points as it is printed (a font of size 1 may be scaled by its matrix), and whether the text runs rightwards."""
        raw, matrix = self._raw, self._matrix
        size = raw.FPDFText_GetFontSize(textpage, index)
        if not raw.FPDFText_GetMatrix(textpage, index, self._matrix_slot):
            return round(size, 1), True
        scale = (matrix.c * matrix.c + matrix.d * matrix.d) ** 0.5
        scaled = size * scale
        return (round(scaled, 1) if 0.0 < scaled < 1000.0 else round(size, 1)), abs(matrix.b) <= 0.2 * abs(matrix.a)

    def _font(self, textpage: Any, index: int) -> tuple[bool, bool]:
        """Whether the character's font is monospaced, and bold."""
        length = self._raw.FPDFText_GetFontInfo(textpage, index, self._name, 128, self._flags_slot)
        name = self._name.value if 0 < length <= 128 else b""
        known = self._fonts.get(name)
        if known is None:
            shown = name.decode("utf-8", "replace")
            known = self._fonts[name] = bool(_MONOSPACED.search(shown)), bool(_BOLD.search(shown))
        return known

    def _in_columns(self, textpage: Any, lines: list[Line], spans: dict[int, tuple[int, int]]) -> list[Line]:
        """Lines in reading order; those that run across a gutter are cut in two there."""
        gutter = self._gutter(textpage, lines, spans)
        if gutter is None:
            return columns.ordered(lines)
        parted: list[Line] = []
        for line in lines:
            cut = self._cut(textpage, line, spans[id(line)], gutter) if line.x0 < gutter < line.x1 else 0
            if cut:
                first, last = spans[id(line)]
                halves = line.text[:cut].rstrip(), line.text[cut:].lstrip()
                start = first + len(line.text) - len(halves[1])
                parted.append(self._measured(textpage, halves[0], first, first + len(halves[0]) - 1))
                parted.append(self._measured(textpage, halves[1], start, last))
            else:
                parted.append(line)
        return columns.ordered(parted, gutter)

    def _gutter(self, textpage: Any, lines: list[Line], spans: dict[int, tuple[int, int]]) -> float | None:
        """The x of a gutter that full-width lines run across, asked of a sample of them: pdfium joins what stands on one height."""
        sample = columns.sample(lines)
        gaps: list[tuple[float, float]] = []
        for tried, line in enumerate(sample, start=1):
            gap = self._widest_gap(textpage, line, spans[id(line)])
            if gap:
                gaps.append(gap)
            if tried == 2 and not gaps:
                return None
        return columns.common_gutter(gaps, len(sample))

    def _widest_gap(self, textpage: Any, line: Line, span: tuple[int, int]) -> tuple[float, float] | None:
        """(left, right) of the widest blank in the middle half of a line; None if it is no wider than 1.2 ems."""
        best: tuple[float, float] | None = None
        count = len(line.text)
        if span[1] - span[0] != count - 1:
            return None
        for match in re.finditer(r" +", line.text[count // 4 : -(count // 4)]):
            start, end = span[0] + count // 4 + match.start(), span[0] + count // 4 + match.end()
            gap = self._blank(textpage, start - 1, end)
            if gap and gap[1] - gap[0] > max(1.2 * line.size, best[1] - best[0] if best else 0.0):
                best = gap
        return best

    def _blank(self, textpage: Any, before: int, after: int) -> tuple[float, float] | None:
        raw = self._raw
        if not raw.FPDFText_GetCharBox(textpage, before, *self._edge_slots):
            return None
        left = self._edges[1].value
        if not raw.FPDFText_GetCharOrigin(textpage, after, *self._origin_slots):
            return None
        return left, self._x.value

    def _cut(self, textpage: Any, line: Line, span: tuple[int, int], gutter: float) -> int:
        """Offset in the line's text of the blank that lies over the gutter; 0 without one (a line as wide as the page)."""
        if span[1] - span[0] != len(line.text) - 1:
            return 0
        for match in re.finditer(r" +", line.text):
            gap = self._blank(textpage, span[0] + match.start() - 1, span[0] + match.end())
            if gap and gap[0] <= gutter <= gap[1] and gap[1] - gap[0] > 0.8 * line.size:
                return match.start()
        return 0
