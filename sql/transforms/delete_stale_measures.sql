-- One row per measure whose passage is gone; they go.
DELETE FROM passage_measures
WHERE NOT EXISTS (
    SELECT 1
    FROM passages
    WHERE passages.passage_id = passage_measures.passage_id
);
