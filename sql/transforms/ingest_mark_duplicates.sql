-- One row per document whose duplicate_of changes: NULL for the one that stands for its bytes, its key for the others.
-- Who stood for them before stays, an older duplicate comes before a newcomer, then the first key decides.
UPDATE documents
SET duplicate_of = marked.duplicate_of
FROM (
    SELECT
        document_key,
        nullif(
            first(
                document_key ORDER BY
                    CASE
                        WHEN duplicate_of IS NULL THEN 0
                        WHEN duplicate_of <> document_key THEN 1
                        ELSE 2
                    END,
                    document_key
            ) OVER (PARTITION BY document_id),
            document_key
        ) AS duplicate_of
    FROM documents
) AS marked
WHERE
    documents.document_key = marked.document_key
    AND documents.duplicate_of IS DISTINCT FROM marked.duplicate_of;
