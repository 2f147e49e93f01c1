-- One row per item of the source that was listed since, by item.
SELECT
    item,
    url,
    metadata,
    reason,
    detail
FROM listed
WHERE source = $source AND seen_at >= $since
ORDER BY item;
