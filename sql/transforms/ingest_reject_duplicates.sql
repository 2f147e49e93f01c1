-- One row per document that repeats the bytes of another key.
INSERT OR REPLACE INTO rejections BY NAME
SELECT
    document_key AS record_id,
    'ingest' AS stage,
    'exact_duplicate' AS reason,
    'the same bytes as ' || duplicate_of AS detail
FROM documents
WHERE duplicate_of IS NOT NULL;
