-- One row per item: as this listing names it.
INSERT INTO listed ("source", "item", "url", "metadata", "reason", "detail", "seen_at")
VALUES ($source, $item, $url, $metadata, $reason, $detail, $seen_at)
ON CONFLICT ("source", "item") DO UPDATE SET
    "url" = $url,
    "metadata" = $metadata,
    "reason" = $reason,
    "detail" = $detail,
    "seen_at" = $seen_at;
