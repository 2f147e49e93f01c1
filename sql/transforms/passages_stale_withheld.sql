-- One row per document in two parts that was not cut, or is to be cut anew; they go.
DELETE FROM withheld_sections
WHERE NOT EXISTS (
    SELECT 1
    FROM document_measures
    WHERE document_measures.document_key = withheld_sections.document_key
);
