"""Which of two near-duplicate passages is the older one, by what the latest published version says of them. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

# Smaller for the older. Where two published passages became near-duplicates the held-out side is kept, so that its tasks stay comparable.
# What represents a cluster stands before the rest of its document, so that publishing changes no selection of the same corpus.
_SIDES = {"test": 0, "validation": 1, "train": 2}
REPRESENTED, KNOWN, NEWCOMER = 3, 4, 5


@dataclass(frozen=True, slots=True)
class Elders:
    """published: passage_id -> split of each passage that the version asks about; clusters: passages that represent a cluster in it or
    in a version before; documents: keys of the documents that have a side. digest: of all that, '' for nothing."""

    published: Mapping[str, str] = field(default_factory=dict)
    clusters: Collection[str] = frozenset()
    documents: Collection[str] = frozenset()
    digest: str = ""

    def named(self) -> Iterator[tuple[int, list[str]]]:
        """(standing, passage_ids that have it), youngest first: a later one outranks an earlier one.

        The rest of a known document stands at KNOWN, all else at NEWCOMER.
        """
        yield REPRESENTED, sorted(self.clusters)
        for split, standing in sorted(_SIDES.items(), key=lambda item: -item[1]):
            yield standing, sorted(name for name, side in self.published.items() if side == split)


NOTHING_OLDER = Elders()
