-- One row per source, if it was ever asked.
SELECT
    started_at,
    finished
FROM rounds
WHERE source = $source;
