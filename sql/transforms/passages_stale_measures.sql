-- One row per measure whose document is to be cut anew; they go.
DELETE FROM passage_measures
WHERE NOT EXISTS (
    SELECT 1
    FROM document_measures
    WHERE document_measures.document_key = passage_measures.document_key
);
