"""Arrow schemas of the published version (dataset contract): one a configuration, the same in every split."""

import pyarrow as pa

from rubric_factory.tables.tasks import CRITERION, MESSAGE, QUALITY

_S, _I = pa.string(), pa.int64()

# The published version (dataset contract): one schema a configuration, the same in every split. `policy` alone faces the policy.
SPLITS = ("train", "validation", "test")
PUBLISHED: dict[str, pa.Schema] = {
    "policy": pa.schema([("task_id", _S), ("prompt", pa.list_(MESSAGE))]),
    "tasks": pa.schema(
        [
            ("task_id", _S),
            ("task_key", _S),
            ("prompt", pa.list_(MESSAGE)),
            ("question", _S),
            ("question_type", _S),
            ("reference_answer", _S),
            ("rubric", pa.list_(CRITERION)),
            ("grounding_id", _S),
            ("document_id", _S),
            ("document_key", _S),
            ("source_uri", _S),
            ("licence", _S),
            ("genre", _S),
            ("section", _S),
            ("page_start", _I),
            ("page_end", _I),
            ("quality", QUALITY),
            ("author", _S),
            ("judge", _S),
            ("evidence_grade", _S),
        ]
    ),
    "grounding": pa.schema(
        [
            ("grounding_id", _S),
            ("document_id", _S),
            ("document_key", _S),
            ("text", _S),
            ("title", _S),
            ("source_uri", _S),
            ("page_start", _I),
            ("page_end", _I),
            ("char_start", _I),
            ("char_end", _I),
            ("licence", _S),
            ("sha256", _S),
        ]
    ),
}
