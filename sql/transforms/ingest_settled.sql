-- One row per entry of the last ingest, with the shard that holds its text (NULL for a refused one).
SELECT
    entries.document_key,
    entries.marker,
    entries.settings_digest,
    documents.shard
FROM entries
LEFT JOIN documents ON entries.document_key = documents.document_key
ORDER BY entries.document_key;
