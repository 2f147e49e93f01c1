-- One row per reason for which documents were refused.
SELECT
    reason,
    count(*) AS documents
FROM rejections
WHERE stage = 'ingest'
GROUP BY reason
ORDER BY reason;
