-- One row per source: how far its listing is now.
INSERT INTO listings (
    "source", "query", "started_at", "next_page", "records", "total", "pass", "idle", "complete", "valid_from"
)
VALUES (
    $source, $query, $started_at, $next_page, $records, $total, $pass, $idle, $complete, $valid_from
)
ON CONFLICT ("source") DO UPDATE SET
    "query" = $query,
    "started_at" = $started_at,
    "next_page" = $next_page,
    "records" = $records,
    "total" = $total,
    "pass" = $pass,
    "idle" = $idle,
    "complete" = $complete,
    "valid_from" = $valid_from;
