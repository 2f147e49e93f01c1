-- One row per passage that its quality refuses: the rejection.
INSERT INTO rejections BY NAME
SELECT
    passage_measures.passage_id AS record_id,
    'passages' AS stage,
    passage_measures.reason,
    passage_measures.detail
FROM passage_measures
WHERE passage_measures.reason <> '';
