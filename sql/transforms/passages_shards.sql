-- One row per folder of prints that a passage or document refers to.
SELECT DISTINCT document_measures.shard
FROM document_measures
ORDER BY document_measures.shard;
