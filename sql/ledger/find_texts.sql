-- One row per shared text of $digests (a JSON list).
SELECT
    digest,
    body
FROM texts
WHERE digest IN (SELECT value FROM JSON_EACH($digests));
