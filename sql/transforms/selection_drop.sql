-- One row per passage that is no more; it goes.
DELETE FROM selection
WHERE NOT EXISTS (
    SELECT 1
    FROM passage_measures
    WHERE passage_measures.passage_id = selection.passage_id
);
