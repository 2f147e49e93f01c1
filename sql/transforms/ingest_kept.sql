-- One row: how many documents are kept.
SELECT count(*) AS documents
FROM documents
WHERE duplicate_of IS NULL;
