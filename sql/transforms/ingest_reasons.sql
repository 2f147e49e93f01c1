-- One row per reason for which entries of `incoming` were refused.
SELECT
    rejections.reason,
    count(*) AS documents
FROM incoming
INNER JOIN rejections ON incoming.document_key = rejections.record_id AND rejections.stage = 'ingest'
GROUP BY rejections.reason
ORDER BY rejections.reason;
