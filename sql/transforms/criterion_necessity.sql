-- One row per criterion of a gated task whose reference and weak answer have a verdict on it, from the stored table
-- $verdicts: the credit of each, how much the margin between the two loses without the criterion (null where no
-- positive weight is left), and whether it tells any two of the task's graded answers apart.
WITH credit AS (
    SELECT
        stored.task_id,
        stored.criterion_key,
        stored.category,
        stored.weight,
        split_part(stored.response_id, '/', 1) AS kind,
        stored.level / stored.max_level AS share
    FROM read_parquet($verdicts) AS stored
    SEMI JOIN gated ON stored.task_id = gated.task_id
    WHERE stored.level IS NOT NULL AND stored.criterion_key <> 'rating'
),

criteria AS (
    SELECT
        credit.task_id,
        credit.criterion_key,
        any_value(credit.category) AS category,
        any_value(credit.weight) AS weight,
        max(credit.share) FILTER (WHERE credit.kind = 'reference') AS reference_share,
        max(credit.share) FILTER (WHERE credit.kind = 'weak') AS weak_share,
        max(credit.share) > min(credit.share) AS separates
    FROM credit
    GROUP BY credit.task_id, credit.criterion_key
),

sums AS (
    SELECT
        criteria.*,
        criteria.weight * (criteria.reference_share - criteria.weak_share) AS own,
        sum(criteria.weight * (criteria.reference_share - criteria.weak_share)) OVER one_task AS whole,
        sum(greatest(criteria.weight, 0)) OVER one_task AS positive
    FROM criteria
    WHERE criteria.reference_share IS NOT NULL AND criteria.weak_share IS NOT NULL
    WINDOW one_task AS (PARTITION BY criteria.task_id)
)

SELECT
    sums.task_id,
    sums.criterion_key,
    sums.category,
    sums.weight,
    sums.reference_share,
    sums.weak_share,
    sums.whole / sums.positive
    - (sums.whole - sums.own) / nullif(sums.positive - greatest(sums.weight, 0), 0) AS margin_change,
    sums.separates
FROM sums
ORDER BY sums.task_id, sums.criterion_key;
