"""What comes in: documents and their passages, and what was refused, whatever it is."""

from dataclasses import dataclass

from rubric_factory.records.base import content_id, require


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record refused by a stage: record_id is an id or key, reason a snake_case word, detail one human line with the figure."""

    record_id: str
    stage: str
    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        require(bool(self.record_id and self.stage and self.reason), "Rejection", "record_id, stage and reason are needed")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a document: start is its offset in the text, level 1 is the top."""

    start: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """One kept document. document_id = sha256 of its bytes; document_key = source name + '/' + relative path, URL or DOI.

    authors and subjects: separated by '; '. date: as its source or the document itself writes it. '' is unknown.
    """

    document_id: str
    document_key: str
    source: str
    source_uri: str
    media_type: str
    size_bytes: int
    text: str
    title: str = ""
    authors: str = ""
    date: str = ""
    doi: str = ""
    report_number: str = ""
    subjects: str = ""
    language: str = ""
    licence: str = ""
    genre: str = ""
    page_starts: tuple[int, ...] = ()
    sections: tuple[Section, ...] = ()
    extractor: str = ""

    def __post_init__(self) -> None:
        require(len(self.document_id) == 64, "Document", "document_id is a sha256 hex digest")
        require(self.document_key.startswith(self.source + "/"), "Document", "document_key starts with the source name")
        require(list(self.page_starts) == sorted(self.page_starts), "Document", "page_starts ascend")


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of one document: text == document.text[char_start:char_end]. Pages are 1-based, 0 without pages."""

    passage_id: str
    document_id: str
    document_key: str
    anchor: str
    section: str
    ordinal: int
    char_start: int
    char_end: int
    page_start: int
    page_end: int
    text: str

    def __post_init__(self) -> None:
        require(self.char_end - self.char_start == len(self.text) > 0, "Passage", "the span has the length of the text")
        require(self.page_start <= self.page_end, "Passage", "page_start <= page_end")

    @staticmethod
    def id_of(document_id: str, char_start: int, char_end: int, text: str) -> str:
        """Content id of a passage."""
        return content_id("passage", document_id, char_start, char_end, text)

    @property
    def passage_key(self) -> str:
        """Stable key: document_key + anchor (section path and ordinal in the section, or page and ordinal)."""
        return f"{self.document_key}#{self.anchor}"
