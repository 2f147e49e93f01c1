-- One row per cut document that is gone, a duplicate now, another text, to be cut anew, or whose files are lost;
-- they go.
DELETE FROM document_measures
WHERE
    shard IN (SELECT incoming.shard FROM incoming)
    OR NOT EXISTS (
        SELECT 1
        FROM documents
        WHERE
            documents.document_key = document_measures.document_key
            AND documents.document_id = document_measures.document_id
            AND document_measures.settings_digest
            = SHA256(CONCAT_WS('/', $digest, documents.settings_digest, documents.extractor))
            AND documents.duplicate_of IS NULL
    );
