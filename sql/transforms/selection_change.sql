-- One row per passage that is decided otherwise than before: of `incoming` where it is fit, else as its quality says.
INSERT OR REPLACE INTO selection BY NAME
WITH decided AS (
    SELECT
        incoming.passage_id,
        incoming.cluster,
        incoming.duplicate_of,
        incoming.score,
        incoming.selected,
        incoming.similarity
    FROM incoming
    UNION ALL
    SELECT
        passage_measures.passage_id,
        passage_measures.passage_id AS cluster,
        CAST(NULL AS VARCHAR) AS duplicate_of,
        passage_measures.score,
        FALSE AS selected,
        CAST(NULL AS DOUBLE) AS similarity
    FROM passage_measures
    WHERE passage_measures.reason <> ''
)

SELECT decided.*
FROM decided
LEFT JOIN selection ON decided.passage_id = selection.passage_id
WHERE
    selection.passage_id IS NULL
    OR selection.cluster IS DISTINCT FROM decided.cluster
    OR selection.duplicate_of IS DISTINCT FROM decided.duplicate_of
    OR selection.score IS DISTINCT FROM decided.score
    OR selection.selected IS DISTINCT FROM decided.selected
    OR selection.similarity IS DISTINCT FROM decided.similarity;
