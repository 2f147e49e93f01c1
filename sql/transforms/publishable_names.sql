-- One row per task that may be published: what tells one set of tasks from another.
SELECT
    publishable.task_id,
    publishable.genre
FROM publishable
ORDER BY publishable.task_id;
