-- One row per source with a search: how far its listing is.
SELECT
    listings.query,
    listings.started_at,
    listings.next_page,
    listings.records,
    listings.total,
    listings.pass,
    listings.idle,
    listings.complete,
    listings.valid_from
FROM listings
WHERE listings.source = $source;
