-- One row per document of a cluster that lost a member; all of them are placed anew.
DELETE FROM document_clusters
WHERE
    document_clusters.cluster IN (
        SELECT lost.cluster
        FROM document_clusters AS lost
        WHERE NOT EXISTS (
            SELECT 1
            FROM document_measures
            WHERE document_measures.document_key = lost.document_key
        )
    );
