-- One row, if the item was listed since.
SELECT item
FROM listed
WHERE source = $source AND item = $item AND seen_at >= $since;
