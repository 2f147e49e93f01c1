-- One row per document whose cluster is another one than before.
INSERT OR REPLACE INTO document_clusters BY NAME
SELECT incoming.*
FROM incoming
LEFT JOIN document_clusters ON incoming.document_key = document_clusters.document_key
WHERE
    document_clusters.document_key IS NULL
    OR document_clusters.cluster IS DISTINCT FROM incoming.cluster
    OR document_clusters.similarity IS DISTINCT FROM incoming.similarity;
