-- One row: how many scores were given under another name than $graded_as,
-- and how many publishable tasks have none under it.
SELECT
    count(*) FILTER (WHERE quality.graded_as <> $graded_as) AS otherwise,
    count(*) FILTER (WHERE publishable.task_id IS NOT NULL AND quality.graded_as IS DISTINCT FROM $graded_as) AS missing
FROM publishable
FULL JOIN quality ON publishable.task_id = quality.task_id;
