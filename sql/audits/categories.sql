-- One row per category of criterion in publishable tasks: criteria, tasks with one, mean weight, and its share of all
-- weight by size.
WITH criteria AS (
    SELECT
        publishable.task_id,
        unnest(publishable.rubric) AS criterion
    FROM publishable
),

whole AS (
    SELECT sum(abs(criteria.criterion.weight)) AS weight
    FROM criteria
)

SELECT
    criteria.criterion.category,
    count(*) AS criteria,
    count(DISTINCT criteria.task_id) AS tasks,
    avg(criteria.criterion.weight) AS mean_weight,
    sum(abs(criteria.criterion.weight)) / any_value(whole.weight) AS weight_share
FROM criteria
CROSS JOIN whole
GROUP BY criteria.criterion.category
ORDER BY criteria DESC, criteria.criterion.category ASC;
