-- One row per change: what the item is from now on.
INSERT INTO fetches (
    "source", "item", "url", "final_url", "sha256", "size_bytes", "etag", "last_modified", "reason", "detail", "at"
)
VALUES (
    $source, $item, $url, $final_url, $sha256, $size_bytes, $etag, $last_modified, $reason, $detail, $at
);
