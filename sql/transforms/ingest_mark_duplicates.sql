-- One row per document whose duplicate_of changes: the first key of the same bytes, NULL for that first one.
UPDATE documents
SET duplicate_of = firsts.duplicate_of
FROM (
    SELECT
        document_key,
        nullif(min(document_key) OVER (PARTITION BY document_id), document_key) AS duplicate_of
    FROM documents
) AS firsts
WHERE
    documents.document_key = firsts.document_key
    AND documents.duplicate_of IS DISTINCT FROM firsts.duplicate_of;
