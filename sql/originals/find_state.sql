-- One row per item, if it was asked for: what it is now.
SELECT
    fetches.id,
    fetches.url,
    fetches.final_url,
    fetches.sha256,
    fetches.size_bytes,
    fetches.etag,
    fetches.last_modified,
    fetches.reason,
    fetches.detail,
    checks.at,
    checks.again
FROM checks
INNER JOIN fetches ON checks.fetch_id = fetches.id
WHERE checks.source = $source AND checks.item = $item;
