-- One row per stage and reason: how many records were refused for it.
SELECT
    rejections.stage,
    rejections.reason,
    count(*) AS records
FROM rejections
GROUP BY rejections.stage, rejections.reason
ORDER BY rejections.stage ASC, records DESC, rejections.reason ASC;
