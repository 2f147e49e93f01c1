"""What changed between two versions, by stable keys: a re-authored task is a change, not a removal and an addition."""

from dataclasses import dataclass

from rubric_factory.dataset_files import Row
from rubric_factory.dataset_version import task_rows
from rubric_factory.records import DatasetVersion
from rubric_factory.tables import SPLITS

# Columns whose change a person wants named; ids follow from them.
_COLUMNS = (
    "prompt",
    "question",
    "reference_answer",
    "grounding_id",
    "document_id",
    "licence",
    "quality",
    "author",
    "judge",
    "evidence_grade",
)


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Keys, sorted. changed: task_key -> columns that differ, the rubric as 'rubric:<criterion_key>'; moved: key -> (old, new split)."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, tuple[str, ...]]
    moved: dict[str, tuple[str, str]]
    documents_added: tuple[str, ...]
    documents_removed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether both versions hold the same tasks."""
        return not (self.added or self.removed or self.changed or self.moved)


def _tasks(version: DatasetVersion) -> dict[str, tuple[str, Row]]:
    return {row["task_key"]: (split, row) for split in SPLITS for row in task_rows(version, split)}


def _columns(old: Row, new: Row) -> tuple[str, ...]:
    found = [name for name in _COLUMNS if old[name] != new[name]]
    before, after = ({c["criterion_key"]: c for c in row["rubric"]} for row in (old, new))
    found += [f"rubric:{key}" for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    return tuple(found)


def diff(old: DatasetVersion, new: DatasetVersion) -> VersionDiff:
    """From old to new, matched on task_key and criterion_key. Errors: DatasetError where a version cannot be read."""
    before, after = _tasks(old), _tasks(new)
    both = sorted(before.keys() & after.keys())
    changed = {key: columns for key in both if (columns := _columns(before[key][1], after[key][1]))}
    documents_before, documents_after = ({row["document_key"] for _, row in side.values()} for side in (before, after))
    return VersionDiff(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=changed,
        moved={key: (before[key][0], after[key][0]) for key in both if before[key][0] != after[key][0]},
        documents_added=tuple(sorted(documents_after - documents_before)),
        documents_removed=tuple(sorted(documents_before - documents_after)),
    )
