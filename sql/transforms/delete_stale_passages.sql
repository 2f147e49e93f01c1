-- One row per passage whose document is gone, now a duplicate, another text, or to be cut anew; they go.
DELETE FROM passages
WHERE NOT EXISTS (
    SELECT 1
    FROM documents
    INNER JOIN passage_measures ON passages.passage_id = passage_measures.passage_id
    WHERE
        passages.document_key = documents.document_key
        AND passages.document_id = documents.document_id
        AND passages.settings_digest = SHA256(CONCAT_WS('/', $digest, documents.settings_digest, documents.extractor))
        AND documents.duplicate_of IS NULL
);
