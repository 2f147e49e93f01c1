-- One row per near-duplicate cluster of two or more passages: its passages, documents, and share of all passages.
WITH whole AS (
    SELECT count(*) AS passages
    FROM selection
)

SELECT
    selection.cluster,
    count(*) AS passages,
    count(DISTINCT passages.document_key) AS documents,
    count(*) / any_value(whole.passages) AS share
FROM selection
INNER JOIN passages ON selection.passage_id = passages.passage_id
CROSS JOIN whole
GROUP BY selection.cluster
HAVING count(*) > 1
ORDER BY passages DESC, selection.cluster ASC;
