-- One row per licence: publishable tasks of the documents that `incoming` (document_key, split) puts on a side.
SELECT
    publishable.licence,
    count(*) AS tasks
FROM publishable
INNER JOIN incoming ON publishable.document_key = incoming.document_key
GROUP BY publishable.licence
ORDER BY publishable.licence ASC;
