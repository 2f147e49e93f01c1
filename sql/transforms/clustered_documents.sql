-- One row per cut document, in key order, with the cluster that was found before (null where it is not placed yet).
SELECT
    document_measures.document_key,
    document_measures.shingles_key,
    document_measures.shard,
    document_measures.shard_row,
    document_clusters.cluster
FROM document_measures
LEFT JOIN document_clusters ON document_measures.document_key = document_clusters.document_key
ORDER BY document_measures.document_key;
