-- One row per document, no duplicate, that has no passages: its key, and the digest its passages are to carry.
SELECT
    documents.document_key,
    SHA256(CONCAT_WS('/', $digest, documents.settings_digest, documents.extractor)) AS settings_digest
FROM documents
WHERE
    documents.duplicate_of IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM passages
        WHERE passages.document_key = documents.document_key
    )
ORDER BY documents.document_key;
