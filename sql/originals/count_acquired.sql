-- One row: items of the source whose bytes were had.
SELECT COUNT(*) AS items
FROM checks
INNER JOIN fetches ON checks.fetch_id = fetches.id
WHERE checks.source = $source AND fetches.sha256 <> '';
