"""Which side of the split a document is on: by document and near-duplicate cluster, and for ever. Pure.

A document stands on what names it: its key, its bytes, the clusters and the texts of all its usable passages, asked about or not, and the
earlier versions' texts that they are near-duplicates of. Whatever an earlier version put on a side stays there, so a document follows
the first of its names that has a side. A document whose names stand on two sides is dropped: newcomers that bridge two sides first,
then the train side of a merge, so that held-out tasks stay comparable.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rubric_factory.dataset_version import side_of_documents
from rubric_factory.records import Rejection

# Held-out sides settle first: on a merge across sides it is the train side that goes.
_PRECEDENCE = {"test": 0, "validation": 1, "train": 2}


@dataclass(frozen=True, slots=True)
class Member:
    """One document: passages are (cluster, sha256 of the text) of each usable passage, near the sha256s of the ancestors' texts that
    near-duplicates of these are."""

    document_key: str
    document_id: str
    passages: tuple[tuple[str, str], ...] = ()
    near: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Everything this document is known by, prefixed with its kind, sorted."""
        parts = {name for cluster, text in self.passages for name in (f"cluster:{cluster}", f"text:{text}")}
        return sorted({f"document:{self.document_key}", f"bytes:{self.document_id}"} | parts | {f"text:{text}" for text in self.near})


@dataclass(frozen=True, slots=True)
class Assignment:
    """side: document_key -> split of every document that may be published; dropped: the rest, with the reason."""

    side: dict[str, str]
    dropped: tuple[Rejection, ...]
    groups: dict[str, str] = field(default_factory=dict)


def hashed_side(name: str, seed: int, shares: Mapping[str, float]) -> str:
    """Side of a newcomer: sha256(seed, name) as a number in [0, 1) against the shares of test and validation; the rest is train."""
    number = int.from_bytes(hashlib.sha256(f"{seed}\n{name}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    if number < shares["test"]:
        return "test"
    return "validation" if number < shares["test"] + shares["validation"] else "train"


def remembered(splits: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    """name -> side from a parent's split assignment and from the passage texts that ancestors published (sha256 -> side)."""
    known = {f"text:{text}": split for text, split in {**splits.get("texts", {}), **texts}.items()}
    known |= {f"cluster:{cluster}": split for cluster, split in splits.get("clusters", {}).items()}
    for key, split in side_of_documents(dict(splits)).items():
        known[f"document:{key}"] = split
        known[f"bytes:{splits['documents'][key]['document_id']}"] = split
    return known


def _with_clusters(members: Iterable[Member], known: Mapping[str, str]) -> dict[str, str]:
    """Known sides, plus clusters whose texts all stand on one side: a newcomer to such a cluster is the later one."""
    sides: dict[str, set[str]] = {}
    for member in members:
        for cluster, text in member.passages:
            if f"text:{text}" in known:
                sides.setdefault(f"cluster:{cluster}", set()).add(known[f"text:{text}"])
    return {**{name: next(iter(found)) for name, found in sides.items() if len(found) == 1}, **known}


def _settle(members: list[Member], known: dict[str, str]) -> tuple[dict[str, str], list[Rejection], list[Member]]:
    """Give a side to all that stand on a known name, spreading through shared names until nothing changes; extends `known`."""
    side: dict[str, str] = {}
    dropped: list[Rejection] = []
    waiting = sorted(members, key=lambda m: (_PRECEDENCE.get(known.get(f"document:{m.document_key}", ""), 3), m.document_key))
    changed = True
    while changed:
        changed, still = False, []
        for member in waiting:
            found = sorted({known[name] for name in member.names if name in known})
            if not found:
                still.append(member)
                continue
            changed = True
            if len(found) > 1:
                detail = f"it stands on the sides {' and '.join(found)} at once, through near-duplicates or earlier versions"
                dropped.append(Rejection(member.document_key, "stage", "split_conflict", detail))
                continue
            side[member.document_key] = found[0]
            known.update(dict.fromkeys(member.names, found[0]))
        waiting = still
    return side, dropped, waiting


def components(members: Iterable[Member]) -> dict[str, str]:
    """document_key -> smallest document_key of its component; documents that share a name are in one component."""
    root: dict[str, str] = {}

    def find(key: str) -> str:
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    holder: dict[str, str] = {}
    for member in members:
        root.setdefault(member.document_key, member.document_key)
        for name in member.names:
            left, right = sorted((find(holder.setdefault(name, member.document_key)), find(member.document_key)))
            root[right] = left
    return {key: find(key) for key in root}


def assign(members: list[Member], known: Mapping[str, str], *, seed: int, shares: Mapping[str, float]) -> Assignment:
    """Side of every document; the order of members does not matter.

    known: name -> side, from `remembered`. shares: of test and validation, together below 1. No two documents of the result that share
    a name are on two sides, and none stands on a name that `known` puts on another side.
    """
    sides = _with_clusters(members, known)
    side, dropped, newcomers = _settle(members, sides)
    groups = components(newcomers)
    side |= {key: hashed_side(first, seed, shares) for key, first in groups.items()}
    return Assignment(dict(sorted(side.items())), tuple(sorted(dropped, key=lambda r: r.record_id)), groups)


def record(members: list[Member], assignment: Assignment, parent: Mapping[str, Any]) -> dict[str, Any]:
    """Split assignment for the manifest: {documents: {key: {split, document_id}}, clusters: {cluster: split}, texts: {sha256: split}}.

    texts: of every usable passage, asked about or not. Nothing is ever forgotten: entries of the parent stay, also of documents that
    are gone.
    """
    documents = dict(parent.get("documents", {}))
    clusters = dict(parent.get("clusters", {}))
    texts = dict(parent.get("texts", {}))
    for member in members:
        split = assignment.side.get(member.document_key)
        if split is None:
            continue
        documents[member.document_key] = {"split": split, "document_id": member.document_id}
        clusters |= {cluster: split for cluster, _ in member.passages}
        texts |= {text: split for _, text in member.passages}
    return {name: dict(sorted(found.items())) for name, found in (("documents", documents), ("clusters", clusters), ("texts", texts))}
