"""Arrow schemas of what is read and cut: entries, documents, texts, passages, their measures, clusters and selection."""

import pyarrow as pa

_S, _I = pa.string(), pa.int64()

SECTION = pa.struct([("start", _I), ("level", _I), ("title", _S)])

# One row per document whose text was extracted; `text` lives in texts/<shard>.parquet only, not in the warehouse.
DOCUMENTS = pa.schema(
    [
        ("document_key", _S),
        ("document_id", _S),
        ("source", _S),
        ("source_uri", _S),
        ("media_type", _S),
        ("size_bytes", _I),
        ("title", _S),
        ("authors", _S),
        ("language", _S),
        ("licence", _S),
        ("genre", _S),
        ("page_count", _I),
        ("characters", _I),
        ("words", _I),
        ("removed_characters", _I),
        ("extractor", _S),
        ("settings_digest", _S),
        ("shard", _S),
        ("seconds", pa.float64()),
        # Key of the first document with the same bytes; empty for that one. Readers take the rows where it is empty.
        ("duplicate_of", _S),
        # What source or parser know of it besides; empty is unknown, null in rows of before there were such columns.
        ("date", _S),
        ("doi", _S),
        ("report_number", _S),
        ("subjects", _S),
    ]
)
TEXTS = pa.schema([*DOCUMENTS, ("text", _S), ("page_starts", pa.list_(_I)), ("sections", pa.list_(SECTION))])
# One row per entry seen at the last ingest of its source; same marker and digest: it is not opened again.
ENTRIES = pa.schema([("document_key", _S), ("source", _S), ("size_bytes", _I), ("settings_digest", _S), ("marker", _S)])
REJECTIONS = pa.schema([("record_id", _S), ("stage", _S), ("reason", _S), ("detail", _S)])
PASSAGES = pa.schema(
    [
        ("passage_id", _S),
        ("document_id", _S),
        ("document_key", _S),
        ("anchor", _S),
        ("section", _S),
        ("ordinal", _I),
        ("char_start", _I),
        ("char_end", _I),
        ("page_start", _I),
        ("page_end", _I),
        ("text", _S),
        ("words", _I),
        ("settings_digest", _S),
    ]
)
# One row per passage: what the text of its document says of it. reason is empty where the passage is fit; shingles_key: equal sets of
# shingles, equal keys, 0 for none; shard, shard_row: where signature and shingles lie, passages/<shard>/passages.prints.
PASSAGE_MEASURES = pa.schema(
    [
        ("passage_id", _S),
        ("document_key", _S),
        ("char_start", _I),
        ("score", pa.float64()),
        ("reason", _S),
        ("detail", _S),
        ("words_sha256", _S),
        ("shingles_key", _I),
        ("shard", _S),
        ("shard_row", _I),
    ]
)
# One row per document that was cut: from what, and where its signature and shingles lie, passages/<shard>/documents.prints.
DOCUMENT_MEASURES = pa.schema(
    [
        ("document_key", _S),
        ("document_id", _S),
        ("settings_digest", _S),
        ("passages", _I),
        ("shingles_key", _I),
        ("shard", _S),
        ("shard_row", _I),
    ]
)
# One row per document that was cut, where sections are withheld: its visible part as the author sees it, and how many passages are
# withheld; or why it has none (reason, '' where it has some).
WITHHELD_SECTIONS = pa.schema(
    [("document_key", _S), ("reason", _S), ("detail", _S), ("visible", _S), ("visible_words", _I), ("passages", _I)]
)
# One row per document that was cut: the document that represents its near-duplicates, and their Jaccard similarity (null for itself).
DOCUMENT_CLUSTERS = pa.schema([("document_key", _S), ("cluster", _S), ("similarity", pa.float64())])
# One row per passage: its near-duplicate cluster (id of the passage that represents it), whether tasks are asked of it, and its Jaccard
# similarity to what represents it (null for that one).
SELECTION = pa.schema(
    [
        ("passage_id", _S),
        ("cluster", _S),
        ("duplicate_of", _S),
        ("score", pa.float64()),
        ("selected", pa.bool_()),
        ("similarity", pa.float64()),
    ]
)
