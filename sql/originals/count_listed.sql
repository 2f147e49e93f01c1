-- One row: items of the source that a listing named since.
SELECT COUNT(*) AS items
FROM listed
WHERE source = $source AND seen_at >= $since;
