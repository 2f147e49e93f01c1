-- One row per shard of texts that some document lies in.
SELECT DISTINCT shard
FROM documents
ORDER BY shard;
