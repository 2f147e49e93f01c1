"""The licence that a PDF's XMP packet names."""

import re
from html import unescape

from rubric_factory.extract import facts

# XMP packets stand uncompressed in the file, so that tools that know no PDF find them (ISO 16684-1). Read by pattern: no XML parser
# beside untrusted data for a few fields.
MAX_PACKET = 200_000  # bytes
_STATEMENTS = (
    re.compile(r"""cc:license\s+rdf:resource=["']([^"']{3,300})["']"""),
    re.compile(r"<cc:license>\s*([^<]{3,300})</cc:license>"),
    re.compile(r"<xmpRights:WebStatement>\s*([^<]{3,300})</xmpRights:WebStatement>"),
    re.compile(r"""xmpRights:WebStatement=["']([^"']{3,300})["']"""),
    re.compile(r"<(?:\w+:)?licen[cs]e[^>]{0,200}>\s*([^<]{3,300})<"),
    re.compile(r"<(?:xmpRights:UsageTerms|dc:rights)>.{0,200}?<rdf:li[^>]{0,100}>([^<]{3,300})</rdf:li>", re.DOTALL),
)


def licence_of(data: bytes) -> str:
    """SPDX id of the licence that the last XMP packet names; '' without one, and for one that has no id."""
    end = data.rfind(b"</x:xmpmeta>")
    start = data.rfind(b"<x:xmpmeta", 0, end) if end > 0 else -1
    if start < 0 or end - start > MAX_PACKET:
        return ""
    packet = data[start:end].decode("utf-8", "replace")
    named = (unescape(match[1]) for pattern in _STATEMENTS if (match := pattern.search(packet)))
    return next((identifier for statement in named if (identifier := facts.licence_of(statement))), "")
