"""Which of two near-duplicate passages is the older one, by what the latest published version says of them. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

# Where two published passages became near-duplicates: the held-out side is kept, so that its tasks stay comparable.
_SIDES = {"test": 0, "validation": 1, "train": 2}
_REPRESENTED, _KNOWN, _NEWCOMER = 3, 4, 5


@dataclass(frozen=True, slots=True)
class Elders:
    """published: passage_id -> split of each passage that the version asks about; clusters: passages that represent a cluster in it or
    in a version before; documents: keys of the documents that have a side."""

    published: Mapping[str, str] = field(default_factory=dict)
    clusters: Collection[str] = frozenset()
    documents: Collection[str] = frozenset()

    def standing(self, passage_id: str, document_key: str) -> int:
        """Smaller for the older: asked about, then what represents a cluster, then any passage of a known document, then newcomers.

        What represents a cluster stands before the rest of its document, so that publishing changes no selection of the same corpus.
        """
        if passage_id in self.published:
            return _SIDES[self.published[passage_id]]
        if passage_id in self.clusters:
            return _REPRESENTED
        return _KNOWN if document_key in self.documents else _NEWCOMER


NOTHING_OLDER = Elders()
