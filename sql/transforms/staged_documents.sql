-- One row per side: the documents with publishable tasks that `incoming` (document_key, split) puts on it.
SELECT
    incoming.split,
    count(DISTINCT publishable.document_key) AS documents
FROM publishable
INNER JOIN incoming ON publishable.document_key = incoming.document_key
GROUP BY incoming.split
ORDER BY incoming.split ASC;
