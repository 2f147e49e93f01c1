-- One row: the figures of the stage's report.
WITH sized AS (
    SELECT COUNT(*) AS size
    FROM selection
    GROUP BY selection.cluster
    HAVING COUNT(*) > 1
),

chosen AS (
    SELECT
        COUNT(*) AS selected,
        COUNT(DISTINCT passages.document_key) AS selected_documents
    FROM passages
    INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
),

refused AS (
    SELECT
        COUNT(*) FILTER (WHERE rejections.reason = 'exact_duplicate') AS exact_duplicates,
        COUNT(*) FILTER (WHERE rejections.reason = 'near_duplicate') AS near_duplicates,
        COUNT(*) FILTER (WHERE rejections.reason = 'contaminated') AS contaminated
    FROM rejections
    WHERE rejections.stage = 'passages'
)

SELECT
    (SELECT COUNT(*) FILTER (WHERE documents.duplicate_of IS NULL) FROM documents) AS documents,
    (SELECT COUNT(*) FROM passages) AS passages,
    (SELECT COUNT(*) FILTER (WHERE passage_measures.reason = '') FROM passage_measures) AS usable,
    refused.exact_duplicates,
    refused.near_duplicates,
    refused.contaminated,
    (
        SELECT COUNT(*) FILTER (WHERE document_clusters.cluster <> document_clusters.document_key)
        FROM document_clusters
    ) AS near_duplicate_documents,
    (SELECT COUNT(*) FROM sized) AS clusters,
    (SELECT COALESCE(MAX(sized.size), 0) FROM sized) AS largest_cluster,
    chosen.selected,
    chosen.selected_documents
FROM refused
CROSS JOIN chosen;
