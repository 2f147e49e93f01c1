-- One row per reason for which this stage refused passages, with their number.
SELECT
    rejections.reason,
    COUNT(*) AS passages
FROM rejections
WHERE rejections.stage = 'passages'
GROUP BY rejections.reason
ORDER BY rejections.reason;
