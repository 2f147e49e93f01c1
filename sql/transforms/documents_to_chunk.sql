-- One row per document, no duplicate, that is not cut: its key, its shard of texts, and the digest its passages carry.
SELECT
    documents.document_key,
    documents.shard,
    SHA256(CONCAT_WS('/', $digest, documents.settings_digest, documents.extractor)) AS settings_digest
FROM documents
WHERE
    documents.duplicate_of IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM document_measures
        WHERE document_measures.document_key = documents.document_key
    )
ORDER BY documents.document_key;
