-- One row per passage that is refused otherwise than before: for its quality, or by `incoming`.
INSERT OR REPLACE INTO rejections BY NAME
WITH refused AS (
    SELECT
        incoming.record_id,
        incoming.stage,
        incoming.reason,
        incoming.detail
    FROM incoming
    UNION ALL
    SELECT
        passage_measures.passage_id AS record_id,
        'passages' AS stage,
        passage_measures.reason,
        passage_measures.detail
    FROM passage_measures
    WHERE passage_measures.reason <> ''
)

SELECT refused.*
FROM refused
LEFT JOIN rejections ON refused.record_id = rejections.record_id AND refused.stage = rejections.stage
WHERE
    rejections.record_id IS NULL
    OR rejections.reason IS DISTINCT FROM refused.reason
    OR rejections.detail IS DISTINCT FROM refused.detail;
