-- One row per passage whose document was not cut, or is to be cut anew; they go.
DELETE FROM passages
WHERE NOT EXISTS (
    SELECT 1
    FROM document_measures
    WHERE document_measures.document_key = passages.document_key
);
