-- One row per publishable task: its criteria, and the share of the positive weight that the heaviest one carries.
SELECT
    publishable.task_key,
    len(publishable.rubric) AS criteria,
    list_max([criterion.weight FOR criterion IN publishable.rubric]) / list_sum(
        [criterion.weight FOR criterion IN publishable.rubric IF criterion.weight > 0]
    ) AS top_share
FROM publishable
ORDER BY top_share DESC, publishable.task_key ASC;
