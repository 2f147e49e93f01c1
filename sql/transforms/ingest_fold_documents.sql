-- One row per document of `incoming`, replacing the row of the same key. The same bytes keep their place among
-- duplicates; others are their own duplicate until ingest_mark_duplicates decides, so that nobody reads them before.
INSERT OR REPLACE INTO documents BY NAME
SELECT
    incoming.* REPLACE (
        CASE
            WHEN documents.document_id = incoming.document_id THEN documents.duplicate_of
            ELSE incoming.document_key
        END AS duplicate_of
    )
FROM incoming
LEFT JOIN documents ON incoming.document_key = documents.document_key;
