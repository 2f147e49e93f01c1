"""What a file is, told from its content; its name is never asked."""

import re
from enum import StrEnum

from rubric_factory.extract.result import Refused

_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|div|p|h[1-6]|table|article)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b|\s*<(?:svg|rss|feed)\b", re.IGNORECASE)
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_MAGIC = (
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\x7fELF", "ELF binary"),
    (b"%!PS", "PostScript"),
    (b"{\\rtf", "RTF"),
    (b"\xd0\xcf\x11\xe0", "old office file"),
    (b"AT&TFORM", "DjVu"),
)


_PACKED = (
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
# Names that come first in zip files which are one document: Office Open XML, OpenDocument and EPUB.
_OFFICE = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"docProps/")


class Kind(StrEnum):
    """Kinds with a parser; the value is the media type."""

    PDF = "application/pdf"
    HTML = "text/html"
    TEXT = "text/plain"


def encoding_of(data: bytes) -> str | None:
    """Encoding that a byte order mark names, or that NULs in every other byte betray; None without either."""
    if (named := next((name for mark, name in _BOMS if data.startswith(mark)), None)) is not None:
        return named
    even, odd = data[:2000:2], data[1:2000:2]
    if len(data) >= 8 and b"\x00" in data[:2000]:
        if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
            return "utf-16-le"
        if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
            return "utf-16-be"
    return None


def kind_of(data: bytes) -> Kind:
    """Kind of a whole file. Errors: Refused empty, unsupported, archive."""
    if not data.strip(b"\x00\t\n\r "):
        raise Refused("empty", f"{len(data)} bytes of nothing but blanks")
    if b"%PDF-" in data[:1024]:
        return Kind.PDF
    for magic, name in _MAGIC:
        if data.startswith(magic):
            raise Refused("unsupported", name)
    if (packed := _packed(data)) == "office":
        raise Refused("unsupported", "office file or e-book")
    if packed:
        raise Refused("archive", f'{packed}: what is packed is a source of its own, [[sources]] with type = "archive"')
    head = data[:65536]
    if encoding_of(data) not in (None, "utf-8-sig"):
        head = head.replace(b"\x00", b"")
    if b"\x00" in head:
        raise Refused("unsupported", "binary: NUL bytes in the first 64 KiB")
    controls = sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32)))
    if controls * 200 > len(head):
        raise Refused("unsupported", f"binary: {controls} control characters in the first {len(head)} bytes")
    opening = head[:4096]
    if _HTML.search(opening) and opening.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        return Kind.HTML
    if _XML.match(opening.removeprefix(b"\xef\xbb\xbf")):
        raise Refused("unsupported", "XML that is not HTML")
    return Kind.TEXT


def _packed(data: bytes) -> str:
    """What a file is packed with, "office" where that is how one document is stored; '' for none."""
    if data.startswith(b"PK\x03\x04") and data[30:].startswith(_OFFICE):
        return "office"
    if data[257:262] == b"ustar":
        return "tar"
    return next((name for magic, name in _PACKED if data.startswith(magic)), "")
