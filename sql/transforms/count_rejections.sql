-- One row per reason for which one stage refuses records now.
SELECT
    rejections.reason,
    count(*) AS records
FROM rejections
WHERE rejections.stage = $stage
GROUP BY rejections.reason
ORDER BY rejections.reason;
