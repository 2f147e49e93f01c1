-- One row per passage that its quality refuses: a cluster of its own, not selected.
INSERT INTO selection BY NAME
SELECT
    passage_measures.passage_id,
    passage_measures.passage_id AS cluster,
    CAST(NULL AS VARCHAR) AS duplicate_of,
    passage_measures.score,
    FALSE AS selected
FROM passage_measures
WHERE passage_measures.reason <> '';
