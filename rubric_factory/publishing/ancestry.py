"""Passage texts that earlier versions published, and which texts are near-duplicates of them. Staging and the contracts ask the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rubric_factory.dataset_version import grounding
from rubric_factory.passages.dedupe import near_pairs
from rubric_factory.passages.shingles import shingle_hashes
from rubric_factory.records import DatasetVersion
from rubric_factory.settings.passages import PassageSettings


@dataclass(frozen=True, slots=True)
class Ancestry:
    """side: sha256 of a text -> split it was published on; texts: sha256 -> the text. One that two splits held counts as train."""

    side: Mapping[str, str]
    texts: Mapping[str, str]


def ancestry(chain: Iterable[DatasetVersion]) -> Ancestry:
    """Every passage text of a chain of versions. Errors: DatasetError where one cannot be read."""
    side: dict[str, str] = {}
    texts: dict[str, str] = {}
    for version in chain:
        for split in ("train", "validation", "test"):
            for row in grounding(version, split).values():
                texts[row["sha256"]] = row["text"]
                if split == "train" or side.get(row["sha256"]) != "train":
                    side[row["sha256"]] = split
    return Ancestry(side, texts)


def near_ancestors(texts: Mapping[str, str], known: Ancestry, settings: PassageSettings) -> dict[str, tuple[str, ...]]:
    """sha256 of each given text (sha256 -> text) that is near-duplicate of ancestors' texts -> their sha256s, sorted.

    Compared are whole texts, by the shingles and the similarity of the settings: a version holds too few passages of a document to tell
    its running heads.
    """
    if not texts or not known.texts:
        return {}
    new, old = sorted(texts), sorted(known.texts)
    sets = [shingle_hashes(texts[name], settings.shingle_words) for name in new]
    others = [shingle_hashes(known.texts[name], settings.shingle_words) for name in old]
    found: dict[str, tuple[str, ...]] = {}
    for at, other in near_pairs(sets, others, settings.near_duplicate_jaccard):
        found[new[at]] = (*found.get(new[at], ()), old[other])
    return found
