"""Arrow schemas of every table that is written to disk, and the codecs between records and rows.

A nested column is never inferred: each is spelt out here once, for the warehouse and for the published version alike.
"""

import pyarrow as pa

from rubric_factory.tables.codecs import (
    document_from_row,
    document_to_row,
    judgement_rows,
    passage_from_row,
    passage_to_row,
    rating_row,
    rejection_rows,
    task_from_row,
    task_to_row,
)
from rubric_factory.tables.corpus import (
    DOCUMENT_CLUSTERS,
    DOCUMENT_MEASURES,
    DOCUMENTS,
    ENTRIES,
    PASSAGE_MEASURES,
    PASSAGES,
    REJECTIONS,
    SELECTION,
    TEXTS,
    WITHHELD_SECTIONS,
)
from rubric_factory.tables.published import PUBLISHED, SPLITS
from rubric_factory.tables.tasks import AUTHORED, GATE_RESULTS, NECESSITY, QUALITY, RATING, SCORES, TASK_NOTES, TASKS, VERDICTS

__all__ = [
    "AUTHORED",
    "DOCUMENTS",
    "DOCUMENT_CLUSTERS",
    "DOCUMENT_MEASURES",
    "ENTRIES",
    "GATE_RESULTS",
    "NECESSITY",
    "PASSAGES",
    "PASSAGE_MEASURES",
    "PUBLISHED",
    "QUALITY",
    "RATING",
    "REJECTIONS",
    "SCORES",
    "SELECTION",
    "SPLITS",
    "TABLES",
    "TASKS",
    "TASK_NOTES",
    "TEXTS",
    "VERDICTS",
    "WITHHELD_SECTIONS",
    "document_from_row",
    "document_to_row",
    "judgement_rows",
    "passage_from_row",
    "passage_to_row",
    "rating_row",
    "rejection_rows",
    "task_from_row",
    "task_to_row",
]

# Every table of the warehouse with its key: what `Warehouse.fold` replaces by, and what is exported for `doctor --repair`.
TABLES: dict[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "entries": (ENTRIES, ("document_key",)),
    "documents": (DOCUMENTS, ("document_key",)),
    "rejections": (REJECTIONS, ("record_id", "stage")),
    "passages": (PASSAGES, ("passage_id",)),
    "passage_measures": (PASSAGE_MEASURES, ("passage_id",)),
    "document_measures": (DOCUMENT_MEASURES, ("document_key",)),
    "withheld_sections": (WITHHELD_SECTIONS, ("document_key",)),
    "document_clusters": (DOCUMENT_CLUSTERS, ("document_key",)),
    "selection": (SELECTION, ("passage_id",)),
    "authored": (AUTHORED, ("passage_id", "author")),
    "tasks": (TASKS, ("task_key",)),
    "task_notes": (TASK_NOTES, ("task_key",)),
    "gate_results": (GATE_RESULTS, ("task_id", "gate")),
    "quality": (SCORES, ("task_id",)),
    "necessity": (NECESSITY, ("task_id", "criterion_key")),
}
